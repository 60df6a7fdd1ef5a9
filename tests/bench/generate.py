"""How long `make generate` takes: everything generated anew into an empty folder, the interpreter's start and
the look at what is installed included, as the Makefile runs it.

python -m tests.bench.generate [--times 10]
"""

from __future__ import annotations

import argparse
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from settings.paths import CLONE

LIMIT = 3.0  # seconds
RECIPE = (sys.executable, "-m", "compose.bootstrap", "--tests", "-m", "tests.generate")


def main() -> int:
    """Prints median and longest wall time; exit 1 when the median is above the limit, or generating fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    taken = []
    for _ in range(options.times):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(CLONE / "docs" / "runbooks", Path(folder) / "docs" / "runbooks")
            begin = time.monotonic()
            done = subprocess.run([*RECIPE, folder], cwd=CLONE, check=False)
            taken.append(time.monotonic() - begin)
        if done.returncode:
            return 1
    print(f"generate: median {statistics.median(taken):.2f} s, longest {max(taken):.2f} s, n = {len(taken)}; ", end="")
    print(f"at most {LIMIT:g} s; Python {platform.python_version()}")
    return int(statistics.median(taken) > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
