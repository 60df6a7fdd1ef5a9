"""From the first bad sample to the inbox: real faults, 20 times, against what the table of times allows.

python -m tests.bench.detection [--times 20] [--factor 0.1] [--alert CriticalCPUUsage]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

from tests.appliance import Appliance
from tests.drills.catalogue import find, settings
from tests.drills.run import run


def main() -> int:
    """Prints median, p95 and the allowance; exit 1 when the p95 is above it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--factor", type=float, default=0.1)
    parser.add_argument("--alert", default="CriticalCPUUsage")
    options = parser.parse_args()
    listed = json.loads(subprocess.check_output([sys.executable, "-m", "alerts", "list", "--json"], text=True))
    declared = {alert["name"]: alert for alert in listed}
    drill = find(options.alert)
    assert drill, f"{options.alert} has no drill"
    with Appliance(factor=options.factor, settings=settings()) as appliance:
        results = [run(appliance, [drill], declared)[0] for _ in range(options.times)]
    taken = sorted(result.delivery for result in results)
    p95 = statistics.quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else taken[0]
    print(f"{options.alert}, factor {options.factor:g}, n = {len(taken)}: first bad sample to inbox median", end=" ")
    print(f"{statistics.median(taken):.1f} s, p95 {p95:.1f} s, longest {taken[-1]:.1f} s; at most {results[0].budget:.1f} s")
    return int(p95 > results[0].budget)


if __name__ == "__main__":
    raise SystemExit(main())
