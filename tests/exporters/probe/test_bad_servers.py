"""One try beside servers that misbehave, each a real one: it ends in time, with a cause, one log line, and no secret."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve

from exporters.probe.board import Board
from exporters.probe.follower import Follower
from exporters.probe.goal import CANARY, Goal
from exporters.probe.tries import Tries
from metrics import probe as m
from settings.exporters import ProbeTarget

TIMEOUT, PATIENT = 0.5, 10.0  # seconds: where nobody answers; where somebody does, on a busy machine
TOKEN = "a-secret-that-nobody-may-read"
GREETING = {"type": "connection", "clientId": "1", "timestamp": 1, "message": "", "protocol": 1}
Story = Callable[[ServerConnection], Awaitable[None]]


def goal(port: int, folder: Path | None = None, scheme: str = "http", **more: Any) -> Goal:
    url = f"{scheme}://{'localhost' if scheme == 'https' else '127.0.0.1'}:{port}"
    if folder:
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o600)
        more["token_file"] = str(folder / "token")
    return Goal(ProbeTarget(name="main", url=url, **more))


def figures(board: Board, metric: object) -> dict[tuple[str, ...], Any]:
    return {labels: value for found, labels, value in board.samples() if found is metric}


def causes(board: Board) -> dict[tuple[str, ...], float]:
    return {labels: value for labels, value in figures(board, m.FAILURES).items() if value}


async def tried(wanted: Goal, endpoint: str, patience: float = PATIENT) -> Board:
    board = Board("main", wanted.endpoints)
    began = time.monotonic()
    await Tries(wanted, board, patience).run(endpoint)
    assert time.monotonic() - began < patience + 5  # on a busy machine
    return board


async def canned(answer: bytes, *, late: float = 0.0, hold: bool = False) -> tuple[asyncio.Server, int]:
    """A server that says this to whoever connects and speaks."""

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        await asyncio.sleep(late)
        writer.write(answer)
        if hold:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


class Case(NamedTuple):
    """What a server answers, after how many seconds, whether it then keeps the connection, and what that is called."""

    answer: bytes
    cause: str
    late: float = 0.0
    hold: bool = False


CASES = {
    "silent": Case(b"", "timeout", hold=True),
    "late": Case(OK + b"{}", "timeout", late=60.0),
    "ends": Case(b"", "lost"),
    "garbage": Case(b"\x00\xffnothing that speaks HTTP, and more than a line of it\r\n\r\n", "protocol"),
    "500": Case(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}", "status", hold=True),
    "401": Case(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "auth", hold=True),
}


@pytest.mark.parametrize("endpoint", ["dashboard", m.WEBSOCKET])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_answers_wrongly(endpoint: str, case: Case, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    patience = TIMEOUT if case.cause == "timeout" else PATIENT

    async def story() -> None:
        server, port = await canned(case.answer, late=case.late, hold=case.hold)
        async with server:
            wanted = goal(port, tmp_path)
            board = await tried(wanted, endpoint, patience)
            assert causes(board) == {(endpoint, case.cause): 1}
            assert figures(board, m.SUCCESS) == {(endpoint,): 0}
            await Tries(wanted, board, patience).run(endpoint)
            assert causes(board) == {(endpoint, case.cause): 2}
            assert TOKEN not in repr(list(board.samples()))
            server.close()

    with caplog.at_level(logging.DEBUG):
        asyncio.run(story())
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING and one.name == "exporters"]) == 1
    assert f"({case.cause})" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (OK + b"{}", ""),
        (OK + b"{", "lost"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 9000, ""),
        (b"HTTP/1.1 200 OK\r\nContent-L", "lost"),
    ],
    ids=["whole", "cut off", "until it ends", "half a head"],
)
def test_an_answer_is_read_to_its_end(answer: bytes, cause: str) -> None:
    async def story() -> None:
        server, port = await canned(answer)
        async with server:
            board = await tried(goal(port), "dashboard")
            assert {found for _, found in causes(board)} == ({cause} if cause else set())
            phases = figures(board, m.PHASE)
            assert set(phases) == {("dashboard", phase) for phase in m.PHASES}
            assert phases["dashboard", "connect"] > 0
            assert phases["dashboard", "tls"] == 0

    asyncio.run(story())


def test_nobody_and_no_name() -> None:
    async def story() -> None:
        server, port = await canned(b"")
        server.close()
        await server.wait_closed()
        assert causes(await tried(goal(port), m.WEBSOCKET)) == {(m.WEBSOCKET, "refused"): 1}
        nowhere = Goal(ProbeTarget(name="main", url="http://no-such-host.invalid"))
        assert causes(await tried(nowhere, "dashboard", TIMEOUT)).keys() <= {("dashboard", "dns"), ("dashboard", "timeout")}

    asyncio.run(story())


# -- TLS -------------------------------------------------------------------------------------------------------------
def certificate(folder: Path, days: int) -> float:
    """Makes cert.pem and key.pem for localhost, good until so many days from now; that time."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    end = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=days)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(end - dt.timedelta(days=90)).not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return end.timestamp()


@pytest.mark.parametrize(
    ("days", "trusted", "cause"), [(30, "cert.pem", ""), (30, "", "certificate"), (-1, "cert.pem", "expired")], ids=str
)
def test_certificates(days: int, trusted: str, cause: str, tmp_path: Path) -> None:
    end = certificate(tmp_path, days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"{}")
        writer.close()

    async def story() -> None:
        async with await asyncio.start_server(answered, "127.0.0.1", 0, ssl=context) as server:
            file = str(tmp_path / trusted) if trusted else ""
            board = await tried(goal(server.sockets[0].getsockname()[1], scheme="https", trusted_certificates=file), "dashboard")
            assert {found for _, found in causes(board)} == ({cause} if cause else set())
            assert figures(board, m.EXPIRY) == {("dashboard",): end}
            assert figures(board, m.PHASE)["dashboard", "tls"] > 0

    asyncio.run(story())


def test_a_server_without_tls_and_trust_that_cannot_be_read(tmp_path: Path) -> None:
    async def story() -> None:
        server, port = await canned(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        async with server:
            assert causes(await tried(goal(port, scheme="https"), m.WEBSOCKET)) == {(m.WEBSOCKET, "tls"): 1}
            missing = goal(port, scheme="https", trusted_certificates=str(tmp_path / "none.pem"))
            assert causes(await tried(missing, m.WEBSOCKET)) == {(m.WEBSOCKET, "settings"): 1}

    asyncio.run(story())


# -- WebSocket servers that misbehave ----------------------------------------------------------------------------------
async def _says(one: ServerConnection, *messages: dict[str, Any] | str) -> None:
    for message in messages:
        await one.send(message if isinstance(message, str) else json.dumps(message))


async def _silent(one: ServerConnection) -> None:
    await one.wait_closed()


async def _closes(one: ServerConnection) -> None:
    await _says(one, GREETING)
    await one.close(4401, "no")


async def _denies(one: ServerConnection) -> None:
    await _says(one, GREETING, {"type": "error", "code": "forbidden"})
    await one.wait_closed()


async def _stammers(one: ServerConnection) -> None:
    await _says(one, "{", "[]")


async def _mute(one: ServerConnection) -> None:
    await _says(one, GREETING)
    await one.wait_closed()


async def _lets_in(one: ServerConnection) -> None:
    await _says(one, GREETING)
    await one.recv()
    await _says(one, {"type": "auth", "status": "authenticated"})
    await one.wait_closed()


@pytest.mark.parametrize(
    ("story", "endpoint", "cause"),
    [
        (_silent, m.WEBSOCKET, "timeout"),
        (_mute, m.WEBSOCKET, "timeout"),
        (_closes, m.WEBSOCKET, "lost"),
        (_denies, m.WEBSOCKET, "auth"),  # of the token, which is what was asked first
        (_stammers, m.WEBSOCKET, "protocol"),
        (_lets_in, m.AUTH, "auth"),
        (_denies, m.AUTH, ""),
    ],
)
def test_conversations(story: Story, endpoint: str, cause: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with serve(story, "127.0.0.1", 0) as server:
            wanted = goal(next(iter(server.sockets)).getsockname()[1], tmp_path)
            board = await tried(wanted, endpoint, TIMEOUT if cause == "timeout" else PATIENT)
            assert {found for _, found in causes(board)} == ({cause} if cause else set())

    asyncio.run(run())


def test_holes_repeats_gaps_and_close_codes_are_counted() -> None:
    def message(seq: int, prev: int) -> dict[str, Any]:
        sent = {"symbol": "CANARY", "sentAt": int(time.time() * 1000)}
        return {"type": "data", "room": CANARY, "data": sent, "seq": seq, "prev": prev, "epoch": "e"}

    asked: list[dict[str, Any]] = []

    async def speaks(one: ServerConnection) -> None:
        await _says(one, GREETING)
        asked.append(json.loads(await one.recv()))
        await _says(one, {"type": "subscription", "room": CANARY, "seq": 1, "epoch": "e", "resumed": 0})
        if len(asked) > 1:
            await one.wait_closed()
            return
        await _says(one, {"type": "initial-data", "room": CANARY, "seq": 1, "epoch": "e", "data": []})
        await _says(one, message(2, 1), message(2, 1), message(6, 5), {"type": "of a later release"})
        await _says(one, {"type": "gap", "room": CANARY, "from": 7, "to": 9, "reason": "dropped"}, message(10, 9))
        await one.close(4408)

    async def run() -> Board:
        async with serve(speaks, "127.0.0.1", 0) as server:
            wanted = goal(next(iter(server.sockets)).getsockname()[1], rooms=[])
            board = Board("main", wanted.endpoints)
            following = asyncio.ensure_future(Follower(wanted, board, PATIENT).run())
            async with asyncio.timeout(10):
                while len(asked) < 2:  # noqa: ASYNC110  # the server is the one that knows
                    await asyncio.sleep(0.01)
            following.cancel()
            return board

    board = asyncio.run(run())
    gaps = {labels: value for labels, value in figures(board, m.GAPS).items() if value}
    assert gaps == {(CANARY, "hole"): 1, (CANARY, "dropped"): 1}
    assert figures(board, m.MISSED)[CANARY,] == 3 + 3
    assert figures(board, m.REPEATED)[CANARY,] == 1
    assert figures(board, m.MESSAGES)[CANARY,] == 3
    assert sum(figures(board, m.CANARY)[()].counts) == 3
    assert figures(board, m.CLOSES)["4408",] == 1
    assert asked[1] == {"type": "subscribe", "room": CANARY, "after": 10, "epoch": "e"}
