"""Network: recorded texts of several kernels."""

from functools import partial
from pathlib import Path

import pytest

from exporters.system.arp import Arp
from exporters.system.conntrack import Conntrack
from exporters.system.netclass import Netclass
from exporters.system.netdev import Netdev
from exporters.system.netstat import Netstat
from exporters.system.procfs import ProcFile, Roots
from exporters.system.sockstat import Sockstat
from exporters.system.softnet import Softnet
from exporters.system.udp_queues import UdpQueues
from tests.exporters.system.trees import lines, tree
from tests.waiting import until

DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1832522 5000 0 0 0 0 0 0 1832522 5000 0 0 0 0 0 0
eth0:1:68210035552 520993275 1 2 3 4 5 6 9315587528 43451486 7 8 9 10 11 12
"""


def test_traffic_column_by_column(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"proc/net/dev": DEV, "sys/class/net/lo/statistics/rx_nohandler": "4\n"})
    found = lines(Netdev(roots).collect())
    assert 'node_network_receive_nohandler_total{device="lo"} 4' in found
    assert [line.replace('{device="eth0:1"}', "") for line in found if "eth0:1" in line] == [
        "node_network_receive_bytes_total 68210035552",
        "node_network_receive_compressed_total 5",
        "node_network_receive_drop_total 2",
        "node_network_receive_errs_total 1",
        "node_network_receive_fifo_total 3",
        "node_network_receive_frame_total 4",
        "node_network_receive_multicast_total 6",
        "node_network_receive_packets_total 520993275",
        "node_network_transmit_bytes_total 9315587528",
        "node_network_transmit_carrier_total 11",
        "node_network_transmit_colls_total 10",
        "node_network_transmit_compressed_total 12",
        "node_network_transmit_drop_total 8",
        "node_network_transmit_errs_total 7",
        "node_network_transmit_fifo_total 9",
        "node_network_transmit_packets_total 43451486",
    ]


ETH0 = {
    "address": "01:02:03:04:05:06", "broadcast": "ff:ff:ff:ff:ff:ff", "carrier": "1", "dev_id": "0x20", "duplex": "full",
    "flags": "0x1303", "ifalias": 'up"link', "ifindex": "2", "mtu": "1500", "operstate": "up", "speed": "1000", "type": "1",
}  # fmt: skip

ETH0_INFO = (
    'node_network_info{device="eth0",address="01:02:03:04:05:06",broadcast="ff:ff:ff:ff:ff:ff",duplex="full",'
    'operstate="up",adminstate="up",ifalias="up\\"link"} 1'
)


def device(name: str, files: dict[str, str]) -> dict[str, str]:
    return {f"sys/class/net/{name}/{file}": f"{text}\n" for file, text in files.items()}


def test_properties_of_a_device(tmp_path: Path) -> None:
    files = device("eth0", ETH0) | {"sys/class/net/bonding_masters": "bond0\n"}
    assert lines(Netclass(tree(tmp_path, files)).collect()) == [
        'node_network_carrier{device="eth0"} 1',
        'node_network_device_id{device="eth0"} 32',
        'node_network_flags{device="eth0"} 4867',
        'node_network_iface_id{device="eth0"} 2',
        ETH0_INFO,
        'node_network_mtu_bytes{device="eth0"} 1500',
        'node_network_protocol_type{device="eth0"} 1',
        'node_network_speed_bytes{device="eth0"} 125000000',
        'node_network_up{device="eth0"} 1',
    ]


def test_a_device_that_is_down_and_tells_little(tmp_path: Path) -> None:
    found = lines(Netclass(tree(tmp_path, device("veth1", {"operstate": "down", "flags": "0x1002", "speed": "-1"}))).collect())
    assert 'node_network_up{device="veth1"} 0' in found
    assert 'node_network_speed_bytes{device="veth1"} -125000' in found
    assert 'adminstate="down"' in next(line for line in found if line.startswith("node_network_info"))


@pytest.mark.parametrize("count", [3, 40])
def test_devices_come_and_go_and_few_stay_open(tmp_path: Path, count: int) -> None:
    files: dict[str, str] = {}
    for number in range(count):
        files |= device(f"veth{number}", ETH0)
    collector = Netclass(tree(tmp_path, files))
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert sum(line.startswith("node_network_up") for line in lines(collector.collect())) == count
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= 16 * 22
    (tmp_path / "sys/class/net/veth1").rename(tmp_path / "sys/class/net/renamed")
    names = {line.split('"')[1] for line in lines(collector.collect()) if line.startswith("node_network_up")}
    assert names == {f"veth{number}" for number in range(count) if number != 1} | {"renamed"}


NETSTAT = """TcpExt: SyncookiesSent SyncookiesRecv ListenOverflows TCPTimeouts NewField
TcpExt: 1 2 3 115 9
IpExt: InNoRoutes InOctets OutOctets
IpExt: 0 6286396970 2786264347
"""
SNMP = """Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm MaxConn ActiveOpens CurrEstab
Tcp: 1 -1 3556 8
"""
SNMP6 = "Ip6InReceives   \t7\nIp6InOctets                     \t460\nUdpLite6InErrors                \t5\nIp6InOctetsX \t1\n"


def test_protocols(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"proc/net/netstat": NETSTAT, "proc/net/snmp": SNMP, "proc/net/snmp6": SNMP6})
    assert lines(Netstat(roots).collect()) == [
        "node_netstat_Ip6_InOctets 460",
        "node_netstat_IpExt_InOctets 6286396970",
        "node_netstat_IpExt_OutOctets 2786264347",
        "node_netstat_Ip_Forwarding 1",
        "node_netstat_TcpExt_ListenOverflows 3",
        "node_netstat_TcpExt_SyncookiesRecv 2",
        "node_netstat_TcpExt_SyncookiesSent 1",
        "node_netstat_TcpExt_TCPTimeouts 115",
        "node_netstat_Tcp_ActiveOpens 3556",
        "node_netstat_Tcp_CurrEstab 8",
        "node_netstat_UdpLite6_InErrors 5",
    ]


def test_without_ipv6(tmp_path: Path) -> None:
    files = {"proc/net/netstat": NETSTAT, "proc/net/snmp": SNMP, "proc/net/sockstat": "UDP: inuse 3 mem 2\nRAW: inuse 1\n"}
    roots = tree(tmp_path, files | {"proc/net/udp": UDP})
    assert not any("6_" in line for line in lines(Netstat(roots).collect()))
    assert lines(Sockstat(roots).collect()) == [
        "node_sockstat_RAW_inuse 1",
        "node_sockstat_UDP_inuse 3",
        "node_sockstat_UDP_mem 2",
        "node_sockstat_UDP_mem_bytes 8192",
    ]
    assert lines(UdpQueues(roots).collect()) == [
        'node_udp_queues{queue="rx",ip="v4"} 33',
        'node_udp_queues{queue="tx",ip="v4"} 21',
    ]


UDP = """   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  0: 0A000005:0016 00000000:0000 0A 00000015:00000000 00:00000000 00000000     0        0 2740 1 ffff88003d3af3c0 0
  1: 00000000:0016 00000000:0000 0A 00000000:00000021 00:00000000 00000000     0        0 2740 1 ffff88003d3af3c0 0
"""
CONNTRACK = """entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
00000021  00000000 00000002 00000000 0000000a 00000000 00000000 00000000 00000000 00000003 00000004 00000005 00000000  00000000 00000000 00000000 00000006
00000021  00000000 00000010 00000000 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000001
"""  # noqa: E501  # as the kernel writes it


def test_connection_tracking_is_summed_over_processors(tmp_path: Path) -> None:
    files = {"proc/sys/net/netfilter/nf_conntrack_count": "123\n", "proc/sys/net/netfilter/nf_conntrack_max": "65536\n"}
    found = lines(Conntrack(tree(tmp_path, files | {"proc/net/stat/nf_conntrack": CONNTRACK})).collect())
    assert found == [
        "node_nf_conntrack_entries 123",
        "node_nf_conntrack_entries_limit 65536",
        "node_nf_conntrack_stat_drop 4",
        "node_nf_conntrack_stat_early_drop 5",
        "node_nf_conntrack_stat_found 18",
        "node_nf_conntrack_stat_ignore 0",
        "node_nf_conntrack_stat_insert 0",
        "node_nf_conntrack_stat_insert_failed 3",
        "node_nf_conntrack_stat_invalid 11",
        "node_nf_conntrack_stat_search_restart 7",
    ]


def test_without_the_module(tmp_path: Path) -> None:
    assert list(Conntrack(tree(tmp_path, {})).collect()) == []


OLD = "00015c73 00020e76 f0000769 00000000 00000000 00000000 00000000 00000000 00000001\n"
NEW = "00015c73 00020e76 f0000769 00000000 00000000 00000000 00000000 00000000 00000001 00000002 00000003 00000004 00000007 0 0\n"


@pytest.mark.parametrize(("text", "cpu", "count"), [(OLD, "0", 4), (NEW, "7", 7)])
def test_packet_processing_of_older_and_newer_kernels(tmp_path: Path, text: str, cpu: str, count: int) -> None:
    found = lines(Softnet(tree(tmp_path, {"proc/net/softnet_stat": text})).collect())
    assert f'node_softnet_processed_total{{cpu="{cpu}"}} {0x15C73}' in found
    assert f'node_softnet_times_squeezed_total{{cpu="{cpu}"}} {0xF0000769}' in found
    assert f'node_softnet_cpu_collision_total{{cpu="{cpu}"}} 1' in found
    assert len(found) == count


def test_neighbours(tmp_path: Path) -> None:
    text = "IP address  HW type  Flags  HW address  Mask  Device\n" + "10.0.0.1 0x1 0x2 cc:aa:dd:ee:aa:bb * eth0\n" * 3
    assert lines(Arp(tree(tmp_path, {"proc/net/arp": text})).collect()) == ['node_arp_entries{device="eth0"} 3']


def test_this_machines_files_are_read_whole() -> None:
    """A table longer than the page that the kernel hands out at once."""
    for name in ("vmstat", "diskstats", "net/udp", "net/snmp6", "net/netstat", "meminfo", "stat"):
        path = Roots().proc / name
        kept = ProcFile(path)
        for _ in range(2):
            until(f"{name} is read whole", partial(_alike, kept, path))


def _alike(kept: ProcFile, path: Path) -> bool:
    """Both readings have as many lines; sockets of other programs come and go between two."""
    return kept.raw().count(b"\n") == path.read_bytes().count(b"\n")


def test_a_shared_read_is_used_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("1")
    file = ProcFile(path)
    assert file.share() == b"1"
    path.write_text("2")
    assert file.take() in (b"1", b"2")  # 2 when this machine took longer than one scrape's steps
    assert file.take() == b"2"
    path.write_text("3")
    assert file.share() == b"3"
