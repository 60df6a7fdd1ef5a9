"""Whatever arrives at the inbox is understood or refused by its own error; nothing else comes out. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.inbox import posted
from alerts.inbox.posted import BadEventError
from alerts.inbox.webhook import MalformedError, Notification, digest, parse
from tests.alerts.inbox.service import alert, delivery

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


def understood(body: bytes) -> Notification | None:
    try:
        found = parse(body)
    except MalformedError:
        return None
    for one in found.alerts:
        assert one.severity
        assert one.started > -1e11
        assert len(digest(one)) == 64
    return found


@given(st.binary(max_size=300))
def test_any_bytes_are_a_delivery_or_refused(body: bytes) -> None:
    understood(body)
    event(body)


@given(TREES)
def test_any_json_is_a_delivery_or_refused(tree: Any) -> None:
    body = json.dumps(tree).encode()
    understood(body)
    event(body)


@given(st.data())
@settings(max_examples=200)
def test_a_good_delivery_with_one_place_spoilt_is_a_delivery_or_refused(chance: st.DataObject) -> None:
    tree: Any = json.loads(delivery(alert(), alert("DiskFull", "resolved")))
    place = tree
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = chance.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and chance.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = chance.draw(TREES)
        break
    understood(json.dumps(tree).encode())


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=60), max_size=5), st.text(min_size=1, max_size=64))
def test_labels_come_back_as_they_were_sent(labels: dict[str, str], fingerprint: str) -> None:
    found = understood(delivery(alert() | {"labels": labels, "annotations": labels, "fingerprint": fingerprint}))
    assert found is not None
    assert found.alerts[0].labels == labels
    assert found.alerts[0].fingerprint == fingerprint


def event(body: bytes) -> None:
    try:
        found = posted.parse(body, 1_795_338_000.0)
    except BadEventError:
        return
    assert 1 <= len(found.title) <= 120
    assert found.ends_at is None or found.ends_at >= found.starts_at
    assert len(found.tags) <= 10
    assert found.link == "" or found.link.startswith(("http://", "https://"))


TIMES = st.floats() | st.text(max_size=30) | st.just("2026-11-22T11:00:00+02:00") | TREES
EVENTS = st.fixed_dictionaries(
    {"title": st.text(max_size=130)},
    optional={
        "kind": st.sampled_from(("deploy", "load", "shop")) | TREES,
        "start": TIMES,
        "end": TIMES,
        "tags": st.lists(st.text(max_size=45), max_size=12),
        "link": st.sampled_from(("http://a", "https://b/c", "javascript:x")) | st.text(max_size=30),
    },
)


@given(EVENTS)
@settings(max_examples=300)
def test_any_event_is_kept_within_its_bounds_or_refused(tree: Any) -> None:
    event(json.dumps(tree).encode())


@pytest.mark.parametrize("depth", [50, 5_000, 100_000])
def test_depth_is_no_way_in(depth: int) -> None:
    for body in (b"[" * depth, b'{"a":' * depth, b'{"title":' * depth):
        assert understood(body) is None
        event(body)
