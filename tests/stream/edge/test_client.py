"""`python -m stream.client` as a program: lines, resuming, gaps, exit codes; against the real server."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from settings.paths import CLONE
from stream.client import EXIT_OK, EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE, Client, parse_filters
from stream.following import Following
from stream.keybook import changing
from stream.tokens import issue
from tests.stream.edge.cable import cuttable
from tests.stream.edge.real import Real, real
from tests.waiting import free_ports, until

_SITE = """
stream:
  replay: {rate: 50}
  rooms: {onchain-data: {scope: onchain}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with real(tmp_path_factory.mktemp("stream"), _SITE) as running:
        yield running


class Program:
    """The client, running; what it has said so far."""

    def __init__(self, server: Real, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stream.client", *words], cwd=CLONE, env=server.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.lines: list[dict[str, Any]] = []
        self.said: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)

    def numbers(self) -> list[int]:
        return [line["seq"] for line in self.lines if line["type"] == "data"]

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


def test_it_prints_initial_data_then_data_and_ends_by_count(server: Real) -> None:
    done = server.run("stream.client", "--url", server.ws, "--room", "market-data", "--filter", "symbols=BTC", "--count", "3")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == EXIT_OK
    assert [line["type"] for line in lines] == ["initial-data", "data", "data", "data"]
    assert {line["data"]["symbol"] for line in lines[1:]} == {"BTC"}
    assert done.stderr == ""


def test_messagepack_gives_the_same_lines(server: Real) -> None:
    words = ["--url", server.ws, "--room", "market-data", "--filter", "fields=price", "--count", "2", "--msgpack"]
    lines = [json.loads(line) for line in server.run("stream.client", *words).stdout.splitlines()]
    assert [line["type"] for line in lines] == ["initial-data", "data", "data"]
    assert set(lines[1]["data"]) == {"symbol", "price"}


def test_a_cut_connection_is_resumed_without_losing_or_repeating(server: Real) -> None:
    with cuttable(server.port) as cable:
        program = Program(server, "--url", f"ws://127.0.0.1:{cable.port}/ws", "--room", "market-data")
        until("data", lambda: len(program.numbers()) > 10)
        for cut in range(1, 4):
            cable.cut()
            until("the cut was noticed", lambda: len(program.said) >= cut)  # noqa: B023  # called at once
            count = len(program.numbers())
            until("more data", lambda: len(program.numbers()) > count + 20)  # noqa: B023  # called at once
        assert program.end() == EXIT_OK
    numbers = program.numbers()
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert [line["type"] for line in program.lines].count("initial-data") == 1
    assert not [line for line in program.said if "gap" in line]


def test_a_killed_server_is_a_gap_of_epochs(tmp_path: Path) -> None:
    with real(tmp_path / "home", _SITE) as server:
        program = Program(server, "--url", server.ws, "--room", "market-data")
        until("data", lambda: len(program.numbers()) > 5)
        server.stop(signal.SIGKILL)
        server.start()
        until("the gap is told", lambda: [line for line in program.said if "gap" in line and "epoch" in line])
        until("fresh initial data", lambda: [line["type"] for line in program.lines].count("initial-data") == 2)
        assert program.end() == EXIT_OK
    assert len({line["epoch"] for line in program.lines}) == 2


@pytest.mark.parametrize(("words", "code", "said"), [
    (["--room", "nothing"], EXIT_REFUSED, "unknown-room"),
    (["--room", "onchain-data"], EXIT_REFUSED, "forbidden"),
    (["--room", "market-data", "--filter", "min_change=-1"], EXIT_REFUSED, "bad-filter"),
    (["--room", "market-data", "--filter", "colour=red"], EXIT_USAGE, "give symbols=BTC,ETH"),
    (["--room", "market-data", "--token-file", "/nowhere"], EXIT_USAGE, "/nowhere"),
])  # fmt: skip
def test_what_is_refused_ends_it_with_its_code_and_a_reason(server: Real, words: list[str], code: int, said: str) -> None:
    done = server.run("stream.client", "--url", server.ws, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_it_gives_up_when_told_to(server: Real) -> None:
    (port,) = free_ports(1)
    done = server.run("stream.client", "--url", f"ws://127.0.0.1:{port}/ws", "--room", "market-data", "--give-up", "0.5")
    assert done.returncode == EXIT_UNREACHABLE
    assert "check the address" in done.stderr


def test_a_reader_that_goes_away_ends_it_quietly(server: Real) -> None:
    words = f"{sys.executable} -m stream.client --url {server.ws} --room market-data | head -n 2; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", words], cwd=CLONE, env=server.environment, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def test_a_token_opens_a_room_and_its_revocation_ends_the_connection_within_seconds(server: Real, tmp_path: Path) -> None:
    issued = server.run("stream.tokens", "issue", "--subject", "desk", "--scope", "onchain")
    assert issued.returncode == 0, issued.stderr
    token, known = issued.stdout.strip(), issued.stderr.split()[1].rstrip(";")
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(token, encoding="ascii")
    program = Program(server, "--url", server.ws, "--room", "onchain-data", "--token-file", str(file))
    until("data", program.numbers)
    assert server.run("stream.tokens", "revoke", known).returncode == 0
    assert program.process.wait(8) == EXIT_REFUSED
    until("told why", lambda: "4401" in "".join(program.said))
    again = server.run("stream.client", "--url", server.ws, "--room", "onchain-data", WATCHFLOOR_TOKEN=token)
    assert (again.returncode, "token-revoked" in again.stderr) == (EXIT_REFUSED, True)


def test_a_token_that_expires_ends_the_connection(server: Real, capfd: pytest.CaptureFixture[str]) -> None:
    for lifetime in (2, 8, 32):  # on a busy machine a short one may be over before the connection stands
        with changing(server.book) as book:
            token = issue(book, "desk", ["onchain"], lifetime, time.time())
        client = Client(server.ws, [Following("onchain-data")], token=token)
        assert asyncio.run(client.run()) == EXIT_REFUSED
        said = capfd.readouterr().err
        if "token-expired" not in said:
            break
    assert "4401" in said


def test_the_token_is_nowhere_in_the_logs(server: Real) -> None:
    token = server.run("stream.tokens", "issue", "--subject", "desk", "--api-key").stdout.strip()
    server.run("stream.client", "--url", server.ws, "--room", "market-data", "--count", "1", WATCHFLOOR_TOKEN=token)
    assert token.split("_", 2)[2] not in server.log.read_text(encoding="utf-8")
    assert server.book.stat().st_mode & 0o777 == 0o600


def test_a_server_that_hangs_counts_as_lost(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with real(tmp_path / "home") as server:

        async def follow() -> int:
            stop = partial(server.send, signal.SIGSTOP)  # once it has told something
            client = Client(server.ws, [Following("canary")], silence=2.0, give_up=3.0, hand_out=lambda _: stop())
            return await client.run()

        assert asyncio.run(follow()) == EXIT_UNREACHABLE
    assert "silent for 2 s" in capfd.readouterr().err


def test_filters_as_words() -> None:
    assert parse_filters(["symbols=BTC, ETH", "symbols=SOL", "fields=price", "min_change=0.5"]) == {
        "symbols": ["BTC", "ETH", "SOL"], "fields": ["price"], "min_change": 0.5,
    }  # fmt: skip
    for bad in ("symbols", "symbols=", "min_change=much", "x=1"):
        with pytest.raises(ValueError, match="--filter"):
            parse_filters([bad])
