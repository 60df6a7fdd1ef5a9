"""Why a try failed: one of a few causes, for a label, and one line, for the log. No secret stands in either."""

from __future__ import annotations

import socket
import ssl

from metrics.probe import CAUSES

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED, openssl/x509_vfy.h


class ProbeError(Exception):
    """A try that did not end as it should; `cause` is one of `metrics.probe.CAUSES`."""

    def __init__(self, cause: str, text: str) -> None:
        assert cause in CAUSES
        super().__init__(" ".join(text.split())[:300])
        self.cause = cause


def explained(error: Exception) -> ProbeError:
    """What was raised on the way, as a cause."""
    if isinstance(error, ProbeError):
        return error
    return ProbeError(_cause(error), f"{error}" or type(error).__name__)


def _cause(error: Exception) -> str:
    for kind, cause in (
        (TimeoutError, "timeout"),
        (socket.gaierror, "dns"),
        (ConnectionRefusedError, "refused"),
        (ConnectionError, "lost"),
        (EOFError, "lost"),
    ):
        if isinstance(error, kind):
            return cause
    if isinstance(error, ssl.SSLCertVerificationError):
        return "expired" if error.verify_code == _EXPIRED else "certificate"
    if isinstance(error, ssl.SSLError):
        return "tls"
    return "unreachable" if isinstance(error, OSError) else "other"
