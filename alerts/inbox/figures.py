"""The inbox's own metrics."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.inbox.listing import Incident
from alerts.inbox.posted import Posted
from alerts.inbox.store import Recorded
from alerts.inbox.watchdog import Pulse
from metrics import stack
from metrics.expose import Format, Renderer
from metrics.instruments import Instruments
from metrics.model import Sample
from metrics.process import ProcessSamples

_KEPT = (
    stack.INBOX_NOTIFICATIONS,
    stack.INBOX_DUPLICATES,
    stack.INBOX_REJECTED,
    stack.INBOX_DETECTION,
    stack.INBOX_DELIVERY,
    stack.EVENTS,
)


class Figures:
    """Counts what arrives; open alerts and the Watchdog are read when they are asked for."""

    def __init__(self) -> None:
        self._kept = Instruments(_KEPT)
        self._process = ProcessSamples(stack.JOB_INBOX)
        self._renderer = Renderer()

    def recorded(self, what: Recorded) -> None:
        """Counts a delivery that was kept."""
        for status, severity in what.new:
            self._kept.inc(stack.INBOX_NOTIFICATIONS, status, severity)
        self._kept.inc(stack.INBOX_DUPLICATES, by=what.duplicates)

    def rejected(self, reason: str) -> None:
        """Counts a delivery that was refused: `unauthorized`, `malformed` or `too_large`."""
        self._kept.inc(stack.INBOX_REJECTED, reason)

    def timed(self, incident: Incident) -> None:
        """Counts how long an incident's detection and delivery took, in seconds."""
        if incident.detection is not None and incident.delivery is not None:
            self._kept.observe(stack.INBOX_DETECTION, incident.detection)
            self._kept.observe(stack.INBOX_DELIVERY, incident.delivery)

    def posted(self, kind: str) -> None:
        """Counts an event that a program posted."""
        self._kept.inc(stack.EVENTS, kind)

    def exposition(
        self, firing: dict[str, int], unacknowledged: int, pulse: Pulse, events: list[Posted], wanted: Format
    ) -> bytes:
        """The body of `/metrics`; `firing` counts open alerts by severity, `events` are the newest."""
        samples = [*self._samples(firing, unacknowledged, pulse), *map(_event, events)]
        return self._renderer.render(samples, wanted)

    def _samples(self, firing: dict[str, int], unacknowledged: int, pulse: Pulse) -> Iterator[Sample]:
        yield from self._process.collect()
        yield from self._kept.collect()
        for severity in stack.SEVERITIES:
            yield stack.INBOX_OPEN.sample(firing.get(severity, 0), severity)
        yield stack.INBOX_UNACKNOWLEDGED.sample(unacknowledged)
        yield stack.WATCHDOG_ALIVE.sample(int(pulse.alive))
        if pulse.age is not None:
            yield stack.WATCHDOG_AGE.sample(pulse.age)


def _event(event: Posted) -> Sample:
    return stack.EVENT_TIME.sample(event.starts_at, event.kind, event.title, str(event.id))
