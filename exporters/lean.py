"""What keeps an exporter's process small: TLS that it has no use for is not loaded. Works before anything else is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# Domains whose targets are asked without Python's TLS: files, and PostgreSQL, whose client library brings a TLS of its own.
PLAIN_DOMAINS = ("system", "postgres", "model_quality")
TLS_DOMAINS = ("probe", "redis", "all")
_OPENSSL = ("ssl", "_hashlib")  # the modules that load it; hashes have code of their own in Python
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # OpenSSL's names


def needs_tls(arguments: Sequence[str]) -> bool:
    """Whether an exporter with this command line speaks TLS through Python, with its targets or with who scrapes it."""
    plain = any(word in PLAIN_DOMAINS for word in arguments)
    return not plain or any(word in TLS_DOMAINS or word.startswith("--web.config.file") for word in arguments)


@contextmanager
def lean(*, tls: bool) -> Iterator[None]:
    """What is imported until the block ends takes no more memory than it must.

    Without `tls` Python has no OpenSSL, as if it was built without it, which asyncio, aiohttp and hashlib provide for: 8 MB.
    With it there are no certificate authorities until the block ends: aiohttp's client makes a context with all of them as it is
    imported, 2 MB, and no exporter uses that client. Who checks certificates makes a context of his own later.
    """
    if not tls:
        for name in _OPENSSL:  # None is by what the import statement knows what must not be found; what is loaded stays
            sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # as said
        yield
        return
    before = {name: os.environ.get(name) for name in _AUTHORITIES}
    os.environ.update(dict.fromkeys(_AUTHORITIES, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
