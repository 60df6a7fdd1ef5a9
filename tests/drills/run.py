"""One drill: inactive, fault, pending, firing, delivered, fault taken back, resolved; with the times of each step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from alerts.routes import BURNING, GROUP_WAIT
from metrics import durations
from tests.appliance import Appliance, get
from tests.drills.drill import Drill
from tests.waiting import until

T = TypeVar("T")
# Seconds allowed for the way itself, beside `for`, evaluation interval and group_wait.
TRANSPORT = 5.0
PATIENCE = 60.0
_LOOK = 0.1  # seconds between two looks: more of them would be a load of their own
WINDOW = 2400.0  # seconds for which an alert may go on telling of what is over, at factor 1: the longest window is half an hour
RESEND = 30.0  # seconds after which Prometheus tells again of what fires, at factor 1
# No surprise beside any fault: whatever users feel burns an objective's budget, in windows of a tenth at once; and a tenth of the
# models' window is a minute, in which all symbols move together: 200 outcomes are then hardly more than one.
EXPECTED = frozenset({*BURNING, "AIModelAccuracyDrop"})


@dataclass
class Times:
    """Unix times of what was seen; None is what was not seen (a `for` of 0 has no pending)."""

    fault: float
    first_bad: float = 0.0
    pending: float | None = None
    firing: float = 0.0
    delivered: float = 0.0
    cleared: float = 0.0
    resolved: float = 0.0


@dataclass
class Result:
    """What a drill found. `budget` is the most that first bad sample to inbox may take, in seconds.

    `failure`: the step that never came; the times end there. `late`: nothing could arrive before the fault was taken back, so
    that `delivery` counts from there. What is `info` goes to nobody: it arrives nowhere.

    Of the alerts that reached the inbox beside the drilled one, `beside` names the declared ones, `collateral` the others.
    """

    alert: str
    what: str
    factor: float
    severity: str
    budget: float
    times: Times
    late: bool = False
    failure: str = ""
    collateral: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)

    @property
    def delivery(self) -> float:
        """Seconds from the first bad sample to the inbox; of what is sent to nobody, to firing."""
        if not self.sent:
            return self.times.firing - self.times.first_bad
        return self.times.delivered - (self.times.cleared if self.late else self.times.first_bad)

    @property
    def sent(self) -> bool:
        """Whether anybody is told of it."""
        return self.severity in GROUP_WAIT

    @property
    def passed(self) -> bool:
        """Whether it arrived in time and alone."""
        return not self.failure and self.delivery <= self.budget and not self.collateral

    def as_dict(self) -> dict[str, Any]:
        """For the report file."""
        return asdict(self) | {"delivery": self.delivery, "passed": self.passed}


def run(appliance: Appliance, drills: Sequence[Drill], declared: Mapping[str, Mapping[str, Any]]) -> list[Result]:
    """Runs drills at one time on a running appliance; faults that they share happen once. None may disturb another.

    `declared` are the alerts by name as `python -m alerts list --json` gives them. AssertionError says what was there before.
    """
    names, beside = {drill.alert for drill in drills}, EXPECTED.union(*(drill.beside for drill in drills))
    patience = appliance.factor * WINDOW + PATIENCE
    calm = lambda: not _active(appliance, names) - (beside - names)  # noqa: E731
    _until(f"before the fault of {', '.join(sorted(names))} no alert is active", calm, patience)
    watched = [_Watched(appliance, drill, declared[drill.alert]) for drill in drills]
    began = time.time()
    with contextlib.ExitStack() as faults:
        for what in dict.fromkeys(drill.what for drill in drills):
            faults.enter_context(_fault(appliance, [one for one in watched if one.drill.what == what]))
        _all(watched, _Watched.fires)
    for one in watched:
        one.times.cleared = time.time()
    _all(watched, _Watched.resolves)
    told = {item["alertname"] for item in _incidents(appliance) if _unix(item["delivered_at"]) >= began} - names
    return [one.result(sorted(told - beside), sorted(told & beside)) for one in watched]


@contextlib.contextmanager
def _fault(appliance: Appliance, shared: Sequence[_Watched]) -> Iterator[None]:
    """The fault of these; where it does not come about, or is not taken back, these alone have failed."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(shared[0].drill.fault(appliance))
        except Exception as error:  # noqa: BLE001  # whatever a fault meets, the drills beside it go on
            _blame(shared, f"no fault: {error}")
        for one in shared:
            one.times.fault = time.time()
        try:
            yield
        finally:
            try:
                held.close()
            except Exception as error:  # noqa: BLE001  # the same
                _blame(shared, f"the fault was not taken back: {error}")


def _blame(shared: Sequence[_Watched], words: str) -> None:
    for one in shared:
        one.failure = one.failure or words


def _all(watched: Sequence[_Watched], step: Callable[[_Watched], None]) -> None:
    """The same step of all of them, at one time; whatever one of them meets, the others go on."""
    todo = [one for one in watched if not one.failure]
    with ThreadPoolExecutor(len(watched)) as pool:
        for one, done in [(one, pool.submit(step, one)) for one in todo]:
            try:
                done.result()
            except AssertionError as error:
                one.failure = str(error)


class _Watched:
    """One alert on its way, and when it was where."""

    def __init__(self, appliance: Appliance, drill: Drill, declared: Mapping[str, Any]) -> None:
        self.appliance, self.drill, self.severity = appliance, drill, str(declared["severity"])
        own = appliance.site.alerts.get(drill.alert)
        self.hold = durations.seconds((own and own.for_) or declared["for"])
        wait = durations.seconds(GROUP_WAIT.get(self.severity, "0s"))
        scaled = appliance.factor * ((RESEND if drill.late else self.hold) + wait)
        self.budget = scaled + _interval(appliance, drill.alert) + TRANSPORT
        self.times = Times(fault=0.0)
        self.began = time.time()
        self.failure = ""
        self._number: int | None = None

    def fires(self) -> None:
        """Pending, firing, and in the inbox unless the fault is in the way."""
        name, times = self.drill.alert, self.times
        patience = self.appliance.factor * (self.hold + 600) + PATIENCE + self.drill.takes
        found = _until(f"{name} is firing", lambda: _firing(self.appliance, name), patience)
        times.firing, times.first_bad = time.time(), _unix(found["activeAt"])
        if self.hold:  # at a twentieth of the time it may be over before one has looked: Prometheus keeps it
            times.pending = _until(f"{name} was pending", lambda: _pending(self.appliance, name, self.began), PATIENCE)
        if not self.drill.late:
            self._arrives()

    def resolves(self) -> None:
        """Resolved, where it arrived; what is sent to nobody: in Prometheus."""
        if self.drill.late:
            self._arrives()
        _until(f"{self.drill.alert} is resolved", self._resolved, self.appliance.factor * WINDOW + PATIENCE)
        self.times.resolved = time.time()

    def result(self, collateral: list[str], beside: list[str]) -> Result:
        """What was found."""
        drill, factor = self.drill, self.appliance.factor
        return Result(
            drill.alert, drill.what, factor, self.severity, self.budget, self.times, drill.late, self.failure, collateral, beside
        )  # fmt: skip

    def _arrives(self) -> None:
        if self.severity not in GROUP_WAIT:
            return
        arrived = lambda: _incident(self.appliance, self.drill.alert, self.times.fault)  # noqa: E731
        incident = _until(f"{self.drill.alert} is in the inbox", arrived, self.budget + PATIENCE)
        self.times.delivered, self._number = _unix(incident["delivered_at"]), int(incident["id"])

    def _resolved(self) -> bool:
        if self._number is None:
            return not self.appliance.alerts(self.drill.alert)
        return _resolved(self.appliance, self._number)


def _until(what: str, look: Callable[[], T | None], seconds: float) -> T:
    """What there is to see, within `seconds`; a service that is being started anew shows nothing yet."""

    def seen() -> T | None:
        try:
            return look()
        except OSError:
            return None

    return until(what, seen, seconds, _LOOK)


def _active(appliance: Appliance, names: AbstractSet[str]) -> set[str]:
    """The alerts that are active: of what is sent to nobody, those of these names alone."""
    labels = [alert["labels"] for alert in get(appliance.url("prometheus", "/api/v1/alerts"))["data"]["alerts"]]
    return {str(one["alertname"]) for one in labels if one["severity"] in GROUP_WAIT or one["alertname"] in names}


def _firing(appliance: Appliance, name: str) -> dict[str, Any] | None:
    return next((alert for alert in appliance.alerts(name) if alert["state"] == "firing"), None)


def _pending(appliance: Appliance, name: str, since: float) -> float | None:
    """The first evaluation after `since` at which it was bad, and not yet for long enough; unix time."""
    kept = appliance.query(f'ALERTS{{alertname="{name}", alertstate="pending"}}[{round(time.time() - since) + 1}s]')
    return min((float(series["values"][0][0]) for series in kept), default=None)


def _interval(appliance: Appliance, name: str) -> float:
    """Seconds between two evaluations of that alert: rules that read a day are evaluated more seldom."""
    groups = get(appliance.url("prometheus", "/api/v1/rules?type=alert"))["data"]["groups"]
    return next(float(group["interval"]) for group in groups for rule in group["rules"] if rule["name"] == name)


def _incidents(appliance: Appliance) -> list[dict[str, Any]]:
    return list(get(appliance.url("inbox", "/api/incidents?limit=1000"))["incidents"])


def _incident(appliance: Appliance, name: str, since: float) -> dict[str, Any] | None:
    found = [item for item in _incidents(appliance) if item["alertname"] == name and _unix(item["delivered_at"]) >= since]
    return found[-1] if found else None


def _resolved(appliance: Appliance, number: int) -> bool:
    return get(appliance.url("inbox", f"/api/incidents/{number}"))["resolved_delivered_at"] is not None


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
