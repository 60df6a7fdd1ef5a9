"""What the PostgreSQL exporter tells of a real server: exactly what is declared, whatever things are called."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families as plain

from exporters.postgres import SUBJECTS
from metrics import postgres as declared
from metrics import process, stack
from metrics.model import Metric
from metrics.postgres.settings import BY_NAME
from tests.exporters.postgres.exporter import exporter, failed, target
from tests.exporters.servers import Server, series
from tests.postgres import Bare
from tests.waiting import until

OF_ITSELF = {*process.METRICS, stack.BUILD_INFO, stack.EXPORTER_SCRAPES, stack.TARGET_FAILURE}
PER_COLLECTOR = {stack.COLLECTOR_SUCCESS, stack.COLLECTOR_DURATION, stack.COLLECTOR_TIMEOUTS, stack.COLLECTOR_ERRORS}
WEIRD = 'a "b"\n\\c<d> 50%s é'


@pytest.fixture(scope="module")
def postgres() -> Iterator[Bare]:
    with Bare() as server:
        with server.admin("shop") as admin:
            admin.execute("CREATE TABLE orders (id serial PRIMARY KEY, note text)")
            admin.execute("INSERT INTO orders (note) SELECT 'x' FROM generate_series(1, 100)")
            admin.execute("CREATE INDEX idle ON orders (note)")
        yield server


@pytest.fixture(scope="module")
def server(postgres: Bare, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("exporter")
    targets = [target(postgres, folder), target(postgres, folder, "other", "postgres")]
    query = {
        "name": "orders",
        "sql": "SELECT note AS kind, count(*) AS lines FROM public.orders GROUP BY note",
        "columns": {"kind": {"kind": "label"}, "lines": {"kind": "gauge", "help": "Lines of orders."}},
    }
    write = {
        "name": "bad",
        "sql": "SELECT nextval('public.orders_id_seq') AS n",
        "columns": {"n": {"kind": "gauge", "help": "N."}},
    }
    with postgres.admin("shop") as admin:
        admin.execute("GRANT SELECT ON orders TO watcher; GRANT ALL ON SEQUENCE orders_id_seq TO watcher")
    with exporter(folder, targets, queries=[query, write], statement_texts=True) as running:
        yield running


def test_it_tells_what_is_declared_with_the_labels_declared(server: Server) -> None:
    server.text()
    found = series(server.text())
    known: dict[str, Metric] = {metric.name: metric for metric in (*declared.METRICS, *OF_ITSELF, *PER_COLLECTOR)}
    own = {name for name in found if name.startswith("orders_")}
    assert own == {"orders_lines"}
    assert found.keys() - known.keys() - own == set(), "exposed but not declared"
    silent = {metric.name for metric in known.values() if not metric.absent and metric.name not in found}
    assert silent == set(), "declared without `absent`, but not exposed"
    for name in found.keys() & known.keys():
        for labels in found[name]:
            assert {label for label, _ in labels} <= set(known[name].labels), name


def test_each_metric_has_one_emitter_and_none_is_forgotten() -> None:
    emitted = [metric for subject in SUBJECTS for metric in subject.emits]
    assert len(set(emitted)) == len(emitted)
    beside = {*declared.server.METRICS, *declared.statements.METRICS, *BY_NAME.values()}
    assert {metric.name for metric in declared.METRICS} == {metric.name for metric in (*emitted, *beside)}


def test_types_are_those_declared_and_a_parser_takes_it_all(server: Server) -> None:
    text = server.text()
    assert len(list(plain(text))) > 300
    told = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE pg_")}
    known = {metric.name: metric.type for metric in declared.METRICS}
    assert {name: kind for name, kind in told.items() if known[name] != kind} == {}


def test_a_role_of_least_privilege_is_enough(server: Server) -> None:
    assert failed(series(server.text())) == {"bad"}  # the query that writes


def test_values_are_the_servers(server: Server, postgres: Bare) -> None:
    with postgres.admin("shop") as admin:
        for _ in range(3):
            admin.execute("SELECT count(*) FROM orders")
        admin.execute("SELECT pg_stat_force_next_flush()")
        admin.execute("SELECT 1")
        (scans,) = admin.execute("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'orders'").fetchone() or (None,)
    key = (("datname", "shop"), ("relname", "orders"), ("schemaname", "public"))
    found = series(server.text())
    assert found["pg_stat_user_tables_seq_scan"][key] >= scans >= 3
    assert found["pg_settings_max_connections"][()] == 120
    assert found["pg_settings_shared_buffers_bytes"][()] == 128 * 2**20
    assert found["pg_settings_statement_timeout_seconds"][()] == 0  # the server's; the exporter's own session has 2
    assert found["pg_indexes_unused"][("datname", "shop"),] == 1
    assert found["orders_lines"][("kind", "x"),] == 100


def test_a_query_that_writes_is_refused_and_told(server: Server) -> None:
    found = series(server.text("/metrics?collect[]=bad"))
    assert failed(found) == {"bad"}
    assert "bad_n" not in found


def test_the_second_target_is_probed_and_an_unknown_one_refused(server: Server) -> None:
    found = series(server.text("/probe?target=other"))
    assert found["pg_up"][()] == 1
    assert "process_cpu_seconds_total" not in found
    status, _, body = server.get("/probe?target=nowhere")
    assert (status, body) == (404, b"target: unknown 'nowhere': known are main, other\n")
    assert server.get("/probe")[0] == 400
    assert server.get("/probe?target=host%3D127.0.0.1")[0] == 404
    assert b"/probe?target=other" in server.get("/")[2]


def test_one_connection_is_all_it_takes(server: Server, postgres: Bare) -> None:
    for _ in range(3):
        server.text()
    with postgres.admin() as admin:
        rows = admin.execute("SELECT datname FROM pg_stat_activity WHERE application_name = 'watchfloor-exporter'").fetchall()
    assert sorted(rows) == sorted({("shop",), ("postgres",)} & set(rows))


def test_whatever_things_are_called(server: Server, postgres: Bare) -> None:
    with postgres.admin("shop") as admin:
        admin.execute(psycopg.sql.SQL("CREATE TABLE {} (id int)").format(psycopg.sql.Identifier(WEIRD)))
        families = {family.name: family for family in plain(server.text())}
        names = {sample.labels["relname"] for sample in families["pg_stat_user_tables_seq_scan"].samples}
        assert WEIRD in names
        admin.execute(psycopg.sql.SQL("DROP TABLE {}").format(psycopg.sql.Identifier(WEIRD)))
        names = {dict(labels)["relname"] for labels in series(server.text())["pg_stat_user_tables_seq_scan"]}
        assert names == {"orders"}


def test_names_that_are_no_utf8_become_replacement_characters(postgres: Bare, tmp_path: Path) -> None:
    with postgres.admin() as admin:
        admin.execute("CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    with psycopg.connect(postgres.url("bytes") + "?client_encoding=SQL_ASCII", autocommit=True) as connection:
        connection.pgconn.exec_(b'CREATE TABLE "caf\xe9" (id int)')
    with exporter(tmp_path, [target(postgres, tmp_path, database="bytes")]) as server:
        found = series(server.text())
    assert failed(found) == set()
    assert {dict(labels)["relname"] for labels in found["pg_stat_user_tables_seq_scan"]} == {"caf�"}


def test_who_waits_for_whom(server: Server, postgres: Bare) -> None:
    with postgres.admin("shop") as first, postgres.admin("shop") as second:
        first.execute("SET application_name = 'holder'")
        second.execute("SET application_name = 'waiter'")
        first.execute("BEGIN")
        first.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        waiting = threading.Thread(target=second.execute, args=("SELECT count(*) FROM orders",), daemon=True)
        waiting.start()

        def blocked() -> dict[str, str]:
            rows = series(server.text()).get("pg_blocked_seconds", {})
            return next((dict(labels) for labels in rows), {})

        told = until("the wait is told", blocked)
        found = series(server.text())
        first.execute("ROLLBACK")
        waiting.join(10)
    assert (told["application_name"], told["blocking_application_name"]) == ("waiter", "holder")
    assert told["blocking_state"] == "idle in transaction"
    assert found["pg_locks_waiting"][("datname", "shop"),] == 1
    assert found["pg_stat_activity_oldest_idle_in_transaction_seconds"][("datname", "shop"),] > 0


def test_a_standby_tells_that_it_is_one(postgres: Bare, tmp_path: Path) -> None:
    standby = Bare()
    standby.folder.chmod(0o777)
    where = ("-h", "127.0.0.1", "-p", str(postgres.port), "-U", "watchfloor")
    postgres.run("pg_basebackup", *where, "-D", str(standby.data), "-R", "-c", "fast")
    try:
        standby.start()
        with exporter(tmp_path, [target(standby, tmp_path)]) as server:
            until("it receives", lambda: "pg_stat_wal_receiver_received_tli" in series(server.text()))
            found = series(server.text())
            until("the primary sees it", lambda: b"pg_stat_replication_pg_wal_lsn_diff{" in primary(postgres, tmp_path))
    finally:
        standby.__exit__()
    assert failed(found) == set()
    assert found["pg_replication_is_replica"][()] == 1
    assert found["pg_stat_wal_receiver_received_tli"]


def primary(postgres: Bare, folder: Path) -> bytes:
    with exporter(folder, [target(postgres, folder)]) as server:
        return server.get("/metrics?collect[]=stat_replication")[2]
