"""The tries that are made again and again, each with a connection of its own: handshake and subscription, wrong token, HTTP."""

from __future__ import annotations

import asyncio
import time

from exporters.probe import http, talk
from exporters.probe.board import Board
from exporters.probe.causes import ProbeError, explained
from exporters.probe.goal import CANARY, Goal
from exporters.probe.link import Steps
from metrics import probe as m

_WRONG = "watchfloor-probe.is-no.token"


class Tries:
    """Tries the endpoints of one target and tells the board. `timeout` in seconds."""

    def __init__(self, goal: Goal, board: Board, timeout: float) -> None:
        self._goal, self._board, self._timeout = goal, board, timeout

    async def run(self, endpoint: str) -> bool:
        """One try, in time; whether it succeeded. Raises nothing."""
        steps, failure, began = Steps(), None, time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                await self._try(endpoint, steps)
        except TimeoutError:
            failure = ProbeError("timeout", f"no answer within {self._timeout:g} s")
        except Exception as error:  # noqa: BLE001  # whatever a server does to a client, the next try goes on
            failure = explained(error)
        self._board.tried(endpoint, steps, time.perf_counter() - began, failure)
        return failure is None

    async def _try(self, endpoint: str, steps: Steps) -> None:
        if endpoint == m.WEBSOCKET:
            await self._subscribe(steps)
        elif endpoint == m.AUTH:
            await self._refused(steps)
        else:
            request = self._goal.request(endpoint)
            await http.ask(request, self._goal.trust(request.place), steps)

    async def _subscribe(self, steps: Steps) -> None:
        place, token = self._goal.place, self._goal.token()
        began = time.perf_counter()
        one = await talk.opened(place, self._goal.trust(place), steps)
        try:
            self._board.counts.set(m.HANDSHAKE, time.perf_counter() - began)
            await identify(one, token)
            began = time.perf_counter()
            await one.say({"type": "subscribe", "room": CANARY})
            await one.answer("subscription")
            self._board.counts.set(m.SUBSCRIPTION, time.perf_counter() - began)
            await _goodbye(one)
        finally:
            one.close()

    async def _refused(self, steps: Steps) -> None:
        """A wrong token must not be let in."""
        place = self._goal.place
        one = await talk.opened(place, self._goal.trust(place), steps)
        try:
            await one.say({"type": "auth", "token": _WRONG})
            try:
                await one.answer("auth")
            except ProbeError as error:
                if error.cause != "denied":
                    raise
            else:
                raise ProbeError("auth", "a wrong token was let in")
            await _goodbye(one)
        finally:
            one.close()


async def _goodbye(one: talk.Talk) -> None:
    """Leaves in good order; a server that has gone meanwhile has answered what was asked."""
    try:
        await one.bye()
    except (EOFError, OSError):
        return


async def identify(one: talk.Talk, token: str) -> None:
    """Sends the token, where there is one, and waits until it is taken. Raises ProbeError when it is not."""
    if not token:
        return
    await one.say({"type": "auth", "token": token})
    try:
        await one.answer("auth")
    except ProbeError as error:
        raise ProbeError("auth", f"the token is not taken: {error}") from error
