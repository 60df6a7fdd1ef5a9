"""What the Redis exporter tells of a real server: exactly what is declared, whatever keys are called."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as plain

from metrics import process, stack
from metrics import redis as declared
from metrics.model import Metric
from tests.exporters.redis.servers import SENTINEL_RULES, Redis, exporter, failed, target
from tests.exporters.servers import Server, series
from tests.waiting import free_ports, until

OF_ITSELF = {*process.METRICS, stack.BUILD_INFO, stack.EXPORTER_SCRAPES, stack.TARGET_FAILURE}
PER_COLLECTOR = {stack.COLLECTOR_SUCCESS, stack.COLLECTOR_DURATION, stack.COLLECTOR_TIMEOUTS, stack.COLLECTOR_ERRORS}
WEIRD = 'k:a "b"\n\\c<d> é'
DB0 = ("db", "db0")


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with Redis("--maxmemory", "1gb", "--slowlog-log-slower-than", "1000", "--latency-monitor-threshold", "1") as running:
        client = running.client
        for index in range(50):
            client.set(f"k:{index}", index)
        client.set(WEIRD, "3.5")
        client.set(b"k:\xff\xfe", "x" * 100)
        client.pfadd("k:log", *range(1000))
        client.rpush("k:list", *range(7))
        client.xadd("events", {"a": "b"}, id="1700000000000-0")
        client.xgroup_create("events", "readers", 0)
        client.xreadgroup("readers", "one", {"events": ">"})
        running.ask("SELECT", 3)
        client.set("k:other", 1)
        running.ask("DEBUG", "SLEEP", "0.005")
        yield running


@pytest.fixture(scope="module")
def watched(server: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("exporter")
    patterns: dict[str, Any] = {
        "keys": [{"pattern": "k:*"}, {"pattern": "gone"}],
        "counts": [{"pattern": "k:*"}, {"pattern": "k:*", "db": 3}],
        "streams": [{"pattern": "*"}],
    }
    with exporter(folder, [target(server.port, folder, **patterns), target(server.port, folder, "other")]) as running:
        yield running


def test_it_tells_what_is_declared_with_the_labels_declared(watched: Server) -> None:
    watched.text()
    found = series(watched.text())
    known: dict[str, Metric] = {
        name: metric for metric in (*declared.METRICS, *OF_ITSELF, *PER_COLLECTOR) for name in metric.series
    }
    assert found.keys() - known.keys() == set(), "exposed but not declared"
    silent = {name for name, metric in known.items() if not metric.absent and name not in found}
    assert silent == set(), "declared without `absent`, but not exposed"
    for name, rows in found.items():
        extra = {"le"} if name.endswith("_bucket") else set()
        for labels in rows:
            assert {label for label, _ in labels} - extra <= set(known[name].labels), name


def test_a_user_of_least_privilege_is_enough_and_may_do_nothing_else(watched: Server, server: Redis) -> None:
    assert failed(series(watched.text())) == set()
    for words in (("GET", "k:1"), ("SET", "k:1", "2"), ("CONFIG", "SET", "save", ""), ("KEYS", "*"), ("FLUSHALL",)):
        said = server.ask("ACL", "DRYRUN", "watcher", *words)
        assert b"no permissions" in said, words


def test_types_are_those_declared_and_a_parser_takes_it_all(watched: Server) -> None:
    text = watched.text()
    assert len(list(plain(text))) > 170
    told = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE redis_")}
    known = {metric.name: metric.type for metric in declared.METRICS}
    assert {name: kind for name, kind in told.items() if known[name] != kind} == {}


def test_values_are_the_servers(watched: Server, server: Redis) -> None:
    found = series(watched.text())
    info = server.client.info("all")
    assert found["redis_up"][()] == 1
    assert found["redis_config_maxmemory"][()] == found["redis_memory_max_bytes"][()] == 2**30
    assert found["redis_db_keys"][DB0,] == 55
    assert found["redis_db_keys"][("db", "db3"),] == 1
    assert found["redis_db_keys"][("db", "db15"),] == 0
    assert found["redis_commands_total"][("cmd", "set"),] == info["cmdstat_set"]["calls"] == 53
    assert found["redis_commands_duration_seconds_total"][("cmd", "set"),] == info["cmdstat_set"]["usec"] / 1e6
    assert found["redis_commands_rejected_calls_total"][("cmd", "set"),] == 0
    assert found["redis_commands_latencies_usec_count"][("cmd", "set"),] == 53
    assert found["redis_commands_latencies_usec_bucket"][("cmd", "set"), ("le", "+Inf")] == 53
    assert found["redis_latency_percentiles_usec"][("cmd", "set"), ("quantile", "99")] > 0
    assert found["redis_slowlog_length"][()] >= 1
    assert 0.001 < found["redis_last_slow_execution_duration_seconds"][()] < 5
    assert found["redis_latency_spike_duration_seconds"][("event_name", "command"),] >= 0.001
    assert found["redis_rdb_save_enabled"][()] == 0
    assert found["redis_total_system_memory_bytes"][()] > 2**28
    (labels,) = found["redis_instance_info"]
    assert dict(labels)["redis_version"] == info["redis_version"]
    assert abs(found["redis_start_time_seconds"][()] - (time.time() - info["uptime_in_seconds"])) < 5


def test_keys_by_pattern(watched: Server) -> None:
    watched.text()  # the first pass ends within it
    found = series(watched.text())
    sizes = found["redis_key_size"]
    assert len(sizes) == 55
    assert sizes[DB0, ("key", "k:7")] == 1
    assert sizes[DB0, ("key", "k:list")] == 7
    assert abs(sizes[DB0, ("key", "k:log")] - 1000) < 50  # what it counts, not its bytes
    assert sizes[DB0, ("key", "gone")] == 0
    assert found["redis_key_value"][DB0, ("key", "k:7")] == 7
    assert (DB0, ("key", "k:list")) not in found["redis_key_value"]
    assert found["redis_key_memory_usage_bytes"][DB0, ("key", "k:list")] > 0
    assert found["redis_keys_count"] == {(DB0, ("key", "k:*")): 54, (("db", "db3"), ("key", "k:*")): 1}


def test_whatever_keys_are_called(watched: Server) -> None:
    families = {family.name: family for family in plain(watched.text())}
    names = {sample.labels["key"] for sample in families["redis_key_size"].samples}
    assert {WEIRD, "k:\\xff\\xfe"} <= names


def test_streams_groups_and_consumers(watched: Server) -> None:
    found = series(watched.text())
    stream, group, consumer = ("stream", "events"), ("group", "readers"), ("consumer", "one")
    assert found["redis_stream_length"] == {(DB0, stream): 1}
    assert found["redis_stream_last_entry_id"][DB0, stream] == 1_700_000_000_000
    assert found["redis_stream_group_messages_pending"][DB0, group, stream] == 1
    assert found["redis_stream_group_lag"][DB0, group, stream] == 0
    assert found["redis_stream_group_consumer_messages_pending"][consumer, DB0, group, stream] == 1
    assert found["redis_stream_group_consumer_idle_seconds"][consumer, DB0, group, stream] < 600


def test_the_second_target_is_probed_and_an_unknown_one_refused(watched: Server) -> None:
    found = series(watched.text("/probe?target=other"))
    assert found["redis_up"][()] == 1
    assert "redis_key_size" not in found
    assert watched.get("/probe?target=nowhere")[0] == 404
    assert watched.get("/probe?target=redis%3A%2F%2F127.0.0.1")[0] == 404


def test_one_connection_and_one_round_trip_a_scrape(watched: Server, server: Redis, tmp_path: Path) -> None:
    with exporter(tmp_path, [target(server.port, tmp_path)]) as alone:
        alone.text()
        before = server.client.info()
        alone.text()
        after = server.client.info()
    assert after["total_connections_received"] == before["total_connections_received"]
    # INFO of this test, and one read that brings the whole scrape.
    assert after["total_reads_processed"] - before["total_reads_processed"] == 2
    assert len([one for one in server.client.client_list() if one["name"] == "watchfloor-exporter"]) <= 2
    assert series(watched.text())["redis_exporter_last_scrape_connect_time_seconds"][()] == 0


def test_a_replica_and_its_primary(server: Redis, tmp_path: Path) -> None:
    with Redis("--replicaof", f"127.0.0.1 {server.port}") as replica:
        with exporter(tmp_path, [target(replica.port, tmp_path), target(server.port, tmp_path, "primary")]) as both:
            link = until("the link is up", lambda: series(both.text()).get("redis_master_link_up"))
            until("the link is told as up", lambda: 1 in series(both.text())["redis_master_link_up"].values())
            lag = until(
                "the replica is told", lambda: series(both.text("/probe?target=primary")).get("redis_connected_slave_lag_seconds")
            )
            found = series(both.text())
        assert [dict(labels) for labels in link] == [{"master_host": "127.0.0.1", "master_port": str(server.port)}]
        assert [dict(labels)["slave_port"] for labels in lag] == [str(replica.port)]
        assert found["redis_slave_info"]
        assert failed(found) == set()


def test_a_cluster_node_tells_that_its_cluster_lacks_slots_until_it_has_them(tmp_path: Path) -> None:
    bus = str(free_ports(1)[0])  # by default its port and 10,000, where the kernel may have a connection
    with (
        Redis("--cluster-enabled", "yes", "--cluster-port", bus) as node,
        exporter(tmp_path, [target(node.port, tmp_path)]) as one,
    ):
        found = series(one.text())
        assert (found["redis_cluster_enabled"][()], found["redis_cluster_state"][()]) == (1, 0)
        node.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        until("the cluster answers", lambda: series(one.text())["redis_cluster_state"][()] == 1)
        found = series(one.text())
        assert found["redis_cluster_slots_ok"][()] == 16384
        assert found["redis_db_keys"] == {(DB0,): 0}
        assert failed(found) == set()


def test_a_sentinel(server: Redis, tmp_path: Path) -> None:
    lines = f"sentinel monitor main 127.0.0.1 {server.port} 2"
    with (
        Redis("--sentinel", rules=SENTINEL_RULES, lines=lines) as sentinel,
        exporter(tmp_path, [target(sentinel.port, tmp_path)]) as one,
    ):
        found = series(one.text())
        assert failed(found) == set()
        name = (("master_address", f"127.0.0.1:{server.port}"), ("master_name", "main"))
        assert found["redis_sentinel_masters"][()] == 1
        assert found["redis_sentinel_master_sentinels"][name] == 1
        assert found["redis_sentinel_master_ok_sentinels"][name] == 1
        assert found["redis_sentinel_master_setting_ckquorum"][name] == 2
        assert set(found["redis_sentinel_master_ckquorum_status"].values()) == {0}  # one of two
        assert "redis_db_keys" not in found
        (labels,) = found["redis_instance_info"]
        assert dict(labels)["redis_mode"] == "sentinel"
