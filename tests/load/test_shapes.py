"""When requests are due, and which share of users does what: pure."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.load import shapes, websocket
from tests.load.__main__ import chosen, command, parser, profile_of
from tests.load.shapes import Shape

times = st.floats(0, 600).map(lambda value: round(value, 1))


@given(st.floats(1, 5000), times, times, times)
def test_arrivals_are_in_order_and_within_the_time(rate: float, up: float, hold: float, down: float) -> None:
    shape = Shape(rate, up, hold, down)
    numbers = range(0, shape.count, max(1, shape.count // 200))
    due = [shape.due(number) for number in numbers]
    assert due == sorted(due)
    assert all(-1e-6 <= one <= shape.seconds + 1 / rate for one in due)


def test_a_ramp_rises_to_its_rate_and_falls() -> None:
    shape = Shape(100, 10, 10, 5)
    by_second = Counter(int(shape.due(number)) for number in range(shape.count))
    assert shape.count == 500 + 1000 + 250
    assert by_second[0] < by_second[4] < by_second[9]
    assert {by_second[second] for second in range(11, 19)} == {100}
    assert by_second[20] > by_second[22] > by_second[24]


def test_a_profile_scales_times_and_leaves_thinking_as_it_is() -> None:
    test = shapes.find("websocket")
    assert test
    short = test.scaled(shapes.PROFILES["short"].factor, 1)
    assert (short.up, short.down, short.seconds) == (12, 6, 60)
    assert short.users == 1000
    assert short.listeners == test.listeners


def test_the_design_s_weights_are_whole() -> None:
    assert [sum(test.weights.values()) for test in shapes.TESTS if test.name in shapes.OF_DESIGN] == [100] * 5


def test_rooms_have_their_shares() -> None:
    test = shapes.find("websocket")
    assert test
    assert Counter(websocket.rooms(test)) == {"market-data": 400, "onchain-data": 300, "sentiment-data": 300}


def test_a_duration_wins_over_the_profile() -> None:
    options = parser().parse_args(["websocket", "--duration", "30s"])
    assert profile_of(options, chosen("websocket")).factor == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["shop"], "is no load test"), (["api", "--share", "2"], "is no share"), (["api", "--duration", "x"], "x")],
)
def test_wrong_arguments_are_told(arguments: list[str], told: str) -> None:
    options = parser().parse_args(arguments)
    with pytest.raises(ValueError, match=told):
        profile_of(options, chosen(options.tests))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "make load"),
        (["api,edge", "--duration", "15s"], "make load t=api,edge d=15s"),
        (["--profile", "full", "--baseline", "var/load/a.json"], "make load profile=full baseline=var/load/a.json"),
        (["websocket", "--share", "0.05", "--workers", "2"], "make load t=websocket 'args=--share 0.05 --workers 2'"),
    ],
)
def test_a_report_names_the_command_that_one_gives(arguments: list[str], words: str) -> None:
    assert command(arguments) == words
