"""Why PostgreSQL could not be asked, by what libpq and the server say: a cause, for a label, and one line, for the log.

No secret stands in either.
"""

from __future__ import annotations

from exporters.target import TargetError, line

# In the order in which it is looked for.
_WORDS = (
    ("auth", ("password authentication failed", "no password supplied", "authentication failed", "no pg_hba.conf entry")),
    ("auth", ('role "', "permission denied for")),
    ("database", ('database "', 'relation "')),
    ("limit", ("too many clients", "too many connections", "remaining connection slots")),
    ("starting", ("starting up", "shutting down", "in recovery mode", "not yet accepting connections")),
    ("tls", ("SSL", "certificate")),
    ("dns", ("could not translate host name", "Name or service not known")),
    ("refused", ("Connection refused", "No such file or directory")),
    ("unreachable", ("No route to host", "Network is unreachable", "Host is unreachable")),
    ("timeout", ("timeout expired", "timed out", "statement timeout")),
    ("protocol", ("expected authentication request", "received invalid response", "unsupported frontend protocol")),
    (
        "lost",
        ("server closed the connection", "Connection reset", "terminating connection", "Broken pipe", "connection not open"),
    ),
)


def explained(text: str, *, lost: bool = False) -> TargetError:
    """The cause by the words of libpq or of the server; `lost` when a connection that stood has gone."""
    cause = next((cause for cause, words in _WORDS if any(word in text for word in words)), "lost" if lost else "other")
    return TargetError(cause, line(text))
