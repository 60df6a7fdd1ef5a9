"""Fan-out to WebSocket clients: the full product path against its peers, on one core, the clients on another.

    python -m tests.bench fanout [--pairs 20] [--only STEP] [--peer NAME] [--node-modules DIR] [--socketify PYTHON] [--asyncio]

CPU per delivery of 200-byte messages to 1,000 clients, one in flight and 16 in flight, pair by pair; latency and CPU share
when paced, through TLS too; memory per client of 5,000 and 10,000; what 100 distinct filters cost; what the instruments cost
(needs valgrind). uvloop for all Python servers, or asyncio. A peer that is not installed is named and left out. Rows are kept in
var/bench, so that slices (`--only`, `--peer`) make one table. Exit 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean

from compose.terminal import console
from stream.descriptors import enough
from tests.bench.contest import PEERS, ROOT, SUBSCRIBE, Contestant, build, certificate, python
from tests.bench.instructions import per_delivery
from tests.bench.stats import alternate, bootstrap, ratios
from tests.bench.verdicts import Verdicts

CLIENTS = 1_000
# (peer, messages in flight, the most that ours may cost compared with it)
LIMITS = {
    ("C, bare send()", 1): 1.5,
    ("websockets.broadcast", 1): 0.8,
    ("aiohttp send_str loop", 1): 0.65,
    ("Node ws", 1): 0.0,
    ("uWebSockets (socketify)", 1): 0.0,
    ("C, coalescing", 16): 1 / 0.6,
    ("uWebSockets (socketify)", 16): 1.0,
    ("websockets.broadcast", 16): 1 / 15,
    ("Node ws", 16): 0.0,
    ("aiohttp send_str loop", 16): 0.0,
}
# messages a second -> (p50 ms, p99 ms, share of a core); None: all delivered is enough
PACES: dict[int, tuple[float, float, float] | None] = {50: (8, 15, 1), 200: (20, 40, 0.9), 500: None}
PACED_SECONDS = 8.0
TLS_RATE, TLS_LIMITS = 50, (15.0, 30.0)  # messages a second; p50, p99 in ms
CROWDS: dict[int, float | None] = {5_000: 20.0, 10_000: None}  # clients -> KB each at most; None: no error is enough
FILTERS, FILTERS_LIMIT = 100, 2.0
METRICS_LIMIT = 1.05
SLICES = 6  # of a pair
MISSED = 1_000  # messages, by each client that resumes
SPARE = 200  # descriptors beside those of clients
STEPS = ("compared", "paced", "tls", "crowd", "filtered", "resumed", "metrics")
KEPT = ROOT / "var" / "bench" / "fanout.jsonl"


class Bench:
    """One run of everything."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.drain, self.fan = build("drain", folder), build("fan", folder)
        how = f"{options.pairs} pairs, {'asyncio' if options.asyncio else 'uvloop'}"
        self.verdicts = Verdicts(KEPT, how)

    def ours(self, clients: int = CLIENTS, subscribe: str = SUBSCRIBE) -> Contestant:
        """The product."""
        return Contestant("ours", python("ours", uvloop=not self.options.asyncio), self.drain, clients, subscribe)

    def peers(self) -> Iterator[Contestant]:
        """Those that are there."""
        uvloop, drain = not self.options.asyncio, self.drain
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
            if self.options.peer not in peer.name:
                continue
            for in_flight in (1, 16):
                limit = LIMITS.get((peer.name, in_flight))
                if limit is None:
                    continue
                rounds = 4 if in_flight == 1 else 2
                with self.ours() as one, peer as other:
                    for side in (one, other):
                        side.deliver(3, in_flight)
                    busy = other.client.cpu()
                    pairs = [_pair(one, other, rounds, in_flight) for _ in range(self.options.pairs)]
                    drained = (other.client.cpu() - busy) / (self.options.pairs * SLICES * rounds * in_flight * CLIENTS)
                ratio = ratios(pairs)
                mine, theirs = bootstrap([ours for ours, _ in pairs]), bootstrap([other for _, other in pairs])
                self.verdicts.add(
                    f"{in_flight} in flight against {peer.name} (ns a delivery)", str(ratio), f"{limit:.3g}" if limit else "none",
                    kept=ratio.median <= limit if limit else None, ours=str(mine), theirs=str(theirs),
                )  # fmt: skip
                if peer.name.startswith("C, "):
                    told = f"{drained:.0f} ns a delivery: at most {1e6 / drained:,.0f} k/s"
                    self.verdicts.add(f"the generator itself, {in_flight} in flight from {peer.name}", told, "none", kept=None)

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

    def tls(self) -> None:
        """The same through TLS, which the server ends itself."""
        certificate(self.folder)
        drain = build("drain", self.folder, tls=True)
        words = python("ours", uvloop=not self.options.asyncio, tls=self.folder)
        with Contestant("ours", words, drain, CLIENTS, SUBSCRIBE) as one:
            one.deliver(3, 1)
            (count, p50, _, p99, _), share, sent = one.pace(TLS_RATE, PACED_SECONDS)
        kept = count == sent * CLIENTS and p50 < TLS_LIMITS[0] and p99 < TLS_LIMITS[1]
        told = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {share:.2f} core, {count / sent / CLIENTS:.2%} delivered"
        self.verdicts.add(f"{TLS_RATE} messages/s by TLS", told, "{:g} ms, {:g} ms".format(*TLS_LIMITS), kept=kept)

    def crowd(self) -> None:
        """Memory per client."""
        for many, limit in CROWDS.items():
            if lacking := enough(many + SPARE):
                self.verdicts.add(f"{many} clients", lacking, "", kept=False)
                continue
            with self.ours(many) as one:
                one.deliver(2, 1)
                time.sleep(1)  # nothing to wait for: what handshakes leave behind is freed as the loop turns
                each = (one.server.resident() - one.before) / many / 1024
            kept = limit is None or each <= limit
            told = f"{limit:g} KB" if limit else "no error"
            self.verdicts.add(f"{many} clients", f"{each:.1f} KB each", told, kept=kept)

    def filtered(self) -> None:
        """User CPU of 100 distinct filters over 1,000 clients, for the same number of deliveries."""
        with self.ours() as plain, self.ours(subscribe=_WIDE) as filtered:
            for side in (plain, filtered):
                side.deliver(3, 1)
            pairs = alternate(lambda: _user(plain), lambda: _user(filtered), max(3, self.options.pairs // 4))
        ratio = ratios([(filtered, plain) for plain, filtered in pairs])
        kept = ratio.median <= FILTERS_LIMIT
        self.verdicts.add(f"{FILTERS} distinct filters (user CPU)", str(ratio), f"{FILTERS_LIMIT:g}", kept=kept)

    def resumed(self) -> None:
        """CPU of a thousand clients that come and resume a thousand messages each, beyond that of clients that just come."""
        spent = []
        for subscribe, missed in ((SUBSCRIBE, 0), (_RESUME, MISSED)):
            words = python("ours", uvloop=not self.options.asyncio)
            with Contestant("ours", words, self.drain, CLIENTS, subscribe, earlier=MISSED) as one:
                one.client.tell(f"expect {missed}")
                one.client.answer()
                spent.append(one.server.cpu())
        each = (spent[1] - spent[0]) / (CLIENTS * MISSED)
        figure = f"{each:.0f} ns a message"
        told = [f"{took / 1e9:.2f} s" for took in reversed(spent)]
        self.verdicts.add(f"{CLIENTS} clients resume {MISSED} messages", figure, "none", kept=None, ours=told[0], theirs=told[1])

    def metrics(self) -> None:
        """Instructions of a delivery with all metrics, and with a tally that counts nothing."""
        try:
            counts = {
                kind: per_delivery(python(kind, uvloop=not self.options.asyncio), self.drain) for kind in ("ours", "uncounted")
            }
        except FileNotFoundError as error:
            print(f"left out: metrics ({error})", file=sys.stderr)
            return
        ratio = counts["ours"] / counts["uncounted"]
        self.verdicts.add(
            "instructions with and without metrics", f"{ratio:.4f}", f"{METRICS_LIMIT:g}", kept=ratio <= METRICS_LIMIT,
            ours=f"{counts['ours']:.0f}", theirs=f"{counts['uncounted']:.0f}",
        )  # fmt: skip


# A hundred distinct filters that all let every message through: the deliveries are the same, the groups are not.
_WIDE = '{"type":"subscribe","room":"market-data","filters":{"min_change":0.00000000%02d}}'

# After the message that the server is measured by, before the thousand that come next.
_RESUME = '{"type":"subscribe","room":"market-data","after":10000001,"epoch":"bench"}'


def _pair(one: Contestant, other: Contestant, rounds: int, in_flight: int) -> tuple[float, float]:
    """CPU ns per delivery of both, in turns so short that both see the same moods of the machine."""
    turns = alternate(lambda: one.deliver(rounds, in_flight), lambda: other.deliver(rounds, in_flight), SLICES)
    return fmean(ours for ours, _ in turns), fmean(theirs for _, theirs in turns)


def _user(side: Contestant) -> float:
    before = side.server.user()
    side.deliver(150, 1)
    return max(side.server.user() - before, 0.01)


def main() -> int:
    """Prints a table; exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--only", choices=STEPS)
    parser.add_argument("--peer", default="", help="of the comparisons, those whose peer has this in its name")
    parser.add_argument("--node-modules", default="", help="a folder that has Node's ws")
    parser.add_argument("--socketify", default="", help="a Python that has socketify")
    parser.add_argument("--asyncio", action="store_true", help="asyncio instead of uvloop for all Python servers")
    parser.add_argument("--table", action="store_true", help="measure nothing, print what was measured")
    options = parser.parse_args()
    with ExitStack() as stack:
        bench = Bench(options, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fanout-"))))
        for step in () if options.table else STEPS:
            if options.only in {None, step}:
                getattr(bench, step)()
    console().print(bench.verdicts.table())
    return 1 if bench.verdicts.missed else 0


if __name__ == "__main__":
    sys.exit(main())
