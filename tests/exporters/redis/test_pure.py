"""Answers in pieces, INFO of other versions, the histogram's levels, the budget of a scan."""

import pytest

from exporters.redis import info
from exporters.redis.causes import ServerError, refused
from exporters.redis.latency import distribution
from exporters.redis.resp import NOTHING, ProtocolError, Reader
from exporters.redis.scan import Budget, Pass, Pattern, looked_through
from metrics.redis import commands as m

ANSWERS = b"+OK\r\n:-5\r\n$3\r\na\r\n\r\n$-1\r\n*2\r\n*1\r\n:1\r\n$0\r\n\r\n*0\r\n*-1\r\n-ERR no\r\n"
MEANT = ["OK", -5, b"a\r\n", None, [[1], b""], [], None]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_answers_are_the_same_in_pieces_of_any_size(size: int) -> None:
    reader, found = Reader(), []
    for start in range(0, len(ANSWERS), size):
        reader.feed(ANSWERS[start : start + size])
        while (answer := reader.gets()) is not NOTHING:
            found.append(answer)
    assert found[:-1] == MEANT
    assert isinstance(found[-1], ServerError)
    assert str(found[-1]) == "ERR no"


@pytest.mark.parametrize(
    "data",
    [b"HTTP/1.1 200\r\n", b"SSH-2.0", b"$x\r\n", b"*99999999999\r\n", b"$99999999999\r\n", b"*1\r\n" * 20, b"+" + b"x" * 70_000],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    reader = Reader()
    reader.feed(data)
    with pytest.raises(ProtocolError):
        reader.gets()


def test_commands_of_old_and_of_new_servers() -> None:
    text = (
        b"# Server\r\nredis_version:6.0\r\n\r\n# Commandstats\r\ncmdstat_get:calls=21,usec=175,usec_per_call=8.33\r\n"
        b"cmdstat_config|get:calls=1,usec=2,usec_per_call=2.00,rejected_calls=3,failed_calls=4,slowlog_count=5\r\n"
    )
    assert info.commands(info.parse(text)) == [(b"get", b"21", b"175", b"", b""), (b"config|get", b"1", b"2", b"3", b"4")]


def test_fields_are_told_from_tables() -> None:
    text = b"# Server\r\nos:Linux: x\r\n\r\n# Errorstats\r\nerrorstat_ERR:count=4\r\n\r\n# Keyspace\r\ndb0:keys=4,expires=0\r\n"
    found = info.parse(text)
    assert found.fields["os"] == "Linux: x"
    assert "errorstat_ERR" not in found.fields
    assert info.errors(found) == [(b"ERR", b"4")]
    assert info.pairs(found.fields["db0"]) == {"keys": "4", "expires": "0"}


def test_levels_that_the_server_leaves_out_are_there() -> None:
    told = distribution(6, [8, 3, 264, 5], 500)
    assert sum(told.counts) == 6
    assert dict(zip(m.LEVELS, told.counts, strict=False))[8] == 3
    assert dict(zip(m.LEVELS, told.counts, strict=False))[264] == 2
    assert told.counts[-1] == 1  # longer than the last level


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("WRONGPASS invalid username-password pair", "auth"),
        ("NOAUTH Authentication required.", "auth"),
        ("DENIED Redis is running in protected mode", "auth"),
        ("ERR invalid password", "auth"),
        ("LOADING Redis is loading the dataset in memory", "starting"),
        ("BUSY Redis is busy running a script", "timeout"),
        ("ERR max number of clients reached", "limit"),
        ("ERR something new", "other"),
    ],
)
def test_causes_by_the_servers_words(said: str, cause: str) -> None:
    assert refused(ServerError(said)).cause == cause


def test_a_scan_goes_on_where_it_stopped_and_counts_when_it_has_ended() -> None:
    now = [0.0]
    budget = Budget(2000, 10.0, lambda: now[0])
    one = Pass(Pattern("k*"))

    def scrape(*cursors: bytes) -> int:
        budget.begin()
        asking = looked_through([one], budget)
        sent = 0
        try:
            asked = next(asking)
            for cursor in cursors:
                sent += 1
                asked = asking.send(["OK", [cursor, [b"k%d" % sent]]])
        except StopIteration:
            return sent
        raise AssertionError(f"it wants more: {asked}")

    assert scrape(b"7", b"8") == 2  # the budget of keys
    assert (one.ended, one.known, one.cursor) == (0.0, [b"k1", b"k2"], b"8")
    now[0] = 5.0
    assert scrape(b"0") == 1
    assert (one.ended, one.counted, one.found, one.cursor) == (5.0, 3, [b"k1", b"k2"], b"0")
