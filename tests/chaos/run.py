"""One case after the other on a running appliance under load, and what came of each."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg

from tests.appliance import Appliance, get
from tests.chaos import faults
from tests.chaos.cases import DEAD_MAN, DUE, LINKED, SERVED, Case, World, tells_of
from tests.chaos.faults import waited
from tests.chaos.proxy import Link
from tests.chaos.witness import Clients, Ledger
from tests.drills.database_faults import superuser
from tests.waiting import until

_LOST = ("numbers lost", "messages not stored", "rows lost", "the data store does not answer")
_CALM = 180.0  # seconds until what a case has left behind must be over
_STORED = 60.0  # seconds until what clients were told must be in the data store


@dataclass
class Result:
    """One case; seconds. `alert`: the first of the expected ones that fired; `lost` and `doubled` count messages and rows.

    `back`: every service is well again. `served`: each client has heard something since, and a row was written.
    """

    component: str
    kind: str
    alert: str
    alerted: float | None
    back: float | None
    served: float | None
    within: float
    lost: int
    doubled: int
    wanted: bool  # an alert was due
    counted: dict[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing was lost or doubled, the alert came, and all was well in time."""
        told = self.alerted is not None or not self.wanted
        back = self.back is not None and self.back <= self.within and self.served is not None
        return told and back and not self.lost and not self.doubled


@dataclass
class Run:
    """All that was done, and how much it was watched; `broken`: why it could not go on, empty when it could."""

    results: list[Result] = field(default_factory=list)
    messages: int = 0
    rows: int = 0
    resumed: int = 0  # connections that clients lost, and made again
    broken: str = ""

    @property
    def passed(self) -> bool:
        """Whether every case did."""
        return not self.broken and all(result.passed for result in self.results)


class Chaos:
    """The load runs; `case` does one to it."""

    def __init__(self, world: World, clients: Clients, ledger: Ledger) -> None:
        self.world, self.clients, self.ledger = world, clients, ledger
        self._before: dict[str, int] = {}

    def case(self, one: Case) -> Result:
        """Does it, waits until all is well, counts."""
        seen = Alerts(self.world.appliance, one)
        until(f"all is well before {one.name}", lambda: self._well() and not seen.firing(), _CALM, 0.5)
        old = self._pid(one)
        if one.kind in LINKED:
            link = self.world.links[one.component]
            until(f"something comes through the link from {one.component}", lambda: link.answered > 0, 30)
        began = self.world.mended = time.monotonic()
        faults.do(self.world, one, seen.fires)
        over = time.monotonic()
        since = began if one.heals else self.world.mended
        back, served = self._back(one, seen, old, over)
        counted = self._counted()
        lost, doubled = (sum(counted[what] for what in words) for words in (_LOST, set(counted) - set(_LOST)))
        down = (over if back is None else back) - began
        return Result(
            one.component, one.kind, seen.name, seen.at and seen.at - began, back and back - since, served and served - since,
            one.within, lost, doubled,
            bool(one.alerts) and down > DUE, {what: count for what, count in counted.items() if count},
        )  # fmt: skip

    def _pid(self, one: Case) -> int:
        return self.world.appliance.process(one.component).pid if one.restarts else 0

    def _well(self) -> bool:
        return all(row.state == "ok" for row in self.world.appliance.stack.rows())

    def _back(self, one: Case, seen: Alerts, old: int, over: float) -> tuple[float | None, float | None]:
        """When every service is well again, and when clients and ledger are (monotonic s); None: not in time, nor some more.

        Of a link that was slow or cut, something must have come through it again, too.
        """
        link = self.world.links[one.component] if one.kind in LINKED else None
        before = link.answered if link else 0

        def ready() -> bool:
            seen.fires()
            through = not link or link.answered > before
            return through and (not old or self._pid(one) not in (0, old)) and self._well()

        def served() -> bool:
            seen.fires()
            return self.clients.alive(at) and self.ledger.at > at

        if not waited(ready, over + one.within + SERVED - time.monotonic()):
            return None, None
        at = time.monotonic()
        return at, time.monotonic() if waited(served, SERVED) else None

    def _counted(self) -> dict[str, int]:
        """What was lost and doubled in this case; messages that were told have their time until they are stored."""
        told, appliance = set(self.clients.told), self.world.appliance
        known = self._before.get("messages not stored", 0)
        waited(lambda: _answers(appliance) and self.clients.unstored(appliance, told)[0] <= known, _STORED)
        if not _answers(appliance):
            return dict.fromkeys(_LOST, 0) | {_LOST[-1]: 1}
        missing, twice = self.clients.unstored(appliance, told)
        rows, strange = self.ledger.judged()
        now = {
            "numbers lost": self.clients.lost, "messages not stored": missing, "rows lost": rows, _LOST[-1]: 0,
            "numbers doubled": self.clients.doubled, "messages stored twice": twice, "rows that nobody wrote": strange,
        }  # fmt: skip
        found = {what: count - self._before.get(what, 0) for what, count in now.items()}
        self._before = now
        return found


def _answers(appliance: Appliance) -> bool:
    try:
        with superuser(appliance):
            return True
    except psycopg.Error:
        return False


class Alerts:
    """Looks for the first of the expected alerts that fires."""

    def __init__(self, appliance: Appliance, case: Case) -> None:
        self._appliance, self._case = appliance, case
        self.name = ""
        self.at: float | None = None

    def firing(self) -> set[str]:
        """Those of the expected ones that fire now."""
        found = {DEAD_MAN} if DEAD_MAN in self._case.alerts and self._dead() else set[str]()
        try:
            alerts = get(self._appliance.url("prometheus", "/api/v1/alerts"))["data"]["alerts"]
        except OSError:
            return found
        labels: list[Mapping[str, str]] = [one["labels"] for one in alerts if one["state"] == "firing"]
        ours = {one["alertname"] for one in labels if tells_of(self._case.component, one)}
        return found | (ours & self._case.alerts)

    def _dead(self) -> bool:
        try:
            with urllib.request.urlopen(self._appliance.url("inbox", "/metrics"), timeout=5) as answer:
                return b"\nwatchfloor_watchdog_alive 0" in answer.read()
        except OSError:
            return False

    def fires(self) -> bool:
        """Whether one does, or did."""
        if self.at is None and self._case.alerts and (found := self.firing()):
            self.name, self.at = min(found), time.monotonic()
        return self.at is not None


def chaos(
    appliance: Appliance, links: Mapping[str, Link], chosen: Sequence[Case], tell: Callable[[Result], None]
) -> Run:  # fmt: skip
    """All of these, in this order, under one load; what the run could not wait for ends it."""
    run = Run()
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(appliance, links["postgres"].port).writing())
        clients = stack.enter_context(Clients().listening(links["stream"].port))
        try:
            until("every client hears something", lambda: clients.alive(0), 60)
            until("rows are written", lambda: ledger.written > 10, 30)
            running = Chaos(World(appliance, links), clients, ledger)
            for one in chosen:
                run.results.append(running.case(one))
                tell(run.results[-1])
        except AssertionError as error:
            run.broken = str(error)
    run.messages, run.rows, run.resumed = sum(one.count for one in clients.heard), ledger.written, len(clients.words)
    return run
