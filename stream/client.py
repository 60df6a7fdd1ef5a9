"""`python -m stream.client --room market-data --filter symbols=BTC`: prints the stream as JSON lines, and resumes by itself.

On stdout: `initial-data` and `data` messages, one a line, each once and in order. On stderr: gaps, lost connections, refusals.
The token is read from `WATCHFLOOR_TOKEN` or `--token-file`, never from the command line.

Exit codes: 0 ended as asked (a signal, `--count`, whoever read stdout is gone); 1 the server refused for good (unknown room,
forbidden, bad token, a close code that is no use to repeat); 2 wrong arguments or settings; 3 no connection within `--give-up`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import aiohttp
import msgspec

from metrics.process import version
from settings import SettingsError, Site, load
from settings.secrets import read_secret
from stream.codes import CLOSE_CODES, should_retry
from stream.following import GAP, HAND_OUT, REPAIR, Following
from stream.messages import PROTOCOL, SUBPROTOCOL_MSGPACK

EXIT_OK, EXIT_REFUSED, EXIT_USAGE, EXIT_UNREACHABLE = 0, 1, 2, 3
TOKEN_VARIABLE = "WATCHFLOOR_TOKEN"  # noqa: S105  # a variable's name
_FIRST_DELAY, _LONGEST_DELAY, _STABLE = 0.25, 30.0, 5.0  # seconds
_CLOSING = aiohttp.ClientWSTimeout(ws_close=2.0)  # seconds for the server's close frame
_LISTS = ("symbols", "fields")


class RefusedError(Exception):
    """The server will not serve this, however often it is asked; the message says why."""


class DoneError(Exception):
    """What was asked for is complete, or nobody reads it any more."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the client; the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        filters = parse_filters(chosen.filter)
        url = chosen.url or own_url(load())
        token = read_secret(chosen.token_file, "--token-file") if chosen.token_file else os.environ.get(TOKEN_VARIABLE, "")
    except (SettingsError, ValueError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    followings = [Following(room, filters) for room in dict.fromkeys(chosen.room)]
    client = Client(url, followings, token, msgpack=chosen.msgpack, count=chosen.count, give_up=chosen.give_up)
    return asyncio.run(_until_signal(client))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stream.client", description="The stream as JSON lines.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    parser.add_argument("--url", default="", help="ws://HOST:PORT/ws or wss://… (default: this site's stream)")
    parser.add_argument("--room", action="append", required=True, help="a room; may be repeated")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="NAME=VALUE", help="symbols=BTC,ETH, fields=price, min_change=0.5"
    )
    parser.add_argument("--token-file", type=Path, help=f"a file that holds a token (else the variable {TOKEN_VARIABLE})")
    parser.add_argument("--msgpack", action="store_true", help="let the server send MessagePack; lines stay JSON")
    parser.add_argument("--count", type=int, default=0, help="end after so many data messages")
    parser.add_argument(
        "--give-up", type=float, default=0.0, help="end after so many seconds without a connection (default: never)"
    )
    return parser


def parse_filters(given: Sequence[str]) -> dict[str, Any]:
    """Filters as the protocol writes them, from `NAME=VALUE`. Raises ValueError with the fix."""
    filters: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if name in _LISTS and value:
            filters.setdefault(name, []).extend(part.strip() for part in value.split(",") if part.strip())
        elif name == "min_change" and equals:
            try:
                filters[name] = float(value)
            except ValueError:
                raise ValueError(f"--filter {text}: min_change is a number of percent, such as min_change=0.5") from None
        else:
            raise ValueError(f"--filter {text}: give symbols=BTC,ETH or fields=price,vwap or min_change=0.5")
    return filters


def own_url(site: Site) -> str:
    """Where this site's stream answers its clients."""
    if site.stream.tls.certificate:  # which holds the name that clients use, hardly the address
        return f"wss://{urlsplit(site.public_url).hostname}:{site.ports.stream}/ws"
    return f"{site.local_url(site.ports.stream)}/ws"


async def _until_signal(client: Client) -> int:
    loop, work = asyncio.get_running_loop(), asyncio.ensure_future(client.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        return EXIT_OK


class Client:
    """Follows rooms over connections that may break. Times are seconds; `count` 0 and `give_up` 0 mean without end.

    A connection on which nothing comes for `silence`, the server's pings included, counts as dead. Messages go to `hand_out`
    (default: to stdout, one a line), troubles to `say` (default: to stderr).
    """

    def __init__(
        self, url: str, followings: Sequence[Following], token: str = "", *, msgpack: bool = False, count: int = 0,
        give_up: float = 0, silence: float = 30.0, hand_out: Callable[[dict[str, Any]], None] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        self._hand_out, self._say = hand_out or _print, say or _say
        self._url, self._token, self._msgpack, self._count, self._give_up = url, token, msgpack, count, give_up
        self._silence = silence
        self._rooms = {following.room: following for following in followings}
        self._delay = _FIRST_DELAY
        self._connected = time.monotonic()  # when a connection last stood

    async def run(self) -> int:
        """Prints until what was asked for is done; the exit code."""
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    lost = await self._once(session)
                except DoneError:
                    return EXIT_OK
                except RefusedError as error:
                    self._say(f"{self._url}: {error}")
                    return EXIT_REFUSED
                if self._give_up and time.monotonic() - self._connected >= self._give_up:
                    self._say(f"{self._url}: no connection for {self._give_up:g} s: {lost}: check the address, and that it runs")
                    return EXIT_UNREACHABLE
                delay = self._delay * random.uniform(0.5, 1.0)  # noqa: S311  # spreads clients, keeps no secret
                self._delay = min(2 * self._delay, _LONGEST_DELAY)
                self._say(f"{self._url}: {lost}: again in {delay:.1f} s")
                await asyncio.sleep(delay)

    async def _once(self, session: aiohttp.ClientSession) -> str:
        """One connection, to its end; why it ended. Raises DoneError, RefusedError."""
        protocols = (SUBPROTOCOL_MSGPACK,) if self._msgpack else ()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._silence):
                ws = await session.ws_connect(self._url, protocols=protocols, autoping=False, compress=15, timeout=_CLOSING)
            try:
                began = time.monotonic()
                return await self._follow(ws)
            finally:
                await ws.close()
        except aiohttp.WSServerHandshakeError as error:
            if error.status in (429, 502, 503, 504):
                return f"refused with {error.status}"
            raise RefusedError(f"the handshake was refused with {error.status} {error.message}") from error
        except TimeoutError:
            return f"no answer for {self._silence:g} s"
        except (aiohttp.ClientError, OSError) as error:
            return f"{error}" or type(error).__name__
        finally:
            if time.monotonic() - began > _STABLE:
                self._delay = _FIRST_DELAY

    async def _follow(self, ws: aiohttp.ClientWebSocketResponse) -> str:
        while True:
            try:
                frame = await ws.receive(timeout=self._silence)
            except TimeoutError:
                return f"silent for {self._silence:g} s"
            if frame.type is aiohttp.WSMsgType.PING:
                await ws.pong(frame.data)
            elif frame.type is aiohttp.WSMsgType.TEXT:
                await self._message(ws, json.loads(frame.data))
            elif frame.type is aiohttp.WSMsgType.BINARY:
                await self._message(ws, msgspec.msgpack.decode(frame.data))
            elif frame.type is not aiohttp.WSMsgType.PONG:
                return self._closed(ws.close_code, str(frame.extra or ""))
            if frame.type is not aiohttp.WSMsgType.PONG:
                self._connected = time.monotonic()

    def _closed(self, code: int | None, reason: str) -> str:
        known = CLOSE_CODES.get(code or 1006)
        why = reason or (known.meaning if known else "")
        told = f"closed with {code or 1006}" + (f" ({why})" if why else "")
        if code is not None and not should_retry(code):
            raise RefusedError(told)
        return told

    async def _message(self, ws: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "connection":
            await self._begin(ws, message)
        elif kind == "auth":
            await self._subscribe(ws)
        elif kind == "error":
            self._refused(message)
        elif message.get("room") in self._rooms:
            await self._told(ws, self._rooms[message["room"]], message)

    async def _begin(self, ws: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> None:
        if message["protocol"] != PROTOCOL:
            raise RefusedError(f"the server speaks protocol {message['protocol']}, this client {PROTOCOL}: use its version")
        if self._token:
            await self._send(ws, {"type": "auth", "token": self._token})
        else:
            await self._subscribe(ws)

    async def _subscribe(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        for following in self._rooms.values():
            await self._send(ws, following.request())

    async def _told(self, ws: aiohttp.ClientWebSocketResponse, following: Following, message: dict[str, Any]) -> None:
        step = following.take(message)
        if step is HAND_OUT:
            self._hand_out(message)
            if message["type"] == "data" and self._count:
                self._count -= 1
                if not self._count:
                    raise DoneError
        elif step is GAP:
            self._say(f"{following.room}: gap {message['from']} to {message['to']}: {message['reason']}")
        elif step is REPAIR:
            self._say(f"{following.room}: lost after {following.last}: asked again")
            await self._send(ws, following.request())

    def _refused(self, message: dict[str, Any]) -> NoReturn:
        """Whatever this client says, it says rightly or not at all: an error is final."""
        room = f"{message['room']}: " if message.get("room") else ""
        raise RefusedError(f"{room}{message['code']}: {message['message']}")

    async def _send(self, ws: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> None:
        if self._msgpack:
            await ws.send_bytes(msgspec.msgpack.encode(message))
        else:
            await ws.send_str(json.dumps(message))


def _print(message: dict[str, Any]) -> None:
    try:
        print(json.dumps(message, separators=(",", ":")), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains when it flushes
        raise DoneError from None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
