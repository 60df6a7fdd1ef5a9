"""Both Redis servers of a running appliance: each user does its own work, and is refused all else."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from redis import Redis, ResponseError
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from metrics import bus
from metrics.redis import keys
from settings import Paths
from settings.paths import BUS_USER, CACHE_USER, EXPORTER_USER, REDIS_ADMIN_USER
from settings.secrets import read_secret
from stream.bus import scripts
from stream.messages import MARKET
from tests.security.conftest import Besieged
from tests.waiting import until

SERVERS = ("bus", "cache_redis")
# What gives a server away, stops it, or tells of others: nobody but the administrator.
DANGEROUS = (
    "FLUSHALL", "FLUSHDB", "CONFIG SET dir /tmp", "CONFIG REWRITE", "ACL LIST", "ACL WHOAMI",
    "ACL SETUSER default on nopass ~* +@all",
    "SHUTDOWN", "EVAL return(1) 0", "MONITOR", "SAVE", "REPLICAOF 127.0.0.1 1", "KEYS *", "CLIENT LIST",
    "CLIENT KILL TYPE normal", "MODULE LIST", "SCRIPT FLUSH", "FUNCTION LIST", "MIGRATE 127.0.0.1 1 x 0 1", "SWAPDB 0 1",
)  # fmt: skip
# Of each user: a server that it is for, and what it may not do there.
REFUSED: dict[str, tuple[str, Sequence[str]]] = {
    BUS_USER: (
        "bus",
        ("SET x 1", "GET crypto:x", "HGETALL bus:market-data:state", "PUBLISH x y", "SUBSCRIBE x", "SCAN 0", "RENAME bus:a b"),
    ),
    CACHE_USER: (
        "cache_redis",
        ("SET x 1", "GET bus:id", "PUBLISH other x", "SUBSCRIBE other", "INFO", "PSUBSCRIBE *", "HGETALL x"),
    ),
    EXPORTER_USER: (
        "bus",
        ("SET a b", "GET bus:id", "XRANGE bus:market-data:entries - +", "HGETALL bus:market-data:state", "DEL bus:id"),
    ),
}


def password_of(paths: Paths, user: str) -> Path:
    files = {
        BUS_USER: paths.bus_password, CACHE_USER: paths.cache_password, EXPORTER_USER: paths.redis_exporter_password,
        REDIS_ADMIN_USER: paths.redis_admin_password,
    }  # fmt: skip
    return files[user]


def _as(besieged: Besieged, user: str, port: str) -> Redis:
    number = getattr(besieged.appliance.site.ports, port)
    password = read_secret(password_of(besieged.appliance.paths, user), user)
    return Redis("127.0.0.1", number, username=user, password=password, driver_info=None)


def _said(server: Redis, text: str) -> object:
    return server.execute_command(*text.split())  # type: ignore[no-untyped-call]  # redis declares no types for it


def test_the_services_do_their_work_and_were_refused_nothing(besieged: Besieged) -> None:
    """First, because what comes below is refused on purpose."""
    until("the bus is joined", lambda: besieged.appliance.value(f"min({bus.UP.name})") == 1, 30)
    with _as(besieged, REDIS_ADMIN_USER, "bus") as admin:
        until("entries are on the bus", lambda: admin.xlen(scripts.entries(MARKET)) > 3, 30)
        assert admin.hlen(scripts.latest(MARKET))
    with _as(besieged, REDIS_ADMIN_USER, "cache_redis") as admin:
        until("values are in the cache", lambda: admin.dbsize() > 3, 30)
    until("the exporter counts both", lambda: besieged.appliance.value(f"count({keys.LENGTH.name})"), 30)
    for port in SERVERS:
        with _as(besieged, REDIS_ADMIN_USER, port) as admin:
            lines = [str(line).strip("b'") for line in admin.acl_list()]
            users = {line.split()[1]: line for line in lines}
            service = BUS_USER if port == "bus" else CACHE_USER
            assert set(users) == {"default", service, EXPORTER_USER, REDIS_ADMIN_USER}
            assert " off " in users["default"]
            assert (" -@all" in users["default"]) == (port != "bus"), (
                "the bus reads its log as nobody; to the others nobody is known"
            )
            refused = [one["object"] for one in admin.acl_log() if one["username"] == service and one["reason"] != "auth"]
            assert not refused
            names = {one["user"] for one in admin.client_list()}
            assert names <= {service, EXPORTER_USER, REDIS_ADMIN_USER}


def test_a_bus_that_starts_again_is_refused_nothing_of_its_own_log(besieged: Besieged) -> None:
    with _as(besieged, REDIS_ADMIN_USER, "bus") as admin:
        state = scripts.state(MARKET)
        before = _numbering(admin, state)
        # What is only in its memory `everysec` may lose; what was handed to the kernel outlives a kill.
        until("its log has that", lambda: admin.info("persistence")["aof_buffer_length"] == 0, 10)
        process = besieged.appliance.stack.supervisor.processes()["bus"]
        os.kill(process.pid, signal.SIGKILL)
        until("it runs again", lambda: besieged.appliance.stack.supervisor.processes()["bus"].pid not in (0, process.pid), 20)
        after = until("it has read its log", lambda: _asked(admin, state), 20)
        assert after[0] == before[0], "another numbering: what was there is gone"
        assert after[1] >= before[1]
        assert not [one for one in admin.acl_log() if one["username"] == "default" and one["reason"] != "auth"]
    # What comes after finds all as it was.
    until("the bus is joined again", lambda: besieged.appliance.value(f"min({bus.UP.name})") == 1, 30)


def _numbering(admin: Redis, state: str) -> tuple[str, int]:
    """A room's numbering, and the number of its last message."""
    name, last = (str(part, "ascii") for part in admin.hmget(state, "gen", "seq") if isinstance(part, bytes))
    return name, int(last)


def _asked(admin: Redis, state: str) -> tuple[str, int] | None:
    try:
        return _numbering(admin, state)
    except (RedisError, ValueError):  # not there yet, or reading
        return None


@pytest.mark.parametrize("port", SERVERS)
def test_nobody_is_let_in_without_a_password_or_under_another_name(besieged: Besieged, port: str) -> None:
    number, paths = getattr(besieged.appliance.site.ports, port), besieged.appliance.paths
    own = read_secret(paths.bus_password if port == "bus" else paths.cache_password, port)
    for user, password in (
        (None, None),
        (None, own),
        ("default", "wrong"),
        ("default", own),
        (EXPORTER_USER, "wrong"),
        (EXPORTER_USER, own),
    ):
        with pytest.raises((AuthenticationError, ResponseError)):
            Redis("127.0.0.1", number, username=user, password=password).get("x")


@pytest.mark.parametrize("user", REFUSED)
def test_each_user_is_refused_what_is_not_its_own(besieged: Besieged, user: str) -> None:
    port, refused = REFUSED[user]
    with _as(besieged, user, port) as server:
        for command in (*DANGEROUS, *refused):
            with pytest.raises(NoPermissionError):
                _said(server, command)
    if user != EXPORTER_USER:
        other = next(one for one in SERVERS if one != port)
        with pytest.raises(AuthenticationError):
            _as(besieged, user, other).ping()


def test_a_script_has_no_more_rights_than_who_runs_it(besieged: Besieged) -> None:
    with _as(besieged, CACHE_USER, "cache_redis") as server:
        for text in ("return redis.call('SET', 'x', 1)", "return redis.call('FLUSHALL')"):
            digest = server.script_load(text)
            with pytest.raises(ResponseError, match=r"can't|permission|ACL"):
                server.evalsha(digest, 0)


def test_the_lists_of_users_hold_no_password_and_are_for_their_server_alone(besieged: Besieged) -> None:
    paths = besieged.appliance.paths
    for file in (paths.bus_users, paths.cache_config):
        assert file.stat().st_mode & 0o777 == 0o600
        text = file.read_text(encoding="ascii")
        for user in (BUS_USER, CACHE_USER, EXPORTER_USER, REDIS_ADMIN_USER):
            assert read_secret(password_of(paths, user), user) not in text
