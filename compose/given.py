"""Files that site.yaml names, as containers see them: copies at the same paths, each for the services that read it.

A container sees nothing of the machine's folders; without this, a receiver's key or an exporter's password would be missed by the
service alone, when it is needed. What a `dsn` or a URL names in its own text is not found here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from msgspec import structs

from compose.errors import BadInputError
from settings import Site
from settings.basic import Section
from settings.lines import Steps, key
from settings.secrets import sections

PREFIX = "given-"
# Who reads the files of a section, by the beginning of its key. The entrance's are one of its secrets; of those that are not
# here (Grafana's key, a store of the site's own) no container has a use.
_READERS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("endpoints", "prometheus_password_file"): ("inbox", "stream", "preview"),
    ("endpoints", "grafana_key_file"): ("stream",),
    ("deadman",): ("alertmanager",),
    ("receivers",): ("alertmanager",),
    ("analysis",): ("analysis",),
    ("stream",): ("stream",),
    ("cache",): ("stream",),
    ("hosts_access",): ("prometheus",),
    ("scrape",): ("prometheus",),
    ("exporters", "postgres"): ("exporter-postgres",),
    ("exporters", "probe"): ("exporter-probe",),
    ("exporters", "redis"): ("exporter-redis",),
}
_CERTIFICATES = ("authority", "ca", "certificate", "trusted_certificates")
_NOT_IN_PATHS = ':,"$\\'  # each has a meaning of its own in a mount's description, or in Compose's files


def files(site: Site) -> dict[str, dict[str, str]]:
    """By service: the path of each file that it reads, with the name of its copy.

    The name is the path's own: it means the same file in every version of the rendered files, whatever stands around it.
    """
    found: dict[str, dict[str, str]] = {}
    for steps, path in _named(site):
        for service in _readers(steps):
            found.setdefault(service, {})[str(path)] = name_of(path)
    return found


def name_of(path: Path) -> str:
    """The name of a file's copy."""
    return PREFIX + hashlib.sha256(str(path).encode()).hexdigest()[:16]


def texts(site: Site, site_file: str, there: Collection[str]) -> dict[str, bytes]:
    """What is in the files that these services read, by the copies' names. Raises BadInputError for one that cannot be used."""
    found: dict[str, bytes] = {}
    for steps, path in _named(site):
        if not set(there) & set(_readers(steps)):
            continue
        try:
            found[name_of(path)] = _read(path)
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            raise BadInputError(f"{site_file}: {key(steps)}: {path}: {words}: name a file that can be read") from error
    return found


def _read(path: Path) -> bytes:
    """Its bytes; a link that somebody else has made may lead to what he cannot read himself."""
    if set(str(path)) & set(_NOT_IN_PATHS):
        raise ValueError(f"its path has one of {_NOT_IN_PATHS}, which a container's mount cannot take")
    with path.open("rb") as file:
        opened = os.fstat(file.fileno())
        for part in (path, *path.parents):
            if part.is_symlink() and part.lstat().st_uid not in (0, opened.st_uid):
                raise ValueError(f"{part} is a link of somebody to whom the file does not belong")
        if not os.path.samestat(opened, path.stat()):
            raise ValueError("another file took its place while it was read")
        return file.read()


def _named(site: Site) -> Iterator[tuple[Steps, Path]]:
    for steps, section in sections(site):
        for item in structs.fields(section):
            value = getattr(section, item.name)
            if value and not isinstance(value, Section) and (item.name.endswith("_file") or item.name in _CERTIFICATES):
                yield (*steps, item.encode_name), Path(value)


def _readers(steps: Steps) -> tuple[str, ...]:
    return next((who for head, who in _READERS.items() if steps[: len(head)] == head), ())
