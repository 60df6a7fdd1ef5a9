"""One appliance with its entrance for all tests of this folder, under attack one after the other."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from settings.paths import CLONE
from tests.appliance import Appliance

SETTINGS: dict[str, Any] = {"entrance": {"enabled": True}, "prometheus": {"retention_size": "1GB"}}


@dataclass(frozen=True)
class Said:
    """One answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Besieged:
    """The appliance, and ways to ask it."""

    appliance: Appliance

    def basic(self, user: str = "watchfloor") -> dict[str, str]:
        """The header by which a person is let in."""
        paths = self.appliance.paths
        file = paths.viewer_password if user == "viewer" else paths.entrance_password
        return self.header(user, file.read_text(encoding="ascii"))

    @staticmethod
    def header(user: str, password: str) -> dict[str, str]:
        """The header of a user and a password."""
        return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}

    def enter(self, path: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Said:
        """Asks through the entrance, trusting the appliance's own authority alone."""
        trusted = ssl.create_default_context(cafile=str(self.appliance.paths.authority))
        port = self.appliance.site.ports.entrance
        return _asked(http.client.HTTPSConnection("localhost", port, timeout=20, context=trusted), path, method, body, headers)

    def ask(
        self, port: str, path: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Said:
        """Asks a service at its own port."""
        number = getattr(self.appliance.site.ports, port)
        return _asked(http.client.HTTPConnection("127.0.0.1", number, timeout=20), path, method, body, headers)

    def token(self, *words: str) -> str:
        """A token of the stream, as the command issues it."""
        environment = {"WATCHFLOOR_HOME": str(self.appliance.home), "WATCHFLOOR_SITE": str(self.appliance.site_file)}
        command = [sys.executable, "-m", "stream.tokens", "issue", "--subject", "attacker", *words]
        done = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()


def _asked(
    connection: http.client.HTTPConnection, path: str, method: str, body: bytes | None, headers: Mapping[str, str] | None
) -> Said:
    try:
        connection.putrequest(method, path, skip_accept_encoding=True, skip_host=bool(headers and "Host" in headers))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Said(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


@pytest.fixture(scope="package")
def besieged() -> Iterator[Besieged]:
    with Appliance(factor=0.1, settings=SETTINGS) as running:
        yield Besieged(running)
