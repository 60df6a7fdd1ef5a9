"""The same site as its services see it that run in containers: each has a network address of its own and finds others by name."""

from __future__ import annotations

from settings.types import Site

RUNTIME_VARIABLE = "WATCHFLOOR_RUNTIME"  # set to `containers` inside of them, and while files for them are rendered
CONTAINERS = "containers"
# The port's key where the service is not called like it.
_NAMES = {"grafana": "preview", "stream_admin": "stream"}


class Contained(Site, frozen=True):
    """A site whose services listen on every address of their container, and reach one another by the names of the topology."""

    @property
    def contained(self) -> bool:
        """Whether its services run in containers."""
        return True

    def host_of(self, port: int) -> str:
        """The name, in the containers' networks, of the service of that port."""
        for key in self.ports.__struct_fields__:
            if getattr(self.ports, key) == port:
                name = key.replace("exporter_", "exporter-", 1) if key.startswith("exporter_") else key.replace("_", "-")
                return _NAMES.get(key, name)
        return "127.0.0.1"
