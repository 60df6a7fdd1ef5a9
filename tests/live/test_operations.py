"""Every command of docs/guides/operations.md and upgrade.md, in the guides' order, on an appliance of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from settings.paths import CLONE
from tests.appliance import Appliance
from tests.guides import commands, recipe

COMMANDS = commands("operations.md")
# All but the one of git's, which brings the new version.
UPGRADE = [command for command in commands("upgrade.md") if command != "git pull"]
# What each says that shows that it did what the guide tells.
SAYS = {
    "up": "ready after", "status": "prometheus", "logs": "", "service": "systemctl enable --now", "doctor": "disk",
    "reload": "nothing has changed", "backup": "made: ", "restore": "restored ", "down": "stopped", "clean": "removed",
}  # fmt: skip


def test_the_guides_commands_do_what_it_says() -> None:
    assert [command.split()[1] for command in COMMANDS] == list(SAYS)
    assert [command.split()[1] for command in UPGRADE] == ["backup", "up", "doctor"]
    appliance = Appliance(factor=0.1, settings={"workload": False})
    try:
        upgraded = SAYS | {"up": "nothing was changed"}  # there is no newer version than this one
        says = [(command, SAYS) for command in COMMANDS]
        says[2:2] = [(command, upgraded) for command in UPGRADE]
        for command, told in says:
            words = [sys.executable, *recipe(command), "--home", str(appliance.home), "--site", str(appliance.site_file)]
            done = subprocess.run(words, cwd=CLONE, env=os.environ, capture_output=True, text=True, timeout=180, check=False)
            # On a machine that lacks something, doctor's exit code says so.
            assert done.returncode == 0 or "doctor" in words, f"{command}: {done.stdout}{done.stderr}"
            assert told[command.split()[1]] in done.stdout, f"{command}: {done.stdout}"
        assert not appliance.paths.data.exists()
        assert len(list((appliance.paths.backups / "files").glob("*Z"))) == 2, "backups stay"
    finally:
        appliance.__exit__(None, None, None)
