"""The web configuration file: who may ask an exporter, and by TLS or not. Pure: from text to types.

The format is exporter-toolkit's (https://github.com/prometheus/exporter-toolkit, docs/web-configuration.md), so that files
that exist go on working; `bearer_token_file` is ours. What it knows and Python's TLS cannot do is refused, never ignored.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from settings import SettingsError

GUIDE = "docs/guides/exporters.md"
_BCRYPT = re.compile(r"^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$")
_HEADERS = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)
_VERSIONS = {"TLS10": "TLSv1", "TLS11": "TLSv1_1", "TLS12": "TLSv1_2", "TLS13": "TLSv1_3"}
# Go's names of the cipher suites of TLS 1.2 that are worth naming, and OpenSSL's; those of TLS 1.3 are not to be chosen.
_SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
Asked = Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Unknown keys are refused: a misspelt one would leave a door open."""


class Tls(_Strict, frozen=True):
    """`tls_server_config`; paths are taken from the folder of the configuration file."""

    cert_file: str
    key_file: str
    client_ca_file: str = ""
    client_auth_type: Asked = "NoClientCert"
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    cipher_suites: list[str] = []
    prefer_server_cipher_suites: bool = True


class Http(_Strict, frozen=True):
    """`http_server_config`. HTTP/2 is not spoken, whatever `http2` says: Prometheus takes 1.1 as well."""

    http2: bool = True
    headers: dict[str, str] = {}


class WebConfig(_Strict, frozen=True):
    """The file. Nobody is asked for anything where neither users nor a token stand in it."""

    tls_server_config: Tls | None = None
    http_server_config: Http = Http()
    basic_auth_users: dict[str, str] = {}
    bearer_token_file: str = ""

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Every file that it names."""
        tls = self.tls_server_config
        named = (self.bearer_token_file, *((tls.cert_file, tls.key_file, tls.client_ca_file) if tls else ()))
        return tuple(folder / name for name in named if name)


def parse(text: str, name: str) -> WebConfig:
    """The configuration in `text`; `name` is the file that errors tell.

    Raises SettingsError for anything that is wrong in it. No hash, and no other secret, stands in the error.
    """
    try:
        raw = yaml.safe_load(text)
        config = msgspec.convert({} if raw is None else raw, WebConfig)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark else name
        raise SettingsError(place, "is not YAML", "check indentation, colons and quotes") from error
    except msgspec.ValidationError as error:
        raise SettingsError(name, str(error), f"keys and values stand in {GUIDE}") from error
    _check(config, name)
    return config


def _check(config: WebConfig, name: str) -> None:
    for user, hashed in config.basic_auth_users.items():
        if not _BCRYPT.match(hashed):
            raise SettingsError(
                name,
                f"basic_auth_users.{user}: is no bcrypt hash",
                "make one: `htpasswd -nBC 10 USER`, and take what follows the colon",
            )
    for header in config.http_server_config.headers:
        if header not in _HEADERS:
            raise SettingsError(
                name, f"http_server_config.headers: {header!r} cannot be set", f"allowed are {', '.join(_HEADERS)}"
            )
    tls = config.tls_server_config
    if tls is None:
        return
    if unknown := sorted(set(tls.cipher_suites) - set(_SUITES)):
        raise SettingsError(name, f"tls_server_config.cipher_suites: unknown {unknown[0]!r}", f"allowed are {', '.join(_SUITES)}")
    if (tls.client_auth_type != "NoClientCert") != bool(tls.client_ca_file):
        raise SettingsError(name, "tls_server_config: client_auth_type and client_ca_file go together", "give both, or neither")
    if tls.min_version > tls.max_version:
        raise SettingsError(name, f"tls_server_config: min_version {tls.min_version} is above max_version", "lower it")


def context(tls: Tls, folder: Path) -> ssl.SSLContext:
    """The TLS side of a server. Raises OSError (ssl.SSLError is one) for files that cannot be read or do not fit."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion[_VERSIONS[tls.min_version]]
    made.maximum_version = ssl.TLSVersion[_VERSIONS[tls.max_version]]
    if tls.cipher_suites:
        made.set_ciphers(":".join(_SUITES[suite] for suite in tls.cipher_suites))
    if tls.prefer_server_cipher_suites:
        made.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    made.load_cert_chain(folder / tls.cert_file, folder / tls.key_file)
    if tls.client_ca_file:
        made.load_verify_locations(folder / tls.client_ca_file)
        required = tls.client_auth_type == "RequireAndVerifyClientCert"
        made.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return made


def security_headers(config: WebConfig) -> Mapping[str, str]:
    """Headers that the file adds to every answer."""
    return config.http_server_config.headers
