"""Durations: as Prometheus reads and writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("0s", 0), ("250ms", 0.25), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("2w", 1_209_600), ("1y", 31_536_000)],
)
def test_reading(text: str, seconds: float) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "1.5h", "5M", "30s1m", "1h1h", " 5m", "5m\n", "\u0665m"])
def test_what_is_no_duration_is_refused_with_the_accepted_form(text: str) -> None:
    with pytest.raises(ValueError, match="write it as Prometheus does, for example 30s, 5m, 1h30m"):
        durations.seconds(text)


@given(st.integers(0, 10**12))
def test_what_is_written_reads_back(milliseconds: int) -> None:
    assert durations.seconds(durations.text(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1e-6)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0s"), (0.0001, "1ms"), (0.25, "250ms"), (90, "1m30s"), (86_400, "1d"), (-5, "0s")]
)
def test_writing(value: float, text: str) -> None:
    assert durations.text(value) == text


def test_scaling_keeps_what_need_not_change() -> None:
    assert durations.scaled("60m", 1) == "60m"
    assert durations.scaled("5m", 0.1) == "30s"
    assert durations.scaled("0s", 0.5) == "0s"
    assert durations.scaled("1s", 0.0001) == "1ms"
