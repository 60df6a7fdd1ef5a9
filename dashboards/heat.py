"""Which percentiles have no heatmap beside them, each with its reason: all others must have one on their dashboard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ALONE = {
    "db_query_duration": "the original name of db_query_duration_seconds, which has a heatmap",
    "db_pool_wait_seconds": "nearly always 0, or as long as the queue: Callers that wait tells which",
    "cache_operation_duration_seconds": "two layers and several operations: one heatmap would mix microseconds with milliseconds",
    "redis_commands_latencies_usec": "one histogram a command: together they would hide the rare slow one",
    "ws_source_to_socket_seconds": "holds each room's own interval, so that a heatmap shows as many bands as rooms",
    "app_event_loop_lag_seconds": "an inner step: what it does to users is in the heatmap of delivery",
    "ws_ping_duration_seconds": "tells of the clients' networks, a few observations a minute for each",
    "ws_queue_wait_seconds": "an inner step of delivery, which has a heatmap",
    "app_gc_pause_seconds": "a few pauses a minute: a heatmap of them is empty cells",
    "feed_bus_delay_seconds": "an inner step of delivery, which has a heatmap",
    "feed_bus_publish_duration_seconds": "an inner step of delivery, which has a heatmap",
    "feed_processor_duration_seconds": "an inner step below a millisecond",
    "ai_prediction_duration": "the original name of ai_prediction_duration_seconds, which has a heatmap",
    "ai_training_duration": "a training now and then: a heatmap of them is empty cells",
}
_BUCKETS = re.compile(r"\b(\w+)_bucket\b")


def missing(panels: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(panel, histogram) of each line of percentiles that has neither a heatmap on its dashboard nor a reason."""
    drawn = {name for panel in panels if panel.get("type") == "heatmap" for name in read(panel)}
    for panel in panels:
        if panel.get("type") == "timeseries":
            for name in sorted(read(panel, "histogram_quantile") - drawn - ALONE.keys()):
                yield str(panel.get("title")), name


def read(panel: Mapping[str, Any], function: str = "") -> set[str]:
    """The histograms whose buckets a panel's queries read, of those queries that have that function in them."""
    exprs = (str(target.get("expr", "")) for target in panel.get("targets", []))
    return {name for expr in exprs if function in expr for name in _BUCKETS.findall(expr)}
