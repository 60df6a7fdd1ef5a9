from datetime import UTC, datetime

import pytest

from alerts.inbox.firstbad import Active, Actives, FirstBad

LABELS = {"alertname": "HighCPUUsage", "instance": "web-1", "severity": "warning", "cluster": "eu"}


def active(at: float = 100.0, state: str = "firing", without: str = "", **labels: str) -> Active:
    kept = {name: value for name, value in LABELS.items() if name not in ("cluster", without)} | labels
    return Active(kept, state, datetime.fromtimestamp(at, UTC), "9e+01")


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ([], "no longer knows"),
        ([active(instance="web-2")], "no longer knows"),
        ([active(state="pending")], "no longer knows"),
        ([active()], FirstBad(100.0, "9e+01")),
        ([active(), active(90, without="instance")], FirstBad(100.0, "9e+01")),  # the more specific one
        ([active(), active(90)], "several"),
        ([active(400.9)], FirstBad(400.9, "9e+01")),  # evaluation itself takes time
        ([active(402)], "later occurrence"),
    ],
)
def test_the_one_alert_whose_labels_are_all_among_the_notifications(known: list[Active], found: FirstBad | str) -> None:
    answer = Actives(known).match(LABELS, 400.0)
    assert answer == found or (isinstance(answer, str) and isinstance(found, str) and found in answer)
