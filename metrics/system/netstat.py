"""Protocol statistics of /proc/net/netstat, snmp and snmp6.

Upstream exposes them untyped and without `_total`. All but two only grow, so those are counters here
(docs/topics/upstream-names.md).
"""

from metrics.model import Counter, Gauge, Unit

_NO_IPV6 = "IPv6 is off"
_OLD = "older kernels do not tell"
_NO_LITE = "the kernel has no UDP-Lite"

IP_FORWARDING = Gauge(
    "node_netstat_Ip_Forwarding", "1 when the machine forwards IPv4 packets, 2 when it does not.", Unit.NONE, compat=True
)
IP_EXT_IN_OCTETS = Counter("node_netstat_IpExt_InOctets", "Bytes received over IPv4.", Unit.BYTES, compat=True)
IP_EXT_OUT_OCTETS = Counter("node_netstat_IpExt_OutOctets", "Bytes sent over IPv4.", Unit.BYTES, compat=True)
IP6_IN_OCTETS = Counter("node_netstat_Ip6_InOctets", "Bytes received over IPv6.", Unit.BYTES, absent=_NO_IPV6, compat=True)
IP6_OUT_OCTETS = Counter("node_netstat_Ip6_OutOctets", "Bytes sent over IPv6.", Unit.BYTES, absent=_NO_IPV6, compat=True)
ICMP_IN_MSGS = Counter("node_netstat_Icmp_InMsgs", "ICMP messages received.", Unit.COUNT, compat=True)
ICMP_IN_ERRORS = Counter("node_netstat_Icmp_InErrors", "ICMP messages received with an error.", Unit.COUNT, compat=True)
ICMP_OUT_MSGS = Counter("node_netstat_Icmp_OutMsgs", "ICMP messages sent.", Unit.COUNT, compat=True)
ICMP6_IN_MSGS = Counter("node_netstat_Icmp6_InMsgs", "ICMPv6 messages received.", Unit.COUNT, absent=_NO_IPV6, compat=True)
ICMP6_IN_ERRORS = Counter(
    "node_netstat_Icmp6_InErrors", "ICMPv6 messages received with an error.", Unit.COUNT, absent=_NO_IPV6, compat=True
)
ICMP6_OUT_MSGS = Counter("node_netstat_Icmp6_OutMsgs", "ICMPv6 messages sent.", Unit.COUNT, absent=_NO_IPV6, compat=True)
TCP_ACTIVE_OPENS = Counter("node_netstat_Tcp_ActiveOpens", "TCP connections opened by this machine.", Unit.COUNT, compat=True)
TCP_PASSIVE_OPENS = Counter("node_netstat_Tcp_PassiveOpens", "TCP connections opened by others.", Unit.COUNT, compat=True)
TCP_CURR_ESTAB = Gauge("node_netstat_Tcp_CurrEstab", "TCP connections established or closing.", Unit.COUNT)
TCP_IN_SEGS = Counter("node_netstat_Tcp_InSegs", "TCP segments received.", Unit.COUNT, compat=True)
TCP_OUT_SEGS = Counter("node_netstat_Tcp_OutSegs", "TCP segments sent.", Unit.COUNT)
TCP_RETRANS_SEGS = Counter("node_netstat_Tcp_RetransSegs", "TCP segments sent again.", Unit.COUNT)
TCP_IN_ERRS = Counter("node_netstat_Tcp_InErrs", "TCP segments received with an error.", Unit.COUNT, compat=True)
TCP_OUT_RSTS = Counter("node_netstat_Tcp_OutRsts", "TCP segments sent with RST.", Unit.COUNT, compat=True)
TCP_EXT_LISTEN_OVERFLOWS = Counter(
    "node_netstat_TcpExt_ListenOverflows", "Connections refused: the accept queue was full.", Unit.COUNT
)
TCP_EXT_LISTEN_DROPS = Counter("node_netstat_TcpExt_ListenDrops", "Connection requests dropped.", Unit.COUNT)
TCP_EXT_SYNCOOKIES_SENT = Counter("node_netstat_TcpExt_SyncookiesSent", "SYN cookies sent.", Unit.COUNT, compat=True)
TCP_EXT_SYNCOOKIES_RECV = Counter("node_netstat_TcpExt_SyncookiesRecv", "SYN cookies received.", Unit.COUNT, compat=True)
TCP_EXT_SYNCOOKIES_FAILED = Counter(
    "node_netstat_TcpExt_SyncookiesFailed", "SYN cookies received that were not valid.", Unit.COUNT, compat=True
)
TCP_EXT_TCP_SYN_RETRANS = Counter("node_netstat_TcpExt_TCPSynRetrans", "SYN segments sent again.", Unit.COUNT, compat=True)
TCP_EXT_TCP_TIMEOUTS = Counter("node_netstat_TcpExt_TCPTimeouts", "Retransmission timeouts.", Unit.COUNT, compat=True)
TCP_EXT_TCPOFO_QUEUE = Counter("node_netstat_TcpExt_TCPOFOQueue", "Segments that arrived out of order.", Unit.COUNT, compat=True)
TCP_EXT_TCP_RCV_Q_DROP = Counter(
    "node_netstat_TcpExt_TCPRcvQDrop", "Segments dropped: the receive queue was full.", Unit.COUNT, absent=_OLD, compat=True
)
UDP_IN_DATAGRAMS = Counter("node_netstat_Udp_InDatagrams", "UDP datagrams received.", Unit.COUNT, compat=True)
UDP_OUT_DATAGRAMS = Counter("node_netstat_Udp_OutDatagrams", "UDP datagrams sent.", Unit.COUNT, compat=True)
UDP_NO_PORTS = Counter("node_netstat_Udp_NoPorts", "UDP datagrams for a port that nobody listens on.", Unit.COUNT, compat=True)
UDP_IN_ERRORS = Counter("node_netstat_Udp_InErrors", "UDP datagrams that could not be delivered.", Unit.COUNT, compat=True)
UDP_RCVBUF_ERRORS = Counter(
    "node_netstat_Udp_RcvbufErrors", "UDP datagrams dropped: the receive buffer was full.", Unit.COUNT, compat=True
)
UDP_SNDBUF_ERRORS = Counter(
    "node_netstat_Udp_SndbufErrors", "UDP datagrams dropped: the send buffer was full.", Unit.COUNT, compat=True
)
UDP_LITE_IN_ERRORS = Counter(
    "node_netstat_UdpLite_InErrors", "UDP-Lite datagrams that could not be delivered.", Unit.COUNT, absent=_NO_LITE, compat=True
)
UDP6_IN_DATAGRAMS = Counter(
    "node_netstat_Udp6_InDatagrams", "UDP datagrams received over IPv6.", Unit.COUNT, absent=_NO_IPV6, compat=True
)
UDP6_OUT_DATAGRAMS = Counter(
    "node_netstat_Udp6_OutDatagrams", "UDP datagrams sent over IPv6.", Unit.COUNT, absent=_NO_IPV6, compat=True
)
UDP6_NO_PORTS = Counter(
    "node_netstat_Udp6_NoPorts",
    "UDP datagrams over IPv6 for a port that nobody listens on.",
    Unit.COUNT,
    absent=_NO_IPV6,
    compat=True,
)
UDP6_IN_ERRORS = Counter(
    "node_netstat_Udp6_InErrors", "UDP datagrams over IPv6 that could not be delivered.", Unit.COUNT, absent=_NO_IPV6, compat=True
)
UDP6_RCVBUF_ERRORS = Counter(
    "node_netstat_Udp6_RcvbufErrors",
    "UDP datagrams over IPv6 dropped: the receive buffer was full.",
    Unit.COUNT,
    absent=_NO_IPV6,
    compat=True,
)
UDP6_SNDBUF_ERRORS = Counter(
    "node_netstat_Udp6_SndbufErrors",
    "UDP datagrams over IPv6 dropped: the send buffer was full.",
    Unit.COUNT,
    absent=_NO_IPV6,
    compat=True,
)
UDP_LITE6_IN_ERRORS = Counter(
    "node_netstat_UdpLite6_InErrors",
    "UDP-Lite datagrams over IPv6 that could not be delivered.",
    Unit.COUNT,
    absent=_NO_IPV6,
    compat=True,
)

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
