"""What runs is rendered from the settings into one new folder, checked there, and put in place in one step.

`rendered` is a link to the newest folder, so that a reader sees the old files or the new ones and never a mixture; a
folder that a checker refuses is removed and the old one stays.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from compose import containers, edge, entrance, grafana, standard
from compose.checks import Target, check
from compose.errors import BadInputError, ComposeError
from compose.host import SYSTEM_HOME
from compose.host import Host as Machine
from compose.images import CONTAINERS as CONTAINERS_OF
from compose.service import listen
from compose.topology import SERVICES, services
from compose.units import units
from metrics import stack
from settings import Paths, Site, parse
from settings.collecting import Access, Host
from settings.containers import CONTAINERS, RUNTIME_VARIABLE
from settings.paths import ALERTMANAGER_USER, CLONE, HOME_VARIABLE, PROMETHEUS_USER

# From `rendered/` to the appliance's secrets: Prometheus takes paths from the folder of its configuration.
PASSWORD = {"username": ALERTMANAGER_USER, "password_file": "../secrets/alertmanager_password"}
_ITS_OWN = {"username": PROMETHEUS_USER, "password_file": "../secrets/prometheus_password"}


def prometheus_config(site: Site) -> dict[str, Any]:
    """Prometheus's configuration: every service of the topology, the other hosts, the site's own jobs."""
    timing = site.prometheus
    labels = {"cluster": site.cluster, "instance": site.instance_name}
    jobs: dict[str, list[dict[str, Any]]] = {}
    for service in SERVICES:
        if address := standard.external(site, service.name):
            groups = _asked_for(site, service.job, address)
            jobs[service.job] = groups or [{"targets": [address], "labels": labels}]
    for service in filter(lambda service: service.job, services(site)):
        own = {"worker": service.worker} if service.worker else {}
        if asked := _asked_for(site, service.job, target(site, service.port(site))):
            jobs[service.job] = asked
            continue
        if named := _named_targets(site, service.job):
            jobs[service.job] = _exporter_targets(site, service.port(site), named)
            continue
        jobs.setdefault(service.job, []).append({"targets": [target(site, service.port(site))], "labels": labels | own})
    scrapes: list[dict[str, Any]] = [
        {"job_name": job, "sample_limit": timing.sample_limit, "static_configs": groups} for job, groups in jobs.items()
    ]
    passwords = {stack.JOB_ALERTMANAGER: PASSWORD, **({stack.JOB_PROMETHEUS: _ITS_OWN} if site.guards_prometheus else {})}
    for scrape in scrapes:
        if scrape["job_name"] == stack.JOB_SYSTEM:
            scrape["file_sd_configs"] = [{"files": ["targets/hosts.json"]}]
        if (name := scrape["job_name"]) in passwords:
            scrape["basic_auth"] = passwords[name]
    if secured := [host for host in site.hosts if host.scheme == "https"]:
        scrapes.append(_secured(site, secured))
    return {
        "global": {
            "scrape_interval": site.scaled(timing.scrape_interval),
            "scrape_timeout": site.scaled(timing.scrape_timeout),
            "evaluation_interval": site.scaled(timing.evaluation_interval),
            "external_labels": {"cluster": site.cluster},
        },
        "rule_files": ["rules/*.yml"],
        "alerting": {"alertmanagers": [_alertmanager(site)]},
        "scrape_configs": scrapes + [_own_job(site, scrape) for scrape in site.scrape],
    }


def _secured(site: Site, hosts: list[Host]) -> dict[str, Any]:
    """The hosts that are asked by TLS: a job of its own, so that no password goes to the others; their series are of the same."""
    return {
        "job_name": f"{stack.JOB_SYSTEM}-tls",
        "scheme": "https",
        "sample_limit": site.prometheus.sample_limit,
        **_access(site.hosts_access),
        "static_configs": [_host(site, host) for host in hosts],
        "relabel_configs": [{"target_label": "job", "replacement": stack.JOB_SYSTEM}],
    }


def _access(access: Access) -> dict[str, Any]:
    names = {"ca_file": access.authority, "cert_file": access.certificate, "key_file": access.key_file}
    tls = {name: file for name, file in names.items() if file}
    user = {"username": access.username, "password_file": access.password_file}
    return {**({"tls_config": tls} if tls else {}), **({"basic_auth": user} if access.username else {})}


def _host(site: Site, host: Host) -> dict[str, Any]:
    return {"targets": [host.address], "labels": {"cluster": site.cluster, "instance": host.name} | host.labels}


def _asked_for(site: Site, job: str, address: str) -> list[dict[str, Any]]:
    """Targets of a redis_exporter that is asked for one server after the other, each an instance; none of another exporter."""
    return [
        {
            "targets": [address],
            "labels": {"cluster": site.cluster, "instance": instance, "__metrics_path__": "/scrape", "__param_target": url},
        }
        for url, instance in standard.scraped(site, job)
    ]


def _named_targets(site: Site, job: str) -> list[tuple[str, str]]:
    """(target, its `instance` label) of an exporter of several servers; none where it has one, which is this machine's."""
    exporters = site.exporters
    names = {
        stack.JOB_POSTGRES: [target.name for target in exporters.postgres.targets],
        stack.JOB_PROBE: [target.name for target in exporters.probe.targets],
        stack.JOB_REDIS: [target.name for target in exporters.redis.targets],
    }.get(job, [])
    if job == stack.JOB_REDIS and not names:
        return [(name, f"{site.instance_name}:{name}") for name in site.own_redis]
    return [(name, name) for name in names]


def _exporter_targets(site: Site, port: int, named: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """An exporter's targets: the first at /metrics, the others by /probe, each an instance."""
    groups = []
    for index, (name, instance) in enumerate(named):
        probe = {"__metrics_path__": "/probe", "__param_target": name} if index else {}
        labels = {"cluster": site.cluster, "instance": instance}
        groups.append({"targets": [target(site, port)], "labels": labels | probe})
    return groups


def _alertmanager(site: Site) -> dict[str, Any]:
    """Where alerts are sent: the appliance's own Alertmanager, or the one that the site names."""
    if not site.endpoints.alertmanager:
        return {"static_configs": [{"targets": [target(site, site.ports.alertmanager)]}], "basic_auth": PASSWORD}
    parts = urlsplit(site.endpoints.alertmanager)
    return {"scheme": parts.scheme, "path_prefix": parts.path or "/", "static_configs": [{"targets": [parts.netloc]}]}


def target(site: Site, port: int) -> str:
    """How Prometheus reaches a port of this machine."""
    return site.local_url(port).removeprefix("http://")


def _own_job(site: Site, scrape: Any) -> dict[str, Any]:
    job: dict[str, Any] = {
        "job_name": scrape.job,
        "metrics_path": scrape.path,
        "scheme": scrape.scheme,
        "sample_limit": site.prometheus.sample_limit,
        "static_configs": [{"targets": scrape.targets, "labels": {"cluster": site.cluster} | scrape.labels}],
    }
    job |= _access(scrape.access)
    if scrape.bearer_token_file:
        job["authorization"] = {"credentials_file": scrape.bearer_token_file}
    return job


def host_targets(site: Site) -> list[dict[str, Any]]:
    """The other machines that are asked without TLS, as Prometheus's file_sd wants them."""
    return [_host(site, host) for host in site.hosts if host.scheme == "http"]


def render(site: Site, site_text: str, host: Machine, target: Target | None = None) -> bool:
    """Renders everything for this site, checks it, puts it in place; tells whether anything changed.

    Raises BadInputError with the checker's words when the result is refused; what was in place stays.
    """
    clash = {scrape.job for scrape in site.scrape} & set(stack.JOBS)
    if clash:
        raise BadInputError(f"site.yaml: scrape: the job {clash.pop()!r} is the appliance's own: choose another name")
    fresh = host.home / "rendered-new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        chosen = target or Target(Paths(host.home))
        _write(site, site_text, fresh, host, chosen)
        check(fresh, host.home / "containers" / "secrets" if chosen.contained else None, chosen.given)
        return _put_in_place(fresh, host, chosen)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _write(site: Site, site_text: str, folder: Path, host: Machine, target: Target) -> None:
    python = host.python
    folder.mkdir(mode=0o700)
    (folder / "targets").mkdir()
    (folder / "site.yaml").write_text(site_text, encoding="utf-8")
    head = "# Rendered from site.yaml by `make up` and `make reload`; edit that file.\n"
    config = yaml.safe_dump(prometheus_config(site), sort_keys=False)
    (folder / "prometheus.yml").write_text(head + config, encoding="utf-8")
    (folder / "targets" / "hosts.json").write_bytes(msgspec.json.format(msgspec.json.encode(host_targets(site))) + b"\n")
    secret = Paths(host.home).edge_secret.read_text(encoding="ascii")
    (folder / edge.FILE).write_text(edge.vcl(site, secret), encoding="utf-8")
    place = grafana.PACKAGED if target.contained else grafana.home() or grafana.PACKAGED
    made = grafana.files(site, target.inside, place)
    if target.contained:  # its image has a folder of its own for what it keeps
        made = {
            name: text.replace(f"{target.inside.data}/grafana", CONTAINERS_OF["preview"].state) for name, text in made.items()
        }
    if site.entrance.enabled:
        made |= {entrance.FILE: entrance.configuration(site, target.inside)}
    _write_files(folder, {**made, **target.more})
    environment = {**os.environ, "WATCHFLOOR_SITE": str(folder / "site.yaml")}
    if target.contained:
        environment |= {RUNTIME_VARIABLE: CONTAINERS}
    else:
        environment.pop(RUNTIME_VARIABLE, None)
    for module, arguments in (("alerts", ["render"]), ("dashboards", ["build"])):
        out = folder if module == "alerts" else folder / "dashboards"
        _run([str(python), "-m", module, *arguments, "--out", str(out)], environment | {HOME_VARIABLE: str(target.inside.home)})
    _run([str(python), "-m", "exporters", "all", "--list"], environment)  # refuses settings that it could not start with
    shutil.copytree(CLONE / "docs" / "runbooks", folder / "runbooks")


def _write_files(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, cwd=CLONE, capture_output=True, text=True, check=False)
    if done.returncode == BadInputError.exit_code:
        raise BadInputError((done.stderr or done.stdout).strip())
    if done.returncode != 0:
        raise ComposeError(
            f"{' '.join(command[1:4])} failed: exit {done.returncode}: this is a defect of the appliance:\n{done.stderr}"
        )


def _put_in_place(fresh: Path, host: Machine, target: Target) -> bool:
    home, link = host.home, Paths(host.home).rendered
    digest = hashlib.sha256()
    for path in sorted(fresh.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(fresh)}\0".encode() + path.read_bytes() + b"\0")
    final = home / f"rendered-{digest.hexdigest()[:12]}"
    if link.is_symlink() and link.readlink() == Path(final.name):
        return False
    for path in (fresh, *fresh.rglob("*")):  # a receiver's address may be a secret: the services read it, nobody else
        path.chmod(0o750 if path.is_dir() else 0o640)
        host.show(path)
        if target.contained:
            os.chown(path, -1, target.group)
    shutil.rmtree(final, ignore_errors=True)
    fresh.rename(final)
    point(link, final)
    return True


def point(link: Path, folder: Path) -> None:
    """Puts a rendered folder in place, by one rename of the link."""
    new = link.with_name("rendered.link")
    new.unlink(missing_ok=True)
    new.symlink_to(folder.name)
    new.replace(link)


def forget_others(paths: Paths) -> None:
    """Removes rendered folders that are no longer in place."""
    for old in paths.home.glob("rendered-*"):
        if old.name != paths.rendered.readlink().name:
            shutil.rmtree(old, ignore_errors=True)


def defaults(folder: Path) -> None:
    """An unchanged site's scrape configuration and units, for review: `make generate` keeps them in `compose/rendered`."""
    folder.mkdir(parents=True, exist_ok=True)
    site = msgspec.structs.replace(Site(), instance="localhost")
    head = "# Generated by `make generate` from the topology and the default settings; do not edit.\n"
    text = head + yaml.safe_dump(prometheus_config(site), sort_keys=False)
    (folder / "prometheus.yml").write_text(text, encoding="utf-8")
    _write_files(folder, {f"systemd/{name}": unit for name, unit in units().items()})
    _write_files(folder, grafana.files(site, Paths(SYSTEM_HOME), grafana.PACKAGED))
    inside = parse("instance: localhost", environment={RUNTIME_VARIABLE: CONTAINERS})
    _write_files(folder, {containers.FILE: head + containers.compose_file(site, inside)})


if __name__ == "__main__":
    defaults(Path(sys.argv[1]))

__all__ = ["Target", "check", "defaults", "host_targets", "listen", "prometheus_config", "render", "target"]
