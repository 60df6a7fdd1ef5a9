"""Our system exporter beside node_exporter: what may differ, each with its reason."""

from collections.abc import Iterator
from contextlib import contextmanager

from metrics import system
from tests.exporters.servers import NODE_EXPORTER, Server, ours, theirs
from tests.live.compat.peer import Peer

# Names that every machine sees.
NAMES = {
    "node_exporter_build_info": "tells of node_exporter itself; ours is watchfloor_build_info",
    "node_textfile_scrape_error": "belongs to the textfile collector, see below",
}

# Its default collectors that ours has none of. A machine with such hardware sees their names in node_exporter only.
COLLECTORS = {
    "bcache": "block cache in front of slow disks: rare",
    "bcachefs": "experimental filesystem",
    "bonding": "planned: bonded network devices are told by netclass and netdev one by one until then",
    "btrfs": "space and devices of btrfs; statvfs tells its size and free space",
    "edac": "planned: memory errors of servers with ECC",
    "fibrechannel": "storage networks",
    "infiniband": "storage and compute networks",
    "ipvs": "in-kernel load balancing",
    "kernel_hung": "hung tasks are told by processes in state D",
    "mdadm": "planned: software RAID",
    "nfs": "statistics of the NFS client; a server that hangs is told by filesystem",
    "nfsd": "statistics of the NFS server",
    "nvme": "identity of NVMe disks; diskstats tells their I/O",
    "powersupplyclass": "batteries and supplies of laptops",
    "rapl": "energy counters, readable to root only since 2020",
    "systemd": "Debian's package switches it on; upstream does not",
    "tapestats": "tape drives",
    "textfile": "metrics that scripts write into files: run node_exporter for them, or scrape a server of their own",
    "watchdog": "identity of watchdog timers",
    "xfs": "internals of XFS; statvfs tells its space",
    "zfs": "internals of ZFS; statvfs tells its space",
}

# Gauges that change between any two readings, and by more than a tenth.
RESTLESS = {
    "node_disk_io_now": "requests in progress",
    "node_procs_blocked": "tasks waiting at that moment",
    "node_procs_running": "tasks running at that moment",
    "node_scrape_collector_(duration_seconds|success)": "each one's own",
    "node_sockstat_(TCP|UDP)_mem(_bytes)?": "buffers at that moment",
    "node_timex_offset_seconds": "steered continuously",
    "node_udp_queues": "datagrams waiting at that moment",
}


@contextmanager
def pair() -> Iterator[tuple[Server, Server]]:
    """Both on this machine."""
    with ours() as left, theirs() as right:
        yield left, right


PEER = Peer(
    name="node_exporter",
    program=NODE_EXPORTER,
    command="prometheus-node-exporter",
    prefix="node_",
    metrics=system.METRICS,
    pair=pair,
    missing=NAMES,
    uncompared=RESTLESS,
    # Newer releases have them and the compared one may lack them: nothing that selects by the others breaks.
    new_labels=frozenset({"device_error", "rotational", "adminstate"}),
    elsewhere={
        "device=lo": "Debian's package leaves it out of netdev; upstream, and we, do not",
        "device=zram": "newer releases of upstream leave compressed memory out of diskstats; so do we",
    },
    collectors=COLLECTORS,
    # Seconds: idle and iowait fall back a little, and each side keeps the highest that it saw.
    slack={"node_cpu_seconds_total": 0.05},
    notes=(
        "Our collectors `processes` and `swap` are on; upstream's are off.",
        "A collector without data (no such hardware) has succeeded here; upstream says that it has not.",
        "Labels `device_error`, `rotational`, `adminstate` are those of newer releases than the one compared.",
    ),
)
