"""Every service of the appliance, once: from here come the processes, the scrape jobs, the health checks, the tables."""

from __future__ import annotations

from dataclasses import replace

from compose import edge, entrance, grafana, postgres, servers, standard
from compose.host import DATABASE_USER
from compose.service import Context, Service
from metrics import stack
from settings import Site
from settings.paths import ALERTMANAGER_USER, BUS_USER, CACHE_USER, PROMETHEUS_USER


def _workload(site: Site) -> bool:
    return site.workload


def _own_bus(site: Site) -> bool:
    return site.workload and site.stream.bus.enabled and not site.stream.bus.url


def _supervised(site: Site) -> bool:
    return not site.contained


def _watches(context: Context) -> tuple[str, ...]:
    """In containers it tells of backups alone: there Docker restarts what ends, and each health check what hangs."""
    return context.module("compose.recorded") if context.site.contained else context.module("compose.watcher", "services")


# In order of start; stopped in reverse. Whoever receives is there before who sends. `services(site)` tells which of them run.
SERVICES = (
    Service(
        "inbox",
        "on-call inbox",
        stack.JOB_INBOX,
        lambda site: site.ports.inbox,
        lambda context: context.module("alerts.inbox"),
        state="inbox",
    ),
    Service(
        "alertmanager",
        "groups, mutes, sends",
        stack.JOB_ALERTMANAGER,
        lambda site: site.ports.alertmanager,
        servers.alertmanager,
        own=False,
        alive="/-/healthy",
        ready="/-/ready",
        state="alertmanager",
        login=lambda paths: (ALERTMANAGER_USER, paths.alertmanager_password),
    ),
    Service(
        "exporter-system",
        "this machine's figures",
        stack.JOB_SYSTEM,
        lambda site: site.ports.exporter_system,
        lambda context: context.module("exporters", "system"),
        page="/",
    ),
    Service(
        "prometheus",
        "collects and judges",
        stack.JOB_PROMETHEUS,
        lambda site: site.ports.prometheus,
        servers.prometheus,
        own=False,
        alive="/-/healthy",
        ready="/-/ready",
        state="prometheus",
        login=lambda paths: (PROMETHEUS_USER, paths.prometheus_password),  # where it wants none, it looks at none
        stop_seconds=30,
    ),
    Service(
        "postgres",
        "the workload's data store",
        "",
        lambda site: site.ports.postgres,
        lambda context: postgres.command(context.site, context.paths),
        own=False,
        alive="",
        ready="",
        state="postgres",
        check="postgresql",
        user=DATABASE_USER,
        stop_seconds=30,
        stop_signal="INT",  # a fast shutdown: TERM would wait for every client to leave
        wanted=_workload,
    ),
    Service(
        "exporter-postgres",
        "PostgreSQL's figures",
        stack.JOB_POSTGRES,
        lambda site: site.ports.exporter_postgres,
        lambda context: context.module("exporters", "postgres"),
        page="/",
        wanted=lambda site: site.watches_postgres,
    ),
    Service(
        "store",
        "looks after the data store",
        stack.JOB_STORE,
        lambda site: site.ports.store,
        lambda context: context.module("stream.store", "maintain"),
        page="/metrics",
        wanted=_workload,
    ),
    Service(
        "bus",
        "joins stream servers (Redis)",
        "",
        lambda site: site.ports.bus,
        servers.bus,
        own=False,
        alive="",
        ready="",
        state="bus",
        check="redis",
        login=lambda paths: (BUS_USER, paths.bus_password),
        rereads=False,
        wanted=_own_bus,
    ),
    Service(
        "cache-redis",
        "the workload's cache (Redis)",
        "",
        lambda site: site.ports.cache_redis,
        servers.cache_redis,
        own=False,
        alive="",
        ready="",
        state="cache-redis",
        check="redis",
        login=lambda paths: (CACHE_USER, paths.cache_password),
        rereads=False,
        wanted=_workload,
    ),
    Service(
        "exporter-redis",
        "figures of both Redis",
        stack.JOB_REDIS,
        lambda site: site.ports.exporter_redis,
        lambda context: context.module("exporters", "redis"),
        page="/",
        wanted=lambda site: site.watches_redis,
    ),
    Service(
        "edge",
        "caches HTTP (Varnish)",
        "",
        lambda site: site.ports.edge,
        servers.varnish,
        own=False,
        alive=edge.HEALTH,
        ready=edge.HEALTH,
        state="edge",
        rereads=False,
        wanted=_workload,
    ),
    Service(
        "stream",
        "the watched workload: live stream",
        stack.JOB_STREAM,
        lambda site: site.ports.stream_admin,
        lambda context: context.module("stream"),
        state="stream",
        worker="0",
        public_port=lambda site: site.ports.stream,
        secure=lambda site: bool(site.stream.tls.certificate),
        wanted=_workload,
    ),
    Service(
        "analysis",
        "the five models",
        stack.JOB_ANALYSIS,
        lambda site: site.ports.analysis,
        lambda context: context.module("stream.analysis"),
        page="/metrics",
        state="analysis",
        wanted=_workload,
    ),
    Service(
        "exporter-probe",
        "asks from outside, as clients do",
        stack.JOB_PROBE,
        lambda site: site.ports.exporter_probe,
        lambda context: context.module("exporters", "probe"),
        wanted=lambda site: site.watches_streams,
    ),
    Service(
        "exporter-model_quality",
        "how good the models are",
        stack.JOB_MODEL_QUALITY,
        lambda site: site.ports.exporter_model_quality,
        lambda context: context.module("exporters", "model_quality"),
        wanted=_workload,
    ),
    Service(
        "preview",
        "dashboards",
        stack.JOB_PREVIEW,
        lambda site: site.ports.grafana,
        lambda context: context.module("dashboards.preview"),
    ),
    Service(
        "watcher",
        "looks after services and backups",
        stack.JOB_WATCHER,
        lambda site: site.ports.watcher,
        _watches,
        page="/metrics",
        worker="0",
    ),
    Service(
        "watcher-guard",
        "restarts the watcher",
        stack.JOB_WATCHER,
        lambda site: site.ports.watcher + 1,
        lambda context: context.module("compose.watcher", "guard"),
        page="/metrics",
        worker="1",
        wanted=_supervised,
    ),
    Service(  # off by default; started last, because it leads to the others
        "entrance",
        "TLS and sign-on (nginx)",
        "",
        lambda site: site.ports.entrance,
        entrance.command,
        own=False,
        alive=entrance.HEALTH,
        ready=entrance.HEALTH,
        state="entrance",
        check="https",
        rereads=False,
        wanted=lambda site: site.entrance.enabled,
    ),
)


def services(site: Site) -> tuple[Service, ...]:
    """The processes of a site: those that it wants, as many stream workers as it wants; not what somebody else runs."""
    found: list[Service] = []
    for service in SERVICES:
        if not service.wanted(site) or standard.external(site, service.name):
            continue
        if service.name == "stream":
            found += [service] if site.stream.workers == 1 else [_worker(service, index) for index in range(site.stream.workers)]
        else:
            found.append(grafana.chosen(site, standard.chosen(site, service)))
    return tuple(found)


def _worker(stream: Service, index: int) -> Service:
    """One of several stream servers on one port: its metrics and health are on a port of its own."""
    return replace(
        stream,
        name=f"{stream.name}-{index}" if index else stream.name,
        port=lambda site: site.ports.stream_admin + index,
        command=lambda context: context.module("stream", "--worker", f"{index}/{context.site.stream.workers}"),
        worker=str(index),
    )


def find(name: str) -> Service | None:
    """The service of that name."""
    return next((service for service in SERVICES if service.name == name), None)
