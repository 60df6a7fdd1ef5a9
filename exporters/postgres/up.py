"""Whether the server answers, as what, and if not, why. This collector never fails: that is what it is for."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.postgres.session import Session
from metrics import stack
from metrics.model import Sample
from metrics.postgres import server as m

DOMAIN = "postgres"


class Up:
    """Whether the server answers."""

    name = "up"
    help = "Whether the server answers, its version, and why it could not be asked."
    emits = (m.UP, m.STATIC, m.SCRAPES, m.SCRAPE_DURATION, m.SCRAPE_ERROR, stack.TARGET_FAILURE)

    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterator[Sample]:
        """Up and version, and every cause at 0 or 1."""
        session = self._session
        cause = session.failure.cause if session.failure else ""
        yield m.UP.sample(int(not cause))
        for name in stack.CAUSES:
            yield stack.TARGET_FAILURE.sample(int(name == cause), DOMAIN, name)
        if session.server and not cause:
            major, minor = divmod(session.server.version, 10_000)
            yield m.STATIC.sample(1, session.server.address, f"{major}.{minor}.0", session.server.words)
        yield m.SCRAPES.sample(session.scrapes)
        yield m.SCRAPE_DURATION.sample(round(session.seconds, 6))
        yield m.SCRAPE_ERROR.sample(int(session.failing))
