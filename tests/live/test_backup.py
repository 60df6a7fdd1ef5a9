"""A backup brought back: every row of every table, Prometheus's samples, the inbox's incidents; nothing is half done."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from compose import backing, backups, postgres, restore
from compose.backups import Record
from compose.errors import BadInputError, ComposeError
from compose.host import DATABASE_USER, run_as
from metrics import stack
from settings import Paths
from settings.paths import CLONE
from settings.paths import DATABASE_USER as DATABASE
from tests.appliance import Appliance, get, status_of
from tests.drills.database_faults import superuser
from tests.waiting import until

_WRITERS = ("stream", "store", "analysis", "exporter-model_quality")
_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1"""
Sums = dict[str, tuple[int, int]]


def sums(connection: psycopg.Connection) -> Sums:
    """Rows and a checksum over every one of them, by table."""
    found: Sums = {}
    for (table,) in connection.execute(_TABLES).fetchall():
        counted = f"SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM ONLY {table} t"
        found[table] = tuple(int(value) for value in connection.execute(counted.encode()).fetchone() or ())  # type: ignore[assignment]
    return found


@contextmanager
def beside(appliance: Appliance, place: Path) -> Iterator[psycopg.Connection]:
    """A session in the cluster that was restored beside, before it is in its place."""
    fresh, user = place.with_name(f"{place.name}.{restore.BESIDE}"), appliance.stack.host.account(DATABASE_USER)
    binaries = postgres.installed()[int(place.name)]
    control = [str(binaries / "pg_ctl"), "-D", str(fresh), "-s", "-w"]
    port = appliance.site.ports.edge  # free meanwhile, as the edge is stopped
    words = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c archive_mode=off"
    run_as([*control, "-o", words, "-l", str(fresh / "test.log"), "start"], user)
    try:
        password = appliance.paths.postgres_password.read_text()
        with psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname=DATABASE, password=password) as connection:
            yield connection
    finally:
        run_as([*control, "-m", "fast", "stop"], user)


def said(text: str) -> None:
    print(text, flush=True)


@pytest.fixture(scope="module")
def appliance() -> Iterator[Appliance]:
    with Appliance(factor=0.1, settings={"backup": {"keep": 2}}) as running:
        yield running


def test_every_row_comes_back_and_what_came_later_goes(appliance: Appliance) -> None:
    supervisor = appliance.stack.supervisor
    until("rows are there", lambda: _rows(appliance) > 0, 60)
    until("samples are there", lambda: appliance.value("count(up == 1)"), 30)
    for name in (*_WRITERS, "edge"):
        supervisor.call("supervisor.stopProcess", name)
    with superuser(appliance) as admin:
        admin.execute("CREATE TABLE kept AS SELECT i, md5(i::text) AS word FROM generate_series(1, 50000) AS i")
        before = sums(admin)
    (appliance.paths.data / "analysis" / "mark").write_text("kept")
    heard = until("an incident is in the inbox", lambda: _incidents(appliance), 60)  # services are stopped
    _plant(appliance.paths, "kept")
    asked = until("Prometheus's clock", lambda: appliance.value("vector(time())"))
    made = backing.backup(appliance.stack, said)
    assert (made.attempts, made.successes, made.ok, made.paused) == (1, 1, True, False)
    label = backups.labels(backups.files(appliance.site, appliance.paths))[-1]
    assert (
        made.bytes == backups.Manifest.read(backups.files(appliance.site, appliance.paths) / label, backups.NATIVE).bytes > 2**20
    )

    assert "MB in" in _logged(appliance, "backup")

    with superuser(appliance) as admin:
        admin.execute("DELETE FROM kept WHERE i % 2 = 0")
        admin.execute("ALTER ROLE watchfloor PASSWORD 'another'")
        assert sums(admin) != before
    (appliance.paths.data / "analysis" / "mark").write_text("later")
    _plant(appliance.paths, "later")
    places = restore.beside(appliance.stack, appliance.site, label)
    assert {place.name for place in places} >= {"prometheus", "inbox", "alertmanager", "analysis"}
    with beside(appliance, places[-1]) as restored:
        assert sums(restored) == before

    assert restore.restore(appliance.stack, "", said) == label
    until("every service answers", appliance.all_ok)
    assert not list(appliance.paths.data.rglob(f"*.{restore.BEFORE}"))
    assert (appliance.paths.data / "analysis" / "mark").read_text() == "kept"
    with superuser(appliance) as admin:
        assert sums(admin)["public.kept"] == before["public.kept"]
    until("Prometheus answers for the time before", lambda: _samples(appliance, asked), 20)
    assert heard <= _incidents(appliance)
    with closing(sqlite3.connect(_grafana(appliance.paths))) as grafana:
        assert grafana.execute("SELECT word FROM planted").fetchall() == [("kept",)]


def _logged(appliance: Appliance, service: str) -> str:
    """What `make logs s=SERVICE` shows."""
    words = [sys.executable, "-m", "compose", "logs", "--service", service, "--lines", "20"]
    where = ["--home", str(appliance.home), "--site", str(appliance.site_file)]
    return subprocess.run([*words, *where], cwd=CLONE, capture_output=True, text=True, check=True).stdout


def _incidents(appliance: Appliance) -> set[int]:
    return {one["id"] for one in get(appliance.url("inbox", "/api/incidents"))["incidents"]}


def _grafana(paths: Paths) -> Path:
    return paths.data / "grafana" / "grafana.db"


def _plant(paths: Paths, word: str) -> None:
    """A Grafana's database, where one would be (none runs here)."""
    _grafana(paths).parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(_grafana(paths))) as grafana, grafana:
        grafana.execute("CREATE TABLE IF NOT EXISTS planted (word)")
        grafana.execute("INSERT INTO planted VALUES (?)", (word,))


def ready(appliance: Appliance) -> bool:
    return status_of(appliance.url("prometheus", "/-/ready")) == 200


def _rows(appliance: Appliance) -> int:
    with superuser(appliance) as admin:
        return sum(count for count, _ in sums(admin).values())


def _samples(appliance: Appliance, at: float) -> bool:
    return bool(get(appliance.url("prometheus", f"/api/v1/query?query=up&time={at}"))["data"]["result"])


def test_a_restore_that_was_cut_off_goes_back(appliance: Appliance) -> None:
    mark, paths = appliance.paths.data / "analysis" / "mark", appliance.paths
    mark.write_text("newest")
    label = backups.labels(backups.files(appliance.site, paths))[-1]
    places = restore.beside(appliance.stack, appliance.site, label)
    appliance.stack.down()
    restore.swap(paths, places)
    assert mark.read_text() == "kept"
    assert restore.go_back(paths)
    assert mark.read_text() == "newest"
    assert not restore.go_back(paths)
    assert not list(paths.data.rglob(f"*.{restore.BESIDE}"))
    assert appliance.up()


def test_a_failed_one_leaves_no_set_and_says_why(appliance: Appliance) -> None:
    folder = backups.files(appliance.site, appliance.paths)
    known, before = backups.labels(folder), Record.read(appliance.paths)
    inbox = appliance.paths.data / "analysis" / "unreadable"
    inbox.write_text("")
    inbox.chmod(0o000)
    try:
        with pytest.raises(ComposeError, match="unreadable"):
            backing.backup(appliance.stack, said)
    finally:
        inbox.unlink()
    after = Record.read(appliance.paths)
    assert (after.attempts, after.successes, after.ok) == (before.attempts + 1, before.successes, False)
    assert backups.labels(folder) == known
    until("Prometheus is back", lambda: ready(appliance), 20)
    until("people are told", lambda: appliance.alerts("BackupFailed"), 30)
    for _ in range(2):
        backing.backup(appliance.stack, said)
        until("Prometheus is back again", lambda: ready(appliance), 20)
    until("all is well again", lambda: not appliance.alerts("BackupFailed"), 30)
    assert (appliance.value(stack.BACKUP_BYTES.name) or 0) > 2**20
    assert len(backups.labels(folder)) == 2
    assert not list(folder.glob("*.partial"))


def test_bad_input(appliance: Appliance) -> None:
    with pytest.raises(BadInputError, match="no backup"):
        restore.restore(appliance.stack, "20200101T000000Z", said)
    appliance.change(backup={"to": "/nowhere/at/all"})
    with pytest.raises(BadInputError, match="mount its disk"):
        appliance.up()
    appliance.change(backup={"keep": 2})


def test_the_socket_is_for_the_clusters_own_user_alone(appliance: Appliance) -> None:
    folder, binaries = postgres.folder(appliance.paths), max(postgres.installed().items())[1]
    where = f"host={folder} port={appliance.site.ports.postgres} user=postgres dbname=postgres"
    words = [str(binaries / "psql"), where, "-c", "SELECT 1"]
    if not (binaries / "psql").exists() or not appliance.stack.host.user:
        pytest.skip("psql and another user are needed to try")
    become = ["setpriv", "--reuid=watchfloor", "--regid=watchfloor", "--clear-groups"]
    done = subprocess.run([*become, *words], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode != 0
    assert "Permission denied" in done.stderr
