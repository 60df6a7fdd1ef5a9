"""The original vocabulary beside the conventional names: same values, same type, asked of promtool."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts import render
from tests.alerts.rulecases import SITE

HOST = 'cluster="c",job="system",instance="host-1"'
MOUNT = f'{HOST},device="/dev/sda1",mountpoint="/",fstype="ext4"'
# The second value of each counter lies below the first: the machine restarted in between.
RESTARTED = "0+600x30 0+300x30"


def ask(folder: Path, series: dict[str, str], tests: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    render.write(render.rules((), SITE), folder)
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    content = {
        "rule_files": [str(folder / "rules" / "system.yml")],
        "evaluation_interval": "10s",
        "tests": [{"interval": "10s", "input_series": inputs, "promql_expr_test": tests}],
    }
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False)


def expect(expr: str, labels: str, value: float, at: str = "8m") -> dict[str, Any]:
    return {"expr": expr, "eval_time": at, "exp_samples": [{"labels": labels, "value": value}]}


@pytest.mark.parametrize("direction", ["receive", "transmit"])
def test_a_recorded_counter_stays_a_counter_across_a_restart(direction: str, tmp_path: Path) -> None:
    name = f"node_network_{direction}_bytes_total"
    series = {f'{name}{{{HOST},device="eth0"}}': RESTARTED, f'{name}{{{HOST},device="eth1"}}': "5+10x61"}
    tests = []
    for at in ("2m", "5m10s", "5m40s", "8m"):  # before, at, just after and long after the restart
        recorded = f'rate(system_network_io{{direction="{direction}",device="eth0"}}[1m])'
        same = f'({recorded} == ignoring(direction) rate({name}{{device="eth0"}}[1m])) * 0 + 1'
        tests.append(expect(same, f'{{{HOST},device="eth0"}}', 1, at))
    tests.append(expect('rate(system_network_io{device="eth1"}[1m]) > 0', f'{{{HOST},device="eth1",direction="{direction}"}}', 1))
    ended = ask(tmp_path, series, tests)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_system_gauges_are_percent(tmp_path: Path) -> None:
    series = {
        f'node_cpu_seconds_total{{{HOST},cpu="0",mode="idle"}}': "0+10x60",
        f'node_cpu_seconds_total{{{HOST},cpu="1",mode="user"}}': "0+10x60",
        f"node_memory_MemAvailable_bytes{{{HOST}}}": "250x60",
        f"node_memory_MemTotal_bytes{{{HOST}}}": "1000x60",
        f"node_filesystem_size_bytes{{{MOUNT}}}": "1000x60",
        f"node_filesystem_free_bytes{{{MOUNT}}}": "600x60",
        f"node_filesystem_avail_bytes{{{MOUNT}}}": "400x60",  # 200 are kept for root: df says 400 / 800
    }
    tests = [
        expect("system_cpu_usage", f"system_cpu_usage{{{HOST}}}", 50),
        expect("system_memory_usage", f"system_memory_usage{{{HOST}}}", 75),
        expect("system_disk_usage", f'system_disk_usage{{{HOST},device="/dev/sda1",mountpoint="/"}}', 50),
    ]
    ended = ask(tmp_path, series, tests)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_test_itself_sees_a_wrong_value(tmp_path: Path) -> None:
    series = {f"node_memory_MemAvailable_bytes{{{HOST}}}": "250x60", f"node_memory_MemTotal_bytes{{{HOST}}}": "1000x60"}
    ended = ask(tmp_path, series, [expect("system_memory_usage", f"system_memory_usage{{{HOST}}}", 0.75)])
    assert ended.returncode != 0
