"""What Grafana would read, and how it would be started. No Grafana was run: a program of that name tells what it is given."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from compose import grafana, topology
from compose.host import Host
from compose.secrets import make_secrets
from compose.service import Context
from metrics import stack
from settings import Paths, Site, parse
from tests.contracts import rendered

SITE = Site()
PATHS = Paths(Path("/home of it"))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called grafana, laid out as its packages do: it prints its arguments and its environment."""
    place = tmp_path / "share" / "grafana"
    (place / "conf").mkdir(parents=True)
    (place / "conf" / "defaults.ini").write_text("")
    (place / "bin").mkdir()
    program = place / "bin" / "grafana"
    program.write_text('#!/bin/sh\nfor word in "$@"; do echo "argument: $word"; done\nenv\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place / 'bin'}:{os.environ['PATH']}")
    return place


def ini(site: Site = SITE) -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(grafana.files(site, PATHS, grafana.PACKAGED)["grafana/grafana.ini"])
    return found


def test_who_signs_in_is_a_viewer_and_nothing_is_told_outside() -> None:
    found = ini()
    assert found["users"]["auto_assign_org_role"] == "Viewer"
    assert not found.getboolean("users", "allow_sign_up")
    assert not found.getboolean("auth.anonymous", "enabled")
    assert found["security"]["admin_password"] == "$__file{/home of it/secrets/grafana_password}"
    assert found["security"]["secret_key"].startswith("$__file{")
    outside = {("analytics", key) for key in ("reporting_enabled", "check_for_updates", "check_for_plugin_updates", "enabled")}
    outside |= {("news", "news_feed_enabled"), ("snapshots", "external_enabled"), ("plugins", "plugin_admin_enabled")}
    assert [key for key in outside if found.getboolean(*key)] == []
    assert found.getboolean("security", "disable_gravatar")
    assert found.getboolean("plugins", "preinstall_disabled")


def test_it_listens_where_the_site_says() -> None:
    found = ini(parse("{ports: {grafana: 3100}, public_urls: {grafana: 'https://boards.example.org'}}"))
    assert (found["server"]["http_addr"], found["server"]["http_port"]) == ("127.0.0.1", "3100")
    assert found["server"]["root_url"] == "https://boards.example.org/"
    assert found.getboolean("security", "cookie_secure")


def test_the_home_dashboard_is_the_overview() -> None:
    home = ini()["dashboards"]["default_home_dashboard_path"]
    assert home == "/home of it/rendered/dashboards/watchfloor-overview.json"


def test_data_sources_are_those_that_dashboards_open_with() -> None:
    site = parse("{prometheus: {scrape_interval: 15s}}")
    tree = grafana.datasources(site)
    sources = {source["uid"]: source for source in tree["datasources"]}
    assert set(sources) == {stack.DATASOURCE_PROMETHEUS, stack.DATASOURCE_ALERTMANAGER}
    assert sources[stack.DATASOURCE_PROMETHEUS]["jsonData"]["timeInterval"] == "15s"
    assert {gone["name"] for gone in tree["deleteDatasources"]} == {source["name"] for source in tree["datasources"]}
    for board in rendered.dashboards():
        variable = next(one for one in board["templating"]["list"] if one["type"] == "datasource")
        assert variable["current"]["value"] == stack.DATASOURCE_PROMETHEUS, board["uid"]


def test_no_dashboard_has_a_placeholder_that_only_an_import_by_hand_fills() -> None:
    boards = list(rendered.dashboards())
    assert boards
    assert [board["uid"] for board in boards if "${DS_" in json.dumps(board) or "__inputs" in board] == []


def test_a_prometheus_of_the_site_is_asked_by_its_user() -> None:
    site = parse(
        "{endpoints: {prometheus: 'https://prom.example.org', prometheus_username: reader, alertmanager: 'http://am:9093'}}"
    )
    prometheus, alertmanager = grafana.datasources(site)["datasources"]
    assert (prometheus["url"], prometheus["basicAuthUser"]) == ("https://prom.example.org", "reader")
    assert prometheus["secureJsonData"] == {"basicAuthPassword": "$WATCHFLOOR_PROMETHEUS_PASSWORD"}
    assert alertmanager["url"] == "http://am:9093"
    assert "basicAuth" not in alertmanager


def test_without_grafana_the_preview_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    preview = next(service for service in topology.services(SITE) if service.job == stack.JOB_PREVIEW)
    assert preview.command(Context(SITE, PATHS, Path("/python"))) == ("/python", "-m", "dashboards.preview")


def test_grafana_takes_the_previews_place_and_gets_passwords_by_its_environment(installed: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("of $HOME and 'quotes'\n")
    password.chmod(0o600)
    endpoints = {"prometheus": "http://prom", "prometheus_username": "reader", "prometheus_password_file": str(password)}
    site, paths = parse(json.dumps({"endpoints": endpoints})), Paths(tmp_path / "home of it")
    paths.home.mkdir()
    make_secrets(paths, Host(paths.home, None, copied=False))
    made = grafana.files(site, paths, installed)
    for name, text in made.items():
        (paths.rendered / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.rendered / name).write_text(text)
    (service,) = (one for one in topology.services(site) if one.job == stack.JOB_PREVIEW)
    assert (service.port(site), service.ready, service.own) == (3000, "/api/health", False)

    command = service.command(Context(site, paths, Path("/python")))
    told = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}).stdout.splitlines()

    assert f"argument: --config={paths.rendered}/grafana/grafana.ini" in told
    assert f"argument: --homepath={installed}" in told
    assert "WATCHFLOOR_PROMETHEUS_PASSWORD=of $HOME and 'quotes'" in told
    assert f"WATCHFLOOR_ALERTMANAGER_PASSWORD={paths.alertmanager_password.read_text()}" in told
    secrets = [path.read_text() for path in paths.secrets.iterdir()]
    assert not any(secret in text for text in made.values() for secret in secrets)
    assert not any("quotes" in line for line in told if line.startswith("argument"))


def test_a_new_configuration_restarts_it(installed: Path) -> None:
    assert grafana.home() == installed
    commands = {grafana.command(Context(parse(text), PATHS, Path("/python"))) for text in ("{}", "ports: {grafana: 3100}")}
    assert len(commands) == 2


def test_the_committed_files_are_yaml_that_names_the_rendered_folder() -> None:
    provider = yaml.safe_load(grafana.files(SITE, PATHS, grafana.PACKAGED)["grafana/provisioning/dashboards/watchfloor.yml"])
    (found,) = provider["providers"]
    assert found["options"]["path"] == "/home of it/rendered/dashboards"
    assert not found["allowUiUpdates"]
