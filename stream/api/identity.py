"""Who asks: the token of a request, checked once and remembered while it stays good."""

from __future__ import annotations

import time
from http import HTTPStatus

from aiohttp import web

from stream.api.frame import CHALLENGE
from stream.auth import ANONYMOUS, AuthError, Identity
from stream.codes import ErrorCode
from stream.problems import ProblemError
from stream.session import Checker

_MOST = 1_000  # tokens that are remembered
_SECONDS = 10.0  # for so long: then its scopes are read again


class Identities:
    """Identities by token. A remembered one is judged again each time: revoked and expired tokens end at once."""

    def __init__(self, checker: Checker | None) -> None:
        self._checker = checker
        self._known: dict[str, tuple[Identity, float]] = {}

    def of(self, request: web.BaseRequest) -> Identity:
        """Whose token the request carries; ANONYMOUS without one. Raises ProblemError (401) for one that is not good."""
        token = _token(request)
        if not token:
            return ANONYMOUS
        if self._checker is None:
            raise _refused(ErrorCode.BAD_TOKEN)
        now = time.monotonic()
        known, until = self._known.get(token, (ANONYMOUS, 0.0))
        if until > now and self._checker.verdict(known) is None:
            return known
        self._known.pop(token, None)
        try:
            identity = self._checker.check(token)
        except AuthError as error:
            raise _refused(error.code) from None
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[token] = (identity, now + _SECONDS)
        return identity


def _token(request: web.BaseRequest) -> str:
    key = request.headers.get("X-API-Key", "")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme and scheme.lower() != "bearer":
        raise _refused(ErrorCode.BAD_TOKEN)
    return token.strip() or key


def _refused(code: ErrorCode) -> ProblemError:
    return ProblemError(HTTPStatus.UNAUTHORIZED, code, headers=CHALLENGE)
