"""The domains that an exporter can tell of. A new one is one line; its libraries are loaded when somebody asks for it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from exporters.base import Domain
from settings import Site

ALL = "all"


@dataclass(frozen=True)
class Kind:
    """A domain: the module whose `domains(site, options)` makes it, and its port.

    That function returns one `Domain` a target, the first for `/metrics`, all for `/probe?target=NAME`; none when the site
    names no target. It raises SettingsError for settings that it could not start with, and connects to nothing.
    """

    module: str
    port: Callable[[Site], int]

    def domains(self, site: Site, options: argparse.Namespace) -> tuple[Domain, ...]:
        """Its targets, as `site.yaml` and the command line want them."""
        make = import_module(self.module).domains
        return cast("tuple[Domain, ...]", make(site, options))


DOMAINS: Mapping[str, Kind] = {
    "system": Kind("exporters.system", lambda site: site.ports.exporter_system),
    "postgres": Kind("exporters.postgres", lambda site: site.ports.exporter_postgres),
    "probe": Kind("exporters.probe", lambda site: site.ports.exporter_probe),
    "redis": Kind("exporters.redis", lambda site: site.ports.exporter_redis),
    "model_quality": Kind("exporters.model_quality", lambda site: site.ports.exporter_model_quality),
}


def chosen(words: list[str]) -> list[str]:
    """The domains that the command line names, each once, in the order of `DOMAINS`; `all` names every one."""
    return [name for name in DOMAINS if name in words or ALL in words]
