"""Why a target could not be asked: one of a few causes, for a label, and one line, for the log."""

from __future__ import annotations

from exporters.base import ToldError
from metrics.stack import CAUSES


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


def line(text: str) -> str:
    """One line for a log."""
    return " ".join(text.split())[:300]
