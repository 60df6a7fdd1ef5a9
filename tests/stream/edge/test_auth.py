"""Tokens: whose they are, what is refused, what a change of the book does; keys of every algorithm, real ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from settings import SettingsError
from stream import keybook, tokens
from stream.auth import ANONYMOUS, Authenticator, AuthError
from stream.codes import ErrorCode
from stream.keybook import AUDIENCE, Key, changing

NOW = 1_800_000_000.0
_PRIVATE: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "book.json"


def _issued(path: Path, **options: Any) -> str:
    make = tokens.issue_api_key if options.pop("api_key", False) else tokens.issue
    given: dict[str, Any] = {"subject": "desk-1", "scopes": ["market"], "lifetime": 60.0, "now": NOW} | options
    with changing(path) as book:
        return make(book, **given)


def _refused(checker: Authenticator, token: str) -> ErrorCode:
    with pytest.raises(AuthError) as caught:
        checker.check(token)
    return caught.value.code


def _pem(algorithm: str) -> str:
    public = _PRIVATE[algorithm].public_key()
    return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def _foreign(path: Path, algorithm: Any, **claims: Any) -> str:
    """A token that somebody else signs; the book knows the public key."""
    with changing(path) as book:
        if not any(key.id == algorithm for key in book.keys):
            book.keys.append(Key(id=algorithm, algorithm=algorithm, public=_pem(algorithm), created=int(NOW * 1000)))
    private = _PRIVATE[algorithm].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    told = {"aud": AUDIENCE, "sub": "partner", "exp": NOW + 60, "scope": "market onchain"} | claims
    return jwt.encode({name: value for name, value in told.items() if value is not None}, private, algorithm, {"kid": algorithm})


def _handmade(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token that no library would sign."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    body = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    return f"{body}.{part(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"


def test_our_own_token_tells_who_it_is_and_what_it_may(path: Path, clock: Clock) -> None:
    token = _issued(path)
    identity = Authenticator(path, clock).check(token)
    assert (identity.subject, identity.scopes, identity.expires_at) == ("desk-1", frozenset({"market"}), int((NOW + 60) * 1000))
    assert identity.may("market")
    assert identity.may("")
    assert not identity.may("onchain")
    assert not ANONYMOUS.may("market")


@pytest.mark.parametrize("algorithm", list(_PRIVATE))
def test_tokens_that_others_sign_are_verified_by_their_public_key(path: Path, clock: Clock, algorithm: str) -> None:
    token = _foreign(path, algorithm)
    assert Authenticator(path, clock).check(token).scopes == {"market", "onchain"}
    assert Authenticator(path, clock).check(_foreign(path, algorithm, scope=None, scp=["a"])).scopes == {"a"}
    assert _refused(Authenticator(path, clock), token[:-6] + "AAAAAA") is ErrorCode.BAD_TOKEN


def test_a_token_signed_by_the_public_key_as_if_it_were_a_secret_is_refused(path: Path, clock: Clock) -> None:
    """The confusion of algorithms: HS256 with the RSA public key, which everybody knows, under that key's id."""
    _foreign(path, "RS256")
    claims = {"aud": AUDIENCE, "sub": "mallory", "exp": NOW + 60, "scope": "market", "jti": "x"}
    for secret in (_pem("RS256").encode(), _pem("RS256").strip().encode()):
        forged = _handmade({"alg": "HS256", "typ": "JWT", "kid": "RS256"}, claims, secret)
        assert _refused(Authenticator(path, clock), forged) is ErrorCode.BAD_TOKEN


def test_the_algorithm_is_the_keys_and_never_the_tokens(path: Path, clock: Clock) -> None:
    _issued(path)
    key = keybook.read(path).keys[0]
    claims = {"aud": AUDIENCE, "sub": "mallory", "exp": NOW + 60, "jti": "x"}
    secret = bytes.fromhex(key.secret)
    assert Authenticator(path, clock).check(_handmade({"alg": "HS256", "kid": key.id}, claims, secret)).subject == "mallory"
    for header in (
        {"alg": "none", "kid": key.id},
        {"alg": "HS512", "kid": key.id},
        {"alg": "HS256"},
        {"alg": "HS256", "kid": "?"},
    ):
        assert _refused(Authenticator(path, clock), _handmade(header, claims, secret)) is ErrorCode.BAD_TOKEN


@pytest.mark.parametrize(
    "claims",
    [{"aud": "somebody-else"}, {"aud": None}, {"sub": None}, {"sub": ""}, {"exp": None}, {"exp": "soon"}, {"nbf": NOW + 60}],
    ids=str,
)  # fmt: skip
def test_claims_that_must_be_there_and_right(path: Path, clock: Clock, claims: dict[str, Any]) -> None:
    assert _refused(Authenticator(path, clock), _foreign(path, "ES256", **claims)) is ErrorCode.BAD_TOKEN


def test_a_tokens_end_is_kept_to_the_second_for_open_connections_too(path: Path, clock: Clock) -> None:
    token = _issued(path)
    checker = Authenticator(path, clock)
    identity = checker.check(token)
    clock.now = NOW + 59.9
    assert checker.verdict(identity) is None
    clock.now = NOW + 60
    assert checker.verdict(identity) is ErrorCode.TOKEN_EXPIRED
    assert _refused(checker, token) is ErrorCode.TOKEN_EXPIRED


@pytest.mark.parametrize("api_key", [False, True])
def test_a_revoked_token_is_refused_and_ends_its_connections(path: Path, clock: Clock, api_key: bool) -> None:  # noqa: FBT001  # pytest's way
    token, other = _issued(path, api_key=api_key), _issued(path, api_key=api_key)
    checker = Authenticator(path, clock)
    identity, left = checker.check(token), checker.check(other)
    assert tokens.main(["--file", str(path), "revoke", identity.token_id]) == 0
    assert checker.refresh()
    assert checker.verdict(identity) is ErrorCode.TOKEN_REVOKED
    assert _refused(checker, token) is ErrorCode.TOKEN_REVOKED
    assert checker.verdict(left) is None


def test_a_foreign_token_is_revoked_by_its_jti(path: Path, clock: Clock) -> None:
    checker_token = _foreign(path, "EdDSA", jti="theirs-7")
    checker = Authenticator(path, clock)
    identity = checker.check(checker_token)
    assert tokens.main(["--file", str(path), "revoke", "theirs-7"]) == 1
    assert tokens.main(["--file", str(path), "revoke", "--foreign", "theirs-7"]) == 0
    checker.refresh()
    assert checker.verdict(identity) is ErrorCode.TOKEN_REVOKED


def test_rotation_keeps_old_tokens_until_their_key_is_retired(path: Path, clock: Clock) -> None:
    old = _issued(path)
    checker = Authenticator(path, clock)
    first = checker.check(old)
    assert tokens.main(["--file", str(path), "keys", "rotate"]) == 0
    fresh = checker.check(_issued(path))
    assert fresh.key_id != first.key_id
    assert checker.check(old) == first
    assert tokens.main(["--file", str(path), "keys", "retire", first.key_id]) == 0
    assert _refused(checker, old) is ErrorCode.TOKEN_REVOKED
    assert checker.verdict(first) is ErrorCode.TOKEN_REVOKED
    assert checker.verdict(fresh) is None


def test_an_api_key_is_kept_as_a_hash_alone(path: Path, clock: Clock) -> None:
    token = _issued(path, api_key=True, lifetime=None)
    secret = token.split("_", 2)[2]
    assert secret not in path.read_text(encoding="utf-8")
    checker = Authenticator(path, clock)
    assert checker.check(token).expires_at is None
    assert _refused(checker, token[:-1] + ("a" if token[-1] != "a" else "b")) is ErrorCode.BAD_TOKEN
    assert _refused(checker, "wf_nobody_" + secret) is ErrorCode.BAD_TOKEN
    assert _refused(checker, "wf_") is ErrorCode.BAD_TOKEN


def test_the_book_is_for_its_owner_alone(path: Path, clock: Clock) -> None:
    _issued(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        Authenticator(path, clock)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_issues_belongs_to_the_user_of_the_service(path: Path) -> None:
    path.parent.mkdir()
    os.chown(path.parent, 65_534, 65_534)
    _issued(path)
    _issued(path)
    assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (65_534, 0o600)


def test_two_commands_at_once_lose_nothing(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _issued(path), range(24)))
    assert len(keybook.read(path).tokens) == 24
    assert len(keybook.read(path).keys) == 1
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_spoilt_book_leaves_the_last_good_one_in_force_and_a_missing_one_withdraws_all(path: Path, clock: Clock) -> None:
    token = _issued(path)
    checker = Authenticator(path, clock)
    identity = checker.check(token)
    good = path.read_bytes()
    path.write_text("{", encoding="utf-8")
    assert not checker.refresh()
    assert "not understood" in checker.problem
    assert checker.check(token) == identity
    path.write_bytes(good + b"\n")
    assert checker.refresh()
    assert checker.problem == ""
    path.unlink()
    assert checker.refresh()
    assert checker.verdict(identity) is ErrorCode.TOKEN_REVOKED


def test_without_a_book_every_token_is_refused(path: Path) -> None:
    assert _refused(Authenticator(path), "wf_a_b") is ErrorCode.BAD_TOKEN


_checker: list[Authenticator] = []


@settings(deadline=None)
@given(
    st.one_of(
        st.text(max_size=60), st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}", fullmatch=True)
    )
)
def test_no_text_is_a_token(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    if not _checker:
        path = tmp_path_factory.mktemp("book") / "book.json"
        _issued(path, now=time.time())
        _checker.append(Authenticator(path))
    assert _refused(_checker[0], text) is ErrorCode.BAD_TOKEN


def test_the_command_issues_lists_and_refuses(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = ["--file", str(path)]
    assert tokens.main([*file, "issue", "--subject", "a", "--scope", "market", "--for", "1h"]) == 0
    token = capsys.readouterr().out.strip()
    assert Authenticator(path).check(token).scopes == {"market"}
    assert tokens.main([*file, "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert (listed["subject"], listed["state"], listed["kind"]) == ("a", "good", "jwt")
    assert tokens.main([*file, "issue", "--subject", " "]) == 2
    assert tokens.main([*file, "issue", "--subject", "a", "--scope", "two words"]) == 2
    assert tokens.main([*file, "keys", "retire", "none"]) == 1
    assert "there is none" in capsys.readouterr().err


def test_a_public_key_is_added_by_the_command_and_a_private_one_is_not(path: Path, tmp_path: Path, clock: Clock) -> None:
    pem = tmp_path / "key.pem"
    add = ["--file", str(path), "keys", "add", "--id", "RS256", "--algorithm", "RS256", "--public-key", str(pem)]
    private = _PRIVATE["RS256"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private)
    assert tokens.main(add) == 2
    pem.write_text("nonsense", encoding="ascii")
    assert tokens.main(add) == 2
    pem.write_text(_pem("RS256"), encoding="ascii")
    assert tokens.main(add) == 0
    assert tokens.main(add) == 2, "an id is given once"
    assert Authenticator(path, clock).check(_foreign(path, "RS256")).subject == "partner"
