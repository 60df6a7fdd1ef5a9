"""What the page says about incidents, silences and the state of alerting. Pure: facts in, words out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from alerts.inbox import words
from alerts.inbox.alertmanager import Silence
from alerts.inbox.listing import Event, Incident
from alerts.inbox.matchers import Matcher, text
from alerts.inbox.posted import Posted
from alerts.inbox.shapes import moment
from alerts.inbox.signals import signal_of, unit_of
from alerts.inbox.watchdog import Pulse
from metrics.stack import SEVERITIES

WINDOW_BEFORE, _WINDOW_AFTER = 1800.0, 900.0  # seconds of context that a dashboard shows around an incident
_SAID = (
    "title", "summary", "description", "impact", "value", "threshold", "after", "steps", "runbook_url", "dashboard_url",
)  # fmt: skip
_WITHOUT_CHOICE = ("severity", "signal", "cluster")  # labels that do not tell one alert from another of its name
_KINDS = {
    "first_bad": "First bad sample",
    "firing": "Alert fired",
    "delivered": "Notification arrived",
    "renotified": "Notified again",
    "reopened": "Fired again",
    "acknowledged": "Acknowledged",
    "silenced": "Silenced",
    "resolved": "Resolved",
    "resolved_delivered": "Resolution arrived",
}


_POSTED = {
    "deploy": "Deploy",
    "load": "Load run",
    "maintenance": "Maintenance",
    "appliance": "The appliance",
    "other": "Event",
}


@dataclass(frozen=True)
class Moment:
    """A point in time for a `time` element: RFC 3339, for people, and its age."""

    iso: str
    clock: str
    age: str


@dataclass(frozen=True)
class Line:
    """One line of a timeline."""

    when: Moment
    what: str
    who: str
    note: str


@dataclass(frozen=True)
class Card:
    """One incident as the page shows it; texts are as they came and must be escaped."""

    id: int
    state: str
    severity: str
    title: str
    alertname: str
    where: str
    since: Moment
    until: Moment | None
    lasted: str
    value: str
    value_from: str
    threshold: str
    why: str
    summary: str
    description: str
    impact: str
    runbook: str
    dashboard: str
    source: str
    detected: str
    arrived: str
    unknown: str
    by: str
    comment: str
    silenced: Moment | None
    matchers: str
    labels: list[tuple[str, str]]
    more: list[tuple[str, str]]
    timeline: list[Line]


@dataclass(frozen=True)
class Verdict:
    """The answer to "is it fine?": a state (ok, info, warning, critical, unknown) and its words."""

    state: str
    words: str


def when(at: float, now: float) -> Moment:
    """The Unix time `at`, seen at `now`."""
    return Moment(moment(at) or "", words.clock(at), words.age(now - at))


def card(found: Incident, timeline: list[Event], silences: list[Silence], now: float, posted: Sequence[Posted] = ()) -> Card:
    """An incident, its timeline with the posted events around it, and the silence that covers it until last."""
    said, labels = found.annotations, found.labels
    covers = [silence.ends_at.timestamp() for silence in silences if silence.covers(labels)]
    return Card(
        id=found.id,
        state=found.state,
        severity=found.severity,
        title=said.get("title") or found.alertname or "Alert without a name",
        alertname=found.alertname,
        where=labels.get("instance") or labels.get("job", ""),
        since=when(found.starts_at, now),
        until=None if found.resolved_at is None else when(found.resolved_at, now),
        lasted=words.length(max(0.0, (found.resolved_at or now) - found.starts_at)),
        value=said.get("value") or words.number(found.value, unit_of(labels)),
        value_from=_value_from(labels) if found.value and not said.get("value") else "",
        threshold=said.get("threshold", ""),
        why=found.alertname if signal_of(labels) else "",
        summary=said.get("summary", ""),
        description=said.get("description", ""),
        impact=said.get("impact", ""),
        runbook=link(said.get("runbook_url", "")),
        dashboard=window(link(said.get("dashboard_url", "")), found),
        source=link(found.generator_url),
        detected="" if found.detection is None else words.length(found.detection),
        arrived="" if found.delivery is None else words.length(found.delivery),
        unknown=found.first_bad_unknown or "Prometheus has not answered yet",
        by=found.acknowledged_by,
        comment=found.acknowledged_comment,
        silenced=when(max(covers), now) if covers else None,
        matchers=text(Matcher(name, value) for name, value in sorted(labels.items()) if value and name not in _WITHOUT_CHOICE),
        labels=sorted(labels.items()),
        more=[(name, value) for name, value in sorted(said.items()) if name not in _SAID],
        timeline=_timeline(found, timeline, posted, now),
    )


def _value_from(labels: dict[str, str]) -> str:
    signal = signal_of(labels)
    return f"{signal.title}, when it arrived" if signal else "when it arrived"


def _timeline(found: Incident, timeline: list[Event], posted: Sequence[Posted], now: float) -> list[Line]:
    """What happened to the incident, and what was posted from half an hour before it to its end."""
    begin, end = (found.first_bad_at or found.starts_at) - WINDOW_BEFORE, found.resolved_at or now
    around = [event for event in posted if event.starts_at <= end and (event.ends_at or event.starts_at) >= begin]
    lines = [(event.at, _line(event, now)) for event in timeline]
    lines += [(event.starts_at, Line(when(event.starts_at, now), kind_of(event), "", event.title)) for event in around]
    return [line for _, line in sorted(lines, key=lambda one: one[0])]


def kind_of(event: Posted) -> str:
    """What a posted event is, in words."""
    return _POSTED[event.kind]


def _line(event: Event, now: float) -> Line:
    what = _KINDS.get(event.kind, event.kind)
    if event.count > 1:
        what = f"{what} ({event.count} times, last)"
    return Line(when(event.at, now), what, event.who, event.note)


def link(url: str) -> str:
    """The URL if a browser may follow it, else nothing: labels and annotations can hold `javascript:`."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else ""


def window(url: str, found: Incident) -> str:
    """A dashboard's URL with its time range around the incident: up to now as long as it is open."""
    if not url:
        return ""
    parts = urlsplit(url)
    begin = (found.first_bad_at or found.starts_at) - WINDOW_BEFORE
    end = "now" if found.resolved_at is None else str(round((found.resolved_at + _WINDOW_AFTER) * 1000))
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in ("from", "to")]
    return urlunsplit(parts._replace(query=urlencode([*kept, ("from", str(round(begin * 1000))), ("to", end)])))


def verdict(firing: dict[str, int], unacknowledged: int, pulse: Pulse) -> Verdict:
    """Whether it is fine; `firing` counts open alerts by severity. A broken alerting comes before every alert."""
    total = sum(firing.values())
    if not pulse.alive:
        return Verdict("critical", "Alerting is broken")
    if total:
        worst = next(severity for severity in SEVERITIES if firing.get(severity))
        first = words.count(firing[worst], f"{worst} alert")
        rest = f", {total - firing[worst]} more" if total > firing[worst] else ""
        taken = "" if unacknowledged else ", all acknowledged"
        return Verdict(worst, f"{first}{rest}{taken}")
    if pulse.state == "waiting":
        return Verdict("unknown", "Waiting for the first Watchdog")
    return Verdict("ok", "No alert is firing")
