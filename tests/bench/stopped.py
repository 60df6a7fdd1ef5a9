"""The API's load test while the stream's process stands still for some seconds: how long until its answers are good again.

    python -m tests.bench stopped                 8 s, at 5,000 requests a second of 1,000 users, three times
    python -m tests.bench stopped --seconds 3 --rate 2000 --runs 1

Good: 99 % of a second's requests answered within 500 ms, three seconds in a row.
"""

from __future__ import annotations

import argparse

from tests.appliance import Appliance
from tests.load import run
from tests.load.recovery import stopped

_PATIENCE = 60.0  # seconds after which it counts as not recovered


def main() -> None:
    """Prints a line for each run."""
    parser = argparse.ArgumentParser(prog="stopped", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rate", type=float, default=5000)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with Appliance(factor=0.2, settings=run.SETTINGS) as appliance:
        run.ready(appliance)
        for _ in range(options.runs):
            found, seen = stopped(
                appliance, rate=options.rate, users=options.users, seconds=options.seconds, patience=_PATIENCE
            )  # fmt: skip
            asked = seen.asked.total()
            told = f"well again after {found:.1f} s" if found is not None else f"not well within {_PATIENCE:g} s"
            print(f"stopped for {options.seconds:g} s: {told}; of {asked:,} requests {seen.refused:,} refused", flush=True)


if __name__ == "__main__":
    main()
