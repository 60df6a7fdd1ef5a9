"""TLS on the public port: the certificate and its key, read again when they are renewed."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from settings import SettingsError
from settings.secrets import problem
from settings.stream import Tls

_LOG = logging.getLogger("watchfloor.stream")


class Certificate:
    """A certificate and its key at work; a renewed one serves from the next connection on.

    Raises SettingsError when they cannot be used. A later change that cannot be used is logged once, and what was in force stays.
    """

    def __init__(self, settings: Tls) -> None:
        self._settings = settings
        self._seen = self._stamps()
        self.context = self._current = self._read()
        self.context.sni_callback = self._handshake

    def _stamps(self) -> list[tuple[int, int] | None]:
        return [_stamp(Path(name)) for name in (self._settings.certificate, self._settings.key_file)]

    def _read(self) -> ssl.SSLContext:
        certificate, key = self._settings.certificate, self._settings.key_file
        if found := problem(Path(key)):
            raise SettingsError("stream.tls.key_file", f"{key} {found[0]}", found[1])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            # A key with a passphrase is refused; without the empty one OpenSSL would ask at a terminal.
            context.load_cert_chain(certificate, key, password="")
        except ssl.SSLError as error:
            fix = "give PEM files: the certificate with its chain, and its own key without a passphrase"
            raise SettingsError("stream.tls", f"{certificate} and {key} cannot be used ({error.reason or error})", fix) from error
        except OSError as error:
            fix = "give the path of a PEM file that the server may read"
            raise SettingsError("stream.tls.certificate", f"{certificate} cannot be read ({error.strerror})", fix) from error
        return context

    def _handshake(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Looks whether the files have changed."""
        if (seen := self._stamps()) != self._seen:
            self._seen = seen
            try:
                self._current = self._read()
            except SettingsError as error:
                _LOG.warning("%s: the certificate that was in force stays", error, extra={"event": "certificate_refused"})
            else:
                _LOG.info("the renewed certificate is in force", extra={"event": "certificate_renewed"})
        connection.context = self._current


def _stamp(file: Path) -> tuple[int, int] | None:
    """By which a change of a file is known."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
