"""Compares our exporters with the standard ones that are installed.

    python -m tests.live.compat [--out docs/compat.md]

Without `--out` the page is printed; what does not agree is printed in any case. Exit 1 when less than 95 % of the names of one
are ours, or a value does not agree, or a program is not installed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.live.compat import node, postgres, redis
from tests.live.compat.compare import compare, share, wrong
from tests.live.compat.page import HEAD, part

PEERS = (node.PEER, postgres.PEER, redis.PEER)
LEAST = 0.95


def main() -> int:
    """The page, and whether all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if lacking := [peer.command for peer in PEERS if not peer.program]:
        print(f"compat: {', '.join(lacking)}: not installed: apt-get install it", file=sys.stderr)
        return 1
    parts, good = [HEAD], True
    for peer in PEERS:
        rows = compare(peer)
        parts.append(part(peer, rows))
        good = good and share(rows) >= LEAST and not wrong(rows)
        print(*wrong(rows), sep="\n", file=sys.stderr)
    page = "\n".join(parts)
    if options.out:
        options.out.write_text(page, encoding="utf-8")
    else:
        print(page)
    return int(not good)


if __name__ == "__main__":
    raise SystemExit(main())
