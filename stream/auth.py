"""Who a client is: a JWT or an API key, checked against the book of keys, which is read again when it changes.

The algorithm belongs to the key, never to the token: a token names a key by its `kid`, and is verified by that key's
algorithm alone.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from settings import SettingsError
from stream.codes import ErrorCode
from stream.keybook import Book, Key, Token, hashed, read

API_KEY_PREFIX = "wf_"
_LONGEST = 8192  # characters of a token
_LEEWAY = 5  # seconds between two clocks, for `nbf`; `exp` is kept to the second
log = logging.getLogger("watchfloor.stream")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who it is and what it may; `expires_at` is ms UTC, None for never; `key_id` is the key that signed a JWT."""

    scopes: frozenset[str] = frozenset()
    expires_at: int | None = None
    subject: str = ""
    token_id: str = ""
    key_id: str = ""

    @property
    def anonymous(self) -> bool:
        """Whether nobody has said who it is."""
        return not self.subject

    def may(self, scope: str) -> bool:
        """Whether a room that demands `scope` (empty: nothing) is open."""
        return not scope or scope in self.scopes


ANONYMOUS = Identity()


class AuthError(Exception):
    """A token that is refused; `code` says why."""

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code.meaning)
        self.code = code


class Authenticator:
    """Checks tokens by the book in `path`. `clock` gives Unix time in seconds.

    Raises SettingsError, once made, when the file cannot be used; later such a file leaves the last good book in force and
    is told by `problem`. A file that is gone withdraws everything.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._seen = self._mark()
        self.problem = ""
        self._use(read(path))

    def check(self, token: str) -> Identity:
        """Whose token it is. Raises AuthError with BAD_TOKEN, TOKEN_EXPIRED or TOKEN_REVOKED."""
        if len(token) > _LONGEST or not token.isascii():
            raise AuthError(ErrorCode.BAD_TOKEN)
        self.refresh()
        return self._api_key(token) if token.startswith(API_KEY_PREFIX) else self._jwt(token)

    def verdict(self, identity: Identity) -> ErrorCode | None:
        """Why a connection of that identity must end now; None while it may stay. Cheap: ask it each second."""
        if identity.expires_at is not None and identity.expires_at <= self._clock() * 1000:
            return ErrorCode.TOKEN_EXPIRED
        if identity.anonymous:
            return None
        key_gone = identity.key_id and (identity.key_id not in self._keys or self._keys[identity.key_id].retired is not None)
        if key_gone or identity.token_id in self._revoked or (not identity.key_id and identity.token_id not in self._api_keys):
            return ErrorCode.TOKEN_REVOKED
        return None

    def refresh(self) -> bool:
        """Reads the book again if its file has changed since; whether it did."""
        mark = self._mark()
        if mark == self._seen:
            return False
        self._seen = mark
        try:
            self._use(read(self._path))
        except SettingsError as error:
            self.problem = str(error)
            log.error("tokens: the last good book stays in force: %s", error)  # noqa: TRY400  # the error tells all
            return False
        self.problem = ""
        return True

    def _mark(self) -> tuple[int, int, int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return (0, 0, 0, 0)
        return (status.st_mtime_ns, status.st_ino, status.st_size, status.st_mode)

    def _use(self, book: Book) -> None:
        self._keys = {key.id: key for key in book.keys}
        self._revoked = {token.id for token in book.tokens if token.revoked is not None}
        self._api_keys = {token.id: token for token in book.tokens if token.kind == "api-key"}

    def _api_key(self, token: str) -> Identity:
        known, _, secret = token.removeprefix(API_KEY_PREFIX).partition("_")
        kept = self._api_keys.get(known)
        # Compared in any case, so that the time does not tell which ids exist.
        if not hmac.compare_digest(hashed(secret), kept.hash if kept else "") or kept is None:
            raise AuthError(ErrorCode.BAD_TOKEN)
        return self._alive(_identity(kept))

    def _alive(self, identity: Identity) -> Identity:
        code = self.verdict(identity)
        if code is not None:
            raise AuthError(code)
        return identity

    def _jwt(self, token: str) -> Identity:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(str(header.get("kid", "")))
            if key is None or header.get("alg") != key.algorithm:
                raise AuthError(ErrorCode.BAD_TOKEN)
            claims = _verified(token, key)
            if float(claims.get("nbf", 0)) > self._clock() + _LEEWAY:
                raise AuthError(ErrorCode.BAD_TOKEN)
            identity = _claimed(claims, key)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            raise AuthError(ErrorCode.BAD_TOKEN) from None
        return self._alive(identity)


def _verified(token: str, key: Key) -> dict[str, Any]:
    material: str | bytes = bytes.fromhex(key.secret) if key.algorithm == "HS256" else key.public
    required = ["exp", "sub", "aud"] + (["jti"] if key.secret else [])
    # Times are judged here, by the same clock as for open connections.
    claims: dict[str, Any] = jwt.decode(
        token, material, algorithms=[key.algorithm], audience=key.audience,
        options={"require": required, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )  # fmt: skip
    return claims


def _claimed(claims: dict[str, Any], key: Key) -> Identity:
    """The identity that verified claims tell; scopes by `scope` (RFC 8693), or `scp` or `scopes` as others write it."""
    listed = claims.get("scope", claims.get("scp", claims.get("scopes", "")))
    scopes = listed.split() if isinstance(listed, str) else [str(scope) for scope in listed]
    subject = str(claims["sub"])
    if not subject:
        raise ValueError("a token without a subject")
    return Identity(frozenset(scopes), int(float(claims["exp"]) * 1000), subject, str(claims.get("jti", "")), key.id)


def _identity(token: Token) -> Identity:
    return Identity(frozenset(token.scopes), token.expires, token.subject, token.id)
