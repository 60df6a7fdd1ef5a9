"""How long a start takes when all is installed: `make up` after `make down`, 20 times, until every service is healthy.

python -m tests.bench.up [--times 20]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from settings.paths import CLONE
from tests.appliance import Appliance
from tests.bench.stats import bootstrap

LIMIT = 15.0


def main() -> int:
    """Prints median, interval and the longest; exit 1 when the longest is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    appliance = Appliance(factor=1)
    where = ["--home", str(appliance.home), "--site", str(appliance.site_file)]
    seconds = []
    try:
        for _ in range(options.times + 1):
            began = time.monotonic()
            subprocess.run(
                ["/usr/bin/env", "python3", "-m", "compose.bootstrap"], cwd=CLONE, check=True, stdout=subprocess.DEVNULL
            )
            subprocess.run([sys.executable, "-m", "compose", "up", *where], cwd=CLONE, check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.monotonic() - began)
            subprocess.run([sys.executable, "-m", "compose", "down", *where], cwd=CLONE, check=True, stdout=subprocess.DEVNULL)
    finally:
        appliance.__exit__(None, None, None)
    first, *later = seconds
    typical = bootstrap(later)
    print(f"first start {first:.1f} s; later ones {typical} s, longest {max(later):.1f} s, n = {len(later)}; at most {LIMIT:g} s")
    return int(max(later) > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
