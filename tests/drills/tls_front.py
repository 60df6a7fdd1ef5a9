"""A server that ends TLS in front of the appliance's stream, as a load balancer does; the probe asks it too."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.appliance import Appliance
from tests.drills.faults import Fault

NAME = "drill-tls"
_LONG, _SHORT = 90, 10  # days
_TRUSTED = "trusted.pem"


class Front:
    """Serves HTTPS; `context` holds the certificate that new connections get."""

    def __init__(self, upstream: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="watchfloor-tls-"))
        self.folder.chmod(0o755)
        for days in (_LONG, _SHORT):
            _certify(self.folder, days)
        certificates = [(self.folder / f"{days}.pem").read_text(encoding="ascii") for days in (_LONG, _SHORT)]
        (self.folder / _TRUSTED).write_text("".join(certificates), encoding="ascii")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.present(_LONG)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream))
        self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def present(self, days: int) -> None:
        """From the next connection on, the certificate that lasts so many days."""
        self.context.load_cert_chain(self.folder / f"{days}.pem", self.folder / f"{days}.key")

    def target(self) -> dict[str, Any]:
        """How the site names it to the probe."""
        return {
            "name": NAME, "url": f"https://127.0.0.1:{self.server.server_port}", "websocket": False, "api": ["dashboard"],
            "trusted_certificates": str(self.folder / _TRUSTED),
        }  # fmt: skip


_fronts: dict[Path, Front] = {}  # by the appliance's home


@contextlib.contextmanager
def front(appliance: Appliance) -> Iterator[Front]:
    """Serves until the block ends."""
    made = _fronts[appliance.home] = Front(appliance.url("stream"))
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        del _fronts[appliance.home]
        shutil.rmtree(made.folder)


def forget_certificate() -> Fault:
    """A certificate that nobody has renewed: it ends in ten days."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        _fronts[appliance.home].present(_SHORT)
        try:
            yield
        finally:
            _fronts[appliance.home].present(_LONG)

    return fault


def _certify(folder: Path, days: int) -> None:
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days)]
    files = ["-keyout", str(folder / f"{days}.key"), "-out", str(folder / f"{days}.pem")]
    named = ["-subj", f"/CN=drill-{days}", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*words, *files, *named], check=True, capture_output=True)
    (folder / f"{days}.pem").chmod(0o644)


def _handler(upstream: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Passes GET on."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """One request."""
            try:
                with urllib.request.urlopen(upstream + self.path, timeout=5) as answer:
                    status, body, kind = answer.status, answer.read(), answer.headers["Content-Type"]
            except OSError:
                status, body, kind = 502, b"", "text/plain"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the drill's output is a table."""

    return Handler
