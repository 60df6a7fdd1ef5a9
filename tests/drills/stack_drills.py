"""The drills of what watches the appliance itself, its stream's clients and its data store's tables."""

from __future__ import annotations

from tests.drills.drill import Drill
from tests.drills.faults import stop_service
from tests.drills.network_faults import lose_packets
from tests.drills.stack_faults import (
    edit_configuration,
    make_tables,
    refuse_rows,
    scrape_seldom,
    take_partitions_names,
)
from tests.drills.tls_front import forget_certificate

SERIES = 1_000  # of a metric, in drills: with some thirty of each table, below what Prometheus takes of a target

STACK = (
    Drill("ServiceDown", "Varnish is stopped", stop_service("edge"), frozenset({"CacheEdgeAway", "ProbeEndpointDown"})),
    # A file that Prometheus reads is the only thing that can make this one true; rules and what is scraped stay as they are.
    Drill(
        "PrometheusConfigReloadFailed", "prometheus.yml is saved with a typing error, and read again",
        edit_configuration("scrape_configs:", "scrape_konfigs:"),
    ),
    # Ten minutes at the drills' factor, and Prometheus looks back for five at any. New settings start services anew: who is asked
    # in that moment stays down for Prometheus until the next time; Alertmanager and the inbox are away for a while.
    Drill(
        "TargetAbsent", "site.yaml has targets asked every 100 minutes, and is applied", scrape_seldom("100m"),
        frozenset({"TargetDown", "NotificationsFailing", "AlertsDropped", "ServiceDown"}),
    ),
    # Under a lowered limit: 20,000 tables would take minutes to make and to drop.
    Drill(
        "SeriesCut", "a program makes a table for each of its 1,200 customers", make_tables(SERIES + 200),
        frozenset({"TargetDown"}),
    ),
    Drill(
        "DatabaseRowsLost", "a constraint is added that no new price holds", refuse_rows("price_history"),
        frozenset({"PostgresRollbacks"}),
    ),
    # Under a raised threshold: the partition of a month that has begun ends in a day on one day alone.
    Drill(
        "DatabasePartitionsMissing", "tables of other people stand where partitions are to come",
        take_partitions_names("technical_metrics"), still=True,
    ),
    Drill(
        "ProbeCanaryLate", "the kernel loses half of what the stream sends on open connections", lose_packets("stream", 0.5),
        frozenset({"CacheHitRatioLow"}),
    ),
    Drill(
        "CertificateExpiresSoon", "a server in front of the stream has a certificate that ends in ten days",
        forget_certificate(), fleet=True, still=True,
    ),
)  # fmt: skip
