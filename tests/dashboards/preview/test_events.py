"""Annotation queries become events."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboards.preview import events
from dashboards.preview.ask import Ask
from dashboards.preview.model import Annotation
from dashboards.preview.prometheus import Series
from dashboards.preview.timerange import Range

WANTED = Ask("", "", Range(0, 600), 600)


def spans(found: list[dict[str, Any]]) -> list[tuple[float, float]]:
    return [(event["from"], event["to"]) for event in found]


def query(**keys: Any) -> Annotation:
    return msgspec.convert({"name": "Firing", "iconColor": "#0072B2"} | keys, Annotation)


def series(*samples: tuple[float, str], **labels: str) -> Series:
    return Series(labels, values=list(samples))


def test_samples_that_follow_one_another_are_one_event() -> None:
    found = series((60, "1"), (120, "1"), (180, "0"), (240, "1"), alertname="Down", severity="critical", instance="a")
    made = events.made(query(titleFormat="{{alertname}}", textFormat="on {{instance}}"), found, 60, WANTED)
    assert spans(made) == [(60_000, 120_000), (240_000, 240_000)]
    assert (made[0]["title"], made[0]["text"], made[0]["state"]) == ("Down", "on a", "critical")


def test_a_value_may_itself_be_the_time() -> None:
    made = events.made(query(useValueForTime=True), series((60, "30000"), (120, "30000"), (180, "900000")), 60, WANTED)
    assert spans(made) == [(30_000, 30_000)]
    assert (made[0]["title"], made[0]["state"]) == ("Firing", "info")


@pytest.mark.parametrize("keys", [{"expr": "up"}, {"target": {"expr": "up"}}])
def test_the_expression_stands_in_either_place(keys: dict[str, Any]) -> None:
    assert query(**keys).expression == "up"
