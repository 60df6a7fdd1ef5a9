"""Panels and alerts on the machine, PostgreSQL and Redis get their data from Debian's exporters too, but for what is listed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from metrics import catalog
from settings.environment import SITE_VARIABLE
from settings.paths import CLONE, HOME_VARIABLE
from tests.appliance import Appliance, get
from tests.exporters.redis.servers import SENTINEL_RULES, Redis
from tests.exporters.servers import Series, series
from tests.live.compat import node, postgres
from tests.live.compat import redis as redis_
from tests.live.compat.asked import DOMAINS, Asked, alerts, panels
from tests.live.compat.compare import reason
from tests.live.compat.peer import Peer
from tests.live.conftest import all_up
from tests.waiting import free_ports, until

PEERS = (node.PEER, postgres.PEER, redis_.PEER)
pytestmark = pytest.mark.skipif(not all(peer.program for peer in PEERS), reason="Debian's exporters are not installed")

# Their servers are none of the appliance's: started beside it, and asked for by its exporter.
ELSEWHERE = ("RedisReplicationLag", "RedisReplicationBroken", "RedisClusterFails", "RedisSentinelQuorumLost")


@pytest.fixture(scope="module")
def appliance() -> Iterator[Appliance]:
    standard = {domain: {"exporter": "standard"} for domain in DOMAINS}
    with Appliance(factor=0.1, settings={"exporters": standard}) as running:
        until("every target has been scraped", lambda: all_up(running), 60)
        until("a rate has its samples", lambda: running.query("rate(node_cpu_seconds_total[20s])"))
        until("PostgreSQL was asked", lambda: running.query("rate(pg_stat_database_xact_commit[20s])"))
        until("both Redis were asked", lambda: len(running.query("rate(redis_commands_processed_total[20s])")) == 2)
        yield running


@pytest.fixture(scope="module")
def ours(appliance: Appliance) -> Series:
    """What our exporters tell of the same machine and servers at that time."""
    environment = {**os.environ, SITE_VARIABLE: str(appliance.site_file), HOME_VARIABLE: str(appliance.home)}
    texts = [
        subprocess.run(
            [sys.executable, "-m", "exporters", domain, "--once"],
            cwd=CLONE, env=environment, capture_output=True, text=True, check=True,
        ).stdout
        for domain in DOMAINS
    ]  # fmt: skip
    return series("".join(texts))


def listed(peer: Peer, name: str) -> bool:
    """Whether the exceptions say that this release does not tell of it."""
    return bool(reason(peer.untold, name) or (peer.is_older() and reason(peer.later, name)))


def expected(peer: Peer, name: str, ours: Series) -> bool:
    """Whether theirs must tell of it: unless its absence is listed, or there is nothing to tell and ours is silent too."""
    metric = catalog.find(name)
    return not listed(peer, name) and (name in ours or not (metric and metric.absent))


def demanded(questions: list[Asked], ours: Series) -> list[Asked]:
    """Those whose every metric theirs must tell; of alternatives by the server's version, the one that it has."""
    found = []
    for asked in questions:
        told = [expected(peer, name, ours) for peer in PEERS for name in asked.names(peer.prefix)]
        if all(told) or (" or " in asked.expr and any(told)):
            found.append(asked)
    return found


def answered(appliance: Appliance, asked: Asked) -> bool:
    return any(appliance.query(form) for form in asked.forms)


def test_debians_exporters_run_in_the_place_of_ours(appliance: Appliance) -> None:
    # A scrape may be missed on a busy machine: what it told is gone until the next one.
    for asked in ('node_exporter_build_info{job="system"}', 'pg_exporter_last_scrape_error{job="postgres"} == 0'):
        until(asked, partial(appliance.query, asked))
    redis, both = 'redis_exporter_last_scrape_error{job="redis"} == 0', {"test-host:bus", "test-host:cache"}
    until(redis, lambda: {one["metric"]["instance"] for one in appliance.query(redis)} == both)
    assert not appliance.query('watchfloor_collector_success{domain=~"system|postgres|redis"}')


def test_the_redis_exporter_has_its_passwords_from_a_file_of_its_own(appliance: Appliance) -> None:
    (file,) = appliance.paths.secrets.glob("redis_exporter-*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    password = appliance.paths.redis_exporter_password.read_text(encoding="ascii")
    assert password in file.read_text(encoding="ascii")
    process = appliance.process("exporter-redis").pid
    for told in ("cmdline", "environ"):
        assert password.encode() not in Path(f"/proc/{process}/{told}").read_bytes()
    assert not appliance.query('redis_errors_total{err=~"NOAUTH|WRONGPASS|NOPERM"} > 0')


def test_questions_of_panels_are_answered(appliance: Appliance, ours: Series) -> None:
    asked = [one for one in panels() if any(one.names(peer.prefix) for peer in PEERS)]
    wanted = demanded(asked, ours)
    assert len(wanted) > 100
    for one in wanted:  # a scrape may be missed on a busy machine
        until(f"{one.place}: {one.expr}", partial(appliance.query, one.plain))


def test_alerts_have_what_they_compare(appliance: Appliance, ours: Series) -> None:
    asked = alerts(appliance.site)
    wanted = demanded(asked, ours)
    explained = [one for one in asked if any(listed(peer, name) for peer in PEERS for name in one.names(peer.prefix))]
    assert {one.place for one in asked if one not in wanted and one not in explained} == set(ELSEWHERE)
    for one in wanted:
        until(f"{one.place}: {one.expr}", partial(answered, appliance, one))


def test_what_is_listed_as_untold_is_untold(appliance: Appliance) -> None:
    asked = [*panels(), *alerts(appliance.site)]
    names = {name for peer in PEERS for one in asked for name in one.names(peer.prefix) if listed(peer, name)}
    assert [name for name in sorted(names) if appliance.query(name)] == []


def test_alerts_on_replicas_clusters_and_sentinels_have_what_they_compare(appliance: Appliance) -> None:
    bus = ("--cluster-port", str(free_ports(1)[0]))
    with (
        Redis() as primary,
        Redis("--replicaof", "127.0.0.1", str(primary.port)) as replica,
        Redis("--cluster-enabled", "yes", *bus) as node,
    ):
        until("the replica is there", lambda: primary.client.info("replication")["connected_slaves"])
        watches = f"sentinel monitor main 127.0.0.1 {primary.port} 1"
        with Redis("--sentinel", lines=watches, rules=SENTINEL_RULES) as sentinel:
            for alert, server in zip(ELSEWHERE, (primary, replica, node, sentinel), strict=True):
                (asked,) = (one for one in alerts(appliance.site) if one.place == alert)
                grouped = set(re.findall(r"\w+", asked.expr.partition("by (")[2].partition(")")[0]))
                until(f"{alert} is told", partial(_told, appliance, server, asked, grouped - {"cluster", "job", "instance"}))


def _told(appliance: Appliance, server: Redis, asked: Asked, labels: set[str]) -> bool:
    """Whether the appliance's exporter tells of that server what is asked, with these labels."""
    (name,) = asked.names("redis_")
    url = appliance.url("exporter_redis", f"/scrape?target=redis://127.0.0.1:{server.port}")
    with urllib.request.urlopen(url, timeout=5) as answer:  # our own server
        found = series(answer.read().decode()).get(name, {})
    return any(labels <= {label for label, _ in pairs} for pairs in found)


def test_rules_are_evaluated_and_none_fires(appliance: Appliance) -> None:
    def rules() -> dict[str, dict[str, Any]]:
        groups = get(appliance.url("prometheus", "/api/v1/rules"))["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"] if group["file"].endswith(_FILES)}

    until("all rules were evaluated", lambda: all(rule["health"] != "unknown" for rule in rules().values()), 60)
    found = rules()
    assert {alert.place for alert in alerts(appliance.site)} <= found.keys()
    assert {name: rule["lastError"] for name, rule in found.items() if rule.get("lastError")} == {}
    assert {rule["health"] for rule in found.values()} == {"ok"}


_FILES = tuple(f"/{domain}.yml" for domain in DOMAINS)
