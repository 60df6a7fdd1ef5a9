"""The program that tells of backups in containers: a real process, its record in a folder that it cannot write to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from compose.backups import Record
from metrics import stack
from settings import Paths
from settings.paths import CLONE
from tests.appliance import text_of
from tests.waiting import free_ports, until


def test_it_tells_what_the_record_says_and_ends_when_asked(tmp_path: Path) -> None:
    (port,), paths = free_ports(1), Paths(tmp_path)
    url = f"http://127.0.0.1:{port}"
    (tmp_path / "site.yaml").write_text(f"{{ports: {{watcher: {port}}}, backup: {{every: 24h}}}}")
    Record.file(paths).parent.mkdir(parents=True)
    Record().begun().done(4096).write(paths)
    variables = os.environ | {"WATCHFLOOR_HOME": str(tmp_path), "WATCHFLOOR_SITE": str(tmp_path / "site.yaml")}
    with subprocess.Popen([sys.executable, "-m", "compose.recorded"], cwd=CLONE, env=variables) as process:
        try:
            until("it tells of the backup", lambda: f"{stack.BACKUP_BYTES.name} 4096" in text_of(f"{url}/metrics"), 20)
            told = text_of(f"{url}/metrics")
            assert f"{stack.BACKUP_ATTEMPTS.name} 1" in told
            assert f"{stack.BACKUP_SUCCESS.name} 1" in told
            assert f"{stack.BACKUP_INTERVAL.name} 86400" in told
            assert 'service="watcher"' in told
            assert text_of(f"{url}/readyz") == "ok\n"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
