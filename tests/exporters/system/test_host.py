"""The machine as such: processes, clock, distribution, board, sensors."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.base import Run, run_safely
from exporters.system import collectors
from exporters.system.clock import Clock
from exporters.system.dmi import Dmi
from exporters.system.entropy import Entropy
from exporters.system.filefd import Filefd
from exporters.system.hwmon import Hwmon, metric_of
from exporters.system.osrelease import OsRelease, parse
from exporters.system.processes import Processes
from exporters.system.processes import parse as parse_process
from exporters.system.procfs import Roots
from exporters.system.selinux import Selinux
from exporters.system.thermal_zone import ThermalZone
from exporters.system.timex import ClockSync, Timex, samples
from exporters.system.uname import Uname
from metrics.system import processes as pm
from settings.exporters import SystemExporter
from tests.exporters.system.trees import lines, tree


@given(st.binary(max_size=15), st.sampled_from(pm.STATES), st.integers(1, 10_000))
def test_a_command_may_hold_anything(command: bytes, state: str, threads: int) -> None:
    stat = (
        b"26231 ("
        + command
        + b") "
        + state.encode()
        + b" 5392 7446 5392 34835 7446 4218880 32533 309516 26 82 1677 44 158 99 20 0 "
    )
    assert parse_process(stat + str(threads).encode() + b" 0 82375 56274944 1981") == (state, threads)


def test_processes_are_counted_by_state() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        values = {(sample[0], sample[1]): sample[2] for sample in Processes(Roots()).collect()}
    finally:
        child.kill()
        child.wait()
    by_state = [float(str(value)) for (metric, _), value in values.items() if metric is pm.STATE]
    assert sum(by_state) == values[pm.PIDS, ()]
    assert {labels[0] for metric, labels in values if metric is pm.STATE} >= set(pm.STATES)
    assert float(str(values[pm.PIDS, ()])) >= 3
    assert float(str(values[pm.THREADS, ()])) >= float(str(values[pm.PIDS, ()]))


def test_adjtimex_answers_in_seconds() -> None:
    clock = Timex(offset=-250, freq=65_536, maxerror=1_000_000, status=0x2001, tick=10_000, tai=37)
    found = lines(samples(0, clock))
    assert "node_timex_offset_seconds -2.5e-07" in found
    assert "node_timex_frequency_adjustment_ratio 1.000001" in found
    assert "node_timex_maxerror_seconds 1.0" in found
    assert "node_timex_sync_status 1" in found
    assert "node_timex_tick_seconds 0.01" in found
    assert "node_timex_tai_offset_seconds 37" in found
    clock.status = 0
    assert "node_timex_offset_seconds -0.00025" in lines(samples(5, clock))
    assert "node_timex_sync_status 0" in lines(samples(5, clock))


def test_the_struct_is_as_long_as_the_kernels() -> None:
    assert ctypes.sizeof(Timex) == 208  # bytes, on every 64-bit Linux
    assert len(list(ClockSync().collect())) == len(ClockSync.emits)


def test_the_clock(tmp_path: Path) -> None:
    folder = "sys/devices/system/clocksource/clocksource0"
    roots = tree(tmp_path, {f"{folder}/available_clocksource": "tsc hpet \n", f"{folder}/current_clocksource": "tsc\n"})
    found = [line for line in lines(Clock(roots).collect()) if "clocksource" in line]
    assert found == [
        'node_time_clocksource_available_info{device="0",clocksource="hpet"} 1',
        'node_time_clocksource_available_info{device="0",clocksource="tsc"} 1',
        'node_time_clocksource_current_info{device="0",clocksource="tsc"} 1',
    ]


RELEASE = """# a comment
PRETTY_NAME="Fedora Linux 38 \\"x\\" \\$5"
NAME='Fedora Linux'
ID=fedora
VERSION_ID=38.2.1
SUPPORT_END=2024-05-14
BROKEN="unclosed
"""


def test_the_distribution(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"root/usr/lib/os-release": RELEASE})
    collector = OsRelease(roots)
    found = "\n".join(lines(collector.collect()))
    assert 'node_os_version{id="fedora",id_like="",name="Fedora Linux"} 38.2' in found
    assert 'pretty_name="Fedora Linux 38 \\"x\\" $5"' in found
    assert "node_os_support_end_timestamp_seconds 1715644800" in found
    assert parse(RELEASE)["BROKEN"] == '"unclosed'
    tree(tmp_path, {"root/etc/os-release": "ID=debian\n"})  # the one in /etc wins, and says no version
    assert [line.partition("{")[0] for line in lines(collector.collect())] == ["node_os_info"]


def test_no_release_file_is_no_failure(tmp_path: Path) -> None:
    assert list(OsRelease(tree(tmp_path, {})).collect()) == []


def test_a_support_end_that_is_no_date_breaks_the_collector_not_the_parser(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="soon"):
        OsRelease(tree(tmp_path, {"root/etc/os-release": "SUPPORT_END=soon\n"})).collect()


def test_board_and_firmware(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"sys/class/dmi/id/sys_vendor": "Dell Inc.\n", "sys/class/dmi/id/bios_version": "2.2.4\n"})
    (line,) = lines(Dmi(roots).collect())
    assert 'system_vendor="Dell Inc."' in line
    assert 'bios_version="2.2.4"' in line
    (tmp_path / "other").mkdir()
    assert list(Dmi(tree(tmp_path / "other", {})).collect()) == []


def test_selinux(tmp_path: Path) -> None:
    assert lines(Selinux(tree(tmp_path, {})).collect()) == ["node_selinux_enabled 0"]
    roots = tree(tmp_path, {"sys/fs/selinux/enforce": "1", "root/etc/selinux/config": "#SELINUX=disabled\nSELINUX=permissive\n"})
    assert lines(Selinux(roots).collect()) == [
        "node_selinux_config_mode 0",
        "node_selinux_current_mode 1",
        "node_selinux_enabled 1",
    ]


HWMON = {
    "hwmon0/name": "coretemp\n",
    "hwmon0/temp1_input": "55000\n",
    "hwmon0/temp1_crit": "100000\n",
    "hwmon0/temp1_crit_alarm": "0\n",
    "hwmon0/temp1_label": "Core 0\n",
    "hwmon0/temp2_input": "N/A\n",
    "hwmon1/name": "nct6775\n",
    "hwmon1/fan2_input": "1098\n",
    "hwmon1/fan2_alarm": "1\n",
    "hwmon1/in0_input": "1008\n",
    "hwmon1/curr1_input": "1500\n",
    "hwmon1/power1_average": "12000000\n",
    "hwmon1/energy1_input": "5000000\n",
    "hwmon1/pwm1": "127\n",
    "hwmon1/humidity1_input": "420000\n",
    "hwmon1/beep_enable": "1\n",
    "hwmon1/update_interval": "1000\n",
    "hwmon1/intrusion0_alarm": "1\n",
    "hwmon1/uevent": "x\n",
}


def test_sensors_and_their_units(tmp_path: Path) -> None:
    roots = tree(tmp_path, {f"sys/class/hwmon/{name}": text for name, text in HWMON.items()})
    assert lines(Hwmon(roots).collect()) == [
        'node_hwmon_beep_enabled{chip="nct6775",sensor="beep_enable0"} 1',
        'node_hwmon_chip_names{chip="coretemp",chip_name="coretemp"} 1',
        'node_hwmon_chip_names{chip="nct6775",chip_name="nct6775"} 1',
        'node_hwmon_curr_amps{chip="nct6775",sensor="curr1"} 1.5',
        'node_hwmon_energy_joule_total{chip="nct6775",sensor="energy1"} 5.0',
        'node_hwmon_fan_alarm{chip="nct6775",sensor="fan2"} 1',
        'node_hwmon_fan_rpm{chip="nct6775",sensor="fan2"} 1098',
        'node_hwmon_humidity{chip="nct6775",sensor="humidity1"} 0.42',
        'node_hwmon_in_volts{chip="nct6775",sensor="in0"} 1.008',
        'node_hwmon_intrusion_alarm{chip="nct6775",sensor="intrusion0"} 1',
        'node_hwmon_power_average_watt{chip="nct6775",sensor="power1"} 12.0',
        'node_hwmon_pwm{chip="nct6775",sensor="pwm1"} 127',
        'node_hwmon_sensor_label{chip="coretemp",sensor="temp1",label="Core 0"} 1',
        'node_hwmon_temp_celsius{chip="coretemp",sensor="temp1"} 55.0',
        'node_hwmon_temp_crit_alarm_celsius{chip="coretemp",sensor="temp1"} 0.0',
        'node_hwmon_temp_crit_celsius{chip="coretemp",sensor="temp1"} 100.0',
        'node_hwmon_update_interval_seconds{chip="nct6775",sensor="update_interval0"} 1.0',
    ]


def test_a_chip_is_named_by_its_place_which_survives_a_reboot(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"sys/devices/platform/coretemp.0/temp1_input": "1000\n", "sys/class/hwmon/hwmon7/name": "coretemp\n"})
    (tmp_path / "sys/class/hwmon/hwmon7/device").symlink_to(tmp_path / "sys/devices/platform/coretemp.0")
    found = lines(Hwmon(roots).collect())
    assert 'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"} 1.0' in found
    assert 'node_hwmon_chip_names{chip="platform_coretemp_0",chip_name="coretemp"} 1' in found


@pytest.mark.parametrize(
    ("kind", "element", "plain", "expected"),
    [
        ("temp", "type", False, ("node_hwmon_temp_type", 1)),
        ("pwm", "input", True, ("node_hwmon_pwm_input", 1)),
        ("power", "accuracy", False, ("node_hwmon_power_accuracy", 1e6)),
        ("power", "average_interval_max", False, ("node_hwmon_power_average_interval_max_seconds", 1000)),
        ("fan", "div", False, ("node_hwmon_fan_div", 1)),
        ("fan", "target", False, ("node_hwmon_fan_target_rpm", 1)),
        ("in", "beep", False, ("node_hwmon_in_beep_enabled", 1)),
    ],
)
def test_names_of_sensor_files(kind: str, element: str, *, plain: bool, expected: tuple[str, float]) -> None:
    assert metric_of(kind, element, has_plain=plain) == expected


def test_thermal_zones(tmp_path: Path) -> None:
    files = {
        "thermal_zone0/type": "acpitz\n", "thermal_zone0/temp": "49925\n", "thermal_zone1/type": "x\n",
        "thermal_zone1/temp": "\n",
        "cooling_device0/type": "Processor\n", "cooling_device0/cur_state": "3\n", "cooling_device0/max_state": "50\n",
    }  # fmt: skip
    assert lines(ThermalZone(tree(tmp_path, {f"sys/class/thermal/{name}": text for name, text in files.items()})).collect()) == [
        'node_cooling_device_cur_state{name="0",type="Processor"} 3',
        'node_cooling_device_max_state{name="0",type="Processor"} 50',
        'node_thermal_zone_temp{zone="0",type="acpitz"} 49.925',
    ]


def test_small_numbers_of_the_kernel(tmp_path: Path) -> None:
    roots = tree(
        tmp_path,
        {
            "proc/sys/fs/file-nr": "1024\t0\t9223372036854775807\n",
            "proc/sys/kernel/random/entropy_avail": "256\n",
            "proc/sys/kernel/random/poolsize": "256\n",
            "proc/sys/kernel/domainname": "(none)\n",
        },
    )
    assert lines(Filefd(roots).collect()) == ["node_filefd_allocated 1024", "node_filefd_maximum 9223372036854775807"]
    assert lines(Entropy(roots).collect()) == ["node_entropy_available_bits 256", "node_entropy_pool_size_bits 256"]
    (line,) = lines(Uname(roots).collect())
    assert f'nodename="{os.uname().nodename}",domainname="(none)"' in line


def test_every_collector_survives_an_empty_machine(tmp_path: Path) -> None:
    """Where a file that must be there is missing, the collector says which; it never ends otherwise."""
    for collector in collectors(SystemExporter(), tree(tmp_path, {})):
        run = Run(collector)
        run_safely(run)
        assert {sample[0] for sample in run.samples} <= set(collector.emits)
        if run.state != "ok":
            assert run.reason.startswith("FileNotFoundError"), collector.name
            assert str(tmp_path) in run.reason
