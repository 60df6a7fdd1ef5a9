"""Whatever a client writes is a message or refused by a code of the list; filters keep what they promise. Pure."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.codes import ErrorCode
from stream.filters import EVERYTHING, Filters, canonical, changed
from stream.messages import ASKED_TYPES, Format, RefusedError, decode, select

TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=15,
)
CODES = {ErrorCode.BAD_MESSAGE, ErrorCode.UNKNOWN_TYPE, ErrorCode.BAD_FIELD, ErrorCode.BAD_FILTER}
FILTERS = st.fixed_dictionaries({}, optional=dict.fromkeys(("symbols", "fields", "min_change", "colour"), TREES))
NEARLY = st.fixed_dictionaries(
    {"type": st.sampled_from(ASKED_TYPES) | TREES},
    optional={
        "room": st.just("market-data") | TREES,
        "after": st.integers(-5, 2**54) | TREES,
        "epoch": st.text(max_size=70) | TREES,
        "id": TREES,
        "token": TREES,
        "shop": TREES,
        "filters": FILTERS | TREES,
    },
)


def taken(payload: str | bytes, used: Format) -> object | None:
    try:
        return decode(payload, used)
    except RefusedError as error:
        refused = error
    assert refused.code in CODES
    assert 1 <= len(str(refused)) <= 300
    return None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_refused(payload: bytes) -> None:
    taken(payload, Format.MSGPACK)
    taken(payload, Format.JSON)


@given(st.text(max_size=300))
def test_any_text_is_a_message_or_refused(payload: str) -> None:
    taken(payload, Format.JSON)


@given(NEARLY)
@settings(max_examples=400)
def test_what_is_nearly_a_message_is_judged_alike_in_both_formats(tree: Any) -> None:
    assert taken(json.dumps(tree), Format.JSON) == taken(msgspec.msgpack.encode(tree), Format.MSGPACK)


@pytest.mark.parametrize("used", list(Format))
def test_depth_is_no_way_in(used: Format) -> None:
    payload = b"[" * 100_000 if used is Format.JSON else b"\x91" * 100_000
    assert taken(payload, used) is None


words = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5) | st.none()


@given(words, words, st.floats(0, 1000) | st.none(), st.text(min_size=1, max_size=8))
def test_equal_filters_have_one_form_and_let_the_same_through(
    symbols: list[str] | None, fields: list[str] | None, change: float | None, symbol: str
) -> None:
    found = canonical(Filters(symbols=symbols, fields=fields, min_change=change))
    turned = canonical(Filters(symbols=symbols and symbols[::-1] * 2, fields=fields and fields[::-1] * 2, min_change=change))
    assert found == turned
    assert hash(found) == hash(turned)
    assert found.takes(symbol) == (symbols is None or symbol in {one.upper() for one in symbols})
    if symbols is None and fields is None and not change:
        assert found is EVERYTHING


@given(st.dictionaries(st.text(max_size=8), st.integers(), max_size=8), words)
def test_a_selection_has_the_symbol_and_what_was_asked_for(data: dict[str, int], fields: list[str] | None) -> None:
    told = select({"symbol": 1} | data, canonical(Filters(fields=fields)).fields)
    assert "symbol" in told
    assert set(told) == ({"symbol", *data} if fields is None else {"symbol", *fields} & {"symbol", *data})


numbers = st.floats(-1e9, 1e9)


@given(numbers, numbers, st.floats(0.001, 1000))
def test_a_change_is_counted_from_what_was_sent_last(last: float, figure: float, percent: float) -> None:
    if last and abs(figure - last) < 0.999 * abs(last) * percent / 100:
        assert not changed(last, figure, percent)
    if last and abs(figure - last) > 1.001 * abs(last) * percent / 100:
        assert changed(last, figure, percent)
    assert changed(None, figure, percent)
    assert changed(last, figure, 0)
