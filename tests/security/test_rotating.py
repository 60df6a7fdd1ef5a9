"""`make rotate`: the old secret opens nothing more, the new one does, everything is healthy, nothing is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import bcrypt
import psycopg
import pytest
import yaml
from redis import Redis, ResponseError
from redis.exceptions import AuthenticationError, NoPermissionError

from compose.errors import BadInputError
from compose.rotate import NAMES, ROLES, rotate
from compose.secrets import make_secrets
from settings import Paths
from settings.paths import BUS_USER, CACHE_USER, EXPORTER_USER, PROMETHEUS_USER, REDIS_ADMIN_USER
from settings.secrets import read_secret
from tests.security.conftest import Besieged
from tests.security.test_requests import deliver
from tests.waiting import until


def _rotated(besieged: Besieged, name: str) -> tuple[str, str]:
    """The secret before and after; everything is well again."""
    file = besieged.appliance.paths.secrets / name
    before, told = file.read_text(encoding="ascii"), list[str]()
    rotate(besieged.appliance.stack, name, told.append)
    after = file.read_text(encoding="ascii")
    assert before != after
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(secret in text for text in told for secret in (before, after))
    until("all is well", lambda: all(row.state == "ok" for row in besieged.appliance.stack.rows()), 30)
    return before, after


def _redis(besieged: Besieged, port: str, user: str, password: str) -> bool:
    number = getattr(besieged.appliance.site.ports, port)
    try:
        Redis("127.0.0.1", number, username=user, password=password, driver_info=None).ping()
    except NoPermissionError:
        return True  # it is known, and may not do that
    except (AuthenticationError, ResponseError):
        return False
    return True


def _postgres(besieged: Besieged, password: str, user: str) -> bool:
    port = besieged.appliance.site.ports.postgres
    try:
        psycopg.connect(host="127.0.0.1", port=port, user=user, password=password, dbname="watchfloor", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _hashed(web: Path, password: str) -> bool:
    """Whether Prometheus would let it in: it wants a password where the site is shown to a network (test_guarded.py)."""
    users = yaml.safe_load(web.read_text(encoding="ascii"))["basic_auth_users"]
    return bcrypt.checkpw(password.encode(), users[PROMETHEUS_USER].encode())


def _entrance(user: str) -> Callable[[Besieged, str], bool]:
    def lets_in(besieged: Besieged, password: str) -> bool:
        return besieged.enter("/", headers=besieged.header(user, password)).status in (200, 302)

    return lets_in


# By the secret, whether it opens what it is for.
OPENS: dict[str, Callable[[Besieged, str], bool]] = {
    "entrance_password": _entrance("watchfloor"),
    "viewer_password": _entrance("viewer"),
    "alertmanager_password": lambda besieged, password: (
        besieged.ask("alertmanager", "/api/v2/status", headers=besieged.header("watchfloor", password)).status == 200
    ),
    "prometheus_password": lambda besieged, password: _hashed(besieged.appliance.paths.prometheus_web, password),
    "bus_password": lambda besieged, password: _redis(besieged, "bus", BUS_USER, password),
    "cache_password": lambda besieged, password: _redis(besieged, "cache_redis", CACHE_USER, password),
    "redis_exporter_password": lambda besieged, password: all(
        _redis(besieged, port, EXPORTER_USER, password) for port in ("bus", "cache_redis")
    ),
    "redis_admin_password": lambda besieged, password: all(
        _redis(besieged, port, REDIS_ADMIN_USER, password) for port in ("bus", "cache_redis")
    ),
    "inbox_token": lambda besieged, token: deliver(besieged, "Rotated", "x", token).status == 200,
    "edge_secret": lambda besieged, secret: (
        besieged.ask("edge", "/", "PURGE", headers={"X-Watchfloor-Edge": secret, "Surrogate-Key": "x"}).status == 200
    ),
} | {name: partial(_postgres, user=role) for name, role in ROLES.items()}


def test_each_secret_that_is_rotated_is_tried() -> None:
    assert set(OPENS) == set(NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_old_one_opens_nothing_and_all_goes_on(besieged: Besieged, name: str) -> None:
    opens = OPENS[name]
    assert opens(besieged, read_secret(besieged.appliance.paths.secrets / name, name))
    before, after = _rotated(besieged, name)
    until("the new one opens", lambda: opens(besieged, after), 20)
    assert not opens(besieged, before)


def test_the_server_keeps_no_statement_with_a_password(besieged: Besieged) -> None:
    _, after = _rotated(besieged, "exporter_password")
    password = read_secret(besieged.appliance.paths.postgres_password, "superuser")
    port = besieged.appliance.site.ports.postgres
    with psycopg.connect(host="127.0.0.1", port=port, user="postgres", password=password, dbname="watchfloor") as connection:
        kept = connection.execute("SELECT query FROM pg_stat_statements WHERE query ILIKE 'ALTER ROLE%'").fetchall()
    assert kept
    assert not any(after in str(query) for (query,) in kept)


@pytest.mark.parametrize(
    "name", ["", "nonsense", "../site.yaml", "grafana_password", "grafana_secret_key", "server.pem", "tokens"]
)
def test_what_is_not_rotated_is_said(besieged: Besieged, name: str) -> None:
    with pytest.raises(BadInputError, match=r"is not rotated here|is no secret"):
        rotate(besieged.appliance.stack, name, print)


def test_no_generated_secret_is_forgotten(tmp_path: Path) -> None:
    from compose.host import Host  # noqa: PLC0415

    make_secrets(Paths(tmp_path), Host(tmp_path, None, copied=False))
    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    derived = {name for names in NAMES.values() for name in names}
    assert made - derived - set(NAMES) == {"grafana_password", "grafana_secret_key"}
