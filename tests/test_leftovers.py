"""What a killed run leaves is known by its mark, and taken back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import leftovers

_MADE = "from tests.leftovers import mark; print(mark(), end='')"


def gone() -> str:
    """The mark of a process that is no more."""
    return subprocess.run([sys.executable, "-c", _MADE], capture_output=True, text=True, check=True).stdout


def test_what_runs_is_left_alone_and_what_is_not_ours_too() -> None:
    assert leftovers.is_left(gone())
    assert not leftovers.is_left(leftovers.mark())
    assert not leftovers.is_left("-A OUTPUT -j ACCEPT")


def test_a_rule_is_taken_back_as_the_kernel_shows_it() -> None:
    rule = f'-A OUTPUT -d 127.0.0.1/32 -p tcp -m comment --comment "{gone()}" -m tcp --dport 5432 -j REDIRECT --to-ports 6000'
    words = leftovers.removal("nat", rule)
    assert words[:7] == ["iptables", "-w", "10", "-t", "nat", "-D", "OUTPUT"]
    assert '"' not in "".join(words)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts take root")
def test_a_disk_that_is_left_is_unmounted(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", gone(), str(tmp_path)], check=True)
    assert f"the small disk at {tmp_path}" in list(leftovers.disks())
    assert not os.path.ismount(tmp_path)
