import pytest

from alerts.inbox.decide import RETRY_SECONDS, Known, Verdict, decide
from alerts.inbox.webhook import parse
from tests.alerts.inbox.service import alert, delivery

FIRING = parse(delivery(alert())).alerts[0]
RESOLVED = parse(delivery(alert(status="resolved"))).alerts[0]
SOON, LATE = RETRY_SECONDS, RETRY_SECONDS + 1


@pytest.mark.parametrize(
    ("known", "arriving", "after", "digest", "verdict"),
    [
        (None, FIRING, 0, "a", Verdict.OPEN),
        (None, RESOLVED, 0, "a", Verdict.MISSED),
        ("open", FIRING, SOON, "a", Verdict.DUPLICATE),
        ("open", FIRING, SOON, "b", Verdict.REPEAT),
        ("open", FIRING, LATE, "a", Verdict.REPEAT),
        ("open", RESOLVED, 0, "b", Verdict.RESOLVE),
        ("resolved", RESOLVED, SOON, "a", Verdict.DUPLICATE),
        ("resolved", RESOLVED, LATE, "a", Verdict.DUPLICATE),
        ("resolved", FIRING, SOON, "b", Verdict.DUPLICATE),
        ("resolved", FIRING, LATE, "b", Verdict.REOPEN),
    ],
)
def test_every_arrival_has_its_verdict(known: str | None, arriving: object, after: float, digest: str, verdict: Verdict) -> None:
    stored = None if known is None else Known(known == "resolved", last_delivery=1000.0, digest="a")
    assert decide(stored, arriving, digest, 1000.0 + after) is verdict  # type: ignore[arg-type]  # an Alert
