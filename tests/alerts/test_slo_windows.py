"""Burn rates over hours and days, and budgets of 30 days, in a real Prometheus on blocks that were filled in afterwards.

Each objective plays a course of its own, in samples of 5 min of what the first rules record; the others are the rendered rules,
evaluated every second so that nobody waits, in which a sample stands for 5 min and not for 30 s.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from alerts import render
from alerts.model import site_alerts
from metrics.durations import seconds
from metrics.slo_signals import EVERY
from settings import Site
from tests.waiting import free_ports, until

APART = 300
HOUR, DAY = 3600, 86_400
SITE = Site(cluster="c")


@dataclass(frozen=True)
class Course:
    """What happened: for so many seconds up to now, events a second, and how many times the allowed share of them was bad.

    `parts` begin with the oldest. `fires` and `left` are computed by hand, in the comment beside.
    """

    slo: str
    allowed: float
    parts: Sequence[tuple[int, float, float]]
    fires: frozenset[str]
    left: float


def course(slo: str, allowed: float, *parts: tuple[int, float, float], fires: Sequence[str] = (), left: float) -> Course:
    return Course(slo, allowed, parts, frozenset(f"SLOBurnRate{window}" for window in fires), left)


COURSES = (
    # An hour at 16: 6 h have 16/6 = 2.7, a day 0.7. Spent: 16 of 720 hours.
    course("api_availability", 0.0005, (719 * HOUR, 100, 0), (HOUR, 100, 16), fires=["1h"], left=1 - 16 / 720),
    # Six hours at 7: an hour has 7, below 14.4; a day 7/4 = 1.75, three days 0.6.
    course("api_latency", 0.05, (714 * HOUR, 10, 0), (6 * HOUR, 10, 7), fires=["6h"], left=1 - 42 / 720),
    # A day at 3.5 with a quarter of the events of the days before: three days have 3.5 * 1 / (1 + 2 * 4) = 0.39.
    course("delivery_latency", 0.05, (29 * DAY, 400, 0), (DAY, 100, 3.5), fires=["1d"], left=1 - 3.5 / (29 * 4 + 1)),
    # Three days at 1.5: no shorter window has more.
    course("delivery_loss", 0.001, (27 * DAY, 50, 0), (3 * DAY, 50, 1.5), fires=["3d"], left=1 - 4.5 / 30),
    # Half a day at 18 that ended seven hours ago: every long window is bad, and every short one is fine.
    course(
        "database_latency", 0.05, (30 * DAY - 19 * HOUR, 5, 0), (12 * HOUR, 5, 18), (7 * HOUR, 5, 0), left=1 - 18 * 12 / 720
    ),
    # An hour at 15 of what only causes harm: pages nobody.
    course("cache_hits", 0.05, (719 * HOUR, 20, 0), (HOUR, 20, 15), left=1 - 15 / 720),
    # 30 days at nine tenths: nothing fires, and the budget is nearly gone.
    course("feed_freshness", 0.005, (30 * DAY, 3, 0.9), left=0.1),
    # All bad, for five minutes, and nothing before: too little to judge by. Spent: 20 of 30 * 24 * 12 times five minutes.
    course("answer_time", 0.05, (300, 1, 20), left=1 - 20 / 8640),
)  # fmt: skip


def openmetrics(now: int) -> Iterator[str]:
    for name in ("slo:sli_bad:rate5m", "slo:sli_total:rate5m"):
        yield f"# TYPE {name} gauge\n"
        for one in COURSES:
            begin = now - sum(length for length, _, _ in one.parts)
            for length, rate, burn in one.parts:
                value = rate * burn * one.allowed if "bad" in name else rate
                line = f'{name}{{cluster="c",slo="{one.slo}"}} {value:.12g} '
                yield from (f"{line}{at}\n" for at in range(begin + APART, begin + length + APART, APART))
                begin += length
    yield "# EOF\n"


def coarse(rule: dict[str, Any]) -> dict[str, Any]:
    return rule | {"expr": re.sub(rf" \* {seconds(EVERY):g}(?=\)|$)", f" * {APART}", rule["expr"])}


@dataclass(frozen=True)
class Server:
    url: str

    def get(self, path: str, **query: str) -> Any:
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=5) as answer:  # of the server that this test started
            return json.load(answer)["data"]

    def evaluated(self) -> bool:
        """Whether each group has seen the results of all the others."""
        try:
            found = self.get("rules")["groups"]
        except OSError:
            return False
        # The other groups read what the first records, and Prometheus evaluates them side by side.
        ends = [group["lastEvaluation"] for group in found if group["evaluationTime"] > 0]
        return len(found) == len(ends) == 3 and all(
            self.get("query", query=f"count({name} offset 3s) > 0")["result"]
            for name in ("slo:burn_rate:3d_6h", "slo:period_error_budget_remaining:ratio")
        )

    def values(self, name: str) -> dict[str, float]:
        return {one["metric"]["slo"]: float(one["value"][1]) for one in self.get("query", query=name)["result"]}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("prometheus")
    samples, data, log = folder / "samples.txt", folder / "data", folder / "log"
    with samples.open("w", encoding="utf-8") as file:
        file.writelines(openmetrics(int(time.time())))
    command = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics", str(samples), str(data)]
    subprocess.run(command, check=True, capture_output=True)
    rules = yaml.safe_load(render.rules(site_alerts(SITE), SITE)["rules/slo.yml"])
    groups = [group | {"interval": "1s", "rules": [coarse(rule) for rule in group["rules"]]} for group in rules["groups"]]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    (folder / "prometheus.yml").write_text("rule_files: [rules.yml]\n", encoding="utf-8")
    (port,) = free_ports(1)
    command = [
        "prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=35d", f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        server = Server(f"http://127.0.0.1:{port}")
        try:
            until("all groups were evaluated on what the others recorded", server.evaluated, 30)
            yield server
        finally:
            process.terminate()
            process.wait(10)


@pytest.mark.parametrize("one", COURSES, ids=[one.slo for one in COURSES])
def test_each_window_pair_fires_when_due_and_not_otherwise(prometheus: Server, one: Course) -> None:
    active = prometheus.get("alerts")["alerts"]
    assert {alert["labels"]["alertname"] for alert in active if alert["labels"]["slo"] == one.slo} == one.fires


@pytest.mark.parametrize("one", COURSES, ids=[one.slo for one in COURSES])
def test_the_budget_left_is_what_is_computed_by_hand(prometheus: Server, one: Course) -> None:
    assert prometheus.values("slo:period_error_budget_remaining:ratio")[one.slo] == pytest.approx(one.left, abs=1e-6)


@pytest.mark.parametrize("one", COURSES, ids=[one.slo for one in COURSES])
def test_what_was_observed_of_the_month_is_told(prometheus: Server, one: Course) -> None:
    known = sum(length for length, _, _ in one.parts)
    assert prometheus.values("slo:period_observed:seconds")[one.slo] == pytest.approx(known, abs=2 * APART)


def test_every_objective_has_a_course(prometheus: Server) -> None:
    assert set(prometheus.values("slo:objective:ratio")) == {one.slo for one in COURSES}
