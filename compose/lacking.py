"""What containers cannot do yet, said before anything is touched."""

from __future__ import annotations

from compose.errors import BadInputError
from settings import Site


def refuse(site: Site, name: str) -> None:
    """Raises BadInputError for what a site asks of this runtime in vain; `name` is its file's."""
    standard = [key for key in ("system", "postgres", "redis") if getattr(site.exporters, key).exporter == "standard"]
    for bad, key, fix in (
        (site.stream.workers > 1, "stream.workers", "one server a container: leave it at 1, or set runtime: native"),
        (standard, f"exporters.{standard[0] if standard else ''}.exporter", "own or external, or set runtime: native"),
        (site.stream.tokens_file, "stream.tokens_file", "leave it out: the stream keeps its tokens in its volume (`make token`)"),
        (
            site.database.url_file or site.database.replica_url_file,
            "database.url_file, replica_url_file",
            "the store has no way out of its network: set runtime: native",
        ),
        (site.stream.tls.certificate, "stream.tls", "end TLS at a proxy of yours, or set runtime: native"),
    ):
        if bad:
            raise BadInputError(f"{name}: {key}: not in containers: {fix}")
