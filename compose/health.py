"""Asks a service whether it works: one question, one answer in time. Standard library only: the watchers stay small."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import struct
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Scheme: TypeAlias = Literal["http", "https", "postgresql", "redis"]
Login: TypeAlias = tuple[str, str]  # a user and its password


@dataclass(frozen=True)
class Health:
    """What one question brought.

    `answered`: somebody spoke the protocol; `ok`: and serves (HTTP: status 2xx); `silent`: the connection was taken and
    nothing came in time; `why`: what is wrong, in words, also where a service that is ready calls itself degraded; `seconds`:
    how long it took.
    """

    answered: bool
    ok: bool
    silent: bool = False
    why: str = ""
    seconds: float = 0.0


def degraded(body: str) -> str:
    """What a ready service says does not work as it should; empty when all does. It says so as text or as JSON."""
    try:
        told = json.loads(body)
    except ValueError:
        return body if body.startswith("degraded") else ""
    if not isinstance(told, dict) or told.get("status") != "degraded":
        return ""
    return "degraded: " + ", ".join(str(item) for item in told.get("degraded", []))


def standing_still(pid: int) -> Health | None:
    """Silence, for a process that a signal has stopped: its children may answer, and nobody starts them when they end."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2][:1]
    except OSError:
        return None
    return Health(answered=False, ok=False, silent=True, why="its process is stopped") if state == "T" else None


def ask(url: str, timeout: float, login: Login | None = None) -> Health:
    """Asks within `timeout` seconds: `http://` by GET, `postgresql://` by beginning a session, `redis://` by PING.

    `login` is for a service that answers nobody else; PostgreSQL is asked up to the question for a password.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "postgresql":
        return _postgresql(parts.hostname or "", parts.port or 5432, timeout)
    if parts.scheme == "redis":
        return _redis(parts.hostname or "", parts.port or 6379, timeout, login)
    began = time.monotonic()
    connection = _connection(parts, timeout)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close", **_basic(login)})
        response = connection.getresponse()
        body = response.read(1000).decode(errors="replace").strip()
    except TimeoutError:
        return Health(answered=False, ok=False, silent=True, why=f"no answer within {timeout:g} s", seconds=timeout)
    except (OSError, http.client.HTTPException) as error:
        return Health(answered=False, ok=False, why=str(error).lower() or type(error).__name__, seconds=time.monotonic() - began)
    finally:
        connection.close()
    ok = 200 <= response.status < 300
    why = degraded(body) if ok else f"HTTP {response.status}: {body[:200]}"
    return Health(answered=True, ok=ok, why=why, seconds=time.monotonic() - began)


def _connection(parts: urllib.parse.SplitResult, timeout: float) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme != "https":
        return http.client.HTTPConnection(host, parts.port or 80, timeout=timeout)
    # Whether it works is asked, on this machine; whether its certificate is good, `make doctor` tells.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, parts.port or 443, timeout=timeout, context=context)


def _postgresql(host: str, port: int, timeout: float) -> Health:
    """Begins a session up to the question for the password, as pg_isready does: a backend was made and answers.

    https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP
    """
    began = time.monotonic()
    body = struct.pack("!I", 3 << 16) + b"user\0watchfloor\0application_name\0health\0\0"
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(struct.pack("!I", len(body) + 4) + body)
            said = connection.recv(1000)
    except TimeoutError:
        return Health(answered=False, ok=False, silent=True, why=f"no answer within {timeout:g} s", seconds=timeout)
    except OSError as error:
        return Health(answered=False, ok=False, why=str(error).lower() or type(error).__name__, seconds=time.monotonic() - began)
    took = time.monotonic() - began
    if said[:1] == b"R":
        return Health(answered=True, ok=True, seconds=took)
    if said[:1] != b"E":
        return Health(answered=bool(said), ok=False, why=f"no PostgreSQL: it said {said[:20]!r}", seconds=took)
    fields = {field[:1]: field[1:] for field in said[5:].split(b"\0")}
    why = fields.get(b"M", b"").decode(errors="replace")
    return Health(answered=True, ok=False, why=why or "it refuses", seconds=took)


def _basic(login: Login | None) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(":".join(login).encode()).decode()} if login else {}


def _redis(host: str, port: int, timeout: float, login: Login | None) -> Health:
    """PING, after AUTH where there is a login: without one, who asks for a password is there, and counts a refused call."""
    began = time.monotonic()
    words = [["AUTH", *login]] if login else []
    try:
        with socket.create_connection((host, port), timeout) as connection, connection.makefile("rb") as answers:
            connection.settimeout(timeout)
            connection.sendall(b"".join(map(_command, [*words, ["PING"]])))
            said = answers.readline(1000)
            if login and said == b"+OK\r\n":
                said = answers.readline(1000)
    except TimeoutError:
        return Health(answered=False, ok=False, silent=True, why=f"no answer within {timeout:g} s", seconds=timeout)
    except OSError as error:
        return Health(answered=False, ok=False, why=str(error).lower() or type(error).__name__, seconds=time.monotonic() - began)
    ok = said.startswith(b"+PONG") or (not login and said.startswith(b"-NOAUTH"))
    why = "" if ok else said.decode(errors="replace").strip()[:200] or "no Redis: it said nothing"
    return Health(answered=bool(said), ok=ok, why=why, seconds=time.monotonic() - began)


def _command(words: list[str]) -> bytes:
    """As Redis reads it: https://redis.io/docs/latest/develop/reference/protocol-spec/#arrays."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
