"""Processors, load, scheduler, pressure: recorded texts of 6.x kernels."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.system.cpu import TICKS, Cpu, forward, numbers, parse
from exporters.system.cpufreq import Cpufreq
from exporters.system.pressure import Pressure
from exporters.system.procfs import ProcFile
from exporters.system.schedstat import Schedstat
from exporters.system.stat import Stat
from tests.exporters.system.trees import lines, tree

STAT = """cpu  10132153 290696 3084719 46828483 16683 0 25195 0 175628 0
cpu0 1393280 32966 572056 13343292 6130 0 17875 0 23933 0
cpu3 1335498 31116 543156 13388200 5893 0 2315 17 26512 4
intr 199292 0 9 0 0 0 0 3 0 1
ctxt 1990473
btime 1062191376
processes 2915
procs_running 2
procs_blocked 1
softirq 183433 0 21755 12 39
"""


def test_ticks_of_every_processor_and_not_their_sum() -> None:
    assert parse(STAT.encode()) == {
        "0": [1393280, 32966, 572056, 13343292, 6130, 0, 17875, 0, 23933, 0],
        "3": [1335498, 31116, 543156, 13388200, 5893, 0, 2315, 17, 26512, 4],
    }


def test_seconds_by_mode(tmp_path: Path) -> None:
    roots = tree(
        tmp_path,
        {
            "proc/stat": STAT,
            "sys/devices/system/cpu/online": "0,3\n",
            "sys/devices/system/cpu/present": "0-3\n",
            "sys/devices/system/cpu/isolated": "3\n",
        },
    )
    found = lines(Cpu(roots, ProcFile(roots.proc / "stat")).collect())
    assert f'node_cpu_seconds_total{{cpu="0",mode="user"}} {1393280 / TICKS}' in found
    assert f'node_cpu_seconds_total{{cpu="3",mode="steal"}} {17 / TICKS}' in found
    assert f'node_cpu_guest_seconds_total{{cpu="3",mode="nice"}} {4 / TICKS}' in found
    assert 'node_cpu_isolated{cpu="3"} 1' in found
    assert [line for line in found if "online" in line] == [
        'node_cpu_online{cpu="0"} 1', 'node_cpu_online{cpu="1"} 0', 'node_cpu_online{cpu="2"} 0', 'node_cpu_online{cpu="3"} 1',
    ]  # fmt: skip
    assert len(found) == 2 * (8 + 2) + 4 + 1


def test_throttles_count_once_a_core_and_once_a_package(tmp_path: Path) -> None:
    files = {"proc/stat": STAT}
    for cpu, core in ((0, 0), (1, 0), (2, 1)):  # 0 and 1 are threads of one core
        folder = f"sys/devices/system/cpu/cpu{cpu}"
        files |= {
            f"{folder}/topology/physical_package_id": "0\n",
            f"{folder}/topology/core_id": f"{core}\n",
            f"{folder}/thermal_throttle/core_throttle_count": f"{core + 5}\n",
            f"{folder}/thermal_throttle/package_throttle_count": "30\n",
        }
    roots = tree(tmp_path, files)
    assert [line for line in lines(Cpu(roots, ProcFile(roots.proc / "stat")).collect()) if "throttle" in line] == [
        'node_cpu_core_throttles_total{package="0",core="0"} 5',
        'node_cpu_core_throttles_total{package="0",core="1"} 6',
        'node_cpu_package_throttles_total{package="0"} 30',
    ]


TICK_LISTS = st.lists(st.integers(0, 2**53), min_size=10, max_size=10)


@given(TICK_LISTS, TICK_LISTS)
def test_no_value_falls_unless_the_processor_was_off(old: list[int], new: list[int]) -> None:
    result = forward(old, new)
    hotplug = old[3] - new[3] >= 3 * TICKS
    assert result == new if hotplug else all(value >= before for value, before in zip(result, old, strict=True))
    assert all(value in (before, after) for value, before, after in zip(result, old, new, strict=True))


@given(st.sets(st.integers(0, 300)))
def test_a_list_of_the_kernel_is_read_back(processors: set[int]) -> None:
    ranges, left = [], sorted(processors)
    while left:
        first = last = left.pop(0)
        while left and left[0] == last + 1:
            last = left.pop(0)
        ranges.append(str(first) if first == last else f"{first}-{last}")
    assert numbers(",".join(ranges) + "\n") == sorted(processors)


def test_totals(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"proc/stat": STAT})
    assert lines(Stat(ProcFile(roots.proc / "stat")).collect()) == [
        "node_boot_time_seconds 1062191376",
        "node_context_switches_total 1990473",
        "node_forks_total 2915",
        "node_intr_total 199292",
        "node_procs_blocked 1",
        "node_procs_running 2",
    ]


PSI = "some avg10=0.10 avg60=2.00 avg300=3.85 total=14036781\nfull avg10=0.10 avg60=2.00 avg300=3.85 total=8040000\n"


def test_pressure_is_told_in_seconds(tmp_path: Path) -> None:
    roots = tree(tmp_path, {f"proc/pressure/{kind}": PSI for kind in ("cpu", "io", "memory")})
    assert lines(Pressure(roots).collect()) == [
        "node_pressure_cpu_waiting_seconds_total 14.036781",
        "node_pressure_io_stalled_seconds_total 8.04",
        "node_pressure_io_waiting_seconds_total 14.036781",
        "node_pressure_memory_stalled_seconds_total 8.04",
        "node_pressure_memory_waiting_seconds_total 14.036781",
    ]


@pytest.mark.parametrize("collector", [Pressure, Schedstat, Cpufreq])
def test_a_kernel_without_it_is_no_failure(collector: type, tmp_path: Path) -> None:
    assert list(collector(tree(tmp_path, {})).collect()) == []


def test_scheduler(tmp_path: Path) -> None:
    text = (
        "version 15\ntimestamp 15819019232\n"
        "cpu0 498494191 0 3533438552 2553969831 3853684107 2465731542 2045936778163 343796328169361 4767485306\n"
        "domain0 00000000,00000003 1 2\n"
    )
    assert lines(Schedstat(tree(tmp_path, {"proc/schedstat": text})).collect()) == [
        f'node_schedstat_running_seconds_total{{cpu="0"}} {2045936778163 / 1e9}',
        'node_schedstat_timeslices_total{cpu="0"} 4767485306',
        f'node_schedstat_waiting_seconds_total{{cpu="0"}} {343796328169361 / 1e9}',
    ]


def test_frequencies_are_told_in_hertz(tmp_path: Path) -> None:
    folder = "sys/devices/system/cpu/cpu1/cpufreq"
    files = {
        f"{folder}/cpuinfo_min_freq": "800000\n", f"{folder}/cpuinfo_max_freq": "2400000\n",
        f"{folder}/scaling_cur_freq": "1219917\n", f"{folder}/cpuinfo_cur_freq": "<unknown>\n",
        f"{folder}/scaling_governor": "powersave\n", f"{folder}/scaling_available_governors": "performance powersave\n",
    }  # fmt: skip
    assert lines(Cpufreq(tree(tmp_path, files)).collect()) == [
        'node_cpu_frequency_max_hertz{cpu="1"} 2400000000',
        'node_cpu_frequency_min_hertz{cpu="1"} 800000000',
        'node_cpu_scaling_frequency_hertz{cpu="1"} 1219917000',
        'node_cpu_scaling_governor{cpu="1",governor="performance"} 0',
        'node_cpu_scaling_governor{cpu="1",governor="powersave"} 1',
    ]


def test_ticks_are_those_of_this_kernel() -> None:
    assert os.sysconf("SC_CLK_TCK") == TICKS
