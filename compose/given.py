"""Files that site.yaml names, as containers see them: copies at the same paths, each for the services that read it.

A container sees nothing of the machine's folders; without this, a receiver's key or a database's password would be missed by the
service alone, when it is needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from msgspec import structs

from compose.errors import BadInputError
from settings import Site
from settings.basic import Section
from settings.lines import Steps, key
from settings.secrets import sections

# Who reads the files of a section, by the beginning of its key; the entrance's are one of its secrets.
_READERS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("endpoints",): ("inbox", "stream"),
    ("database",): ("store", "stream", "analysis", "exporter-model_quality"),
    ("deadman",): ("alertmanager",),
    ("receivers",): ("alertmanager",),
    ("analysis",): ("analysis", "stream"),
    ("stream",): ("stream",),
    ("cache",): ("stream",),
    ("hosts_access",): ("prometheus",),
    ("scrape",): ("prometheus",),
    ("exporters", "postgres"): ("exporter-postgres",),
    ("exporters", "probe"): ("exporter-probe",),
    ("exporters", "redis"): ("exporter-redis",),
}
_CERTIFICATES = ("authority", "ca", "certificate", "trusted_certificates")


def files(site: Site) -> dict[str, dict[str, str]]:
    """By service: the path of each file that it reads, with the name of its copy."""
    found: dict[str, dict[str, str]] = {}
    names: dict[str, str] = {}
    for steps, path in _named(site):
        name = names.setdefault(path, f"given.{key(steps)}".replace("[", ".").replace("]", ""))
        for service in _readers(steps):
            found.setdefault(service, {})[path] = name
    return found


def texts(site: Site, site_file: str, there: Collection[str]) -> dict[str, bytes]:
    """What is in the files that these services read, by the copies' names. Raises BadInputError for one that cannot be read."""
    found: dict[str, bytes] = {}
    for service, named in files(site).items():
        for path, name in named.items() if service in there else ():
            try:
                found[name] = Path(path).read_bytes()
            except OSError as error:
                what = f"{site_file}: {name.removeprefix('given.')}: {path}: {error.strerror}"
                raise BadInputError(f"{what}: name a file that can be read") from error
    return found


def _named(site: Site) -> Iterator[tuple[Steps, str]]:
    for steps, section in sections(site):
        for item in structs.fields(section):
            value = getattr(section, item.name)
            if value and not isinstance(value, Section) and (item.name.endswith("_file") or item.name in _CERTIFICATES):
                yield (*steps, item.encode_name), str(value)


def _readers(steps: Steps) -> tuple[str, ...]:
    return next((who for head, who in _READERS.items() if steps[: len(head)] == head), ())
