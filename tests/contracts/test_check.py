"""What `make check` asks is asked by `make test` too: lint, format, types."""

import subprocess

import pytest

from settings.paths import CLONE
from tests.check import BIN, CHECKS


@pytest.mark.parametrize("check", [check for check in CHECKS if check[0] != "lint-imports"], ids=" ".join)
def test_nothing_complains(check: list[str]) -> None:
    name, *words = check
    done = subprocess.run([str(BIN / name), *words], cwd=CLONE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
