"""Every command of the product tells its version."""

import runpy
import sys

import pytest

from metrics.process import version
from settings.paths import CLONE

ROOMS = ("alerts", "compose", "dashboards", "exporters", "metrics", "settings", "stream")
MAINS = [file for room in ROOMS for file in (CLONE / room).rglob("__main__.py")]
COMMANDS = sorted(".".join(file.parent.relative_to(CLONE).parts) for file in MAINS)


@pytest.mark.parametrize("command", [*COMMANDS, "compose.watcher", "stream.client"])
def test_it_tells_its_version(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", [command, "--version"])
    monkeypatch.delitem(sys.modules, f"{command}.__main__", raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(command, run_name="__main__")
    assert not ended.value.code
    assert version() in capsys.readouterr().out
