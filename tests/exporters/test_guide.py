"""Every command of docs/guides/exporters.md's head: the two that serve answer scrapes, the others print or write."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from settings.paths import CLONE
from tests.appliance import text_of
from tests.exporters.servers import series
from tests.guides import blocks
from tests.waiting import free_ports, until

COMMANDS = [line.partition("#")[0].split() for line in blocks("exporters.md", "sh")[0].splitlines()]
SERVING = [words for words in COMMANDS if "--once" not in words and "--list" not in words]
ENDING = [words for words in COMMANDS if words not in SERVING]


def named(words: list[str], site: Path) -> list[str]:
    """A command with this interpreter, and a site of its own."""
    assert words[0] == "python"
    return [sys.executable, *words[1:], "--site", str(site)]


@pytest.mark.parametrize("words", SERVING, ids=" ".join)
def test_what_serves_answers_a_scrape(tmp_path: Path, words: list[str]) -> None:
    (port,) = free_ports(1)
    site = tmp_path / "site.yaml"
    site.write_text(f"workload: false\nports: {{exporter_system: {port}}}\n")
    with subprocess.Popen(named(words, site), cwd=CLONE, stderr=subprocess.DEVNULL) as process:
        try:
            until("it answers", lambda: "node_load1" in text_of(f"http://127.0.0.1:{port}/metrics"), 30)
        finally:
            process.terminate()
        assert process.wait(20) == 0


def test_what_ends_prints_or_writes(tmp_path: Path) -> None:
    printed, written, listed = ENDING
    site = tmp_path / "site.yaml"
    site.write_text("workload: false\n")
    assert "node_load1" in series(said(printed, site))
    place = next(word for word in written if word.startswith("/"))
    said([str(tmp_path / "node.prom") if word == place else word for word in written], site)
    assert "node_load1" in series((tmp_path / "node.prom").read_text())
    assert re.search(r"node_load1\b", json.dumps(json.loads(said(listed, site))))


def said(words: list[str], site: Path) -> str:
    """What a command prints that succeeds."""
    done = subprocess.run(named(words, site), cwd=CLONE, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
