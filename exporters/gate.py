"""Who may ask: TLS, passwords and a token by a web configuration file, which is read anew when it, or what it names, changes."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import secrets
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import bcrypt
from aiohttp import web

from exporters import webconfig
from exporters.webconfig import WebConfig
from settings import SettingsError
from settings.secrets import read_secret

LOG = logging.getLogger("exporters")
OPEN = ("/healthz", "/readyz")  # they say "ok" and nothing else, to whoever watches over processes
_REMEMBERED = 100
# Somebody who names no user must wait as long as one who names a wrong password, or the time tells which users there are.
_NOBODY = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(10))
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """One web configuration file at work. For one event loop.

    Raises SettingsError when the file, or one that it names, cannot be used. A later change that cannot be used is logged
    once, and what was in force stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = path.absolute().parent
        self._seen = self._stamp(())
        self._answers: dict[bytes, bool] = {}
        self._salt = secrets.token_bytes(16)
        self._config, self._token, self._context = self._read()
        self.tls = self._context
        if self.tls:
            self.tls.sni_callback = self._handshake

    def _read(self) -> tuple[WebConfig, bytes, ssl.SSLContext | None]:
        try:
            config = webconfig.parse(self._path.read_text(encoding="utf-8"), str(self._path))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                str(self._path), f"cannot be read ({error})", "give the path of a web configuration file"
            ) from error
        self._seen = self._stamp(config.files(self._folder))
        token = (
            read_secret(self._folder / config.bearer_token_file, "bearer_token_file").encode()
            if config.bearer_token_file
            else b""
        )
        tls = config.tls_server_config
        try:
            context = webconfig.context(tls, self._folder) if tls else None
        except OSError as error:
            raise SettingsError(
                str(self._path), f"tls_server_config: {error.strerror or error}", "check certificate, key and who may read them"
            ) from error
        return config, token, context

    def _stamp(self, files: tuple[Path, ...]) -> dict[Path, tuple[int, int] | None]:
        """By which a change of the files is known."""
        return {file: _changed(file) for file in (self._path, *files)}

    def _refresh(self) -> None:
        """Reads the files again when one of them has changed."""
        if all(_changed(file) == known for file, known in self._seen.items()):
            return
        self._seen = {file: _changed(file) for file in self._seen}
        try:
            config, token, context = self._read()
        except SettingsError as error:
            LOG.warning("%s: what was in force before stays", error)
            return
        if bool(context) != bool(self.tls):
            LOG.warning("%s: TLS is switched on or off by a restart only", self._path)
        self._config, self._token, self._context = config, token, context or self._context
        self._answers.clear()
        LOG.info("%s: read anew", self._path)

    def _handshake(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """A certificate that was renewed serves from the next connection on."""
        self._refresh()
        if self._context:
            connection.context = self._context

    @web.middleware
    async def middleware(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Lets in who may ask; 401 for everybody else."""
        self._refresh()
        if request.path in OPEN or await self._allowed(request.headers.get("Authorization", "")):
            answer = await handler(request)
        else:
            answer = web.Response(status=401, text="unauthorized\n")
            ways = (("Basic", self._config.basic_auth_users), ("Bearer", self._token))
            for scheme in (scheme for scheme, used in ways if used):
                answer.headers.add("WWW-Authenticate", f'{scheme} realm="watchfloor"')
        answer.headers.update(webconfig.security_headers(self._config))
        return answer

    async def _allowed(self, header: str) -> bool:
        if not self._config.basic_auth_users and not self._token:
            return True
        scheme, _, given = header.partition(" ")
        if scheme.lower() == "bearer" and self._token:
            return hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), self._token)
        if scheme.lower() == "basic" and self._config.basic_auth_users:
            return await self._knows(given.strip())
        return False

    async def _knows(self, given: str) -> bool:
        """Whether user and password fit. bcrypt takes as long as 100 scrapes, so answers are remembered, without the password."""
        try:
            user, _, password = base64.b64decode(given, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        hashed = self._config.basic_auth_users.get(user, "").encode() or _NOBODY
        key = hashlib.sha256(self._salt + hashed + b"\0" + password.encode()).digest()
        if key not in self._answers:
            # bcrypt reads 72 bytes and newer releases refuse more; Go's reads 72 too.
            fits = await asyncio.to_thread(bcrypt.checkpw, password.encode()[:72], hashed)
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            self._answers[key] = fits
        return self._answers[key] and hashed is not _NOBODY


def _changed(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
