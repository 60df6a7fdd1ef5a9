"""The roles: in a new cluster, and in one that an earlier version made, on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from compose import postgres, roles
from compose.errors import ComposeError
from compose.health import ask
from compose.host import DATABASE_USER as OS_USER
from compose.host import Host, run_as
from compose.secrets import make_secrets
from settings import Paths, Site, parse
from settings.paths import APP_USER, CLONE, DATABASE_USER, EXPORTER_USER, READER_USER
from stream.store.grants import wanted
from tests.waiting import free_ports, until

LATER = (EXPORTER_USER, READER_USER, APP_USER)
SEES = {
    "widths": "SELECT count(*) FROM watchfloor_exporter.column_statistics() WHERE tablename = 'orders'",
    "sequences": "SELECT last_value FROM watchfloor_exporter.sequence_positions() WHERE sequencename = 'orders_id_seq'",
}


@pytest.fixture
def paths() -> Iterator[Paths]:
    with tempfile.TemporaryDirectory(prefix="watchfloor-roles-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        host, found = Host.detect(home), Paths(home)
        (home / "data" / "postgres").mkdir(parents=True)
        host.give(home / "data" / "postgres", OS_USER)
        make_secrets(found, host)
        assert postgres.prepare(found, host)
        yield found


@contextmanager
def running(paths: Paths) -> Iterator[Site]:
    """The server as `make up` runs it."""
    site = parse(f"ports: {{postgres: {free_ports(1)[0]}}}")
    user = Host.detect(paths.home).account(OS_USER)
    as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    with subprocess.Popen([*as_user, *postgres.command(site, paths)], stderr=subprocess.DEVNULL, cwd="/") as server:
        try:
            until("the server answers", lambda: ask(f"postgresql://127.0.0.1:{site.ports.postgres}", 1).ok)
            yield site
        finally:
            server.send_signal(2)
            server.wait(20)


def connect(site: Site, user: str, password: Path) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1", port=site.ports.postgres, user=user, dbname="watchfloor", password=password.read_text(), autocommit=True
    )


def seen(site: Site, paths: Paths) -> dict[str, object]:
    """What the exporter's role sees of the workload's table `orders`, which it must not read."""
    with connect(site, EXPORTER_USER, paths.exporter_password) as exporter:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            exporter.execute("SELECT * FROM orders")
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            exporter.execute("CREATE TABLE watchfloor_exporter.mine (id int)")
        return {name: (exporter.execute(query.encode()).fetchone() or [None])[0] for name, query in SEES.items()}


def read(site: Site, paths: Paths) -> list[object]:
    """What the reader's role reads of that table; it may change nothing."""
    with connect(site, READER_USER, paths.reader_password) as reader:
        reader.execute("SET default_transaction_read_only = off")
        for change in ("DELETE FROM orders", "CREATE TABLE mine (id int)", "SET ROLE watchfloor"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(change.encode())
        return [count for (count,) in reader.execute("SELECT count(*) FROM orders").fetchall()]


def make_older(site: Site, paths: Paths) -> None:
    """Takes away what an earlier version did not have."""
    with connect(site, "postgres", paths.postgres_password) as admin:
        admin.execute("DROP SCHEMA watchfloor_exporter CASCADE")
        for role in LATER:
            admin.execute(f"DROP OWNED BY {role}".encode())
            admin.execute(f"DROP ROLE {role}".encode())


def written(site: Site, paths: Paths) -> int:
    """Rows that the workload's role has written, and finds."""
    with connect(site, APP_USER, paths.app_password) as app:
        app.execute("INSERT INTO cryptocurrencies (id, symbol, name) VALUES ('btc', 'BTC', 'Bitcoin')")
        return app.execute("INSERT INTO price_history (crypto_id, price) VALUES ('btc', 1) RETURNING id").rowcount


def make_orders(site: Site, paths: Paths) -> None:
    with connect(site, "watchfloor", paths.database_password) as owner:
        owner.execute("CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY, name text)")
        owner.execute("INSERT INTO orders (name) SELECT 'a secret' FROM generate_series(1, 500)")
        owner.execute("ANALYZE orders")


def test_a_new_cluster_has_the_role_and_shows_it_sizes_but_no_row(paths: Paths) -> None:
    with running(paths) as site:
        make_orders(site, paths)
        assert seen(site, paths) == {"widths": 2, "sequences": 500}
        assert read(site, paths) == [500], "a table that came after the role too"
        assert not roles.settle(site, paths)  # nothing was missing; it may be said again
        with connect(site, "postgres", paths.postgres_password) as admin:
            made = "SELECT installed_version IS NOT NULL FROM pg_available_extensions WHERE name = 'hypopg'"
            assert admin.execute(made).fetchall() == [(True,)]  # the package is one of the tests' own


def ran(paths: Paths, site: Site, *words: str) -> str:
    """What one of our programs says, as it runs in this home."""
    file = paths.home / "site.yaml"
    file.write_text(f"ports: {{postgres: {site.ports.postgres}}}\n", encoding="utf-8")
    environment = os.environ | {"WATCHFLOOR_HOME": str(paths.home), "WATCHFLOOR_SITE": str(file)}
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_exporter_of_the_models_asks_as_who_only_reads(paths: Paths) -> None:
    with running(paths) as site:
        ran(paths, site, "stream.store", "migrate")
        told = ran(paths, site, "exporters", "model_quality", "--once")
        asked = [line for line in told.splitlines() if line.startswith("watchfloor_collector_success{")]
        assert asked
        assert all(line.endswith(" 1") for line in asked), asked


def test_a_cluster_of_an_earlier_version_gets_the_role_at_the_next_start(paths: Paths) -> None:
    data = next((paths.data / "postgres").iterdir())
    hba = data / "pg_hba.conf"
    with running(paths) as site:
        make_orders(site, paths)
        make_older(site, paths)
        ran(paths, site, "stream.store", "migrate")  # as that version had, or this one before the roles are there
    before = [line for line in hba.read_text().splitlines() if not any(role in line for role in LATER)]
    hba.write_text("\n".join([*before, "# of the operator's own", "host all backup 127.0.0.1/32 scram-sha-256", ""]))

    with running(paths) as site:  # its server still runs: it was started before the upgrade
        assert not postgres.prepare(paths, Host.detect(paths.home))
        assert roles.settle(site, paths), "the store is to give the workload's role its rights"
        until("the server lets it in", lambda: seen_or_none(site, paths))
        assert seen(site, paths) == {"widths": 2, "sequences": 500}
        assert read(site, paths) == [500]
        with connect(site, APP_USER, paths.app_password) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("SELECT * FROM store_journals")
        ran(paths, site, "stream.store", "migrate")
        assert not roles.settle(site, paths)
        assert written(site, paths) == 1
    assert "# of the operator's own" in hba.read_text()
    assert hba.read_text().count(EXPORTER_USER) == 1


def test_a_restored_cluster_of_an_earlier_version_takes_this_homes_passwords(paths: Paths) -> None:
    """As `restore` gives them: in single-user mode, in which the first statement that fails is the end."""
    with running(paths) as site:
        make_older(site, paths)
    for file in (paths.database_password, paths.postgres_password):
        file.write_text("another-homes", encoding="ascii")
    data, user = next((paths.data / "postgres").iterdir()), Host.detect(paths.home).account(OS_USER)
    programs, _ = postgres.programs(paths)
    words = [str(programs / "postgres"), "--single", "-D", str(data), "-c", "exit_on_error=on", "postgres"]
    run_as(words, user, roles.passwords(paths))
    with running(paths) as site:
        connect(site, DATABASE_USER, paths.database_password).close()
        connect(site, "postgres", paths.postgres_password).close()
        roles.settle(site, paths)
        for role in LATER:
            until("it is let in", lambda role=role: connect(site, role, roles.FILES[role](paths)))  # type: ignore[misc]


def test_a_password_is_stored_as_the_server_would(paths: Paths) -> None:
    with running(paths) as site:
        roles.change_password(site, paths, READER_USER, "a-new_one")
        paths.reader_password.write_text("a-new_one", encoding="ascii")
        assert read_nothing(site, paths) == (1,)
        paths.reader_password.write_text("another", encoding="ascii")
        with pytest.raises(psycopg.OperationalError, match="password"):
            read_nothing(site, paths)


def read_nothing(site: Site, paths: Paths) -> object:
    with connect(site, READER_USER, paths.reader_password) as reader:
        return reader.execute("SELECT 1").fetchone()


def test_the_workloads_role_has_the_rights_that_are_declared_and_no_other(paths: Paths) -> None:
    with running(paths) as site:
        ran(paths, site, "stream.store", "migrate")
        ran(paths, site, "stream.store", "partitions")
        with connect(site, DATABASE_USER, paths.database_password) as owner:
            owner.execute(f"GRANT TRUNCATE, DELETE ON price_history TO {APP_USER}".encode())  # too much, by hand
            owner.execute(f"REVOKE UPDATE ON store_journals FROM {APP_USER}".encode())
            ran(paths, site, "stream.store", "migrate")
            given = owner.execute(
                "SELECT relname, privilege_type FROM pg_class CROSS JOIN aclexplode(relacl) WHERE grantee = to_regrole(%s)",
                (APP_USER,),
            ).fetchall()
        assert set(given) == wanted()
        assert written(site, paths) == 1


def test_a_server_that_does_not_come_back_is_told(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "_PATIENCE", 0.5)
    with pytest.raises(ComposeError, match="roles could not be looked after"):
        roles.settle(parse(f"ports: {{postgres: {free_ports(1)[0]}}}"), paths)


def seen_or_none(site: Site, paths: Paths) -> dict[str, object] | None:
    try:
        return seen(site, paths)
    except psycopg.OperationalError:
        return None
