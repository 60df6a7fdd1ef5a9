"""Memory, paging, swap: recorded texts, and this machine's own fields."""

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.system.fields import Unknown
from exporters.system.meminfo import Meminfo, field, parse
from exporters.system.swap import Swap, unescape
from exporters.system.vmstat import Vmstat
from metrics.model import Gauge, Unit
from metrics.system import memory as m
from tests.exporters.system.trees import lines, tree

MEMINFO = """MemTotal:       15666184 kB
Active(anon):    2068484 kB
Inactive(file):   974256 kB
NFS_Unstable:          0 kB
HugePages_Total:       7
Hugepagesize:       2048 kB
DirectMap1G:     25165824 kB
"""


def test_bytes_and_pages(tmp_path: Path) -> None:
    assert lines(Meminfo(tree(tmp_path, {"proc/meminfo": MEMINFO})).collect()) == [
        f"node_memory_Active_anon_bytes {2068484 * 1024}",
        f"node_memory_DirectMap1G_bytes {25165824 * 1024}",
        "node_memory_HugePages_Total 7",
        f"node_memory_Hugepagesize_bytes {2048 * 1024}",
        f"node_memory_Inactive_file_bytes {974256 * 1024}",
        f"node_memory_MemTotal_bytes {15666184 * 1024}",
        "node_memory_NFS_Unstable_bytes 0",
    ]


def test_a_field_of_a_newer_kernel_is_said_once_and_not_exposed(caplog: pytest.LogCaptureFixture) -> None:
    unknown = Unknown("/proc/meminfo")
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert lines(parse(b"MemFuture:  12 kB\nMemFree: 3 kB\n", unknown)) == ["node_memory_MemFree_bytes 3072"]
    assert [record.message for record in caplog.records] == [
        "/proc/meminfo: field 'MemFuture' is not declared: it is not exposed"
    ]


@given(st.lists(st.tuples(st.sampled_from(m.MEMINFO), st.integers(0, 2**53)), unique_by=lambda pair: pair[0].name))
def test_every_declared_field_is_found_again(values: list[tuple[Gauge, int]]) -> None:
    text = "".join(
        f"{field(metric) + ':':<16} {value:>8}{' kB' if metric.unit is Unit.BYTES else ''}\n" for metric, value in values
    )
    expected = [(metric, (), value * (1024 if metric.unit is Unit.BYTES else 1)) for metric, value in values]
    assert list(parse(text.encode(), Unknown("test"))) == expected


def test_every_field_of_this_kernel_is_declared() -> None:
    names = {line.partition(":")[0] for line in Path("/proc/meminfo").read_text().splitlines()}
    assert names <= {field(metric) for metric in m.MEMINFO}


def test_paging_counts_whole_names_only(tmp_path: Path) -> None:
    text = "nr_free_pages 977769\npgfault 2320168809\npgmajfault 507162\nxpgpgin 1\npgpgin 7344136\noom_kill 4\npswpin_zero 3"
    assert lines(Vmstat(tree(tmp_path, {"proc/vmstat": text})).collect()) == [
        "node_vmstat_oom_kill 4",
        "node_vmstat_pgfault 2320168809",
        "node_vmstat_pgmajfault 507162",
        "node_vmstat_pgpgin 7344136",
    ]


def test_swap_devices(tmp_path: Path) -> None:
    text = "Filename\tType\tSize\tUsed\tPriority\n/my\\040swap\\134file  file\t\t1048572\t\t176\t\t-2\n"
    assert lines(Swap(tree(tmp_path, {"proc/swaps": text})).collect()) == [
        'node_swap_priority{device="/my swap\\\\file",swap_type="file"} -2',
        f'node_swap_size_bytes{{device="/my swap\\\\file",swap_type="file"}} {1048572 * 1024}',
        f'node_swap_used_bytes{{device="/my swap\\\\file",swap_type="file"}} {176 * 1024}',
    ]


def test_no_swap_is_no_failure(tmp_path: Path) -> None:
    assert list(Swap(tree(tmp_path, {})).collect()) == []


@given(st.text(st.characters(codec="ascii")))
def test_paths_come_back_from_the_kernels_escapes(path: str) -> None:
    escaped = "".join(f"\\{ord(char):03o}" if char in " \t\n\\#" else char for char in path)
    assert unescape(escaped) == path
