"""A whole appliance for a test, a drill or a measurement: the product's own process controller, free ports, a home of its own."""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import yaml

from compose.host import Host
from compose.native import Stack
from compose.supervisor import Process
from compose.topology import services
from settings import Paths, Site, parse
from tests.waiting import free_ports


def get(url: str, timeout: float = 5.0) -> Any:
    """The JSON that `url` answers."""
    with urllib.request.urlopen(url, timeout=timeout) as response:  # our own servers
        return json.loads(response.read())


def text_of(url: str, timeout: float = 5.0) -> str:
    """What `url` answers; empty where nobody does in time."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:  # our own servers
            return str(response.read(), "utf-8")
    except OSError:
        return ""


def status_of(url: str, timeout: float = 2.0) -> int:
    """The HTTP status of `url`; 0 where nobody answers in time."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:  # our own servers
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two trees of settings as one; the second one's values count."""
    made = dict(first)
    for key, value in second.items():
        known = made.get(key)
        made[key] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return made


@dataclass
class Appliance:
    """`factor` multiplies every time of rules, scrapes and routes; `settings` go into site.yaml above the defaults.

    Use it as a context manager: it is up inside, and down and removed afterwards (`keep` leaves its home for a look).
    """

    factor: float = 0.1
    settings: dict[str, Any] = field(default_factory=dict)
    keep: bool = False

    def __post_init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="watchfloor-"))
        self.home.chmod(0o755)
        names = [item.name for item in msgspec.structs.fields(Site().ports)]
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        text = {"ports": ports, "profile": {"factor": self.factor}, "instance": "test-host"} | self.settings
        self.site_file = self.home / "site.yaml"
        self.site_file.write_text(yaml.safe_dump(text), encoding="utf-8")
        detected = Host.detect(self.home)
        self.stack = Stack(detected, self.site_file)
        self.paths = Paths(self.home)

    @property
    def site(self) -> Site:
        return parse(self.site_file.read_text(encoding="utf-8"), "site.yaml", {})

    def change(self, **settings: Any) -> None:
        """Edits site.yaml, as a person would."""
        known = yaml.safe_load(self.site_file.read_text(encoding="utf-8"))
        self.site_file.write_text(yaml.safe_dump(known | settings), encoding="utf-8")

    def __enter__(self) -> Self:
        try:
            self.up()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stack.down()
        if self.keep:
            print(f"kept: {self.home}")
        else:
            shutil.rmtree(self.home, ignore_errors=True)

    def up(self) -> bool:
        return self.stack.up(lambda text: print(text, flush=True))

    def all_ok(self) -> bool:
        """Whether every service is; AssertionError for one that is worse than silent for two seconds, as on a busy machine."""
        states = {row.name: row.state for row in self.stack.rows()}
        assert states.keys() == {service.name for service in services(self.site)}
        assert set(states.values()) <= {"ok", "hung"}, states
        return set(states.values()) == {"ok"}

    def process(self, name: str) -> Process:
        return self.stack.supervisor.processes()[name]

    def url(self, port: str, path: str = "") -> str:
        """A service's URL by the name of its port in site.yaml."""
        return self.site.local_url(getattr(self.site.ports, port)) + path

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Prometheus's instant vector."""
        url = self.url("prometheus", "/api/v1/query?" + urllib.parse.urlencode({"query": promql}))
        return list(get(url)["data"]["result"])

    def value(self, promql: str) -> float | None:
        """The value of a query that has one series; None where it has none."""
        found = self.query(promql)
        return float(found[0]["value"][1]) if found else None

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Prometheus's active alerts of that name."""
        return [
            alert
            for alert in get(self.url("prometheus", "/api/v1/alerts"))["data"]["alerts"]
            if alert["labels"]["alertname"] == name
        ]
