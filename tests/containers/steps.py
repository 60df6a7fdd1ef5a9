"""The steps of `make compose-test`, in order; each raises AssertionError with what did not hold."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compose.docker import Containers
from compose.errors import ComposeError
from compose.rotate import rotate
from metrics import stack as names
from settings.paths import CLONE
from tests.appliance import status_of
from tests.containers import backing, given, looks, tokens
from tests.waiting import until

# Each of those behind the entrance.
_BEHIND = ("/api/health", "/prometheus/-/ready", "/alertmanager/-/ready", "/inbox/", "/stream/", "/stream/api/dashboard")
STARTED_WITHIN = 60.0  # seconds, from built images


def _up(stack: Containers) -> None:
    began = datetime.now(UTC)
    stack.up(backing.say)
    took = (datetime.now(UTC) - began).total_seconds()
    assert took < STARTED_WITHIN, f"took {took:.0f} s"


def _healthy(stack: Containers) -> None:
    bad = [(row.name, row.state, row.why) for row in stack.rows() if row.state != "ok"]
    assert not bad, bad
    assert len(looks.found(stack)) == len(stack.rows())
    words = [sys.executable, "-m", "compose", "status", "--json", "--home", str(stack.host.home), "--site", str(stack.site_file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=CLONE)
    assert (done.returncode, [row["state"] for row in json.loads(done.stdout)]) == (0, ["ok"] * len(stack.rows())), done.stderr


def _targets(stack: Containers) -> None:
    def all_up() -> bool:
        told = looks.targets(stack)
        return set(told) == set(names.JOBS) and {one for job in told.values() for one in job} == {"up "}

    try:
        until("every target is up", all_up, 40, 0.5)
    except AssertionError as error:
        raise AssertionError(str(looks.targets(stack))) from error


def _nobody_is_root(stack: Containers) -> None:
    for name, container in looks.found(stack).items():
        told = looks.processes(container)
        assert told, name
        assert all(uid != 0 for _, uid, _ in told), (name, told)
        limits = container["HostConfig"]
        assert (limits["Privileged"], limits["ReadonlyRootfs"], limits["CapDrop"]) == (False, True, ["ALL"]), name
        assert limits["Memory"], name
        assert limits["PidsLimit"], name
        assert "no-new-privileges:true" in limits["SecurityOpt"], name


def _loopback(stack: Containers) -> None:
    bound = {
        (binding["HostIp"], int(binding["HostPort"]))
        for container in looks.found(stack).values()
        for bindings in (container["NetworkSettings"]["Ports"] or {}).values()
        for binding in bindings or ()
    }
    assert {address for address, _ in bound} == {"127.0.0.1"}, bound
    assert looks.addresses_of({port for _, port in bound}) == {"0100007F"}


def _walls(stack: Containers) -> None:
    """Who may talk to whom: every pair that must, and those that must not."""
    found, ports = looks.found(stack), stack.site().ports
    for source, host, port, may in (
        ("stream", "postgres", ports.postgres, True),
        ("stream", "alertmanager", ports.alertmanager, False),
        ("stream", "inbox", ports.inbox, False),
        ("stream", "preview", ports.grafana, False),
        ("analysis", "inbox", ports.inbox, False),
        ("analysis", "edge", ports.edge, False),
        ("inbox", "alertmanager", ports.alertmanager, True),
        ("inbox", "postgres", ports.postgres, False),
        ("exporter-probe", "postgres", ports.postgres, False),
        ("exporter-system", "bus", ports.bus, False),
        ("exporter-postgres", "postgres", ports.postgres, True),
    ):
        (network, *_) = found[host]["NetworkSettings"]["Networks"].values()
        for address in (host, network["IPAddress"]):  # by number as well: a name that is not known proves little
            assert looks.reaches(found[source], address, port) is may, f"{source} to {host} ({address}): should be {may}"
    outside = socket.gethostbyname(looks.mirror())
    with socket.create_connection((outside, 80), 5):  # where this machine gets there, the monitoring network does, and
        pass
    for name, out in (("inbox", True), ("analysis", False), ("store", False)):
        assert looks.reaches(found[name], outside, 80) is out, f"{name} to the world: should be {out}"


def _alert(stack: Containers) -> None:
    """A container that is stopped by hand: from Prometheus by Alertmanager to the inbox, and resolved again."""
    before = looks.found(stack)["analysis"]["Id"]
    looks.docker("stop", before)
    until("TargetDown of analysis is in the inbox", lambda: [one for one in _down(stack) if one["state"] != "resolved"], 120, 0.5)
    looks.docker("start", before)
    until("it is resolved", lambda: [one for one in _down(stack) if one["state"] == "resolved"], 120, 0.5)


def _down(stack: Containers) -> list[dict[str, Any]]:
    found = looks.incidents(stack, "TargetDown") + looks.incidents(stack, "ServiceDown")
    return [one for one in found if one["labels"].get("job") == names.JOB_ANALYSIS]


def _heard(stack: Containers) -> set[int]:
    return {one["id"] for one in looks.incidents(stack, "TargetDown") + looks.incidents(stack, "ServiceDown")}


def _data_stays(stack: Containers) -> None:
    count = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    looks.rows(stack, "CREATE TABLE kept AS SELECT now() AS at")
    kept, tables = looks.rows(stack, "SELECT at FROM kept"), looks.rows(stack, count)
    heard = _heard(stack)
    assert heard
    assert stack.down()
    assert not looks.found(stack)
    stack.up(lambda _: None)
    assert (looks.rows(stack, "SELECT at FROM kept"), looks.rows(stack, count)) == (kept, tables)
    looks.rows(stack, "DROP TABLE kept")
    assert heard <= _heard(stack)


def _reload(stack: Containers) -> None:
    """Settings that cannot come up, because their port is taken, give way to those that ran before; good ones are applied."""
    good, before = stack.site_file.read_text(encoding="utf-8"), stack.paths.rendered.readlink()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        stack.site_file.write_text(f"{good}ports: {{inbox: {taken.getsockname()[1]}}}\n", encoding="utf-8")
        try:
            stack.up(lambda _: None)
        except ComposeError as error:
            said = str(error)
        else:
            raise AssertionError("it came up on a port that is taken")
    assert "in use" in said or "allocated" in said, said
    assert stack.paths.rendered.readlink() == before
    _healthy_again(stack)
    stack.site_file.write_text(f"{good}prometheus: {{retention_time: 20d}}\n", encoding="utf-8")
    assert stack.up(lambda _: None)
    assert "--storage.tsdb.retention.time=20d" in looks.found(stack)["prometheus"]["Args"]
    assert not stack.up(lambda _: None), "what runs already was changed"


def _killed(stack: Containers) -> None:
    """Killed from outside, as by the kernel when memory is short: each kind of container comes back by itself."""
    for name in ("stream", "prometheus", "postgres"):
        before = looks.found(stack)[name]
        os.kill(looks.service_pid(before), signal.SIGKILL)
        until(f"{name} is back", lambda name=name, before=before: _restarted(stack, name, before), 60, 0.2)  # type: ignore[misc]
    _healthy_again(stack)


def _hung(stack: Containers) -> None:
    """Stopped by a signal: the third silent look ends it."""
    for name in ("inbox", "cache-redis"):
        before = looks.found(stack)[name]
        os.kill(looks.service_pid(before), signal.SIGSTOP)
        began = time.monotonic()
        until(f"{name} is back", lambda name=name, before=before: _restarted(stack, name, before), 60, 0.2)  # type: ignore[misc]
        print(f"    {name} hung, and was back after {time.monotonic() - began:.0f} s")
    _healthy_again(stack)


def _restarted(stack: Containers, name: str, before: dict[str, Any]) -> bool:
    now = looks.found(stack)[name]
    return bool(now["RestartCount"] > before["RestartCount"] and now["State"]["Running"])


def _healthy_again(stack: Containers) -> None:
    until("all is well again", lambda: all(row.state == "ok" for row in stack.rows()), 90, 0.5)
    _targets(stack)
    # The edge looked the stream's name up when it started: it must find a stream that came back.
    url = f"http://127.0.0.1:{stack.site().ports.edge}/api/dashboard"
    until("the edge answers for the stream", lambda: status_of(url) == 200, 30, 0.5)
    # And so must the entrance, for each of those behind it.
    for path in _BEHIND:
        until(f"the entrance leads to {path}", lambda path=path: looks.entered(stack, path) == 200, 30, 0.5)  # type: ignore[misc]  # bound now


def _signs_on(stack: Containers) -> None:
    """By TLS and a password, to each of those behind it; strangers, and who may look only, no further."""
    for path in _BEHIND:
        told = looks.entered(stack, path), looks.entered(stack, path, password="guess")  # it is none
        assert told == (200, 401), (path, told)
    assert looks.entered(stack, "/stream/cache/market:BTC") == 404  # the caches' own
    until("the probe finds the entrance", lambda: looks.query(stack, 'probe_success{endpoint="entrance"}') == 1, 30, 0.5)


def _rotated(stack: Containers) -> None:
    """The old secret opens nothing more, the new one does; who does not read it goes on as it was."""
    before = {name: one["Id"] for name, one in looks.found(stack).items()}
    old = stack.paths.entrance_password.read_text(encoding="ascii")
    for name in ("entrance_password", "app_password"):
        rotate(stack, name, backing.say)
    after = {name: one["Id"] for name, one in looks.found(stack).items()}
    changed = {name for name, container in after.items() if before[name] != container}
    assert changed == {"entrance", "postgres", "stream", "analysis"}, changed
    _healthy_again(stack)
    assert looks.entered(stack, "/inbox/", password=old) == 401
    written = "SELECT count(*) FROM price_history"
    count = int(looks.rows(stack, written))
    until("rows are written by the new password", lambda: int(looks.rows(stack, written)) > count, 30, 0.5)


def _host_seen(stack: Containers) -> None:
    """The system exporter tells of this machine, not of its container."""
    for query, least in (("count(node_network_receive_bytes_total{device!='lo'})", 2), ("node_procs_running", 1)):
        told = looks.query(stack, query)
        assert told, query
        assert told >= least, (query, told)
    machine = sum(path.name.isdigit() for path in Path("/proc").iterdir())
    seen = looks.query(stack, "node_processes_pids") or 0
    assert abs(seen - machine) < machine / 2, (seen, machine)
    failing = looks.query(stack, "count(watchfloor_collector_success == 0) or vector(0)")
    assert failing == 0, looks.names_of(stack, "watchfloor_collector_success == 0")


def _doctor(stack: Containers) -> None:
    """A site that is well has nothing to mend, and none of what containers bring along is looked for on the machine."""
    words = [sys.executable, "-m", "compose", "doctor", "--json", "--home", str(stack.host.home), "--site", str(stack.site_file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=CLONE)
    found = json.loads(done.stdout)
    assert (done.returncode, [one for one in found if one["level"] == "problem"]) == (0, []), done.stderr
    assert {"engine", "image", "ports", "backups"} <= {one["what"] for one in found}


def _export(stack: Containers) -> None:
    """By the images' promtool and amtool, where this machine has none."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "docker").symlink_to(shutil.which("docker") or "docker")
        environment = os.environ | {"PATH": folder, "WATCHFLOOR_SITE": str(stack.site_file)}
        words = [sys.executable, "-m", "compose.export", "--out", f"{folder}/export"]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, cwd=CLONE)
        assert done.returncode == 0, done.stderr
        assert (Path(folder) / "export" / "prometheus" / "rules" / "watchfloor-system.yml").exists()


def _backed_up(stack: Containers) -> None:
    """What was written before a backup is back after it, each row of it; a set that is not whole changes nothing."""
    heard = _heard(stack)
    kept = backing.made(stack)
    _healthy_again(stack)
    backing.lose_all(stack)
    backing.try_what_is_not_whole(stack, kept)
    backing.kill_a_restore(stack, kept)
    backing.bring_back(stack, kept)
    assert heard <= _heard(stack)
    _healthy_again(stack)


STEPS: tuple[tuple[str, Callable[[Containers], None]], ...] = (
    ("up, from built images", _up),
    ("all healthy", _healthy),
    ("every target up", _targets),
    ("the system exporter sees this machine", _host_seen),
    ("no process is root; limits are set", _nobody_is_root),
    ("nothing listens beyond loopback", _loopback),
    ("who must not reach whom does not", _walls),
    ("the entrance lets in who signs on", _signs_on),
    ("the doctor finds nothing to mend", _doctor),
    ("an export is checked by the images", _export),
    ("an alert goes to the inbox, and is resolved", _alert),
    ("down and up keep the data", _data_stays),
    ("settings are applied, or the old ones stay", _reload),
    ("files that the site names are seen", given.scrape_a_guarded_door),
    ("a client's token is issued and revoked", tokens.issue_and_revoke),
    ("secrets are rotated", _rotated),
    ("a backup is made, and brought back", _backed_up),
    ("killed containers come back", _killed),
    ("hung containers come back", _hung),
)
