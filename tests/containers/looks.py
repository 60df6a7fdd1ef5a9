"""What is looked at while the containers run: from this machine, and from inside of them."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import urllib.parse
from base64 import b64encode
from pathlib import Path
from typing import Any

from compose.docker import Containers
from tests.appliance import get


def docker(*words: str, check: bool = True) -> str:
    """Standard output of a docker command."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=check).stdout


def found(stack: Containers) -> dict[str, dict[str, Any]]:
    """What the engine knows of each container, by the service's name."""
    ids = docker("ps", "-aq", "--filter", f"label=com.docker.compose.project={stack.project}").split()
    listed = json.loads(docker("inspect", *ids)) if ids else []
    return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in listed}


def mirror() -> str:
    """A host of the world that this machine reaches: where its packages come from."""
    told = subprocess.run(["apt-cache", "policy"], capture_output=True, text=True, check=True).stdout
    return next(urllib.parse.urlsplit(word).hostname or "" for word in told.split() if word.startswith("http"))


def processes(container: dict[str, Any]) -> list[tuple[int, int, str]]:
    """(pid on this machine, user's id, name) of every process in it."""
    lines = docker("top", container["Id"], "-eo", "pid,uid,comm").splitlines()[1:]
    return [(int(pid), int(uid), name) for pid, uid, name in (line.split(maxsplit=2) for line in lines)]


def service_pid(container: dict[str, Any]) -> int:
    """The process on this machine that the container's init has started."""
    init = int(container["State"]["Pid"])
    return int(Path(f"/proc/{init}/task/{init}/children").read_text(encoding="ascii").split()[0])


def reaches(container: dict[str, Any], host: str, port: int) -> bool:
    """Whether Python in one of our containers opens a connection to another's port."""
    text = f"import socket; socket.create_connection(({host!r}, {port}), 3)"
    words = ["docker", "exec", container["Id"], "/opt/watchfloor/bin/python", "-c", text]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def addresses_of(ports: set[int]) -> set[str]:
    """The addresses of this machine on which something listens at one of the ports, as /proc writes them."""
    rows = [
        row.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for row in Path(table).read_text(encoding="ascii").splitlines()[1:]
    ]
    listening = [row[1].rpartition(":") for row in rows if row[3] == "0A"]
    return {address for address, _, port in listening if int(port, 16) in ports}


def targets(stack: Containers) -> dict[str, list[str]]:
    """The health of every target of Prometheus, by job."""
    active = get(f"http://127.0.0.1:{stack.site().ports.prometheus}/api/v1/targets")["data"]["activeTargets"]
    by_job: dict[str, list[str]] = {}
    for target in active:
        by_job.setdefault(target["labels"]["job"], []).append(target["health"] + " " + target["lastError"])
    return by_job


def entered(stack: Containers, path: str, user: str = "watchfloor", password: str | None = None) -> int:
    """The status by which the entrance answers somebody who trusts the appliance's authority and signs in; 0: it does not."""
    trusted = ssl.create_default_context(cafile=str(stack.paths.authority))
    known = stack.paths.entrance_password.read_text(encoding="ascii") if password is None else password
    headers = {"Authorization": "Basic " + b64encode(f"{user}:{known}".encode()).decode()}
    connection = http.client.HTTPSConnection("localhost", stack.site().ports.entrance, timeout=10, context=trusted)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def incidents(stack: Containers, name: str) -> list[dict[str, Any]]:
    """The inbox's incidents of an alert."""
    return list(get(f"http://127.0.0.1:{stack.site().ports.inbox}/api/incidents?alertname={name}")["incidents"])


def rows(stack: Containers, query: str) -> str:
    """What PostgreSQL answers, asked in its container."""
    one, port = found(stack)["postgres"]["Id"], str(stack.site().ports.postgres)
    return docker("exec", one, "psql", "-At", "-U", "postgres", "-p", port, "-d", "watchfloor", "-c", query).strip()


def query(stack: Containers, promql: str) -> float | None:
    """The value of a query of one series; None where it has none."""
    series = _series(stack, promql)
    return float(series[0]["value"][1]) if series else None


def names_of(stack: Containers, promql: str) -> list[dict[str, str]]:
    """The labels of every series of a query."""
    return [one["metric"] for one in _series(stack, promql)]


def _series(stack: Containers, promql: str) -> list[dict[str, Any]]:
    url = f"http://127.0.0.1:{stack.site().ports.prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": promql})
    return list(get(url)["data"]["result"])
