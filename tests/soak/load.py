"""A normal load in a process of its own: clients that listen in every room, and questions to the API at a steady rate.

    python -m tests.soak.load --url http://127.0.0.1:8080 --clients 200 --rate 50

They come from ADDRESSES addresses of this machine, as people do: the server lets one address hold so many connections, and the
appliance's probe has its own.

It says `ready` when the first question was answered, runs until it is ended, and then prints
`{"messages": …, "answers": …, "failed": …}`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import signal
from collections import Counter
from contextlib import AsyncExitStack

import aiohttp
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from metrics import websocket
from stream.loop import ended
from tests.load.shapes import API_MIX

# The endpoints' shares are those of the load test, without the models: those have work of their own.
ASKED = {f"/api/{name}": weight // 5 for name, weight in API_MIX.items() if name != "ai-analysis"}
ADDRESSES = tuple(f"127.0.7.{number}" for number in range(1, 21))
_AGAIN = 1.0  # seconds until a client that lost its connection comes back


async def listen(url: str, source: str, seen: Counter[str]) -> None:
    """One client of every room, as long as it is let."""
    while True:
        try:
            async with connect(
                url.replace("http", "ws", 1) + "/ws", proxy=None, compression=None, local_addr=(source, 0)
            ) as socket:
                for room in websocket.ROOMS:
                    await socket.send(json.dumps({"type": "subscribe", "room": room}))
                async for _ in socket:
                    seen["messages"] += 1
        except (OSError, WebSocketException):
            pass
        seen["failed"] += 1
        await asyncio.sleep(_AGAIN)


async def ask(url: str, rate: float, seen: Counter[str]) -> None:
    """`rate` questions a second, each at its own time."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    # Each path as often as its share, spread over the round.
    turn = itertools.cycle(path for lap in range(max(ASKED.values())) for path, share in ASKED.items() if lap < share)
    async with AsyncExitStack() as stack:
        made = [aiohttp.TCPConnector(local_addr=(source, 0)) for source in ADDRESSES]
        sessions = [
            await stack.enter_async_context(aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(5), connector=connector))
            for connector in made
        ]
        session = itertools.cycle(sessions)
        asking = await stack.enter_async_context(asyncio.TaskGroup())
        while True:
            asking.create_task(_answer(next(session), next(turn), seen))
            due += 1 / rate
            await asyncio.sleep(due - loop.time())


async def _answer(session: aiohttp.ClientSession, path: str, seen: Counter[str]) -> None:
    try:
        async with session.get(path) as answer:
            await answer.read()
            seen["answers" if answer.ok else "failed"] += 1
            if seen["answers"] == 1:
                print("ready", flush=True)
    except (aiohttp.ClientError, TimeoutError):
        seen["failed"] += 1


async def run(url: str, clients: int, rate: float) -> Counter[str]:
    """The load, until SIGTERM; how many messages and answers came, and what failed."""
    seen: Counter[str] = Counter(messages=0, answers=0, failed=0)
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    tasks = [asyncio.create_task(listen(url, source, seen)) for _, source in zip(range(clients), itertools.cycle(ADDRESSES))]
    tasks.append(asyncio.create_task(ask(url, rate, seen)))
    await over.wait()
    found = seen.copy()
    await ended(tasks)
    return found


def main() -> None:
    """Runs the load and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="questions to the API a second")
    options = parser.parse_args()
    print(json.dumps(asyncio.run(run(options.url, options.clients, options.rate))), flush=True)


if __name__ == "__main__":
    main()
