import pytest

from alerts.inbox import words
from metrics.model import Unit


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.00 s"), (0.4211, "0.42 s"), (9.99, "9.99 s"), (12.345, "12.3 s"), (99.9, "99.9 s"), (99.96, "1 min 40 s"),
        (119.99998, "2 min"), (3599.6, "1 h"),
        (260, "4 min 20 s"), (3600, "1 h"), (11100, "3 h 5 min"), (187200, "2 d 4 h"), (86400, "1 d"),
    ],
)  # fmt: skip
def test_lengths(seconds: float, said: str) -> None:
    assert words.length(seconds) == said


AGES = [(-5, "0 s"), (0.9, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (90000, "1 d")]


@pytest.mark.parametrize(("seconds", "said"), AGES)
def test_ages(seconds: float, said: str) -> None:
    assert words.age(seconds) == said


@pytest.mark.parametrize(
    ("written", "unit", "said"),
    [
        ("9.1234e+01", Unit.PERCENT, "91.2%"), ("1e+00", Unit.BOOL, "1"), ("4.73e+04", Unit.SECONDS, "13.1 h"),
        ("0.0512", Unit.RATIO, "5.12%"), ("0.0501", Unit.SECONDS, "50.1 ms"), ("7.3", Unit.COUNT, "7.30"),
        ("1234567", Unit.NONE, "1.23 Mil"), ("NaN", Unit.PERCENT, "NaN"), ("+Inf", Unit.SECONDS, "+Inf"),
        ("91 %", Unit.PERCENT, "91 %"), ("", Unit.PERCENT, ""),
    ],
)  # fmt: skip
def test_values(written: str, unit: Unit, said: str) -> None:
    assert words.number(written, unit) == said
