"""Whether the server answers, and if not, why. This collector never fails: that is what it is for."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.redis.session import Session
from metrics import stack
from metrics.model import Sample
from metrics.redis import server as m

DOMAIN = "redis"


class Up:
    """Whether the server answers."""

    name = "up"
    help = "Whether the server answers, and why it could not be asked."
    emits = (
        m.UP, m.SCRAPES, m.SCRAPE_DURATION, m.SCRAPE_SECONDS, m.SCRAPE_COUNT, m.SCRAPE_ERROR, m.CONNECT_TIME,
        stack.TARGET_FAILURE,
    )  # fmt: skip

    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterator[Sample]:
        """Up, and every cause at 0 or 1."""
        session = self._session
        cause = session.failure.cause if session.failure else ""
        yield m.UP.sample(int(not cause))
        for name in stack.CAUSES:
            yield stack.TARGET_FAILURE.sample(int(name == cause), DOMAIN, name)
        yield m.SCRAPES.sample(session.scrapes)
        yield m.SCRAPE_DURATION.sample(round(session.seconds, 6))
        yield m.SCRAPE_SECONDS.sample(round(session.total, 6))
        yield m.SCRAPE_COUNT.sample(session.scrapes)
        yield m.SCRAPE_ERROR.sample(int(session.failing), cause)
        yield m.CONNECT_TIME.sample(round(session.connecting, 6))
