"""Asks the analysis process: `AnalysisClient(url).analyze(AnalysisRequest(…))`.

AnalysisError                no answer; `code` says why, the text what to do
 ├─ RefusedError             the question is wrong: asking again is no use (400, 404)
 ├─ BusyError                not now: queue full, no data yet, a standby; `retry_after` seconds (503)
 ├─ LateError                no answer within the deadline (504, or nothing at all)
 └─ UnreachableError         the process does not answer, or answers what is no analysis
"""

from __future__ import annotations

import aiohttp
import msgspec

from stream.analysis.messages import Analysis, AnalysisRequest, Problem

DEADLINE_HEADER = "X-Deadline-Ms"  # how long the caller will wait; what waited longer in the queue is not begun
_DEADLINE = 2.0


class AnalysisError(Exception):
    """No answer; `code` is one of `messages.PROBLEMS`, or "unreachable"."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RefusedError(AnalysisError):
    """The question is wrong: asking again is no use."""


class BusyError(AnalysisError):
    """Not now; ask again after `retry_after` seconds."""

    def __init__(self, code: str, message: str, retry_after: float) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class LateError(AnalysisError):
    """There was no answer within the deadline."""


class UnreachableError(AnalysisError):
    """The process does not answer, or answers what is no analysis."""


class AnalysisClient:
    """Asks the process at `url` (`http://127.0.0.1:8170`); `deadline` seconds for an answer. Use it within one event loop.

    A session that is given stays the caller's to close; an own one is made at the first question and ends with `close()`.
    """

    def __init__(self, url: str, *, deadline: float = _DEADLINE, session: aiohttp.ClientSession | None = None) -> None:
        self._url = f"{url.rstrip('/')}/analyze"
        self._deadline = deadline
        self._session, self._own = session, session is None
        self._decoder = msgspec.json.Decoder(Analysis)

    async def analyze(self, request: AnalysisRequest, deadline: float | None = None) -> Analysis:
        """The answer within `deadline` seconds (default: the client's). Raises AnalysisError."""
        seconds = self._deadline if deadline is None else deadline
        headers = {"Content-Type": "application/json", DEADLINE_HEADER: str(round(seconds * 1000))}
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        try:
            timeout = aiohttp.ClientTimeout(total=seconds)
            async with self._session.post(
                self._url, data=msgspec.json.encode(request), headers=headers, timeout=timeout
            ) as answer:
                body = await answer.read()
        except TimeoutError:
            raise LateError("timeout", f"no analysis within {seconds:g} s: ask for less, or wait longer") from None
        except (aiohttp.ClientError, OSError) as error:
            raise UnreachableError("unreachable", f"{self._url}: {error}: check that the analysis process runs") from error
        if answer.status == 200:
            return self._analysis(body)
        raise self._problem(answer, body)

    async def close(self) -> None:
        """Lets go of the connections, if they are its own."""
        if self._own and self._session is not None:
            await self._session.close()

    def _analysis(self, body: bytes) -> Analysis:
        try:
            return self._decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise UnreachableError("unreachable", f"{self._url}: answers what is no analysis ({error}): who is it?") from error

    def _problem(self, answer: aiohttp.ClientResponse, body: bytes) -> AnalysisError:
        try:
            problem = msgspec.json.decode(body, type=Problem)
        except msgspec.MsgspecError:
            return UnreachableError("unreachable", f"{self._url}: answers {answer.status} without a reason: who is it?")
        if problem.code == "timeout":
            return LateError(problem.code, problem.message)
        if answer.status == 503:
            return BusyError(problem.code, problem.message, _seconds(answer.headers.get("Retry-After", "1")))
        kind = AnalysisError if answer.status >= 500 else RefusedError
        return kind(problem.code, problem.message)


def _seconds(header: str) -> float:
    return float(header) if header.isdecimal() else 1.0
