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


def ask(
    folder: Path, series: dict[str, str], tests: list[dict[str, Any]], domain: str = "system"
) -> subprocess.CompletedProcess[str]:
    render.write(render.rules((), SITE), folder)
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    content = {
        "rule_files": [str(folder / "rules" / f"{domain}.yml")],
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


WORKLOAD = (
    ("websocket", "ws_messages_total", "ws_message_count", 'direction="out",room="canary",kind="data"'),
    ("websocket", "ws_errors_total", "ws_error_count", 'code="bad-message"'),
    ("websocket", "ws_broadcasts_total", "ws_broadcast_count", 'room="canary"'),
    ("app", "app_http_requests_total", "app_request_count", 'route="/",code="2xx"'),
    ("app", "app_errors_total", "app_error_count", 'route="/"'),
    ("app", "app_http_request_duration_seconds_sum", "app_request_duration_sum", 'route="/"'),
    ("app", "app_http_request_duration_seconds_count", "app_request_duration_count", 'route="/"'),
    ("analysis", "ai_predictions_total", "ai_prediction_count", 'model="risk-assessment",origin="asked"'),
    ("analysis", "ai_prediction_duration_seconds_sum", "ai_prediction_duration_sum", 'model="risk-assessment"'),
    ("analysis", "ai_prediction_duration_seconds_count", "ai_prediction_duration_count", 'model="risk-assessment"'),
    ("analysis", "ai_training_duration_seconds_sum", "ai_training_duration_sum", 'model="risk-assessment"'),
    ("analysis", "ai_training_duration_seconds_count", "ai_training_duration_count", 'model="risk-assessment"'),
)


@pytest.mark.parametrize(("domain", "source", "recorded", "labels"), WORKLOAD, ids=[case[2] for case in WORKLOAD])
def test_the_workload_s_counters_stay_counters_across_a_restart(
    domain: str, source: str, recorded: str, labels: str, tmp_path: Path
) -> None:
    target = f'cluster="c",job="stream",instance="host-1",worker="0",{labels}'
    same = f"(rate({recorded}[1m]) == rate({source}[1m])) * 0 + 1"
    tests = [expect(same, f"{{{target}}}", 1, at) for at in ("2m", "5m10s", "5m40s", "8m")]
    ended = ask(tmp_path, {f"{source}{{{target}}}": RESTARTED}, tests, domain)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_recorded_histogram_gives_the_quantile_of_its_source(tmp_path: Path) -> None:
    target = 'cluster="c",job="stream",instance="host-1",worker="0",route="/"'
    source = "app_http_request_duration_seconds_bucket"
    series = {
        f'{source}{{{target},le="0.01"}}': "0+90x60",
        f'{source}{{{target},le="0.1"}}': "0+100x60",
        f'{source}{{{target},le="+Inf"}}': "0+100x60",
    }
    quantile = "round(histogram_quantile(0.95, sum by (le) (rate(app_request_duration_bucket[5m]))), 0.001)"
    ended = ask(tmp_path, series, [expect(quantile, "{}", 0.055)], "app")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_connections_are_summed_over_a_server_s_workers(tmp_path: Path) -> None:
    target = 'cluster="c",job="stream",instance="host-1"'
    series = {
        f'ws_connections{{{target},worker="0",format="json",compressed="no"}}': "3x60",
        f'ws_connections{{{target},worker="1",format="msgpack",compressed="yes"}}': "4x60",
    }
    ended = ask(tmp_path, series, [expect("ws_connection_count", f"ws_connection_count{{{target}}}", 7)], "websocket")
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
