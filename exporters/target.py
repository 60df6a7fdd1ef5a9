"""Why a target could not be asked: one of a few causes, for a label, and one line, for the log."""

from __future__ import annotations

import logging

from exporters.base import ToldError
from metrics.stack import CAUSES

LOG = logging.getLogger("exporters")


class TargetError(ToldError):
    """The target cannot be asked, which the session logs once for all collectors; `cause` is one of `metrics.stack.CAUSES`."""

    def __init__(self, cause: str, text: str) -> None:
        assert cause in CAUSES
        super().__init__(text)
        self.cause = cause


class LateError(TargetError):
    """The scrape's time is over before the answer came."""

    def __init__(self) -> None:
        super().__init__("timeout", "no answer in time")


class Change:
    """Says in the log that a target cannot be asked, or answers: once, when that changes."""

    def __init__(self, who: str) -> None:
        """`who` begins the line, as in `redis main:`."""
        self._who, self._said = who, ""

    def tell(self, failure: TargetError | None) -> None:
        """What came of the last try; another cause is a change, too."""
        state = failure.cause if failure else ""
        if state == self._said:
            return
        self._said = state
        if failure:
            LOG.warning("%s cannot be asked (%s): %s", self._who, state, failure)
        else:
            LOG.info("%s answers", self._who)


def line(text: str) -> str:
    """One line for a log."""
    return " ".join(text.split())[:300]
