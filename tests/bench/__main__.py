"""The command behind `make bench`: every measurement, or the named one, with its options."""

import pkgutil
import runpy
import subprocess
import sys
from pathlib import Path

from metrics.process import version

NAMES = sorted(
    found.name
    for found in pkgutil.iter_modules([str(Path(__file__).parent)])
    if found.name
    not in (
        "__main__",
        "contest",
        "five",
        "http_servers",
        "instructions",
        "openloop",
        "peers",
        "preview_data",
        "stats",
        "verdicts",
    )
)

if __name__ == "__main__":
    wanted = sys.argv[1:]
    if wanted == ["--version"]:
        print(f"watchfloor {version()}")
        sys.exit(0)
    if not wanted:
        codes = [subprocess.run([sys.executable, "-m", "tests.bench", name], check=False).returncode for name in NAMES]
        sys.exit(max(codes))
    if wanted[0] not in NAMES:
        print(f"{wanted[0]}: is no measurement: known are {', '.join(NAMES)}", file=sys.stderr)
        sys.exit(2)
    print(f"== {wanted[0]}", flush=True)
    sys.argv = wanted
    runpy.run_module(f"tests.bench.{wanted[0]}", run_name="__main__")
