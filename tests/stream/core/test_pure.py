"""Frames, filters, history and messages: pure parts against parsers that are not ours, and against their contracts."""

from __future__ import annotations

import json
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.streams import StreamReader

from stream.codes import ErrorCode
from stream.filters import EVERYTHING, Filters, canonical, changed
from stream.frames import Form, Framer, close_frame, frame
from stream.history import Bounds, Entry, History
from stream.messages import DataWriter, Format, RefusedError, Subscribe, decode, encode
from stream.outlet import Backlog

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def parsed(data: bytes, extensions: list[PerMessageDeflate] | None = None) -> Frame:
    """One frame as the `websockets` library reads it, as a client does (server frames carry no mask)."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    steps = Frame.parse(reader.read_exact, mask=False, extensions=extensions)
    try:
        next(steps)
    except StopIteration as end:
        found = end.value
        assert isinstance(found, Frame)
        return found
    raise AssertionError("the frame is not complete")


@given(st.binary(max_size=300) | st.integers(65_000, 66_000).map(bytes))
def test_a_frame_is_read_as_it_was_written(payload: bytes) -> None:
    found = parsed(frame(2, payload))
    assert (found.fin, int(found.opcode), bytes(found.data)) == (True, 2, payload)


@given(st.text(max_size=200))
def test_a_close_reason_fits_and_stays_text(reason: str) -> None:
    data = bytes(parsed(close_frame(4408, reason.encode("utf-8", "replace").decode())).data)
    assert len(data) <= 125
    assert int.from_bytes(data[:2], "big") == 4408
    assert reason.encode("utf-8", "replace").decode().startswith(data[2:].decode())


@given(st.lists(st.text(min_size=40, max_size=400), min_size=1, max_size=6), st.integers(9, 15), st.integers(0, 5))
def test_each_compressed_frame_stands_alone_and_in_any_stream(texts: list[str], window: int, skip: int) -> None:
    framer, form = Framer(), Form(Format.JSON, window)
    frames = [framer.message(text.encode(), form) for text in texts]
    with_takeover = PerMessageDeflate(False, False, window, 15)
    for text, data in zip(texts[skip:], frames[skip:], strict=True):  # a client that came later missed the first ones
        assert bytes(parsed(data, [with_takeover]).data) == text.encode()
        assert bytes(parsed(data, [PerMessageDeflate(True, True, window, 15)]).data) == text.encode()


def test_compression_makes_messages_smaller() -> None:
    text = (
        json.dumps({"symbol": "BTC", "price": "60000.10", "volume": "60000.10", "high": "60000.10", "low": "60000.10"}).encode()
        * 2
    )
    assert len(Framer().message(text, Form(Format.JSON, 15))) < len(text) * 0.7
    assert len(zlib.compress(text)) < len(text)


@given(
    data=st.dictionaries(st.text(min_size=1), JSON, max_size=6),
    prev=st.integers(0, 2**53),
    fields=st.lists(st.text(min_size=1), max_size=3),
)
def test_both_formats_carry_the_same_data_message(data: dict[str, Any], prev: int, fields: list[str]) -> None:
    data["symbol"] = "BTC"
    entry = Entry(7, "BTC", encode(data, Format.JSON), 1_700_000_000_000, 1_699_999_999_999)
    writer = DataWriter("market-data", "abcdef012345", entry)
    chosen = tuple(sorted(set(fields)))
    text = json.loads(writer.payload(chosen, prev, Format.JSON))
    assert msgspec.msgpack.decode(writer.payload(chosen, prev, Format.MSGPACK)) == text
    assert text["data"] == ({name: data[name] for name in data if name == "symbol" or name in chosen} if chosen else data)
    assert (text["seq"], text["prev"], text["sourceTime"]) == (7, prev, 1_699_999_999_999)


def refused(payload: str | bytes, used: Format) -> ErrorCode | None:
    """By which code a message is refused; None where it is understood. Any other exception is the test's failure."""
    try:
        decode(payload, used)
    except RefusedError as error:
        return error.code
    return None


@given(st.text() | JSON.map(json.dumps) | st.dictionaries(st.sampled_from(["type", "room", "filters"]), JSON).map(json.dumps))
def test_no_text_makes_decoding_fail_otherwise_than_by_a_code(text: str) -> None:
    assert refused(text, Format.JSON) in {None, *ErrorCode}


@given(st.binary(max_size=200) | JSON.map(msgspec.msgpack.encode))
def test_no_bytes_make_decoding_fail_otherwise_than_by_a_code(data: bytes) -> None:
    assert refused(data, Format.MSGPACK) in {None, *ErrorCode}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", ErrorCode.BAD_MESSAGE),
        ("[]", ErrorCode.BAD_MESSAGE),
        ('"text"', ErrorCode.BAD_MESSAGE),
        ("[" * 60_000, ErrorCode.BAD_MESSAGE),
        ("{}", ErrorCode.UNKNOWN_TYPE),
        ('{"type": "publish"}', ErrorCode.UNKNOWN_TYPE),
        ('{"type": ["subscribe"]}', ErrorCode.UNKNOWN_TYPE),
        ('{"type": "subscribe"}', ErrorCode.BAD_FIELD),
        ('{"type": "subscribe", "room": 1}', ErrorCode.BAD_FIELD),
        ('{"type": "ping", "id": {}}', ErrorCode.BAD_FIELD),
        ('{"type": "subscribe", "room": "a", "after": -1}', ErrorCode.BAD_FIELD),
        ('{"type": "subscribe", "room": "a", "filters": {"nope": 1}}', ErrorCode.BAD_FILTER),
        ('{"type": "subscribe", "room": "a", "filters": {"symbols": []}}', ErrorCode.BAD_FILTER),
        ('{"type": "subscribe", "room": "a", "filters": {"min_change": -1}}', ErrorCode.BAD_FILTER),
    ],
)
def test_what_cannot_be_used_is_told_by_its_code(text: str, code: ErrorCode) -> None:
    assert refused(text, Format.JSON) is code


def test_equal_filters_have_one_form() -> None:
    one = canonical(Filters(symbols=["eth", "BTC", "BTC"], fields=["price", "symbol"], min_change=0))
    assert one == canonical(Filters(symbols=["BTC", "ETH"], fields=["price"]))
    assert canonical(Filters()) is canonical(None) is EVERYTHING
    assert canonical(Filters(fields=["symbol"])).fields == ("symbol",)
    asked = decode('{"type": "subscribe", "room": "a", "filters": {"symbols": ["btc"]}}', Format.JSON)
    assert isinstance(asked, Subscribe)
    assert canonical(asked.filters).takes("BTC")
    assert not canonical(asked.filters).takes("ETH")


@pytest.mark.parametrize(
    ("last", "figure", "percent", "told"),
    [
        (100, 100.9, 1, 0), (100, 101, 1, 1), (100, 99, 1, 1), (-100, -101, 1, 1), (0, 0, 1, 0), (0, 0.1, 1, 1),
        (None, 1, 1, 1), (1, None, 1, 1), (100, 100, 0, 1),
    ],
)  # fmt: skip
def test_a_change_is_counted_from_what_was_sent_last(last: float | None, figure: float | None, percent: float, told: int) -> None:
    assert changed(last, figure, percent) == bool(told)


def entry(seq: int, at: int, size: int = 10) -> Entry:
    return Entry(seq, "BTC", b"x" * size, at, at)


def test_history_keeps_so_many_and_so_long_but_never_more_bytes() -> None:
    history = History(Bounds(seconds=10, messages=5, bytes=1_000_000))
    for seq in range(1, 21):
        history.add(entry(seq, seq * 1000))
    assert [kept.seq for kept in history.since(0)] == list(range(10, 21)), "ten seconds are more than five messages"
    for seq in range(21, 41):
        history.add(entry(seq, 1_000_000 + seq * 60_000))
    assert [kept.seq for kept in history.since(0)] == list(range(36, 41)), "five messages are longer than ten seconds"
    history.add(entry(41, 9_000_000, size=999_900))
    assert len(history) == 0, "one that is too large is not kept at all"
    assert history.size == 0


def test_history_knows_what_it_holds() -> None:
    history = History(Bounds(seconds=0, messages=3))
    assert history.holds(0, 0)
    assert not history.holds(0, 4)
    for seq in range(1, 6):
        history.add(entry(seq, seq * 1000))
    assert [after for after in range(7) if history.holds(after, 5)] == [2, 3, 4, 5]
    assert [kept.seq for kept in history.since(3)] == [4, 5]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("XYZ"), st.integers(1, 30)), max_size=40))
def test_a_backlog_holds_the_latest_of_each_symbol_and_tells_the_rest(offered: list[tuple[str, str, int]]) -> None:
    backlog = Backlog(0.0)
    latest: dict[tuple[str, str], tuple[int, int]] = {}
    replaced: dict[str, list[int]] = {}
    for seq, (room, symbol, size) in enumerate(offered, 1):
        if (room, symbol) in latest:
            replaced.setdefault(room, []).append(latest[room, symbol][0])
        assert backlog.keep(room, symbol, seq, bytes(size)) is ((room, symbol) in latest)
        latest[room, symbol] = (seq, size)
    assert backlog.size == sum(size for _, size in latest.values())
    assert [kept.seq for kept in backlog.kept.values()] == sorted(seq for seq, _ in latest.values())
    assert backlog.lost == {room: (min(seqs), max(seqs)) for room, seqs in replaced.items()}
    backlog.forget("a")
    assert backlog.size == sum(size for (room, _), (_, size) in latest.items() if room != "a")
