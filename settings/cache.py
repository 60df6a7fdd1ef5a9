"""The section `cache:` of `site.yaml`: three layers, how long each keeps a value, and where they are."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from metrics.durations import seconds
from settings.basic import Duration, FileOrNone, HostOrNone, Line, Section, Size, UrlOrNone, in_bytes
from settings.patterns import PREFIX, ZONE


class MemoryLayer(Section, frozen=True):
    """Layer 1: the process's own memory."""

    items: Annotated[int, Meta(ge=1, description="Values that one process holds; the least recently used go first.")] = 1000
    bytes: Annotated[Size, Meta(description="The same in encoded bytes; as objects they take several times as much.")] = "64MB"
    ttl: Annotated[Duration, Meta(description="How long a value is held.")] = "60s"
    check: Annotated[Duration, Meta(description="How often expired values are looked for.")] = "120s"

    @property
    def size(self) -> int:
        """The cap in bytes."""
        return in_bytes(self.bytes)


class RedisLayer(Section, frozen=True):
    """Layer 2: Redis, shared by all processes."""

    host: Annotated[HostOrNone, Meta(description="A Redis of yours; empty: the appliance's own.")] = ""
    port: Annotated[int, Meta(ge=0, le=65535, description="Its port; 0: 6379 of a Redis of yours, `ports.cache_redis` else.")] = 0
    username: Annotated[Line, Meta(description="The user of your Redis; empty for the default one.")] = ""
    password_file: Annotated[
        FileOrNone, Meta(description="A file that holds its password; empty: none, or the own Redis's generated one.")
    ] = ""
    db: Annotated[int, Meta(ge=0, description="The number of its database.")] = 0
    prefix: Annotated[str, Meta(pattern=PREFIX, description="What every key begins with.")] = "crypto:"
    ttl: Annotated[Duration, Meta(description="How long a value is kept unless its writer says otherwise.")] = "300s"
    timeout: Annotated[Duration, Meta(description="What a caller waits for it at most.")] = "5ms"
    maxmemory: Annotated[Size, Meta(description="Above this the own Redis evicts the least recently used.")] = "128MB"


class EdgeLayer(Section, frozen=True):
    """Layer 3: an HTTP cache in front of the API, the stack's own Varnish, or Cloudflare where a zone is given."""

    enabled: Annotated[bool, Meta(description="false: two layers are enough.")] = True
    ttl: Annotated[Duration, Meta(description="How long the edge keeps a value at most.")] = "3600s"
    timeout: Annotated[Duration, Meta(description="What a caller waits for it at most; for Cloudflare 2s or more.")] = "50ms"
    size: Annotated[Size, Meta(description="What the own Varnish holds in memory.")] = "64MB"
    zone_id: Annotated[str, Meta(pattern=ZONE, description="Cloudflare's zone; empty: the own Varnish.")] = ""
    api_key_file: Annotated[FileOrNone, Meta(description="A file that holds a Cloudflare token that may purge the zone.")] = ""
    url: Annotated[UrlOrNone, Meta(description="Where the zone serves the API; empty: public_url.")] = ""


class Warming(Section, frozen=True):
    """What is loaded before anybody asks."""

    enabled: Annotated[bool, Meta(description="false: nothing is warmed on schedule, only on demand.")] = True
    concurrency: Annotated[int, Meta(ge=1, le=64, description="Batches that are loaded at once.")] = 4
    batch: Annotated[int, Meta(ge=1, le=1000, description="Keys of one batch.")] = 50


class Cache(Section, frozen=True):
    """The cache of three layers."""

    memory: Annotated[MemoryLayer, Meta(description="Layer 1.")] = field(default_factory=MemoryLayer)
    redis: Annotated[RedisLayer, Meta(description="Layer 2.")] = field(default_factory=RedisLayer)
    edge: Annotated[EdgeLayer, Meta(description="Layer 3.")] = field(default_factory=EdgeLayer)
    warming: Annotated[Warming, Meta(description="Warming.")] = field(default_factory=Warming)
    stale: Annotated[Duration, Meta(description="How long past its time a value is served while it is loaded anew.")] = "60s"
    negative_ttl: Annotated[Duration, Meta(description="How long it is remembered that a loader found nothing.")] = "5s"
    jitter: Annotated[float, Meta(ge=0, le=0.5, description="The share by which lifetimes are shortened at random.")] = 0.1
    compress_above: Annotated[Size, Meta(description="Larger values are compressed (zstandard).")] = "1KB"

    @property
    def compress_size(self) -> int:
        """`compress_above` in bytes."""
        return in_bytes(self.compress_above)

    def __post_init__(self) -> None:
        """Refuses times of nothing."""
        for name, text in (
            ("memory.ttl", self.memory.ttl),
            ("memory.check", self.memory.check),
            ("redis.ttl", self.redis.ttl),
            ("redis.timeout", self.redis.timeout),
            ("edge.ttl", self.edge.ttl),
            ("edge.timeout", self.edge.timeout),
            ("negative_ttl", self.negative_ttl),
        ):
            if seconds(text) <= 0:
                msg = f"{name} is {text}, which is not above zero: give more"
                raise ValueError(msg)
