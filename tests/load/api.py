"""The tests that ask over HTTP. Open loop: the API's mix, the models, the peak; closed: the crowd, and the edge by wrk."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator

from hdrh.histogram import HdrHistogram

from stream.loop import ended
from tests.load.pace import pace
from tests.load.place import HOST, Place
from tests.load.recorder import Recorder, histogram
from tests.load.shapes import LoadTest, find
from tests.load.wire import Due, Wire, address, get, post

DEADLINE = 10.0  # seconds after which an answer is none
_AT_ONCE = 50  # connections that are being opened
_TEXT = "Bitcoin rallies as ETF inflows surge, though some traders fear a selloff before the halving. "
_SIZES = {
    "predictive-analysis": 10, "risk-assessment": 40, "sentiment-analysis": 1, "ensemble-decision": 10,
    "recommendation-generation": 40,
}  # sentences beside the question: medium, large, small, medium, large  # fmt: skip
Request = tuple[str, bytes]


class Users:
    """Users of the API: each has a connection of its own, from an address of its own, and comes back when it is lost.

    `answered(due, status)` takes the place of what is recorded; `free(user)` tells of one that has come or was answered.
    """

    def __init__(
        self, port: int, recorder: Recorder, count: int, answered: Callable[[Due, int], None] | None = None,
        free: Callable[[int], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._port, self._recorder, self._count = port, recorder, count
        self._wires: list[Wire | None] = [None] * count
        self._tasks: set[asyncio.Task[None]] = set()
        self._hook, self._free = answered or self._answered, free
        self._closing = False
        self.pending = 0

    async def open(self) -> None:
        """All of them connect, a few at a time."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                await self._connect(number)

        await asyncio.gather(*(one(number) for number in range(self._count)))

    async def _connect(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing:
            wire = Wire(self._hook, lambda left: self._ended(number, left))
            try:
                async with asyncio.timeout(DEADLINE):
                    await loop.create_connection(lambda wire=wire: wire, HOST, self._port, local_addr=(address(number), 0))  # type: ignore[misc]  # a default
            except (OSError, TimeoutError):
                await asyncio.sleep(0.5)
                continue
            self._wires[number] = wire
            self._free(number)
            return

    def _ended(self, number: int, left: list[Due]) -> None:
        self._wires[number] = None
        self.pending -= len(left)
        if left and not self._closing:
            self._recorder.failure("connection lost", len(left))
        if not self._closing:
            task = asyncio.get_running_loop().create_task(self._connect(number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def ask(self, number: int, request: Request, due: float) -> None:
        """A request of one user."""
        self._recorder.sent()
        user = number % self._count
        wire = self._wires[user]
        if wire is None:
            self._recorder.failure("no connection")
            return
        self.pending += 1
        wire.ask(request[1], Due(request[0], due, user))

    def _answered(self, due: Due, status: int) -> None:
        self.pending -= 1
        took = time.perf_counter() - due.at
        if status != 200:
            self._recorder.failure(f"status {status}")
        elif took > DEADLINE:
            self._recorder.failure(f"later than {DEADLINE:g} s")
        else:
            self._recorder.answered(due.kind, took)
        self._free(due.user)

    async def close(self) -> None:
        """What is not answered yet has its time; then all leave."""
        end = time.perf_counter() + DEADLINE
        while self.pending > 0 and time.perf_counter() < end:  # noqa: ASYNC110  # a condition and a deadline
            await asyncio.sleep(0.02)
        if self.pending > 0:
            self._recorder.failure(f"no answer within {DEADLINE:g} s", self.pending)
        self.leave()
        await ended(list(self._tasks))

    def leave(self) -> None:
        """All connections end at once."""
        self._closing = True
        for wire in self._wires:
            if wire is not None:
                wire.transport.abort()


def question(kind: str, symbol: str, chance: random.Random) -> bytes:
    """A question to the models, with as much text as its size wants."""
    text = f"{chance.randrange(10**9)}. " + _TEXT * _SIZES[kind]
    return post("/api/ai-analysis", json.dumps({"type": kind, "cryptoId": symbol, "text": text[:4000]}).encode())


def requests(test: LoadTest, place: Place) -> Iterator[Request]:
    """The mix without end, the same in every run."""
    chance = random.Random(1)  # noqa: S311  # a mix, no secret
    models = find("ai")
    assert models
    fixed = {kind: get(f"/api/{kind}") for kind in test.weights if kind not in ("ai-analysis", *models.weights)}
    for kind in drawn(test, chance):
        if kind in fixed:
            yield kind, fixed[kind]
        else:
            asked = kind if kind in models.weights else chance.choices(list(models.weights), list(models.weights.values()))[0]
            yield kind, question(asked, chance.choice(place.symbols), chance)


def drawn(test: LoadTest, chance: random.Random) -> Iterator[str]:
    """Kinds by their weights, a thousand at a time: a draw for each would cost more than the request."""
    return itertools.chain.from_iterable(
        iter(lambda: chance.choices(list(test.weights), list(test.weights.values()), k=1000), None)
    )


async def run(test: LoadTest, place: Place, recorder: Recorder) -> None:
    """The API's tests: the mix at its rate, each request from the next user."""
    users = Users(place.stream, recorder, test.users)
    mix = requests(test, place)
    try:
        await users.open()
        recorder.restart()
        await pace(test.shape, lambda number, due: users.ask(number, next(mix), due), recorder.paced)
        await users.close()
    finally:
        users.leave()


async def crowd(test: LoadTest, place: Place, recorder: Recorder) -> None:
    """The closed loop: each user asks again as soon as it was answered, until the time is over."""
    mix, end = requests(test, place), 0.0

    def ask(user: int) -> None:
        now = time.perf_counter()
        if now < end:
            users.ask(user, next(mix), now)

    users = Users(place.stream, recorder, test.users, free=ask)
    try:
        await users.open()
        recorder.restart()
        recorder.paced.offered = recorder.paced.sent = test.users
        recorder.paced.seconds = test.seconds
        end = time.perf_counter() + test.seconds
        for user in range(test.users):
            ask(user)
        await asyncio.sleep(test.seconds)
        await users.close()
    finally:
        users.leave()


_SCRIPT = """
done = function(s, l, r)
  for p = 1, 1000 do io.write(string.format('P %d\\n', p == 1000 and l.max or l:percentile(p / 10))) end
  local e = s.errors
  io.write(string.format('N %d %d %d\\n', s.requests, e.status, e.connect + e.read + e.write + e.timeout))
end"""


async def edge(test: LoadTest, place: Place, recorder: Recorder) -> None:
    """The dashboard through the edge, as fast as it answers: wrk, each of its connections asking again when it was answered."""
    recorder.paced.offered = recorder.paced.sent = test.users
    if shutil.which("wrk") is None:
        recorder.failure("no wrk")
        recorder.notes.append("there is no wrk: `apt-get install wrk`")
        return
    with tempfile.NamedTemporaryFile("w", prefix="watchfloor-load-", suffix=".lua") as script:
        script.write(_SCRIPT)
        script.flush()
        words = ["wrk", "-t2", f"-c{max(2, test.users)}", f"-d{max(1, round(test.seconds))}s", "-s", script.name]
        told = await output([*words, f"http://{HOST}:{place.site.ports.edge}/api/dashboard"])
    read_wrk(told, recorder)


def read_wrk(told: str, recorder: Recorder) -> None:
    """What wrk told becomes the recorder's: as many of the requests at each of its percentiles."""
    found = re.search(r"N (\d+) (\d+) (\d+)", told)
    if found is None:
        recorder.failure("wrk failed")
        recorder.notes.append(f"wrk told: {told.strip()[-300:]}")
        return
    count, bad, broken = (int(one) for one in found.groups())
    seen: HdrHistogram = recorder.kinds.setdefault("dashboard", histogram())
    good = max(0, count - bad)
    shares = re.findall(r"P (\d+)", told)
    for place_, micros in enumerate(shares):
        seen.record_value(max(1, int(micros)), (good * (place_ + 1)) // len(shares) - (good * place_) // len(shares))
    for reason, number in (("status", bad), ("connection", broken)):
        if number:
            recorder.failure(reason, number)


async def output(words: list[str]) -> str:
    """What a program tells; it is ended when nobody waits any more."""
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )  # fmt: skip
    try:
        told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return told.decode(errors="replace")
