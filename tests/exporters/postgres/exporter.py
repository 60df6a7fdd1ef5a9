"""Our PostgreSQL exporter as a process, on settings of the test's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.exporters.servers import Series, Server, ours
from tests.postgres import PASSWORD, ROLE, Bare

COMMAND = [sys.executable, "-m", "exporters", "postgres"]


def secret(folder: Path, text: str = PASSWORD) -> Path:
    """A password's file."""
    path = folder / "password"
    path.write_text(text)
    path.chmod(0o600)
    return path


def target(postgres: Bare, folder: Path, name: str = "main", database: str = "shop") -> dict[str, str]:
    """The server as site.yaml names it, asked by the role of least privilege."""
    dsn = f"host=127.0.0.1 port={postgres.port} user={ROLE} dbname={database}"
    return {"name": name, "dsn": dsn, "password_file": str(secret(folder))}


def exporter(
    folder: Path, targets: list[dict[str, str]], limit: int = 20_000, samples: int = 10_000_000, **options: Any
) -> Server:
    """The exporter of these targets, with so many series a metric and samples a scrape; a context manager."""
    site = folder / "site.yaml"
    exporters = {"series_limit": limit, "postgres": {"targets": targets, **options}}
    site.write_text(yaml.safe_dump({"exporters": exporters, "prometheus": {"sample_limit": samples}}))
    return ours(command=COMMAND, environment={**os.environ, "WATCHFLOOR_SITE": str(site)})


def failed(found: Series) -> set[str]:
    """The collectors that failed."""
    return {dict(labels)["collector"] for labels, value in found["pg_scrape_collector_success"].items() if value != 1}


def cause(found: Series) -> str:
    """Why the server could not be asked; empty when it could."""
    (*causes,) = (dict(labels)["cause"] for labels, value in found["watchfloor_target_failure"].items() if value == 1)
    assert len(causes) <= 1
    return causes[0] if causes else ""
