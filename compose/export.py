"""A folder for people who run their own Prometheus, Alertmanager and Grafana: rules, routes, scrape jobs, dashboards.

    python -m compose.export [--out export] [--datasource UID]

With GRAFANA_ENDPOINT and GRAFANA_API_KEY the dashboards go into that Grafana, too. Exit codes: 0 done, 1 a checker or Grafana
refused, 2 wrong input.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from compose import engine
from compose.checks import in_image
from compose.errors import BadInputError, ComposeError
from compose.fill import page
from compose.render import host_targets, prometheus_config
from metrics import stack
from metrics.process import version
from settings import SettingsError, Site, load
from settings.paths import CLONE

_PARTS = ("prometheus", "alertmanager", "grafana", "runbooks", "README.md")
_FIRST_WORDS = "# Watchfloor"
_PROVIDER = {
    "name": "Watchfloor",
    "folder": "Watchfloor",
    "folderUid": "watchfloor",
    "type": "file",
    "allowUiUpdates": False,
    "options": {"path": "/var/lib/grafana/dashboards/watchfloor"},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the folder; the exit code comes back."""
    parser = argparse.ArgumentParser(prog="python -m compose.export", description="Writes files for servers of yours.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    parser.add_argument("--out", type=Path, default=CLONE / "export", help="the folder to write (export/)")
    parser.add_argument("--datasource", default="", metavar="UID", help="the Prometheus data source of that Grafana")
    options = parser.parse_args(arguments)
    try:
        export(load(), options.out.absolute())
        print(f"{options.out}: rules, routes, scrape jobs and dashboards: see its README.md", flush=True)
    except (ComposeError, SettingsError) as error:
        print(error, file=sys.stderr)
        return BadInputError.exit_code if isinstance(error, SettingsError) else error.exit_code
    except OSError as error:
        print(f"{error.filename}: {error.strerror}: name a folder that can be written: make export to=DIR", file=sys.stderr)
        return BadInputError.exit_code
    return _imported(options.out.absolute(), options.datasource)


def export(site: Site, out: Path) -> None:
    """Writes `out`, or what an earlier export left there, anew; it is checked before anything is replaced.

    Raises BadInputError for a folder that holds something else, ComposeError with a checker's words.
    """
    _refuse_foreign(out)
    with tempfile.TemporaryDirectory(prefix="watchfloor-export-") as folder:
        fresh = Path(folder)
        _run("alerts", "export", "--out", str(fresh))
        _run("dashboards", "build", "--out", str(fresh / "grafana" / "dashboards"))
        for name, text in files(site).items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_text(text, encoding="utf-8")
        _runbooks(fresh)
        check(fresh)
        out.mkdir(parents=True, exist_ok=True)
        for part in _PARTS:
            shutil.rmtree(out / part, ignore_errors=True)
            shutil.move(fresh / part, out / part)


def files(site: Site) -> dict[str, str]:
    """What compose itself writes, by path: scrape jobs, Grafana's provider, the README."""
    jobs = scrape_jobs(site)
    provider = {"apiVersion": 1, "providers": [_PROVIDER]}
    inbox = site.public(site.ports.inbox)
    readme = page("export.md.j2", version=version(), runbooks=inbox, jobs=[f"`{job['job_name']}`" for job in jobs])
    return {
        "prometheus/scrape_configs.yml": yaml.safe_dump({"scrape_configs": jobs}, sort_keys=False),
        "grafana/provisioning/dashboards/watchfloor.yml": yaml.safe_dump(provider, sort_keys=False),
        "README.md": readme,
    }


def scrape_jobs(site: Site) -> list[dict[str, Any]]:
    """The jobs of a site's exporters and workload, complete in themselves: another Prometheus has other defaults and files."""
    config = prometheus_config(site)
    times = {key: config["global"][key] for key in ("scrape_interval", "scrape_timeout")}
    found = []
    for scrape in config["scrape_configs"]:
        if scrape["job_name"] in stack.PLUMBING_JOBS:
            continue
        job = {"job_name": scrape["job_name"], **times, **scrape}
        if job.pop("file_sd_configs", None):
            job["static_configs"] = [*job["static_configs"], *host_targets(site)]
        found.append(job)
    return found


def _runbooks(folder: Path) -> None:
    """Those of the alerts that are exported."""
    (folder / "runbooks").mkdir()
    for path in (folder / "prometheus" / "rules").glob("*.yml"):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for name in filter(None, (rule.get("alert") for rule in group["rules"])):
                shutil.copyfile(CLONE / "docs" / "runbooks" / f"{name}.md", folder / "runbooks" / f"{name}.md")


def _refuse_foreign(out: Path) -> None:
    if not out.exists():
        return
    readme = out / "README.md"
    ours = readme.is_file() and readme.read_text(encoding="utf-8", errors="replace").startswith(_FIRST_WORDS)
    if not out.is_dir() or (any(out.iterdir()) and not ours):
        raise BadInputError(f"{out}: is no folder of `make export` and not empty: name another: make export to=DIR")


def check(folder: Path) -> None:
    """Has promtool and amtool read the files: this machine's, or those of the images. Raises ComposeError with their words."""
    rules = sorted(map(str, (folder / "prometheus" / "rules").glob("*.yml")))
    for service, command in (
        ("prometheus", ["promtool", "check", "rules", *rules]),
        ("prometheus", ["promtool", "check", "config", str(folder / "prometheus" / "scrape_configs.yml")]),
        ("alertmanager", ["amtool", "check-config", str(folder / "alertmanager" / "watchfloor.yml")]),
    ):
        done = subprocess.run(_here_or_in(service, command, folder), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            words = (done.stderr + done.stdout).replace(f"{folder}/", "").strip()
            raise ComposeError(f"{command[0]} refuses what would be exported: nothing was written: its words:\n{words}")


def _here_or_in(service: str, command: list[str], folder: Path) -> list[str]:
    """The command as it can be run: by this machine's program, or by the service's image."""
    if found := shutil.which(command[0]):
        return [found, *command[1:]]
    if engine.answers():
        return in_image(service, command, {folder: "/export"})
    raise ComposeError(f"{command[0]} is not here to check what would be exported: this machine: `make setup` installs it")


def _run(module: str, *arguments: str) -> None:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, check=False)
    if done.returncode == BadInputError.exit_code:
        raise BadInputError((done.stderr or done.stdout).strip())
    if done.returncode != 0:
        raise ComposeError(f"{module} {arguments[0]} failed: this is a defect of the appliance:\n{done.stderr}")


def _imported(out: Path, datasource: str, environment: Mapping[str, str] = os.environ) -> int:
    """The exit code of the import; 0 where no Grafana is named."""
    if not (environment.get("GRAFANA_ENDPOINT") and environment.get("GRAFANA_API_KEY")):
        return 0
    words = ["import", "--boards", str(out / "grafana" / "dashboards"), *(["--datasource", datasource] if datasource else [])]
    return subprocess.run([sys.executable, "-m", "dashboards.grafana", *words], cwd=CLONE, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
