"""Every command of the stream's guide that issues and withdraws tokens, as make runs it, and what a client then is told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from settings.paths import CLONE
from tests.appliance import Appliance
from tests.guides import commands, recipe

DAY, ROBOT, LIST, REVOKE, ROTATE, RETIRE, ADD = (line for line in commands("websocket.md") if line.startswith("make token"))


def run(appliance: Appliance, command: str, *, given: str = "") -> subprocess.CompletedProcess[str]:
    """What a command of the guide does; `given` stands at its standard input."""
    module, *words = recipe(command.partition(" < ")[0])[1:]
    where = ["--home", str(appliance.home), "--site", str(appliance.site_file)]
    asked = [sys.executable, "-m", module, words[0], *where, *words[1:]]
    return subprocess.run(asked, cwd=CLONE, env=os.environ, input=given, capture_output=True, text=True, timeout=60, check=False)


def done(appliance: Appliance, command: str, *, given: str = "") -> str:
    """What a command prints that must succeed."""
    told = run(appliance, command, given=given)
    assert told.returncode == 0, f"{command}: {told.stdout}{told.stderr}"
    return told.stdout.strip()


@contextmanager
def entered(appliance: Appliance, token: str) -> Iterator[ClientConnection]:
    """A connection by that token."""
    with connect(f"ws://127.0.0.1:{appliance.site.ports.stream}/ws") as connection:
        connection.send(json.dumps({"type": "auth", "token": token}))
        while (said := json.loads(connection.recv(10)))["type"] != "auth":
            assert said["type"] != "error", said
        assert said["status"] == "authenticated"
        yield connection


def closed(connection: ClientConnection) -> int | None:
    """The code by which the server ends a connection."""
    try:
        while True:
            connection.recv(10)
    except ConnectionClosed as ended:
        return ended.rcvd.code if ended.rcvd else None


def test_a_token_lets_in_until_it_is_revoked_or_its_key_retired(appliance: Appliance) -> None:
    robot, desk = done(appliance, ROBOT), done(appliance, DAY)
    with entered(appliance, robot) as first, entered(appliance, desk) as second:
        listed = done(appliance, LIST).splitlines()
        known = {subject: line.split()[0] for line in listed for subject in ("robot", "desk-7") if f" {subject}" in line}
        done(appliance, REVOKE.replace("ID", known["robot"]))
        assert closed(first) == 4401
        old = re.search(r"^\S+", done(appliance, "make token do='keys list'"))
        assert old
        assert "signs from now on" in done(appliance, ROTATE)
        done(appliance, RETIRE.replace("ID", old[0]))
        assert closed(second) == 4401
    with entered(appliance, done(appliance, DAY)):
        pass


def test_somebody_elses_key_is_taken_from_standard_input(appliance: Appliance) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    done(appliance, ADD, given=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    assert "idp-1" in done(appliance, "make token do='keys list'")


def test_without_words_or_a_stream_it_says_what_to_do(appliance: Appliance, tmp_path: Path) -> None:
    told = run(appliance, "make token")
    assert (told.returncode, "issue" in told.stderr) == (2, True)
    site = tmp_path / "site.yaml"
    site.write_text("workload: false\n", encoding="utf-8")
    words = [sys.executable, "-m", "compose", "token", "--home", str(tmp_path), "--site", str(site), "--", "list"]
    refused = subprocess.run(words, cwd=CLONE, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("site.yaml: workload: is off: without a stream nobody needs a token: ")
    site.write_text("workload: true\n", encoding="utf-8")
    early = subprocess.run(words, cwd=CLONE, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
    assert early.returncode == 1
    assert early.stderr.startswith(f"nothing was ever started in {tmp_path}")
    assert [file.name for file in tmp_path.iterdir()] == ["site.yaml"]
