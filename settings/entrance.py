"""The section `entrance:` of `site.yaml`: the one door with TLS and a password, through which people and programs come in."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from settings import patterns
from settings.basic import FileOrNone, Line, Section

# Where each service stands behind it, by the name of its port. Dashboards have the root: Grafana and the preview want it.
PATHS = {"grafana": "", "prometheus": "/prometheus", "alertmanager": "/alertmanager", "inbox": "/inbox", "stream": "/stream"}


class Entrance(Section, frozen=True):
    """One address with TLS and a password for dashboards, Prometheus, Alertmanager, inbox, API and stream (nginx)."""

    enabled: Annotated[bool, Meta(description="The entrance runs; links then lead through it.")] = False
    bind: Annotated[
        str, Meta(pattern=patterns.BIND, description="The address that it listens on; 0.0.0.0: every network of this machine.")
    ] = "127.0.0.1"
    user: Annotated[
        Line, Meta(min_length=1, description="Who signs in; the password is generated: `entrance_password` among the secrets.")
    ] = "watchfloor"
    viewer: Annotated[
        Line,
        Meta(description="Who may look and change nothing (Grafana asks its own users), with `viewer_password`; empty: nobody."),
    ] = "viewer"
    certificate: Annotated[
        FileOrNone, Meta(description="Your certificate with its chain, PEM; empty: one of the appliance's own authority.")
    ] = ""
    key_file: Annotated[FileOrNone, Meta(description="A file that holds its key, PEM, without a passphrase.")] = ""

    def __post_init__(self) -> None:
        """Refuses one file without the other, and a user that a password file cannot hold."""
        if bool(self.certificate) != bool(self.key_file):
            raise ValueError("certificate and key_file go together: give both, or neither")
        for key, name in (("user", self.user), ("viewer", self.viewer)):
            if not name.isascii() or not name.isprintable() or set(name) & set(': "\\$'):
                raise ValueError(f"{key} is {name!r}: give a name of letters, digits and hyphens")
        if self.user == self.viewer:
            raise ValueError(f"viewer is {self.viewer!r}, and so is user: give each a name of its own, or no viewer")
