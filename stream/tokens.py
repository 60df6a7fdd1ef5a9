"""`python -m stream.tokens`: issues, lists and revokes tokens of the stream; rotates and retires the keys that sign them.

A running server sees every change within two seconds. Exit codes: 0 done, 1 there is no such token or key, 2 wrong arguments
or settings.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import jwt

from metrics.durations import seconds
from metrics.process import version
from settings import Paths, SettingsError, load
from stream.auth import API_KEY_PREFIX
from stream.keybook import AUDIENCE, Book, Key, Token, book_path, changing, hashed, read

_OK, _MISSING, _WRONG = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace, Path], int] = chosen.run
    try:
        path = chosen.file or book_path(load(), Paths.from_environment())
        return run(chosen, path)
    except (SettingsError, ValueError) as error:
        print(error, file=sys.stderr)
        return _WRONG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stream.tokens", description="Tokens and keys of the stream.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    parser.add_argument("--file", type=Path, help="the book (default: stream.tokens_file of site.yaml)")
    commands = parser.add_subparsers(dest="command", required=True)
    issue = commands.add_parser("issue", help="print a new token")
    issue.add_argument("--subject", required=True, help="who it is for")
    issue.add_argument("--scope", action="append", default=[], help="what it opens; may be repeated")
    issue.add_argument("--for", dest="lifetime", default="", help="how long it is good: 12h, 30d (JWT: 30d, API key: for ever)")
    issue.add_argument("--api-key", action="store_true", help="an API key instead of a JWT")
    issue.set_defaults(run=_issue)
    listing = commands.add_parser("list", help="what was issued")
    listing.add_argument("--json", action="store_true", help="as JSON lines")
    listing.set_defaults(run=_list)
    revoke = commands.add_parser("revoke", help="withdraw a token by its id; open connections end")
    revoke.add_argument("id")
    revoke.add_argument("--foreign", action="store_true", help="the id (jti) is of a token that was signed elsewhere")
    revoke.set_defaults(run=_revoke)
    _add_keys(commands.add_parser("keys", help="the keys that sign and verify"))
    return parser


def _add_keys(parser: argparse.ArgumentParser) -> None:
    keys = parser.add_subparsers(dest="action", required=True)
    keys.add_parser("list", help="which there are").set_defaults(run=_keys)
    keys.add_parser("rotate", help="sign with a new key from now on").set_defaults(run=_rotate)
    retire = keys.add_parser("retire", help="refuse what a key signed; open connections end")
    retire.add_argument("id")
    retire.set_defaults(run=_retire)
    add = keys.add_parser("add", help="trust what somebody else signs")
    add.add_argument("--id", required=True, help="the `kid` of their tokens")
    add.add_argument("--algorithm", required=True, choices=("RS256", "ES256", "EdDSA"))
    add.add_argument("--public-key", type=Path, required=True, help="their public key, PEM")
    add.add_argument("--audience", default=AUDIENCE, help=f"the `aud` of their tokens (default: {AUDIENCE})")
    add.set_defaults(run=_add)


def issue(book: Book, subject: str, scopes: Sequence[str], lifetime: float | None, now: float) -> str:
    """A JWT, noted in the book, by the key that signs now, or a first one. `lifetime` and `now` are seconds; None is 30 days."""
    key = book.signing() or book.rotate(int(now * 1000))
    expires = int(now + (30 * 86_400 if lifetime is None else lifetime))
    known = secrets.token_hex(6)
    claims = {
        "iss": "watchfloor",
        "aud": key.audience,
        "sub": subject,
        "scope": " ".join(scopes),
        "iat": int(now),
        "exp": expires,
    }
    book.tokens.append(
        Token(
            id=known,
            kind="jwt",
            subject=subject,
            scopes=list(scopes),
            created=int(now * 1000),
            expires=expires * 1000,
            key=key.id,
        )
    )
    return jwt.encode(claims | {"jti": known}, bytes.fromhex(key.secret), algorithm="HS256", headers={"kid": key.id})


def issue_api_key(book: Book, subject: str, scopes: Sequence[str], lifetime: float | None, now: float) -> str:
    """An API key; the book keeps its hash. `lifetime` and `now` are seconds; None is for ever."""
    known, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    made = int(now * 1000)
    expires = None if lifetime is None else made + int(lifetime * 1000)
    book.tokens.append(
        Token(id=known, kind="api-key", subject=subject, scopes=list(scopes), created=made, expires=expires, hash=hashed(secret))
    )
    return f"{API_KEY_PREFIX}{known}_{secret}"


def _issue(chosen: argparse.Namespace, path: Path) -> int:
    if not chosen.subject.strip() or any(not scope or scope.split() != [scope] for scope in chosen.scope):
        raise ValueError("--subject must not be empty, and a --scope is one word: correct them")
    lifetime = seconds(chosen.lifetime) if chosen.lifetime else None
    if lifetime is not None and lifetime <= 0:
        raise ValueError(f"--for {chosen.lifetime}: give a duration above zero")
    make = issue_api_key if chosen.api_key else issue
    now = time.time()
    with changing(path) as book:
        book.forget(int(now * 1000))
        token = make(book, chosen.subject, chosen.scope, lifetime, now)
        known = book.tokens[-1].id
    print(f"id {known}; this is shown once:", file=sys.stderr)
    print(token)
    return _OK


def _list(chosen: argparse.Namespace, path: Path) -> int:
    now = int(time.time() * 1000)
    for token in read(path).tokens:
        state = "revoked" if token.revoked else "expired" if token.expires and token.expires <= now else "good"
        if chosen.json:
            shown = {"id": token.id, "kind": token.kind, "subject": token.subject, "scopes": token.scopes, "state": state}
            print(json.dumps(shown | {"created": token.created, "expires": token.expires}))
        else:
            until = _date(token.expires) if token.expires else "for ever"
            print(f"{token.id:<14}{token.kind:<9}{state:<9}{until:<18}{token.subject:<20}{' '.join(token.scopes)}".rstrip())
    return _OK


def _revoke(chosen: argparse.Namespace, path: Path) -> int:
    now = int(time.time() * 1000)
    with changing(path) as book:
        found = [token for token in book.tokens if token.id == chosen.id]
        if not found and chosen.foreign:
            found = [Token(id=chosen.id, kind="foreign", created=now)]
            book.tokens += found
        for token in found:
            token.revoked = token.revoked or now
    return _OK if found else _missing(f"token {chosen.id}", "`list` shows them; --foreign for one that was signed elsewhere")


def _keys(_chosen: argparse.Namespace, path: Path) -> int:
    book = read(path)
    signing = book.signing()
    for key in book.keys:
        state = "retired" if key.retired else "signs" if key is signing else "verifies"
        print(f"{key.id:<14}{key.algorithm:<7}{state:<10}{_date(key.created):<18}{key.audience}")
    return _OK


def _rotate(_chosen: argparse.Namespace, path: Path) -> int:
    with changing(path) as book:
        key = book.rotate(int(time.time() * 1000))
    print(f"{key.id} signs from now on; `keys retire` the older ones when their tokens are replaced")
    return _OK


def _retire(chosen: argparse.Namespace, path: Path) -> int:
    with changing(path) as book:
        found = [key for key in book.keys if key.id == chosen.id]
        for key in found:
            key.retired = key.retired or int(time.time() * 1000)
    return _OK if found else _missing(f"key {chosen.id}", "`keys list` shows them")


def _add(chosen: argparse.Namespace, path: Path) -> int:
    try:
        text = chosen.public_key.read_text(encoding="ascii")
        jwt.get_algorithm_by_name(chosen.algorithm).prepare_key(text)
    except (OSError, ValueError, jwt.PyJWTError) as error:
        raise ValueError(f"{chosen.public_key}: no public key for {chosen.algorithm}: {error}") from error
    if "PRIVATE" in text:
        raise ValueError(f"{chosen.public_key}: is a private key: give the public one")
    with changing(path) as book:
        if any(key.id == chosen.id for key in book.keys):
            raise ValueError(f"--id {chosen.id}: there is such a key already: retire it, or take another id")
        made = int(time.time() * 1000)
        book.keys.append(Key(id=chosen.id, algorithm=chosen.algorithm, public=text, audience=chosen.audience, created=made))
    return _OK


def _missing(what: str, fix: str) -> int:
    print(f"{what}: there is none: {fix}", file=sys.stderr)
    return _MISSING


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")


if __name__ == "__main__":
    sys.exit(main())
