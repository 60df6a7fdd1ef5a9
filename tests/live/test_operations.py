"""Every command of docs/guides/operations.md, in the guide's order, on an appliance of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from settings.paths import CLONE
from tests.appliance import Appliance
from tests.guides import commands, recipe

COMMANDS = commands("operations.md")
# What each says that shows that it did what the guide tells.
SAYS = {
    "up": "ready after", "status": "prometheus", "logs": "", "service": "systemctl enable --now", "doctor": "disk",
    "reload": "nothing has changed", "backup": "made: ", "restore": "restored ", "down": "stopped", "clean": "removed",
}  # fmt: skip


def test_the_guides_commands_do_what_it_says() -> None:
    assert [command.split()[1] for command in COMMANDS] == list(SAYS)
    appliance = Appliance(factor=0.1, settings={"workload": False})
    try:
        for command in COMMANDS:
            words = [sys.executable, *recipe(command), "--home", str(appliance.home), "--site", str(appliance.site_file)]
            done = subprocess.run(words, cwd=CLONE, env=os.environ, capture_output=True, text=True, timeout=180, check=False)
            # On a machine that lacks something, doctor's exit code says so.
            assert done.returncode == 0 or "doctor" in words, f"{command}: {done.stdout}{done.stderr}"
            assert SAYS[command.split()[1]] in done.stdout, command
        assert not appliance.paths.data.exists()
        assert len(list((appliance.paths.backups / "files").glob("*Z"))) == 1, "backups stay"
    finally:
        appliance.__exit__(None, None, None)
