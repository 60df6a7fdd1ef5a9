"""A file that the exporter's user may not read: its collector fails, named by a label and in one log line; the others answer."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporters.servers import Series, ours, series

NOBODY = 65_534
SCRAPES = 3


@pytest.fixture
def proc() -> Iterator[Path]:
    """This machine's /proc by links, but for `vmstat`, which nobody may read."""
    folder = Path(tempfile.mkdtemp(prefix="watchfloor-proc-"))  # not pytest's own, into which no other user may go
    folder.chmod(0o755)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or entry.name == "1":
            (folder / entry.name).symlink_to(entry)
    (folder / "vmstat").unlink()
    (folder / "vmstat").write_text(Path("/proc/vmstat").read_text())
    (folder / "vmstat").chmod(0)
    yield folder
    shutil.rmtree(folder)


def failed(found: Series) -> set[str]:
    """The collectors that failed."""
    return {dict(labels)["collector"] for labels, value in found["watchfloor_collector_success"].items() if value != 1}


def test_permission_denied_fails_that_collector_and_no_other(proc: Path) -> None:
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    with ours("--proc", str(proc), command=[*become, sys.executable, "-m", "exporters", "system"]) as server:
        assert Path(f"/proc/{server.process.pid}").stat().st_uid == (NOBODY if become else os.geteuid())
        for count in range(1, SCRAPES + 1):
            found = series(server.text())
            assert failed(found) == {"vmstat"}
            key = (("collector", "vmstat"), ("domain", "system"))
            assert found["watchfloor_collector_errors_total"][key] == count
            assert found["node_scrape_collector_success"][("collector", "vmstat"),] == 0
            assert "node_vmstat_pgmajfault" not in found
            assert {"node_cpu_seconds_total", "node_memory_MemTotal_bytes", "node_network_receive_bytes_total"} <= found.keys()
        (proc / "vmstat").chmod(0o644)
        found = series(server.text())
        assert (failed(found), "node_vmstat_pgmajfault" in found) == (set(), True)
        _, said = server.stop()
    lines = [line for line in said.splitlines() if "collector " in line]
    assert len(lines) == 2, said
    assert "collector vmstat: PermissionError" in lines[0]
    assert "Permission denied" in lines[0]
    assert lines[1].endswith("collector vmstat: answers again")
