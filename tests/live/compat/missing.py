"""What node_exporter has by default and our system exporter has not, each with its reason."""

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

# Labels that newer releases have and the compared one may lack: nothing that selects by the others breaks.
NEWER_LABELS = {"device_error", "rotational", "adminstate"}

# Series of a shared name that one side leaves out by its defaults.
OTHER_DEVICES = {
    "lo": "Debian's package leaves it out of netdev; upstream, and we, do not",
    "zram": "newer releases of upstream leave compressed memory out of diskstats; so do we",
}
