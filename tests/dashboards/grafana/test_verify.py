"""Every target is asked in a scratch folder, which goes again whatever happens (against a stand-in: see standin.py)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboards.grafana import __main__ as command
from dashboards.grafana.targets import has_data
from settings.paths import CLONE
from tests.dashboards.grafana.boards import GOOD, board, panel
from tests.dashboards.grafana.standin import TOKEN, StandIn
from tests.waiting import until


@pytest.fixture
def run(
    grafana: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """The command on some panels: its exit code and both outputs."""
    monkeypatch.setenv("GRAFANA_ENDPOINT", grafana.url)
    monkeypatch.setenv("GRAFANA_API_KEY", TOKEN)
    monkeypatch.setenv("WATCHFLOOR_SITE", str(tmp_path / "site.yaml"))
    (tmp_path / "site.yaml").write_text("{}")

    def done(*panels: dict[str, Any]) -> tuple[int, str, str]:
        (tmp_path / "small.json").write_text(json.dumps(board(*panels)))
        code = command.main(["verify", "--over", "1m", "--boards", str(tmp_path)])
        said = capsys.readouterr()
        assert TOKEN not in said.out + said.err
        return code, said.out, said.err

    return done


def test_a_dashboard_whose_targets_have_data_passes_and_leaves_nothing(
    grafana: StandIn, run: Callable[..., tuple[int, str, str]]
) -> None:
    theirs = {"id": 1, "uid": "theirs", "title": "Theirs"}
    grafana.folders["theirs"] = dict(theirs)
    code, out, _ = run(*GOOD)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("Grafana 13.1.0 at http://127.0.0.1:")
    assert lines[2].split() == ["Small", "3", "2", "1", "0", "0"]
    assert lines[3].split() == ["all", "3", "2", "1", "0", "0"]
    assert (grafana.folders, grafana.boards) == ({"theirs": theirs}, {})


def test_what_has_no_data_or_fails_is_named(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run(
        panel(1, "Both", 'up{job=~"$job"}', 'up{job="not this one"}'),
        panel(2, "No numbers", "0 * vector(1) / 0", instant=True),
        panel(3, "Broken", "rate(up)"),
    )
    assert code == 1
    assert out.splitlines()[2].split() == ["Small", "4", "1", "0", "2", "1"]
    assert "empty: Small: Both B: no series" in out
    assert "empty: Small: No numbers A" in out
    assert "failed: Small: Broken A: bad_data" in out


def test_the_folder_goes_when_grafana_refuses_in_the_middle(grafana: StandIn, run: Callable[..., tuple[int, str, str]]) -> None:
    real = grafana.prometheus
    grafana.prometheus = "http://127.0.0.1:1"
    code, _, told = run(*GOOD)
    grafana.prometheus = real
    assert code == 1
    assert told
    assert (grafana.folders, grafana.boards) == ({}, {})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_folder_goes_when_it_is_interrupted(grafana: StandIn, tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "site.yaml").write_text("{}")
    (tmp_path / "small.json").write_text(json.dumps(board(*GOOD)))
    grafana.never_answers = True
    known = {"GRAFANA_ENDPOINT": grafana.url, "GRAFANA_API_KEY": TOKEN, "WATCHFLOOR_SITE": str(tmp_path / "site.yaml")}
    # Whoever starts the tests in the background makes them deaf to Ctrl-C, and what they start, too.
    words = ["env", "--default-signal=INT", sys.executable, "-m", "dashboards.grafana", "verify", "--boards", str(tmp_path)]
    process = subprocess.Popen(words, env=os.environ | known, cwd=CLONE, stderr=subprocess.PIPE, text=True)
    try:
        until("a query is asked", lambda: grafana.asked > 0, 20)
        assert grafana.folders
        assert TOKEN not in Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8")
        process.send_signal(number)
        _, told = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "interrupted: the scratch folder is removed" in told
    assert (grafana.folders, grafana.boards) == ({}, {})


def test_make_hands_the_token_on_without_naming_it() -> None:
    """Of what make starts, no process has the token among its arguments: it goes by the environment."""
    words = ["make", "--dry-run", "verify-grafana", "URL=http://127.0.0.1:1", "TOKEN=glsa_private", "PYTHON=python3"]
    shown = subprocess.run(words, cwd=CLONE, capture_output=True, text=True, check=True).stdout
    assert "dashboards.grafana verify" in shown
    assert "glsa_private" not in shown
    words = ["make", "-s", "verify-grafana", "URL=http://127.0.0.1:1", "TOKEN=glsa_private", "SETUP=env #"]
    handed = subprocess.run(words, cwd=CLONE, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {"GRAFANA_ENDPOINT=http://127.0.0.1:1", "GRAFANA_API_KEY=glsa_private"} <= set(handed)


def test_numbers_that_json_cannot_hold() -> None:
    def frame(values: list[float | None], **entities: list[int]) -> list[dict[str, Any]]:
        fields = [{"type": "time"}, {"type": "number"}]
        return [{"schema": {"fields": fields}, "data": {"values": [[1], values], "entities": [None, entities]}}]

    assert has_data(frame([1.0]))
    assert has_data(frame([None], Inf=[0]))
    assert not has_data(frame([None], NaN=[0]))
    assert not has_data(frame([]))
    assert not has_data([])
