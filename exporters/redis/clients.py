"""Connections of clients, against the limit."""

from exporters.redis.table import Table
from metrics.redis import server as m

NAME, HELP = "clients", "Connections of clients, their limit, their buffers."
TABLE: Table = {
    "connected_clients": m.CLIENTS,
    "active_clients": m.ACTIVE_CLIENTS,
    "maxclients": m.MAX_CLIENTS,
    "blocked_clients": m.BLOCKED_CLIENTS,
    "tracking_clients": m.TRACKING_CLIENTS,
    "clients_in_timeout_table": m.TIMEOUT_CLIENTS,
    "pubsub_clients": m.PUBSUB_CLIENTS,
    "watching_clients": m.WATCHING_CLIENTS,
    "total_watched_keys": m.WATCHED_KEYS,
    "total_blocking_keys": m.BLOCKING_KEYS,
    "total_blocking_keys_on_nokey": m.BLOCKING_NO_KEYS,
    "client_recent_max_input_buffer": m.INPUT_BUFFER,
    "client_recent_max_output_buffer": m.OUTPUT_BUFFER,
}
