"""The users of the appliance's own Redis servers: one for each who asks, with what that one does and nothing else. Pure.

`default` is off: who has no name gets nothing. The administrator is for people (`redis_admin_password`); no service is it.
Redis 7.0 and newer read these lines; a subcommand that only newer ones know would keep it from starting.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from settings import Paths
from settings.paths import BUS_USER, CACHE_USER, EXPORTER_USER, REDIS_ADMIN_USER

# What the Redis exporter asks, and nothing else; it may read no value but a string's beginning and write none
# (docs/guides/exporters.md).
EXPORTER_RULES = (
    "resetchannels %R~* -@all +info +client|setname +select +config|get +latency|histogram +latency|latest +slowlog|len"
    " +slowlog|get +cluster|info +scan +type +memory|usage +strlen +llen +scard +zcard +hlen +xlen +exists +getrange +pfcount"
    " +xinfo|stream +xinfo|groups +xinfo|consumers"
)
# What stream/bus does, in its scripts too: Redis holds a script to the rights of who runs it.
BUS_RULES = (
    "resetchannels ~bus:* -@all +ping +info +select +client|setname +script|load +evalsha +time +wait +get +set +del +incr"
    " +pexpire +hset +hget +hmget +hvals +xadd +xtrim +xread +xrange"
)
# Nobody can be `default`, which has no password and is off. The bus reads its log as that user when it starts, transactions with
# their rights: what it may not do is lost then.
_NOBODY = "user default off resetpass resetkeys resetchannels -@all"
_READS_LOG = "user default off resetpass resetchannels ~* +@all"


def cache_rules(prefix: str) -> str:
    """What stream/cache does, with the keys that begin so, and the channel on which its processes hear of changes."""
    return (
        f"resetchannels ~{prefix}* &{prefix}@changes -@all +ping +select +get +mget +set +del +unlink +scan +pttl +pexpire"
        " +publish +subscribe +unsubscribe +multi +exec +discard +script|load +evalsha"
    )


def bus(paths: Paths) -> str:
    """The users of the Redis that joins stream servers."""
    return _users(paths, BUS_USER, paths.bus_password, BUS_RULES, default=_READS_LOG)


def cache(paths: Paths, prefix: str) -> str:
    """The users of the cache's Redis, whose keys begin with `prefix`."""
    return _users(paths, CACHE_USER, paths.cache_password, cache_rules(prefix))


def version(prefix: str) -> str:
    """A word that changes with the rules: a server that was started with others is to be started anew."""
    return hashlib.sha256(f"{_READS_LOG} {EXPORTER_RULES} {BUS_RULES} {cache_rules(prefix)}".encode()).hexdigest()[:8]


def _users(paths: Paths, user: str, password: Path, rules: str, default: str = _NOBODY) -> str:
    """A Redis's users, as its configuration and its list of users both have them."""
    lines = (
        (user, password, rules),
        (EXPORTER_USER, paths.redis_exporter_password, EXPORTER_RULES),
        (REDIS_ADMIN_USER, paths.redis_admin_password, "~* &* +@all"),
    )
    made = (f"user {name} on #{hashlib.sha256(file.read_bytes()).hexdigest()} {may}" for name, file, may in lines)
    return "".join(f"{line}\n" for line in (default, *made))
