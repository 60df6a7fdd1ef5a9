"""What is missing is told; what may not be installed is listed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from compose.packages import RUNTIME, TESTS, Package, missing
from settings.paths import CLONE

NOBODY = 65534
SCRIPT = """
from compose.packages import Package, install
install([Package("first-missing"), Package("second-missing")])
"""


def test_a_package_is_present_by_what_it_brings() -> None:
    assert Package("a", commands=("no-such-command", "sh")).present()
    assert not Package("a", commands=("no-such-command",)).present()
    assert not Package("a", files=("/etc/passwd", "/no/such/file")).present()
    assert not Package("a", modules=("no_such_module",)).present()
    assert Package("a", libraries=("libc.so.6",)).present()
    assert not Package("a", libraries=("libnone.so.9",)).present()


def test_all_that_the_tests_need_is_here() -> None:
    assert missing(RUNTIME + TESTS) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_without_rights_the_packages_are_listed() -> None:
    # A PATH on which apt-get is, and no sudo: an ordinary user of a machine that somebody else keeps.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "apt-get").symlink_to("/usr/bin/apt-get")
        done = _install_as_nobody(folder)
    assert done.returncode == 1
    assert "packages are missing: first-missing, second-missing: you are neither root nor may you use sudo" in done.stderr
    assert "apt-get install --no-install-recommends first-missing second-missing" in done.stderr


def _install_as_nobody(path: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", SCRIPT]
    return subprocess.run(
        ["/usr/bin/setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *words],
        env={"PATH": path, "PYTHONPATH": str(CLONE)},
        cwd=CLONE,
        capture_output=True,
        text=True,
        check=False,
    )
