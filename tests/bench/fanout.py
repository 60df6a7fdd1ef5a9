"""Fan-out to WebSocket clients: the full product path against its peers, on one core, the clients on another.

    python -m tests.bench fanout [--pairs 20] [--only NAME] [--node-modules DIR] [--socketify PYTHON] [--uvloop]

CPU per delivery of 200-byte messages to 1,000 clients, one in flight and 16 in flight, pair by pair; latency and CPU share
when paced; memory per client; what 100 distinct filters cost; what the instruments cost. A peer that is not installed is
named and left out. Exit 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from compose.terminal import console
from tests.bench.contest import PEERS, SUBSCRIBE, Contestant, build, python
from tests.bench.stats import alternate, bootstrap, ratios

CLIENTS = 1_000
# (peer, messages in flight, the most that ours may cost compared with it)
LIMITS = {
    ("C, bare send()", 1): 1.5,
    ("websockets.broadcast", 1): 0.8,
    ("aiohttp send_str loop", 1): 0.65,
    ("Node ws", 1): 0.0,
    ("C, coalescing", 16): 1 / 0.6,
    ("uWebSockets (socketify)", 16): 1.0,
    ("websockets.broadcast", 16): 1 / 15,
}
# messages a second -> (p50 ms, p99 ms, share of a core); None: all delivered is enough
PACES: dict[int, tuple[float, float, float] | None] = {50: (8, 15, 1), 200: (20, 40, 0.9), 500: None}
PACED_SECONDS = 8.0
CROWD, CROWD_KB = 5_000, 20.0
FILTERS, FILTERS_LIMIT = 100, 2.0


@dataclass
class Verdicts:
    """Rows of the report, and whether any limit was missed."""

    table: Table = field(default_factory=lambda: Table("what", "ours", "theirs", "ratio or figure", "limit", "kept"))
    missed: int = 0

    def add(self, what: str, figure: str, limit: str, *, kept: bool | None, ours: str = "", theirs: str = "") -> None:
        """One row; `kept` None: there is no limit."""
        self.missed += kept is False
        word = {None: "-", True: "yes", False: "NO"}[kept]
        self.table.add_row(what, ours, theirs, figure, limit, word)
        print(f"{what}: {ours} {theirs}: {figure} (limit {limit}): {word}", file=sys.stderr, flush=True)


class Bench:
    """One run of everything."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.drain, self.fan = build("drain", folder), build("fan", folder)
        self.verdicts = Verdicts()

    def ours(self, clients: int = CLIENTS, subscribe: str = SUBSCRIBE) -> Contestant:
        """The product."""
        return Contestant("ours", python("ours", uvloop=self.options.uvloop), self.drain, clients, subscribe)

    def peers(self) -> Iterator[Contestant]:
        """Those that are there."""
        uvloop, drain = self.options.uvloop, self.drain
        yield Contestant("C, bare send()", [str(self.fan), "bare", "{port}"], drain, CLIENTS)
        yield Contestant("C, coalescing", [str(self.fan), "coalesced", "{port}"], drain, CLIENTS)
        yield Contestant("aiohttp send_str loop", python("sendstr", uvloop=uvloop), drain, CLIENTS)
        yield Contestant("websockets.broadcast", python("broadcast", uvloop=uvloop), drain, CLIENTS)
        modules, interpreter = self.options.node_modules, self.options.socketify
        if shutil.which("node") and modules:
            words = ["node", str(PEERS / "node_ws.js"), "{port}"]
            yield Contestant("Node ws", words, drain, CLIENTS, variables={"NODE_PATH": modules})
        else:
            print("left out: Node ws (give --node-modules a folder that has ws)", file=sys.stderr)
        if interpreter:
            words = [interpreter, str(PEERS / "socketify_peer.py"), "{port}"]
            yield Contestant("uWebSockets (socketify)", words, drain, CLIENTS)
        else:
            print("left out: uWebSockets (give --socketify a Python that has it)", file=sys.stderr)

    def compared(self) -> None:
        """CPU per delivery, pair by pair."""
        for peer in self.peers():
            for in_flight in (1, 16):
                limit = LIMITS.get((peer.name, in_flight))
                if limit is None:
                    continue
                rounds = 20 if in_flight == 1 else 6
                with self.ours() as one, peer as other:
                    for side in (one, other):
                        side.deliver(3, in_flight)
                    pairs = alternate(
                        lambda: one.deliver(rounds, in_flight),  # noqa: B023  # called at once
                        lambda: other.deliver(rounds, in_flight),  # noqa: B023  # the same
                        self.options.pairs,
                    )
                ratio = ratios(pairs)
                mine, theirs = bootstrap([ours for ours, _ in pairs]), bootstrap([other for _, other in pairs])
                self.verdicts.add(
                    f"{in_flight} in flight against {peer.name} (ns a delivery)", str(ratio), f"{limit:.3g}" if limit else "none",
                    kept=ratio.median <= limit if limit else None, ours=str(mine), theirs=str(theirs),
                )  # fmt: skip

    def paced(self) -> None:
        """Latency from publishing to the client's read, and the share of a core."""
        for rate, limits in PACES.items():
            with self.ours() as one:
                one.deliver(3, 1)
                (count, p50, _, p99, _), share, sent = one.pace(rate, PACED_SECONDS)
            complete = count == sent * CLIENTS
            kept = complete and (limits is None or (p50 < limits[0] and p99 < limits[1] and share < limits[2]))
            told = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {share:.2f} core, {count / sent / CLIENTS:.2%} delivered"
            limit = f"{limits[0]:g} ms, {limits[1]:g} ms, {limits[2]:g} core" if limits else "all delivered"
            self.verdicts.add(f"{rate} messages/s", told, limit, kept=kept)

    def crowd(self) -> None:
        """Memory per client."""
        with self.ours(CROWD) as one:
            one.deliver(2, 1)
            time.sleep(1)  # nothing to wait for: what handshakes leave behind is freed as the loop turns
            each = (one.server.resident() - one.before) / CROWD / 1024
        self.verdicts.add(f"{CROWD} clients", f"{each:.1f} KB each", f"{CROWD_KB:g} KB", kept=each <= CROWD_KB)

    def filtered(self) -> None:
        """User CPU of 100 distinct filters over 1,000 clients, for the same number of deliveries."""
        with self.ours() as plain, self.ours(subscribe=_WIDE) as filtered:
            for side in (plain, filtered):
                side.deliver(3, 1)
            pairs = alternate(lambda: _user(plain), lambda: _user(filtered), max(3, self.options.pairs // 4))
        ratio = ratios([(filtered, plain) for plain, filtered in pairs])
        kept = ratio.median <= FILTERS_LIMIT
        self.verdicts.add(f"{FILTERS} distinct filters (user CPU)", str(ratio), f"{FILTERS_LIMIT:g}", kept=kept)


# A hundred distinct filters that all let every message through: the deliveries are the same, the groups are not.
_WIDE = '{"type":"subscribe","room":"market-data","filters":{"min_change":0.00000000%02d}}'


def _user(side: Contestant) -> float:
    before = side.server.user()
    side.deliver(150, 1)
    return max(side.server.user() - before, 0.01)


def main() -> int:
    """Prints a table; exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--only", choices=("compared", "paced", "crowd", "filtered"))
    parser.add_argument("--node-modules", default="", help="a folder that has Node's ws")
    parser.add_argument("--socketify", default="", help="a Python that has socketify")
    parser.add_argument("--uvloop", action="store_true", help="uvloop for all Python servers; it must be installed")
    options = parser.parse_args()
    with ExitStack() as stack:
        bench = Bench(options, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fanout-"))))
        for step in ("compared", "paced", "crowd", "filtered"):
            if options.only in {None, step}:
                getattr(bench, step)()
    console().print(bench.verdicts.table)
    return 1 if bench.verdicts.missed else 0


if __name__ == "__main__":
    sys.exit(main())
