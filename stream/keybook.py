"""The file of keys and tokens: who may sign, what was issued, what is withdrawn. Mode 0600, replaced as a whole.

API keys stand in it as hashes; a JWT does not stand in it at all, its id does.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from settings import Paths, SettingsError, Site

AUDIENCE = "watchfloor-stream"
Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]
_FILE = "stream_tokens.json"
_NAME = "stream.tokens_file"
_LARGEST = 16 * 1024 * 1024
_KEPT_MS = 30 * 86_400_000  # how long a token stays listed after its end


class Key(Struct, kw_only=True):
    """What verifies tokens: a secret that also signs (HS256), or somebody's public key. Times are ms UTC."""

    id: str
    algorithm: Algorithm
    secret: str = ""  # hexadecimal
    public: str = ""  # PEM
    audience: str = AUDIENCE
    created: int
    retired: int | None = None


class Token(Struct, kw_only=True):
    """What was issued, or was only named to be revoked (`kind` "foreign"). Times are ms UTC."""

    id: str
    kind: Literal["jwt", "api-key", "foreign"]
    subject: str = ""
    scopes: list[str] = field(default_factory=list)
    created: int
    expires: int | None = None
    revoked: int | None = None
    key: str = ""  # the id of the key that signed a JWT
    hash: str = ""  # SHA-256 of an API key's secret, which has 256 random bits


class Book(Struct, kw_only=True):
    """All of it."""

    version: Literal[1] = 1
    keys: list[Key] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)

    def signing(self) -> Key | None:
        """The newest key that signs and is not retired."""
        able = [key for key in self.keys if key.secret and key.retired is None]
        return able[-1] if able else None

    def rotate(self, now_ms: int) -> Key:
        """Adds a key that signs from now on; tokens of older keys stay good until those are retired."""
        key = Key(id=f"k{secrets.token_hex(4)}", algorithm="HS256", secret=secrets.token_hex(32), created=now_ms)
        self.keys.append(key)
        return key

    def forget(self, now_ms: int) -> None:
        """Drops what ended so long ago that no copy of it can be good."""
        self.tokens = [token for token in self.tokens if token.expires is None or token.expires > now_ms - _KEPT_MS]


def hashed(secret: str) -> str:
    """What is kept of an API key's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def book_path(site: Site, paths: Paths) -> Path:
    """Where this site keeps its book: in a container in the one folder of its own that outlives it."""
    if site.stream.tokens_file:
        return Path(site.stream.tokens_file)
    return (paths.data / "stream" if site.contained else paths.secrets) / _FILE


def read(path: Path) -> Book:
    """The book in a file; an empty one where there is no file. Raises SettingsError for a file that cannot be used."""
    try:
        status = path.stat()
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(
                _NAME, f"{path} is open to other users (mode {stat.S_IMODE(status.st_mode):04o})", f"chmod 600 {path}"
            )
        if status.st_size > _LARGEST:
            raise SettingsError(_NAME, f"{path} has {status.st_size} bytes", "name the file that stream.tokens wrote")
        return msgspec.json.decode(path.read_bytes(), type=Book)
    except FileNotFoundError:
        return Book()
    except OSError as error:
        raise SettingsError(_NAME, f"{path} cannot be read ({error.strerror})", "give it to the user of the service") from error
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise SettingsError(_NAME, f"{path} is not understood ({error})", "restore it, or remove it and issue anew") from error


@contextlib.contextmanager
def changing(path: Path) -> Iterator[Book]:
    """The book, to be changed within; written when the block ends without an error. One writer at a time.

    The file keeps its owner; a new one gets its folder's, so that a service of another user can read what root issued.
    Raises SettingsError as `read`, and when the file cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise SettingsError(_NAME, f"{path.parent} cannot be used ({error.strerror})", "make it for this user") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        book = read(path)
        yield book
        try:
            _replace(path, msgspec.json.format(msgspec.json.encode(book)))
        except OSError as error:
            raise SettingsError(_NAME, f"{path} cannot be written ({error.strerror})", "run this as its owner") from error
    finally:
        os.close(folder)


def _replace(path: Path, content: bytes) -> None:
    owner = (path if path.exists() else path.parent).stat()
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            if os.geteuid() == 0:
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
