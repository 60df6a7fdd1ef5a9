"""Commands: `import` brings this site's dashboards into a Grafana, `verify` proves them in a scratch folder of one.

    GRAFANA_ENDPOINT=… GRAFANA_API_KEY=… python -m dashboards.grafana import|verify [--datasource UID]

Address and token come from the environment or `endpoints` of site.yaml, never from arguments, which every user of a machine can
read. Exit codes: 0 done, and every target has data; 1 Grafana refused or a target has none; 2 wrong input; 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from dashboards.grafana import folders, importing, targets, verify
from dashboards.grafana.client import Client, GrafanaError
from metrics.durations import seconds
from metrics.process import version
from settings import SettingsError, Site, load
from settings.secrets import grafana_key

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        site = load()
        return asyncio.run(_told_to_end(options.run(site, _token(site), options)))
    except (SettingsError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except GrafanaError as error:
        print(error, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted: the scratch folder is removed" if options.run is _verify else "interrupted", file=sys.stderr)
        return INTERRUPTED


def _token(site: Site) -> str:
    token = grafana_key(site)
    if site.endpoints.grafana and token:
        return token
    missing = "GRAFANA_API_KEY" if site.endpoints.grafana else "GRAFANA_ENDPOINT"
    raise SettingsError("environment", f"{missing}: is not set", "give the address of a Grafana, and a token of it")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboards.grafana", description="The dashboards in a Grafana of yours.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    bringing = commands.add_parser("import", help="bring the dashboards into its folder Watchfloor")
    bringing.set_defaults(run=_import)
    proving = commands.add_parser("verify", help="ask every target in a scratch folder, and remove it")
    proving.add_argument("--over", type=_duration, default=3600.0, metavar="1h", help="how far back is asked (1h)")
    proving.set_defaults(run=_verify)
    for command in (bringing, proving):
        command.add_argument("--datasource", default="", metavar="UID", help="the Prometheus data source (default: its default)")
        command.add_argument("--boards", type=Path, metavar="DIR", help="dashboards of a folder (default: this site's)")
    return parser


def _duration(text: str) -> float:
    found = seconds(text)
    if found <= 0:
        raise argparse.ArgumentTypeError("give a duration such as 1h")
    return found


async def _told_to_end(running: Any) -> int:
    """SIGTERM ends it as Ctrl-C does: what it made is removed."""
    task = asyncio.ensure_future(running)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return int(await task)


def _boards(site: Site, folder: Path | None) -> list[dict[str, Any]]:
    if folder:
        found = [msgspec.json.decode(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
        if not found:
            raise ValueError(f"{folder}: holds no dashboard: `make export` writes some")
        return found
    from dashboards import build  # noqa: PLC0415  # grafanalib takes half of a second to import

    return list(build.build(site).values())


async def _import(site: Site, token: str, options: argparse.Namespace) -> int:
    boards = _boards(site, options.boards)
    async with Client(site.endpoints.grafana, token) as client:
        await client.version()
        source = await _source(client, options.datasource)
        for written in await importing.bring(client, boards, source):
            print(f"{written.done:9}  {written.title}  {client.url}{written.url}")
    return 0


async def _source(client: Client, wanted: str) -> str:
    """The data source to open with; where Grafana does not tell us its own, and none is named, that is its business."""
    try:
        return await folders.datasource(client, wanted)
    except GrafanaError as error:
        if wanted:
            raise
        print(f"dashboards open with that Grafana's default data source: {error}", file=sys.stderr)
        return ""


async def _verify(site: Site, token: str, options: argparse.Namespace) -> int:
    boards = _boards(site, options.boards)
    async with Client(site.endpoints.grafana, token) as client:
        told = await client.version()
        print(f"Grafana {told or 'of a version that it hides'} at {client.url}", flush=True)
        found = await verify.verified(client, boards, options.datasource, options.over)
    print("\n".join(targets.table(found)))
    bad = sum(result.state in ("empty", "failed") for results in found.values() for result in results)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
