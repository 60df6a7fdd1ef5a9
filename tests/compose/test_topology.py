"""What is rendered from the topology."""

import json
import shlex
from pathlib import Path

import pytest
import yaml
from supervisor.options import ServerOptions

from alerts.model import site_alerts
from compose import standard
from compose.errors import ComposeError
from compose.host import Host
from compose.render import host_targets, prometheus_config
from compose.secrets import make_secrets
from compose.service import Context
from compose.supervisor import BACKUP_POSTGRES, ERRANDS
from compose.supervisord_conf import config
from compose.topology import SERVICES, find, services
from metrics import stack
from settings import Paths, SettingsError, Site, parse
from tests.stream.bus.servers import redis_server


def test_every_service_has_a_job_and_every_job_a_service() -> None:
    scraped = [service for service in SERVICES if service.job]
    assert {service.job for service in scraped} == set(stack.JOBS)
    jobs = {scrape["job_name"]: scrape for scrape in prometheus_config(Site())["scrape_configs"]}
    assert set(jobs) == set(stack.JOBS)
    # An exporter of several servers is a target for each, at another path.
    targets = {target for job in jobs.values() for group in job["static_configs"] for target in group["targets"]}
    assert len(targets) == len(scraped)
    assert {service.name for service in SERVICES if not service.job} == {
        "postgres", "bus", "cache-redis", "edge", "entrance",
    }  # fmt: skip


def test_each_server_of_an_exporter_is_an_instance() -> None:
    def told(text: str) -> list[tuple[str, str, str]]:
        site = parse("instance: host-1\n" + text)
        scrape = next(job for job in prometheus_config(site)["scrape_configs"] if job["job_name"] == stack.JOB_REDIS)
        labels = [group["labels"] for group in scrape["static_configs"]]
        return [(one["instance"], one.get("__metrics_path__", "/metrics"), one.get("__param_target", "")) for one in labels]

    assert told("") == [("host-1:bus", "/metrics", ""), ("host-1:cache", "/probe", "cache")]
    assert told("stream: {bus: {enabled: false}}") == [("host-1:cache", "/metrics", "")]
    servers = "[{name: a, url: 'redis://10.0.0.7'}, {name: b, url: 'rediss://10.0.0.8:6380'}]"
    assert told(f"exporters: {{redis: {{targets: {servers}}}}}") == [("a", "/metrics", ""), ("b", "/probe", "b")]


def test_two_processes_of_one_job_are_told_apart() -> None:
    for scrape in prometheus_config(Site())["scrape_configs"]:
        labels = [yaml.safe_dump(group["labels"]) for group in scrape["static_configs"]]
        assert len(labels) == len(set(labels)), scrape["job_name"]


def test_the_stream_is_scraped_and_asked_apart_from_its_clients() -> None:
    stream, site = find("stream"), parse("ports: {stream: 8000, stream_admin: 8001}")
    assert stream
    assert stream.ports(site) == (8001, 8000)
    assert stream.public(site) == "http://localhost:8000"
    assert stream.url(site, stream.ready) == "http://127.0.0.1:8001/readyz"
    scrape = next(job for job in prometheus_config(site)["scrape_configs"] if job["job_name"] == stack.JOB_STREAM)
    group = scrape["static_configs"][0]
    assert (group["targets"], group["labels"]["worker"]) == (["127.0.0.1:8001"], "0")


def test_each_worker_is_a_process_and_a_target_of_its_own() -> None:
    site = parse("stream: {workers: 3}")
    workers = [service for service in services(site) if service.job == stack.JOB_STREAM]
    assert [(service.name, service.worker, service.ports(site)) for service in workers] == [
        ("stream", "0", (8181, 8080)), ("stream-1", "1", (8182, 8080)), ("stream-2", "2", (8183, 8080)),
    ]  # fmt: skip
    command = workers[2].command(Context(site, Paths(Path("/home")), Path("/python")))
    assert command == ("/python", "-m", "stream", "--worker", "2/3")
    scrape = next(job for job in prometheus_config(site)["scrape_configs"] if job["job_name"] == stack.JOB_STREAM)
    assert [(group["targets"], group["labels"]["worker"]) for group in scrape["static_configs"]] == [
        (["127.0.0.1:8181"], "0"), (["127.0.0.1:8182"], "1"), (["127.0.0.1:8183"], "2"),
    ]  # fmt: skip


@pytest.mark.parametrize(("bus", "runs"), [("{}", True), ("{enabled: false}", False), ("{url: 'redis://10.0.0.7'}", False)])
def test_the_bus_runs_unless_there_is_none_or_another(bus: str, runs: bool) -> None:  # noqa: FBT001  # a table's column
    assert ("bus" in {service.name for service in services(parse(f"stream: {{bus: {bus}}}"))}) is runs


def test_the_bus_has_memory_for_itself_however_short_the_histories_are(tmp_path: Path) -> None:
    context = Context(parse("stream: {history: {bytes: 1KB}}"), Paths(tmp_path), Path("python"))
    bus = find("bus")
    assert bus
    command = bus.command(context)
    most = command[command.index("--maxmemory") + 1]
    with redis_server(tmp_path / "redis", "--maxmemory", most) as server:
        assert server.client.info("memory")["used_memory"] < int(most) / 2


def test_without_the_workload_what_watches_is_left() -> None:
    alone = parse("workload: false")
    left = {service.name for service in services(alone)}
    assert left == {"inbox", "alertmanager", "exporter-system", "prometheus", "preview", "watcher", "watcher-guard"}
    elsewhere = parse("{workload: false, exporters: {postgres: {targets: [{name: shop, dsn: 'host=db user=watch'}]}}}")
    assert {service.name for service in services(elsewhere)} == left | {"exporter-postgres"}
    outside = parse(
        "{workload: false, exporters: {probe: {targets: [{name: a, url: 'https://a'}, {name: b, url: 'http://b:81'}]}}}"
    )
    assert {service.name for service in services(outside)} == left | {"exporter-probe"}
    for site in (alone, elsewhere, outside):
        scraped = {job["job_name"] for job in prometheus_config(site)["scrape_configs"]}
        absent = next(alert for alert in site_alerts(site) if alert.name == "TargetAbsent")
        assert {job for job in stack.JOBS if f'"{job}"' in absent.promql} == scraped


def test_each_target_of_an_exporter_is_an_instance() -> None:
    site = parse("exporters: {probe: {targets: [{name: first, url: 'https://a'}, {name: second, url: 'http://b:81'}]}}")
    job = next(job for job in prometheus_config(site)["scrape_configs"] if job["job_name"] == stack.JOB_PROBE)
    first, second = ({"cluster": "watchfloor", "instance": name} for name in ("first", "second"))
    assert job["static_configs"] == [
        {"targets": ["127.0.0.1:9704"], "labels": first},
        {"targets": ["127.0.0.1:9704"], "labels": second | {"__metrics_path__": "/probe", "__param_target": "second"}},
    ]


def test_other_hosts_become_targets_of_the_system_job() -> None:
    site = parse("hosts:\n  - name: web-1\n    address: 10.0.0.5:9701\n    labels: {rack: r1}\n")
    labels = {"cluster": "watchfloor", "instance": "web-1", "rack": "r1"}
    assert host_targets(site) == [{"targets": ["10.0.0.5:9701"], "labels": labels}]


def test_times_follow_the_profile() -> None:
    site = parse("profile: {factor: 0.1}")
    assert prometheus_config(site)["global"]["scrape_interval"] == "1s"


def test_no_interface_that_changes_things_over_the_network_is_open() -> None:
    context = Context(Site(), Paths(Path("/home of it")), Path("/python"))
    for service in SERVICES:
        words = service.command(context)
        assert not any("enable-lifecycle" in word or "enable-admin-api" in word for word in words)


@pytest.mark.parametrize("folder", ["plain", "with space"])
def test_supervisord_reads_back_what_the_topology_says(tmp_path: Path, folder: str) -> None:
    paths = Paths(tmp_path / folder)
    paths.logs.mkdir(parents=True)
    paths.run.mkdir()
    paths.rendered.mkdir()
    paths.site.write_text("{}", encoding="utf-8")
    context = Context(Site(), paths, Path("/usr/bin/python3"))
    file = paths.run / "supervisord.conf"
    file.write_text(config(context, Host(paths.home, None, copied=False), {}), encoding="utf-8")
    options = ServerOptions()
    options.realize(["-c", str(file)])
    groups = {group.name: group.process_configs[0] for group in options.process_group_configs}
    assert list(groups) == [*(service.name for service in services(Site())), *ERRANDS]
    assert not any(groups[name].autostart or groups[name].autorestart for name in ERRANDS)
    for service in services(Site()):
        process = groups[service.name]
        assert tuple(shlex.split(process.command)) == service.command(context)
        assert process.environment["WATCHFLOOR_HOME"] == str(paths.home)
        assert process.stdout_logfile == f"{paths.logs}/{service.name}.log"
        assert process.stopwaitsecs == service.stop_seconds
        # The log is turned over by size, so that a service that talks too much fills no disk.
        assert (process.stdout_logfile_maxbytes, process.stdout_logfile_backups) == (10 << 20, 3)
    assert (options.logfile_maxbytes, options.logfile_backups) == (5 << 20, 2)


@pytest.mark.parametrize("folder", ["100% sure", 'so "called"'])
def test_a_path_that_supervisord_cannot_read_is_refused(tmp_path: Path, folder: str) -> None:
    context = Context(Site(), Paths(tmp_path / folder), Path("/usr/bin/python3"))
    with pytest.raises(ComposeError, match="move the clone"):
        config(context, Host(tmp_path / folder, None, copied=False), {})


def test_as_root_every_service_has_the_service_user(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.rendered.mkdir()
    paths.site.write_text("{}", encoding="utf-8")
    text = config(Context(Site(), paths, Path("/python")), Host(tmp_path, "watchfloor", copied=False), {})
    programs = text.split("[program:")[1:]
    names = [*(service.name for service in services(Site())), *ERRANDS]
    databases = "postgres", BACKUP_POSTGRES
    users = [f"\nuser={'watchfloor-db' if name in databases else 'watchfloor'}\n" for name in names]
    assert all(user in program for user, program in zip(users, programs, strict=True))


def test_debians_exporters_take_the_place_of_ours() -> None:
    domains = "system", "postgres", "redis"
    site = parse(f"exporters: {{{', '.join(f'{domain}: {{exporter: standard}}' for domain in domains)}}}")
    context = Context(site, Paths(Path("/home")), Path("/python"))
    by_name = {service.name: service for service in services(site)}
    system, postgres, redis = (by_name[f"exporter-{domain}"] for domain in domains)
    assert "--web.listen-address=127.0.0.1:9701" in system.command(context)
    words = postgres.command(context)
    assert f"DATA_SOURCE_PASS_FILE={context.paths.exporter_password.absolute()}" in words
    assert "--web.listen-address=127.0.0.1:9702" in words
    assert f"--redis.password-file={context.paths.secrets}/redis_exporter-16380-16379.json" in redis.command(context)
    assert not any(service.own or service.rereads for service in (system, postgres, redis))
    ports = [(service.job, service.port(site)) for service in (system, postgres, redis)]
    assert ports == [("system", 9701), ("postgres", 9702), ("redis", 9703)]
    jobs, usual = (
        {job["job_name"]: job for job in prometheus_config(one)["scrape_configs"]} for one in (site, Site())
    )  # fmt: skip
    assert {name for name in jobs if jobs[name] != usual[name]} == {"redis"}
    brought = {package.name for package in standard.packages_of(site)}
    assert brought == {f"prometheus-{name}-exporter" for name in ("node", "postgres", "redis")}
    assert standard.packages_of(Site()) == ()


def test_debians_redis_exporter_is_asked_for_each_server() -> None:
    def told(text: str) -> list[tuple[str, str, str]]:
        config = prometheus_config(parse("instance: host-1\n" + text))
        scrape = next(job for job in config["scrape_configs"] if job["job_name"] == stack.JOB_REDIS)
        labels = [(group["targets"], group["labels"]) for group in scrape["static_configs"]]
        assert {one.get("__metrics_path__") for _, one in labels} == {"/scrape"}
        return [(target, one["instance"], one["__param_target"]) for (target,), one in labels]

    own = "127.0.0.1:9703"
    assert told("exporters: {redis: {exporter: standard}}") == [
        (own, "host-1:bus", "redis://127.0.0.1:16380"), (own, "host-1:cache", "redis://127.0.0.1:16379"),
    ]  # fmt: skip
    servers = "[{name: a, url: 'redis://10.0.0.7'}, {name: b, url: 'rediss://10.0.0.8:6380'}]"
    assert told(f"exporters: {{redis: {{exporter: external, address: '10.0.0.9:9121', targets: {servers}}}}}") == [
        ("10.0.0.9:9121", "a", "redis://10.0.0.7"), ("10.0.0.9:9121", "b", "rediss://10.0.0.8:6380"),
    ]  # fmt: skip


def test_passwords_of_debians_redis_exporter_follow_the_ports(tmp_path: Path) -> None:
    host, paths = Host(tmp_path, None, copied=False), Paths(tmp_path)
    make_secrets(paths, host)
    for port in (16379, 17000):
        site = parse(f"{{ports: {{cache_redis: {port}}}, exporters: {{redis: {{exporter: standard}}}}}}")
        standard.prepare(site, paths, host)
        (file,) = paths.secrets.glob("redis_exporter-*.json")
        assert file.stat().st_mode & 0o777 == 0o600
        assert set(json.loads(file.read_text())) == {
            f"redis://{user}127.0.0.1:{number}" for number in (16380, port) for user in ("", "watchfloor_exporter@")
        }
    standard.prepare(Site(), paths, host)
    assert not list(paths.secrets.glob("redis_exporter-*.json"))


@pytest.mark.parametrize("domain", ["system", "postgres", "redis"])
def test_an_exporter_that_somebody_else_runs_is_scraped_and_not_started(domain: str) -> None:
    site = parse(f'exporters: {{{domain}: {{exporter: external, address: "10.0.0.7:9100"}}}}')
    assert f"exporter-{domain}" not in {service.name for service in services(site)}
    scrape = next(job for job in prometheus_config(site)["scrape_configs"] if job["job_name"] == domain)
    assert [group["targets"] for group in scrape["static_configs"]] == [["10.0.0.7:9100"]]
    assert scrape["static_configs"][0]["labels"]["instance"] == site.instance_name


@pytest.mark.parametrize(
    "bad",
    [
        "system: {exporter: external}",
        "system: {address: 'a:1'}",
        "system: {exporter: external, address: nowhere}",
        "redis: {exporter: standard, targets: [{name: a, url: 'redis://a'}]}",
        "redis: {exporter: external, address: 'a:1', targets: [{name: a, url: 'redis://a', counts: [{pattern: x}]}]}",
        "postgres: {exporter: standard, targets: [{name: a, dsn: host=a}]}",
    ],
)
def test_half_a_choice_of_exporter_is_refused(bad: str) -> None:
    with pytest.raises(SettingsError, match=r"exporter|address"):
        parse(f"exporters: {{{bad}}}")


def test_what_somebody_elses_exporter_sees_is_watched_without_the_workload() -> None:
    for domain in ("postgres", "redis"):
        site = parse(f'{{workload: false, exporters: {{{domain}: {{exporter: external, address: "10.0.0.7:9100"}}}}}}')
        absent = next(alert for alert in site_alerts(site) if alert.name == "TargetAbsent")
        assert f'"{domain}"' in absent.promql
        assert f"exporter-{domain}" not in {service.name for service in services(site)}
