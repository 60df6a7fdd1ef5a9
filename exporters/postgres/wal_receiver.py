"""The receiving side of a standby."""

from exporters.postgres.table import Subject, Table, Value
from metrics.postgres import replication as m

SUBJECT = Subject(
    "stat_wal_receiver",
    "What the standby's receiver has received.",
    (
        Table(
            (
                Value(m.RECEIVER_START, "(receive_start_lsn - '0/0')::bigint"),
                Value(m.RECEIVER_FLUSHED, "(flushed_lsn - '0/0')::bigint"),
                Value(m.RECEIVER_TIMELINE, "received_tli"),
                Value(m.RECEIVER_SENT, "extract(epoch FROM last_msg_send_time)"),
                Value(m.RECEIVER_RECEIVED, "extract(epoch FROM last_msg_receipt_time)"),
                Value(m.RECEIVER_END, "(latest_end_lsn - '0/0')::bigint"),
            ),
            "FROM pg_stat_wal_receiver",
            ("sender_host", "slot_name", "status"),
        ),
    ),
)
