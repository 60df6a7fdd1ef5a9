"""Tables: scans, rows, vacuum and analyze, blocks, size; vacuums under way; partitions.

Names, labels and units as postgres_exporter 0.20 has them, where it has them.
"""

from metrics.model import Counter, Gauge, Unit

_TABLE = ("datname", "schemaname", "relname")
_HELD = "somebody holds the table exclusively"
_NO_VACUUM = "no vacuum is under way"

SEQ_SCAN = Counter("pg_stat_user_tables_seq_scan", "Sequential scans.", Unit.COUNT, labels=_TABLE, compat=True)
SEQ_READ = Counter("pg_stat_user_tables_seq_tup_read", "Rows read by sequential scans.", Unit.COUNT, labels=_TABLE)
IDX_SCAN = Counter("pg_stat_user_tables_idx_scan", "Index scans.", Unit.COUNT, labels=_TABLE, compat=True)
IDX_FETCH = Counter("pg_stat_user_tables_idx_tup_fetch", "Rows fetched by index scans.", Unit.COUNT, labels=_TABLE, compat=True)
INSERTED = Counter("pg_stat_user_tables_n_tup_ins", "Rows inserted.", Unit.COUNT, labels=_TABLE)
UPDATED = Counter("pg_stat_user_tables_n_tup_upd", "Rows updated.", Unit.COUNT, labels=_TABLE)
DELETED = Counter("pg_stat_user_tables_n_tup_del", "Rows deleted.", Unit.COUNT, labels=_TABLE)
HOT = Counter(
    "pg_stat_user_tables_n_tup_hot_upd",
    "Rows updated in their page, without touching an index.",
    Unit.COUNT,
    labels=_TABLE,
    compat=True,
)
LIVE = Gauge("pg_stat_user_tables_n_live_tup", "Live rows, estimated.", Unit.COUNT, labels=_TABLE)
DEAD = Gauge("pg_stat_user_tables_n_dead_tup", "Dead rows, estimated.", Unit.COUNT, labels=_TABLE)
MODIFIED = Gauge(
    "pg_stat_user_tables_n_mod_since_analyze",
    "Rows changed since the last analyze, estimated.",
    Unit.COUNT,
    labels=_TABLE,
    compat=True,
)
VACUUMED = Gauge(
    "pg_stat_user_tables_last_vacuum",
    "Unix time of the last vacuum by hand; 0: never.",
    Unit.TIMESTAMP,
    labels=_TABLE,
    compat=True,
)
AUTOVACUUMED = Gauge(
    "pg_stat_user_tables_last_autovacuum",
    "Unix time of the last autovacuum; 0: never.",
    Unit.TIMESTAMP,
    labels=_TABLE,
    compat=True,
)
ANALYZED = Gauge(
    "pg_stat_user_tables_last_analyze",
    "Unix time of the last analyze by hand; 0: never.",
    Unit.TIMESTAMP,
    labels=_TABLE,
    compat=True,
)
AUTOANALYZED = Gauge(
    "pg_stat_user_tables_last_autoanalyze",
    "Unix time of the last autoanalyze; 0: never.",
    Unit.TIMESTAMP,
    labels=_TABLE,
    compat=True,
)
VACUUMS = Counter("pg_stat_user_tables_vacuum_count", "Vacuums by hand.", Unit.COUNT, labels=_TABLE, compat=True)
AUTOVACUUMS = Counter("pg_stat_user_tables_autovacuum_count", "Autovacuums.", Unit.COUNT, labels=_TABLE, compat=True)
ANALYZES = Counter("pg_stat_user_tables_analyze_count", "Analyzes by hand.", Unit.COUNT, labels=_TABLE, compat=True)
AUTOANALYZES = Counter("pg_stat_user_tables_autoanalyze_count", "Autoanalyzes.", Unit.COUNT, labels=_TABLE, compat=True)
SIZE = Gauge(
    "pg_stat_user_tables_size_bytes",
    "Disk space of the table with indexes and TOAST; at most 30 s old.",
    Unit.BYTES,
    labels=_TABLE,
    absent=_HELD,
)
TABLE_SIZE = Gauge(
    "pg_stat_user_tables_table_size_bytes",
    "Disk space of the table without its indexes; at most 30 s old.",
    Unit.BYTES,
    labels=_TABLE,
    absent=_HELD,
    compat=True,
)
INDEX_SIZE = Gauge(
    "pg_stat_user_tables_index_size_bytes",
    "Disk space of the table's indexes; at most 30 s old.",
    Unit.BYTES,
    labels=_TABLE,
    absent=_HELD,
    compat=True,
)
HEAP_READ = Counter("pg_statio_user_tables_heap_blocks_read", "Blocks of the table read from disk.", Unit.COUNT, labels=_TABLE)
HEAP_HIT = Counter(
    "pg_statio_user_tables_heap_blocks_hit", "Blocks of the table found in the cache.", Unit.COUNT, labels=_TABLE, compat=True
)
INDEX_READ = Counter(
    "pg_statio_user_tables_idx_blocks_read", "Blocks of the table's indexes read from disk.", Unit.COUNT, labels=_TABLE
)
INDEX_HIT = Counter(
    "pg_statio_user_tables_idx_blocks_hit",
    "Blocks of the table's indexes found in the cache.",
    Unit.COUNT,
    labels=_TABLE,
    compat=True,
)
TOAST_READ = Counter(
    "pg_statio_user_tables_toast_blocks_read",
    "Blocks of the table's TOAST table read from disk.",
    Unit.COUNT,
    labels=_TABLE,
    compat=True,
)
TOAST_HIT = Counter(
    "pg_statio_user_tables_toast_blocks_hit",
    "Blocks of the table's TOAST table found in the cache.",
    Unit.COUNT,
    labels=_TABLE,
    compat=True,
)
TIDX_READ = Counter(
    "pg_statio_user_tables_tidx_blocks_read",
    "Blocks of the TOAST table's index read from disk.",
    Unit.COUNT,
    labels=_TABLE,
    compat=True,
)
TIDX_HIT = Counter(
    "pg_statio_user_tables_tidx_blocks_hit",
    "Blocks of the TOAST table's index found in the cache.",
    Unit.COUNT,
    labels=_TABLE,
    compat=True,
)
BLOAT = Gauge(
    "pg_table_bloat_bytes",
    "Space in the table that live rows do not need, estimated from the planner's statistics; the 50 largest, at most 5 min old.",
    Unit.BYTES,
    labels=_TABLE,
    absent="no table has room that it does not need",
)
PHASE = Gauge(
    "pg_stat_progress_vacuum_phase",
    "1 for the phase that the vacuum of the table is in, 0 for the others.",
    Unit.BOOL,
    labels=("datname", "relname", "phase"),
    absent=_NO_VACUUM,
    compat=True,
)
VACUUM_BLOCKS = Gauge(
    "pg_stat_progress_vacuum_heap_blks",
    "Blocks of the table under vacuum.",
    Unit.COUNT,
    labels=("datname", "relname"),
    absent=_NO_VACUUM,
)
VACUUM_SCANNED = Gauge(
    "pg_stat_progress_vacuum_heap_blks_scanned",
    "Blocks that the vacuum has scanned.",
    Unit.COUNT,
    labels=("datname", "relname"),
    absent=_NO_VACUUM,
)
VACUUM_VACUUMED = Gauge(
    "pg_stat_progress_vacuum_heap_blks_vacuumed",
    "Blocks that the vacuum has cleaned.",
    Unit.COUNT,
    labels=("datname", "relname"),
    absent=_NO_VACUUM,
    compat=True,
)
VACUUM_INDEXES = Gauge(
    "pg_stat_progress_vacuum_index_vacuums",
    "Rounds over the indexes that the vacuum has ended.",
    Unit.COUNT,
    labels=("datname", "relname"),
    absent=_NO_VACUUM,
    compat=True,
)
PARTITION_END = Gauge(
    "pg_partitions_end_timestamp_seconds",
    "Unix time up to which the table has range partitions by time; rows beyond fail, or fall into the default partition.",
    Unit.TIMESTAMP,
    labels=_TABLE,
    absent="no table is partitioned by ranges of time",
)
DEFAULT_ROWS = Gauge(
    "pg_partitions_default_rows",
    "Live rows in the table's default partition, estimated: they fitted into no other.",
    Unit.COUNT,
    labels=_TABLE,
    absent="no partitioned table has a default partition",
)

METRICS = (
    SEQ_SCAN,
    SEQ_READ,
    IDX_SCAN,
    IDX_FETCH,
    INSERTED,
    UPDATED,
    DELETED,
    HOT,
    LIVE,
    DEAD,
    MODIFIED,
    VACUUMED,
    AUTOVACUUMED,
    ANALYZED,
    AUTOANALYZED,
    VACUUMS,
    AUTOVACUUMS,
    ANALYZES,
    AUTOANALYZES,
    SIZE,
    TABLE_SIZE,
    INDEX_SIZE,
    HEAP_READ,
    HEAP_HIT,
    INDEX_READ,
    INDEX_HIT,
    TOAST_READ,
    TOAST_HIT,
    TIDX_READ,
    TIDX_HIT,
    BLOAT,
    PHASE,
    VACUUM_BLOCKS,
    VACUUM_SCANNED,
    VACUUM_VACUUMED,
    VACUUM_INDEXES,
    PARTITION_END,
    DEFAULT_ROWS,
)
