"""What one arriving alert means for what is known about its incident. Pure: decides, writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from alerts.inbox.webhook import Alert

# An answer that got lost makes Alertmanager send the same again within seconds; a repeat on purpose comes minutes later.
RETRY_SECONDS = 15.0


class Verdict(Enum):
    """What to write."""

    OPEN = "a new incident that fires"
    MISSED = "a new incident that is over already: its firing never arrived"
    RESOLVE = "the open incident is over"
    REOPEN = "the resolved incident fires again"
    REPEAT = "Alertmanager reminds of an open incident"
    DUPLICATE = "nothing new"


@dataclass(frozen=True)
class Known:
    """What is stored about the incident: Unix times, and what its last delivery said."""

    resolved: bool
    last_delivery: float
    digest: str


def decide(known: Known | None, alert: Alert, digest: str, now: float) -> Verdict:
    """The verdict on `alert` (whose content has `digest`), arrived at Unix time `now`.

    A firing that comes later than a retry can, after a resolution, is the truth of now: Alertmanager had given the alert
    up (its Prometheus was silent) and hears of it again under its old start time.
    """
    firing = alert.status == "firing"
    if known is None:
        return Verdict.OPEN if firing else Verdict.MISSED
    retried = now - known.last_delivery <= RETRY_SECONDS
    if known.resolved:
        return Verdict.REOPEN if firing and not retried else Verdict.DUPLICATE
    if not firing:
        return Verdict.RESOLVE
    return Verdict.DUPLICATE if retried and digest == known.digest else Verdict.REPEAT
