import pytest

from alerts.inbox.watchdog import pulse


@pytest.mark.parametrize(
    ("now", "last", "state", "age"),
    [
        (1000, None, "waiting", None),
        (1180, None, "waiting", None),
        (1180.1, None, "dead", None),
        (1180, 1000, "alive", 180),
        (1180.1, 1000, "dead", 180.1),
        (1000, 1001, "alive", 0),  # the clock was set back
        (5000, 10, "dead", 4990),  # known from before this start
    ],
)
def test_the_state_follows_from_the_clock(now: float, last: float | None, state: str, age: float | None) -> None:
    found = pulse(now, last, started=1000, limit=180)
    assert (found.state, found.age, found.alive) == (state, pytest.approx(age) if age else age, state != "dead")
