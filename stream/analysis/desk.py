"""`POST /analyze`: questions wait in a bounded queue, each with a deadline, and are answered one after another."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from aiohttp import web

from metrics import analysis as ai
from metrics.instruments import Instruments
from settings.hosts import host_known
from stream.analysis.client import DEADLINE_HEADER
from stream.analysis.messages import PROBLEMS, Analysis, AnalysisRequest, Problem

MOST_BODY = 64 * 1024
_SLICE = 0.005  # seconds of answering, after which the loop may do something else
_DEADLINE_DIGITS = 9  # of milliseconds: days
_LOG = logging.getLogger("watchfloor.analysis")


class ProblemError(Exception):
    """A question that gets no answer; `code` is one of `messages.PROBLEMS`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class _Waiting:
    request: AnalysisRequest
    arrived: float
    until: float
    answer: asyncio.Future[Analysis]


class Desk:
    """Takes questions and lets `answer` answer them; it raises ProblemError where it cannot. `hosts`: this machine's names."""

    def __init__(
        self, answer: Callable[[AnalysisRequest], Analysis], most: int, deadline: float, counts: Instruments,
        hosts: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._answer, self._deadline, self._counts, self._hosts = answer, deadline, counts, hosts
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(most)
        self._decoder = msgspec.json.Decoder(AnalysisRequest)
        self.limit = most

    @property
    def waiting(self) -> int:
        """Questions in the queue."""
        return self._queue.qsize()

    def application(self, app: web.Application) -> web.Application:
        """Adds the route."""
        app.router.add_post("/analyze", self._asked)
        return app

    async def run(self) -> None:
        """Answers until it is cancelled."""
        while True:
            one = await self._queue.get()
            end = time.monotonic() + _SLICE
            while True:
                self._work(one)
                if time.monotonic() > end or self._queue.empty():
                    break
                one = self._queue.get_nowait()
            await asyncio.sleep(0)

    def _work(self, one: _Waiting) -> None:
        if one.answer.done():  # who asked has gone
            return
        if time.monotonic() > one.until:
            one.answer.set_exception(ProblemError("timeout", "the question waited longer than its deadline: ask for less"))
            return
        try:
            one.answer.set_result(self._answer(one.request))
        except ProblemError as error:
            one.answer.set_exception(error)
        except Exception as error:  # noqa: BLE001  # whatever a model raises, the next question is answered
            _LOG.exception("a question was not answered", extra={"event": "model_failed", "model": one.request.type})
            one.answer.set_exception(ProblemError("model", f"the model failed: {type(error).__name__}: see its log"))

    async def _asked(self, http: web.Request) -> web.Response:
        arrived = time.monotonic()
        try:
            _refuse_strangers(http, self._hosts)
            request = self._decoder.decode(await _body(http))
            found = await self._in_turn(request, arrived, _deadline(http, self._deadline))
        except msgspec.MsgspecError as error:
            return self._problem("bad-request", str(error))
        except ProblemError as error:
            return self._problem(error.code, str(error))
        self._counts.observe(ai.DURATION, time.monotonic() - arrived, request.type)
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")

    async def _in_turn(self, request: AnalysisRequest, arrived: float, deadline: float) -> Analysis:
        one = _Waiting(request, arrived, arrived + deadline, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(one)
        except asyncio.QueueFull:
            raise ProblemError("overloaded", f"{self.limit} questions wait already: ask again later") from None
        return await one.answer

    def _problem(self, code: str, message: str) -> web.Response:
        self._counts.inc(ai.ERRORS, code)
        status = PROBLEMS[code]
        headers = {"Retry-After": "1"} if status == 503 else {}
        body = msgspec.json.encode(Problem(code=code, message=message))
        return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def _refuse_strangers(http: web.Request, hosts: frozenset[str]) -> None:
    """Refuses what a stranger's page in a browser of this machine can send: a foreign Host, or a body that is not called JSON."""
    if not host_known(http.headers.get("Host", ""), hosts):
        raise ProblemError("bad-request", "Host names another machine: ask by this one's address")
    if http.content_type != "application/json":
        raise ProblemError("bad-request", f"Content-Type is {http.content_type}: send application/json")


async def _body(http: web.Request) -> bytes:
    body = b"" if (http.content_length or 0) > MOST_BODY else await http.read()
    if not 0 < len(body) <= MOST_BODY:
        raise ProblemError("bad-request", f"a question has 1 to {MOST_BODY} bytes of JSON")
    return body


def _deadline(http: web.Request, most: float) -> float:
    """Seconds that the caller will wait, at most the site's. Raises ProblemError for what is no number of milliseconds."""
    given = http.headers.get(DEADLINE_HEADER)
    if given is None:
        return most
    if not given.isdecimal() or len(given) > _DEADLINE_DIGITS or not int(given):
        raise ProblemError("bad-request", f"{DEADLINE_HEADER}: {given[:20]!r} is no number of milliseconds: give such as 2000")
    return min(int(given) / 1000, most)
