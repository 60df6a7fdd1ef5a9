"""Network devices, connection tracking, packet processing, neighbours, sockets."""

from metrics.model import Counter, Gauge, Unit

_DEVICE = ("device",)
_CPU = ("cpu",)
_LINK_DOWN = "no device has a link, or /sys is not mounted"
_NO_CLASS = "/sys is not mounted"
_NO_CONNTRACK = "the connection tracking module is not loaded"
_OLD = "older kernels do not tell"
_NO_IPV6 = "IPv6 is off"

# -- /proc/net/dev ---------------------------------------------------------------------------------------------------
RECEIVE_BYTES = Counter("node_network_receive_bytes_total", "Bytes received.", Unit.BYTES, labels=_DEVICE)
RECEIVE_PACKETS = Counter("node_network_receive_packets_total", "Packets received.", Unit.COUNT, labels=_DEVICE)
RECEIVE_ERRS = Counter("node_network_receive_errs_total", "Packets received with an error.", Unit.COUNT, labels=_DEVICE)
RECEIVE_DROP = Counter("node_network_receive_drop_total", "Received packets dropped.", Unit.COUNT, labels=_DEVICE)
RECEIVE_FIFO = Counter("node_network_receive_fifo_total", "Receive buffer overruns.", Unit.COUNT, labels=_DEVICE, compat=True)
RECEIVE_FRAME = Counter("node_network_receive_frame_total", "Framing errors.", Unit.COUNT, labels=_DEVICE, compat=True)
RECEIVE_COMPRESSED = Counter(
    "node_network_receive_compressed_total", "Compressed packets received.", Unit.COUNT, labels=_DEVICE, compat=True
)
RECEIVE_MULTICAST = Counter(
    "node_network_receive_multicast_total", "Multicast packets received.", Unit.COUNT, labels=_DEVICE, compat=True
)
RECEIVE_NOHANDLER = Counter(
    "node_network_receive_nohandler_total", "Packets received that no protocol handles.", Unit.COUNT, labels=_DEVICE,
    absent="kernels before 4.6, or /sys not mounted", compat=True,
)  # fmt: skip
TRANSMIT_BYTES = Counter("node_network_transmit_bytes_total", "Bytes sent.", Unit.BYTES, labels=_DEVICE)
TRANSMIT_PACKETS = Counter("node_network_transmit_packets_total", "Packets sent.", Unit.COUNT, labels=_DEVICE)
TRANSMIT_ERRS = Counter("node_network_transmit_errs_total", "Packets that could not be sent.", Unit.COUNT, labels=_DEVICE)
TRANSMIT_DROP = Counter("node_network_transmit_drop_total", "Packets dropped before sending.", Unit.COUNT, labels=_DEVICE)
TRANSMIT_FIFO = Counter("node_network_transmit_fifo_total", "Send buffer errors.", Unit.COUNT, labels=_DEVICE, compat=True)
TRANSMIT_COLLS = Counter("node_network_transmit_colls_total", "Collisions.", Unit.COUNT, labels=_DEVICE, compat=True)
TRANSMIT_CARRIER = Counter(
    "node_network_transmit_carrier_total", "Losses of carrier while sending.", Unit.COUNT, labels=_DEVICE, compat=True
)
TRANSMIT_COMPRESSED = Counter(
    "node_network_transmit_compressed_total", "Compressed packets sent.", Unit.COUNT, labels=_DEVICE, compat=True
)
# /proc/net/dev in the order of its columns.
DEV_COLUMNS = (
    RECEIVE_BYTES, RECEIVE_PACKETS, RECEIVE_ERRS, RECEIVE_DROP, RECEIVE_FIFO, RECEIVE_FRAME, RECEIVE_COMPRESSED,
    RECEIVE_MULTICAST, TRANSMIT_BYTES, TRANSMIT_PACKETS, TRANSMIT_ERRS, TRANSMIT_DROP, TRANSMIT_FIFO, TRANSMIT_COLLS,
    TRANSMIT_CARRIER, TRANSMIT_COMPRESSED,
)  # fmt: skip

# -- /sys/class/net --------------------------------------------------------------------------------------------------
UP = Gauge("node_network_up", "1 when the device's operational state is up, else 0.", Unit.BOOL, labels=_DEVICE, absent=_NO_CLASS)
INFO = Gauge(
    "node_network_info", "Constant 1; the labels describe the device.", Unit.INFO,
    labels=("device", "address", "broadcast", "duplex", "operstate", "adminstate", "ifalias"), absent=_NO_CLASS, compat=True,
)  # fmt: skip
SPEED = Gauge(
    "node_network_speed_bytes", "Speed of the link in bytes per second; negative when unknown.", Unit.BYTES_PER_SECOND,
    labels=_DEVICE, absent="no device tells the speed of its link", compat=True,
)  # fmt: skip
MTU = Gauge("node_network_mtu_bytes", "Largest packet of the device.", Unit.BYTES, labels=_DEVICE, absent=_NO_CLASS, compat=True)
CARRIER = Gauge(
    "node_network_carrier", "1 when the device has a link, else 0.", Unit.BOOL, labels=_DEVICE, absent=_LINK_DOWN, compat=True
)
CARRIER_CHANGES = Counter(
    "node_network_carrier_changes_total",
    "Times the link went up or down.",
    Unit.COUNT,
    labels=_DEVICE,
    absent=_NO_CLASS,
    compat=True,
)
CARRIER_UP = Counter(
    "node_network_carrier_up_changes_total", "Times the link went up.", Unit.COUNT, labels=_DEVICE, absent=_OLD, compat=True
)
CARRIER_DOWN = Counter(
    "node_network_carrier_down_changes_total", "Times the link went down.", Unit.COUNT, labels=_DEVICE, absent=_OLD, compat=True
)
ADDRESS_ASSIGN_TYPE = Gauge(
    "node_network_address_assign_type", "How the address came: 0 permanent, 1 random, 2 stolen, 3 set.", Unit.NONE,
    labels=_DEVICE, absent=_NO_CLASS, compat=True,
)  # fmt: skip
DEVICE_ID = Gauge(
    "node_network_device_id",
    "Distinguishes devices that share one address.",
    Unit.NONE,
    labels=_DEVICE,
    absent=_NO_CLASS,
    compat=True,
)
DORMANT = Gauge(
    "node_network_dormant",
    "1 when the device waits for an event, else 0.",
    Unit.BOOL,
    labels=_DEVICE,
    absent=_LINK_DOWN,
    compat=True,
)
FLAGS = Gauge(
    "node_network_flags", "Flags of the device (IFF_*), as a number.", Unit.NONE, labels=_DEVICE, absent=_NO_CLASS, compat=True
)
IFACE_ID = Gauge("node_network_iface_id", "Index of the device.", Unit.NONE, labels=_DEVICE, absent=_NO_CLASS, compat=True)
IFACE_LINK = Gauge(
    "node_network_iface_link",
    "Index of the device below, its own where there is none.",
    Unit.NONE,
    labels=_DEVICE,
    absent=_NO_CLASS,
    compat=True,
)
IFACE_LINK_MODE = Gauge(
    "node_network_iface_link_mode", "Link mode: 0 default, 1 dormant.", Unit.NONE, labels=_DEVICE, absent=_NO_CLASS, compat=True
)
NAME_ASSIGN_TYPE = Gauge(
    "node_network_name_assign_type", "How the name came: 1 counted, 2 predictable, 3 by a user, 4 renamed.", Unit.NONE,
    labels=_DEVICE, absent="no device tells where its name came from", compat=True,
)  # fmt: skip
NET_DEV_GROUP = Gauge(
    "node_network_net_dev_group", "Group of the device.", Unit.NONE, labels=_DEVICE, absent=_NO_CLASS, compat=True
)
PROTOCOL_TYPE = Gauge(
    "node_network_protocol_type",
    "Kind of device (ARPHRD_*): 1 Ethernet, 772 loopback.",
    Unit.NONE,
    labels=_DEVICE,
    absent=_NO_CLASS,
    compat=True,
)
TRANSMIT_QUEUE_LENGTH = Gauge(
    "node_network_transmit_queue_length",
    "Longest send queue, in packets.",
    Unit.COUNT,
    labels=_DEVICE,
    absent=_NO_CLASS,
    compat=True,
)

# -- connection tracking ---------------------------------------------------------------------------------------------
CONNTRACK_ENTRIES = Gauge("node_nf_conntrack_entries", "Connections tracked.", Unit.COUNT, absent=_NO_CONNTRACK)
CONNTRACK_LIMIT = Gauge("node_nf_conntrack_entries_limit", "Connections that can be tracked.", Unit.COUNT, absent=_NO_CONNTRACK)
# Upstream calls these gauges; they only grow, so they are counters here (docs/topics/upstream-names.md).
CONNTRACK_FOUND = Counter(
    "node_nf_conntrack_stat_found", "Lookups that found an entry.", Unit.COUNT, absent=_NO_CONNTRACK, compat=True
)
CONNTRACK_INVALID = Counter(
    "node_nf_conntrack_stat_invalid", "Packets that cannot be tracked.", Unit.COUNT, absent=_NO_CONNTRACK, compat=True
)
CONNTRACK_IGNORE = Counter(
    "node_nf_conntrack_stat_ignore", "Packets of connections that are not tracked.", Unit.COUNT, absent=_NO_CONNTRACK, compat=True
)
CONNTRACK_INSERT = Counter("node_nf_conntrack_stat_insert", "Entries inserted.", Unit.COUNT, absent=_NO_CONNTRACK, compat=True)
CONNTRACK_INSERT_FAILED = Counter(
    "node_nf_conntrack_stat_insert_failed", "Entries that could not be inserted.", Unit.COUNT, absent=_NO_CONNTRACK, compat=True
)
CONNTRACK_DROP = Counter(
    "node_nf_conntrack_stat_drop",
    "Packets dropped because a connection could not be tracked.",
    Unit.COUNT,
    absent=_NO_CONNTRACK,
    compat=True,
)
CONNTRACK_EARLY_DROP = Counter(
    "node_nf_conntrack_stat_early_drop",
    "Entries dropped to make room in a full table.",
    Unit.COUNT,
    absent=_NO_CONNTRACK,
    compat=True,
)
CONNTRACK_SEARCH_RESTART = Counter(
    "node_nf_conntrack_stat_search_restart",
    "Lookups restarted because the table was resized.",
    Unit.COUNT,
    absent=_NO_CONNTRACK,
    compat=True,
)

# -- /proc/net/softnet_stat ------------------------------------------------------------------------------------------
SOFTNET_PROCESSED = Counter("node_softnet_processed_total", "Packets processed.", Unit.COUNT, labels=_CPU, compat=True)
SOFTNET_DROPPED = Counter("node_softnet_dropped_total", "Packets dropped: the backlog was full.", Unit.COUNT, labels=_CPU)
SOFTNET_SQUEEZED = Counter(
    "node_softnet_times_squeezed_total", "Times processing stopped with packets left: budget or time ran out.", Unit.COUNT,
    labels=_CPU,
)  # fmt: skip
SOFTNET_COLLISION = Counter(
    "node_softnet_cpu_collision_total",
    "Collisions on the device's lock while sending.",
    Unit.COUNT,
    labels=_CPU,
    absent=_OLD,
    compat=True,
)
SOFTNET_RECEIVED_RPS = Counter(
    "node_softnet_received_rps_total", "Times the processor was woken to process packets of another one.", Unit.COUNT,
    labels=_CPU, absent=_OLD, compat=True,
)  # fmt: skip
SOFTNET_FLOW_LIMIT = Counter(
    "node_softnet_flow_limit_count_total", "Times the flow limit was reached.", Unit.COUNT, labels=_CPU, absent=_OLD, compat=True
)
SOFTNET_BACKLOG = Gauge("node_softnet_backlog_len", "Packets in the backlog.", Unit.COUNT, labels=_CPU, absent=_OLD, compat=True)

# -- neighbours ------------------------------------------------------------------------------------------------------
ARP_ENTRIES = Gauge(
    "node_arp_entries", "ARP entries.", Unit.COUNT, labels=_DEVICE, absent="the machine has no neighbour", compat=True
)

# -- sockets ---------------------------------------------------------------------------------------------------------
UDP_QUEUES = Gauge(
    "node_udp_queues", "Bytes waiting in the queues of all UDP sockets.", Unit.BYTES, labels=("queue", "ip"), compat=True,
)  # fmt: skip
SOCKETS_USED = Gauge("node_sockstat_sockets_used", "Sockets of every kind.", Unit.COUNT, compat=True)
TCP_INUSE = Gauge("node_sockstat_TCP_inuse", "TCP sockets in use.", Unit.COUNT, compat=True)
TCP_ORPHAN = Gauge("node_sockstat_TCP_orphan", "TCP sockets that belong to no process.", Unit.COUNT, compat=True)
TCP_TW = Gauge("node_sockstat_TCP_tw", "TCP sockets in TIME_WAIT.", Unit.COUNT)
TCP_ALLOC = Gauge("node_sockstat_TCP_alloc", "TCP sockets allocated.", Unit.COUNT, compat=True)
TCP_MEM = Gauge("node_sockstat_TCP_mem", "Pages that TCP's buffers take.", Unit.COUNT, compat=True)
TCP_MEM_BYTES = Gauge("node_sockstat_TCP_mem_bytes", "Memory that TCP's buffers take.", Unit.BYTES, compat=True)
UDP_INUSE = Gauge("node_sockstat_UDP_inuse", "UDP sockets in use.", Unit.COUNT, compat=True)
UDP_MEM = Gauge("node_sockstat_UDP_mem", "Pages that UDP's buffers take.", Unit.COUNT, compat=True)
UDP_MEM_BYTES = Gauge("node_sockstat_UDP_mem_bytes", "Memory that UDP's buffers take.", Unit.BYTES, compat=True)
UDPLITE_INUSE = Gauge(
    "node_sockstat_UDPLITE_inuse", "UDP-Lite sockets in use.", Unit.COUNT, absent="the kernel has no UDP-Lite", compat=True
)
RAW_INUSE = Gauge("node_sockstat_RAW_inuse", "Raw sockets in use.", Unit.COUNT, compat=True)
FRAG_INUSE = Gauge("node_sockstat_FRAG_inuse", "Packets being put together.", Unit.COUNT, compat=True)
FRAG_MEMORY = Gauge("node_sockstat_FRAG_memory", "Bytes that fragments take.", Unit.BYTES, compat=True)
TCP6_INUSE = Gauge("node_sockstat_TCP6_inuse", "TCP sockets over IPv6 in use.", Unit.COUNT, absent=_NO_IPV6, compat=True)
UDP6_INUSE = Gauge("node_sockstat_UDP6_inuse", "UDP sockets over IPv6 in use.", Unit.COUNT, absent=_NO_IPV6, compat=True)
UDPLITE6_INUSE = Gauge(
    "node_sockstat_UDPLITE6_inuse", "UDP-Lite sockets over IPv6 in use.", Unit.COUNT, absent=_NO_IPV6, compat=True
)
RAW6_INUSE = Gauge("node_sockstat_RAW6_inuse", "Raw sockets over IPv6 in use.", Unit.COUNT, absent=_NO_IPV6, compat=True)
FRAG6_INUSE = Gauge("node_sockstat_FRAG6_inuse", "IPv6 packets being put together.", Unit.COUNT, absent=_NO_IPV6, compat=True)
FRAG6_MEMORY = Gauge("node_sockstat_FRAG6_memory", "Bytes that IPv6 fragments take.", Unit.BYTES, absent=_NO_IPV6, compat=True)
SOCKSTAT = tuple(value for name, value in vars().items() if isinstance(value, Gauge) and value.name.startswith("node_sockstat_"))

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
