"""What a stream server tells of the bus that joins it with others: entries in and out, leases, changes of the numbering."""

from metrics import feed
from metrics.model import Counter, Gauge, Histogram, Metric, Unit

LEASES = (*feed.SOURCES, "canary")  # what exactly one instance runs
# Why an update was not taken: too many wait, another instance has the lease, or Redis itself says no (its memory is full).
REFUSALS = ("full", "fenced", "redis")
# Why a numbering could not go on: entries are missing, the data is another than before, or the replica confirms nothing.
BREAKS = ("lost", "replaced", "unconfirmed")
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
_BY_LEASE: dict[str, tuple[str, ...]] = {"lease": LEASES}

UP = Gauge("feed_bus_up", "1 while the instance reaches the bus, or needs none (one process), else 0.", Unit.BOOL)
JOINED = Gauge("feed_bus_joined", "1 for an instance that is joined with others by a bus, 0 for a process on its own.", Unit.BOOL)
PENDING = Gauge("feed_bus_pending", "Updates that wait to be accepted by the bus.", Unit.COUNT)
UNCONFIRMED = Gauge("feed_bus_unconfirmed", "1 while the replica that was asked for does not confirm entries, else 0.", Unit.BOOL)
PUBLISHED = Counter("feed_bus_published_total", "Entries of this instance that the bus has accepted.", Unit.COUNT)
RECEIVED = Counter("feed_bus_received_total", "Entries read from the bus, those of this instance among them.", Unit.COUNT)
REFUSED = Counter(
    "feed_bus_refused_total",
    "Updates of this instance that did not reach the bus, by reason.",
    Unit.COUNT,
    labels=("reason",),
    closed={"reason": REFUSALS},
)
BROKEN = Counter(
    "feed_bus_breaks_total",
    "Numberings that ended because they could not go on, as this instance saw it, by reason; clients are told by a gap.",
    Unit.COUNT,
    labels=("reason",),
    closed={"reason": BREAKS},
)
CONNECTS = Counter("feed_bus_connects_total", "Connections made to the bus; more than one: it was lost in between.", Unit.COUNT)
PUBLISH_DURATION = Histogram(
    "feed_bus_publish_duration_seconds",
    "From an update's arrival at the publisher to its acceptance by the bus, replica included where one is asked for.",
    Unit.SECONDS,
    buckets=_BUCKETS,
)
DELAY = Histogram(
    "feed_bus_delay_seconds",
    "From the publisher's stamp of an entry to its arrival at this instance.",
    Unit.SECONDS,
    buckets=_BUCKETS,
)
LEASE = Gauge(
    "feed_lease_held",
    "1 for the instance that holds the lease, and so runs the source, else 0.",
    Unit.BOOL,
    labels=("lease",),
    closed=_BY_LEASE,
)
TAKEOVERS = Counter(
    "feed_lease_takeovers_total",
    "Leases that this instance took.",
    Unit.COUNT,
    labels=("lease",),
    closed=_BY_LEASE,
)

# Counted as it happens; the others are read when a scrape asks.
COUNTED: tuple[Metric, ...] = (PUBLISHED, RECEIVED, REFUSED, BROKEN, CONNECTS, PUBLISH_DURATION, DELAY, TAKEOVERS)
METRICS: tuple[Metric, ...] = (UP, JOINED, PENDING, UNCONFIRMED, LEASE, *COUNTED)
