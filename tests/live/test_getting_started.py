"""Every command of the guides for newcomers and for load tests, in their order, on an appliance of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import yaml

from settings.paths import CLONE
from settings.types import Ports
from tests.appliance import Appliance, get
from tests.guides import blocks, commands, recipe

# What each says that shows that it did what the guide tells, in the guide's order.
SAYS = (
    ("make up", "ready after"),
    ("make status", "prometheus"),
    ("curl -fsS localhost:9090", '"status": "success"'),
    ("curl -fsS localhost:9095", '"incidents"'),
    ("curl -fsS localhost:8080", '"BTC"'),
    ("make reload", "applied"),
)


def done(appliance: Appliance, command: str) -> str:
    """What a command says that succeeds; the appliance's ports stand in for those of the guide."""
    if command.startswith("make "):
        words = [sys.executable, *recipe(command), "--home", str(appliance.home), "--site", str(appliance.site_file)]
    else:
        for name in Ports.__struct_fields__:
            command = command.replace(f"localhost:{getattr(Ports(), name)}/", f"localhost:{getattr(appliance.site.ports, name)}/")
        words = ["bash", "-euc", command]
    ran = subprocess.run(words, cwd=CLONE, env=os.environ, capture_output=True, text=True, timeout=180, check=False)
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def test_a_newcomers_commands_do_what_the_guide_says() -> None:
    known = commands("getting-started.md")
    assert [command.startswith(start) for command, (start, _) in zip(known, SAYS, strict=True)] == [True] * len(SAYS)
    (wanted,) = blocks("getting-started.md", "yaml")
    appliance = Appliance(factor=0.1)
    try:
        for command, (_, says) in zip(known, SAYS, strict=True):
            if command == "make reload":
                appliance.change(**yaml.safe_load(wanted))
            assert says in done(appliance, command), command
        groups = get(appliance.url("prometheus", "/api/v1/rules?type=alert"))["data"]["groups"]
        (query,) = [rule["query"] for group in groups for rule in group["rules"] if rule["name"] == "HighCPUUsage"]
        assert f"> {yaml.safe_load(wanted)['alerts']['HighCPUUsage']['threshold']}" in query
    finally:
        appliance.__exit__(None, None, None)


def test_a_load_test_runs_as_the_guide_says() -> None:
    (command,) = commands("load-testing.md")
    words = [sys.executable, *recipe(command)]
    ran = subprocess.run(words, cwd=CLONE, env=os.environ, capture_output=True, text=True, timeout=180, check=False)
    assert ran.returncode in (0, 1), ran.stderr  # a verdict about a machine on which others work
    assert "held at a share" in ran.stdout + ran.stderr
