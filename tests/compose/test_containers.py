"""The rendered file for Docker Compose: all that it must say of every service, and what it must not."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from compose import containers, docker, engine, entrance, image
from compose.errors import BadInputError, ComposeError
from compose.host import Host
from compose.images import CONTAINERS, PINS
from compose.render import prometheus_config
from compose.secrets import make_secrets
from compose.topology import SERVICES, services
from metrics import stack
from settings import Paths, Site, parse
from settings.basic import in_bytes
from settings.containers import CONTAINERS as INSIDE
from settings.containers import RUNTIME_VARIABLE, Contained
from settings.paths import CLONE

HEALTHY = CLONE / "compose/images/watchfloor/healthy.py"
RENDERED = CLONE / "compose/rendered/docker-compose.yml"


def inside(text: str = "{}") -> Site:
    return parse(text, environment={RUNTIME_VARIABLE: INSIDE})


def tree(text: str = "{}") -> dict[str, Any]:
    return dict(yaml.safe_load(containers.compose_file(parse(text), inside(text))))


FILE = tree("instance: localhost")
NAMES = sorted(FILE["services"])


def test_the_file_is_valid_by_the_specification_and_can_fail_it() -> None:
    schema = json.loads(Path(__file__).with_name("compose_spec.json").read_text(encoding="utf-8"))
    specification = jsonschema.Draft201909Validator(schema)
    specification.validate(FILE)
    specification.validate(yaml.safe_load(RENDERED.read_text(encoding="utf-8")))
    with pytest.raises(jsonschema.ValidationError):
        specification.validate({**FILE, "services": {"a": {"imagee": "b"}}})


def test_every_service_of_the_topology_is_in_the_file() -> None:
    native = {"watcher-guard"}  # its work is done by a health check and the restart policy
    assert set(CONTAINERS) == {service.name for service in SERVICES} - native
    assert set(NAMES) == set(CONTAINERS) - {"entrance"}  # off by default
    assert set(tree("entrance: {enabled: true}")["services"]) == set(CONTAINERS)


def test_the_entrance_alone_is_shown_where_the_site_says() -> None:
    file = tree("{bind: 127.0.0.1, entrance: {enabled: true, bind: 192.0.2.7}}")["services"]
    shown = {name: port.rpartition(":")[0].rpartition(":")[0] for name, one in file.items() for port in one.get("ports", ())}
    assert {name for name, address in shown.items() if address != "127.0.0.1"} == {"entrance"}
    assert shown["entrance"] == "192.0.2.7"
    test = file["entrance"]["healthcheck"]["test"][1]
    assert f"/dev/tcp/127.0.0.1/{entrance.INNER}" in test
    assert entrance.HEALTH in test


def test_every_target_of_prometheus_is_a_service_on_a_network_that_it_shares() -> None:
    mine = set(FILE["services"]["prometheus"]["networks"])
    jobs = prometheus_config(inside())["scrape_configs"]
    assert {job["job_name"] for job in jobs} == set(stack.JOBS)
    for job in jobs:
        for group in job["static_configs"]:
            for target in group["targets"]:
                host, _, port = target.partition(":")
                service = FILE["services"][host]
                assert mine & set(service["networks"]), host
                assert int(port) in {number for one in SERVICES if one.name == host for number in one.ports(Site())}


@pytest.mark.parametrize("site", ["", "{stream: {history: {bytes: 1GB}}, cache: {redis: {maxmemory: 4GB}}}"])
def test_a_redis_refuses_before_the_kernel_kills_it(site: str) -> None:
    for name in ("bus", "cache-redis"):
        service = tree(site)["services"][name]
        data = int(service["command"][service["command"].index("--maxmemory") + 1])
        assert in_bytes(f"{service['mem_limit'].upper()}B") >= 1.4 * data, name


@pytest.mark.parametrize("name", NAMES)
def test_each_service_may_do_little_and_is_watched(name: str) -> None:
    service = FILE["services"][name]
    assert "privileged" not in service
    assert not {"cap_add", "pid", "network_mode", "ipc", "devices"} & set(service)
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert service["read_only"] is True
    assert service["user"].partition(":")[0] not in {"", "0", "root"}
    assert service["cpus"] > 0
    assert service["mem_limit"]
    assert service["pids_limit"] > 0
    assert service["restart"] == "unless-stopped"
    assert service["init"] is True  # a signal ends it, and its health check can
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    health = service["healthcheck"]
    assert health["test"][0] in {"CMD", "CMD-SHELL"}
    assert "{" not in "".join(health["test"]).replace("{ n=", "")
    assert all(f"uid={service['user'].partition(':')[0]}" in place for place in service["tmpfs"])
    writable = [mount for mount in service["volumes"] if not mount.get("read_only")]
    assert all(mount["type"] == "volume" for mount in writable)


@pytest.mark.parametrize("name", NAMES)
def test_each_image_is_pinned(name: str) -> None:
    _, _, tag = FILE["services"][name]["image"].rpartition(":")
    assert re.fullmatch(r"v?\d+(\.\d+)+", tag), tag


def test_a_digest_pins_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    from compose import images  # noqa: PLC0415  # what it keeps is replaced

    digest = "sha256:" + "0" * 64
    pins = {name: {**pin, "digest": digest} for name, pin in yaml.safe_load(PINS.read_text(encoding="utf-8")).items()}
    monkeypatch.setattr(images, "_pins", lambda: pins)
    assert images.image(CONTAINERS["bus"]).endswith(f"@{digest}")
    assert images.image(CONTAINERS["bus"]).startswith("redis:")


def test_every_published_port_is_on_loopback_until_the_site_says_otherwise() -> None:
    published = {name: FILE["services"][name].get("ports", []) for name in NAMES}
    assert {name for name, ports in published.items() if ports} == {
        "inbox", "alertmanager", "prometheus", "edge", "stream", "preview",
    }  # fmt: skip
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    opened = tree("bind: 10.1.2.3")["services"]["prometheus"]["ports"]
    assert opened == ["10.1.2.3:9090:9090"]


def test_the_workload_has_no_way_out_and_does_not_reach_who_watches() -> None:
    on = {name: set(FILE["services"][name]["networks"]) for name in NAMES}
    assert FILE["networks"]["workload"]["internal"] is True
    for store in ("postgres", "bus", "cache-redis", "store", "analysis"):
        assert on[store] == {"workload"}
    for watching in ("alertmanager", "inbox", "preview", "exporter-system"):
        assert on[watching] == {"monitoring"}
        assert not on[watching] & on["stream"]
    assert {name for name in NAMES if "postgres" in FILE["services"][name].get("depends_on", {})} <= {
        name for name in NAMES if "workload" in on[name]
    }


def test_secrets_come_as_files_for_who_needs_them_and_no_value_stands_in_the_file(tmp_path: Path) -> None:
    make_secrets(Paths(tmp_path), Host(tmp_path, None, copied=False))
    text = containers.compose_file(Site(), inside()) + containers.roles_sql()
    for file in (tmp_path / "secrets").iterdir():
        assert file.read_text(encoding="ascii").strip() not in text, file.name
    assert {Path(one["file"]).name for one in FILE["secrets"].values()} <= {
        file.name for file in (tmp_path / "secrets").iterdir()
    }
    sees = {name: {Path(one["target"]).name for one in FILE["services"][name].get("secrets", [])} for name in NAMES}
    assert {name for name in NAMES if "postgres_password" in sees[name]} == {"postgres"}
    assert {name for name in NAMES if "database_password" in sees[name]} == {
        "postgres",
        "store",
    }
    assert {name for name in NAMES if "app_password" in sees[name]} == {"postgres", "stream", "analysis"}
    assert {name for name in NAMES if "reader_password" in sees[name]} == {"postgres", "exporter-model_quality"}
    assert not sees["exporter-system"] | sees["edge"] | sees["exporter-probe"]


def test_only_the_system_exporter_sees_the_machine_and_only_to_read() -> None:
    outside = {
        name: {
            mount["source"]: mount["read_only"] for mount in FILE["services"][name]["volumes"] if mount["source"].startswith("/")
        }
        for name in NAMES
    }
    assert outside.pop("exporter-system") == {"/proc": True, "/sys": True, "/": True}
    assert not any(outside.values())


def test_postgres_keeps_its_data_where_version_18_does() -> None:
    service = FILE["services"]["postgres"]
    assert {"type": "volume", "source": "postgres", "target": "/var/lib/postgresql"} in service["volumes"]
    assert "shared_preload_libraries=pg_stat_statements" in service["command"]


def test_a_smaller_site_has_a_smaller_file() -> None:
    small = tree("workload: false")
    assert set(small["services"]) == {service.name for service in services(inside("workload: false"))}
    assert not any("depends_on" in one and set(one["depends_on"]) - set(small["services"]) for one in small["services"].values())
    assert "bus" not in tree("stream: {bus: {enabled: false}}")["services"]


def test_inside_services_are_found_by_name() -> None:
    site = inside("{bind: 10.0.0.1, ports: {cache_redis: 17000}}")
    assert isinstance(site, Contained)
    assert site.bind == "0.0.0.0"  # noqa: S104  # a container's own
    assert (site.local_url(site.ports.inbox), site.host_of(17000)) == ("http://inbox:9095", "cache-redis")
    assert site.own_redis == {"bus": "redis://bus:16380", "cache": "redis://cache-redis:17000"}
    for service in services(site):
        assert site.host_of(service.port(site)) == service.name
    assert parse("{}").host_of(17000) == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("stream: {workers: 2}", "stream.workers"),
        ("stream: {tokens_file: /etc/hosts}", "stream.tokens_file"),
        ("database: {url_file: /etc/hosts}", "database.url_file"),
        ("database: {replica_url_file: /etc/hosts}", "replica_url_file"),
        ("exporters: {redis: {exporter: standard}}", "exporters.redis.exporter"),
    ],
)
def test_what_containers_cannot_do_is_refused(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=key):
        docker.Containers(Host(tmp_path, None, copied=False), file).up(print)


def test_a_certificate_that_the_site_names_is_copied_with_its_key_and_refused_where_it_cannot_be_read(tmp_path: Path) -> None:
    file, chain, key = (tmp_path / name for name in ("site.yaml", "chain.pem", "key.pem"))
    file.write_text(f"entrance: {{enabled: true, certificate: {chain}, key_file: {key}}}", encoding="utf-8")
    chain.write_bytes(b"-----END CERTIFICATE-----")  # some editors leave the last line open
    stack, site = docker.Containers(Host(tmp_path, None, copied=False), file), parse(file.read_text(encoding="utf-8"))
    with pytest.raises(BadInputError, match=f"{key}: No such file"):
        stack._secret(site, "server.pem")
    key.write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    assert stack._secret(site, "server.pem").splitlines() == [chain.read_bytes(), key.read_bytes().strip()]


def test_the_runtime_is_the_sites_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site.yaml"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert engine.runtime(site, tmp_path) == "native"
    monkeypatch.setattr(engine, "answers", lambda: True)
    monkeypatch.setattr(engine, "composer", lambda: ["docker-compose"])
    assert engine.runtime(site, tmp_path) == "docker"
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    assert engine.runtime(site, tmp_path) == "native"  # an upgrade must not begin with empty data
    monkeypatch.undo()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    site.write_text("# runtime: docker\nruntime: 'native'\n", encoding="utf-8")
    assert engine.runtime(site, tmp_path) == "native"
    site.write_text("runtime: docker\n", encoding="utf-8")
    with pytest.raises(ComposeError, match="no Docker engine answers"):
        engine.runtime(site, tmp_path)


def test_the_tag_of_our_image_follows_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in image.SOURCES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one", encoding="utf-8")
    monkeypatch.setattr(image, "CLONE", tmp_path)
    first = image.tag()
    assert image.tag() == first
    (tmp_path / "stream").write_text("two", encoding="utf-8")
    assert image.tag() != first


@pytest.fixture
def listener() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _check(port: int) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-I", "-S", str(HEALTHY), str(port), "/readyz"]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1)])
def test_the_health_check_tells_by_the_status(listener: socket.socket, status: str, code: int) -> None:
    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())

    server = threading.Thread(target=answer)
    server.start()
    done = _check(listener.getsockname()[1])
    server.join()
    assert (done.returncode, status in done.stdout) == (code, True)


def test_the_health_check_fails_where_nobody_listens(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    assert _check(port).returncode == 1
