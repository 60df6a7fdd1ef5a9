"""Commands: `render` and `export` write rules and routes, `check` has them checked, `list` tells them; `runbooks`, `docs`: pages.

`event` tells the inbox of a deploy, `notify-test` sends a test notification to one receiver. Exit codes: 0 done, 1 a check or a
delivery failed or the inbox refused, 2 wrong input (site.yaml, arguments, a folder that cannot be written).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alerts import checks, event, export, notify, render, runbooks
from alerts.alertmanager import UnreachableError
from alerts.errors import CatalogError
from alerts.model import Alert, site_alerts
from alerts.versions import OLDEST, installed
from metrics import catalog
from metrics.process import version
from metrics.stack import EVENT_KINDS
from settings import Paths, Site, load
from settings.command import add_defaults, carried_out, chosen_site


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    return carried_out(_parser().parse_args(arguments), CatalogError)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m alerts", description="The alert catalogue and what is made from it.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    rendering = commands.add_parser("render", help="write rules/*.yml and alertmanager/alertmanager.yml")
    rendering.add_argument("--out", type=Path, required=True, help="the folder to write into")
    rendering.set_defaults(run=_render)
    exporting = commands.add_parser("export", help="write rules and routes for a Prometheus and an Alertmanager of yours")
    exporting.add_argument("--out", type=Path, required=True, help="the folder to write into")
    exporting.set_defaults(run=_export)
    checking = commands.add_parser("check", help="have rendered files checked by promtool and amtool")
    checking.add_argument("folder", type=Path, help="what `render --out` was given")
    checking.set_defaults(run=_check)
    listing = commands.add_parser("list", help="tell every alert of this site")
    listing.add_argument("--json", action="store_true", help="as JSON, for programs")
    listing.set_defaults(run=_list)
    testing = commands.add_parser("notify-test", help="send a test notification to one receiver and tell what became of it")
    testing.add_argument("receiver", help="its name in site.yaml, or inbox")
    testing.set_defaults(run=_notify_test)
    writing = commands.add_parser("runbooks", help="write the generated head of each runbook")
    writing.add_argument("--out", type=Path, default=runbooks.FOLDER, help="the folder of runbooks (docs/runbooks)")
    writing.set_defaults(run=_runbooks)
    documenting = commands.add_parser("docs", help="write the page of all alerts, at their declared values")
    documenting.add_argument("--out", type=Path, required=True, help="the file to write (docs/alerts.md)")
    documenting.set_defaults(run=_docs)
    telling = commands.add_parser("event", help="tell the inbox of a deploy, a load run: dashboards mark it")
    telling.add_argument("--title", required=True, help="what happened, one line")
    telling.add_argument("--kind", default="deploy", choices=EVENT_KINDS, help="what it was (deploy)")
    telling.add_argument("--start", help="when it began: Unix seconds, or 2026-11-22T09:00:00Z (now)")
    telling.add_argument("--end", help="when it ended, in the same forms (a moment, or it goes on)")
    telling.add_argument("--tag", action="append", default=[], help="a word to find it by; may be given again")
    telling.add_argument("--link", default="", help="a web address that tells more")
    telling.set_defaults(run=_event)
    add_defaults(rendering, exporting, listing, telling)
    return parser


def _event(options: argparse.Namespace) -> int:
    site = chosen_site(options)
    given = {name: getattr(options, name) for name in ("title", "kind", "start", "end", "link")}
    try:
        kept = event.post(site.local_url(site.ports.inbox), {**{k: v for k, v in given.items() if v}, "tags": options.tag})
    except event.RefusedError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"event {kept['id']}: {kept['kind']}: {kept['title']}, {kept['start']}")
    return 0


def _render(options: argparse.Namespace) -> int:
    site = chosen_site(options)
    # Without receivers every version gets the same; asking costs a process.
    render.write(render.render(site, installed() if site.receivers or site.deadman.url_file else OLDEST), options.out)
    return 0


def _export(options: argparse.Namespace) -> int:
    render.write(export.export(chosen_site(options)), options.out)
    return 0


def _check(options: argparse.Namespace) -> int:
    failures = checks.check(options.folder)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def _list(options: argparse.Namespace) -> int:
    site = chosen_site(options)
    alerts = site_alerts(site)
    if options.json:
        json.dump([described(alert, site) for alert in alerts], sys.stdout, indent=2, ensure_ascii=False)
        print()
        return 0
    rows = [("ALERT", "SEVERITY", "FOR", "SIGNAL", "EXPRESSION")]
    rows += [(alert.name, alert.severity, alert.for_, alert.entry.signal, alert.promql) for alert in alerts]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)))
    return 0


def _notify_test(options: argparse.Namespace) -> int:
    try:
        outcome = notify.test(load(), Paths.from_environment(), options.receiver)
    except UnreachableError as error:
        print(error, file=sys.stderr)
        return 1
    if outcome.delivered:
        print(f"{options.receiver}: delivered by {outcome.integration} in {outcome.seconds:.1f} s")
        return 0
    fix = "check its entry in site.yaml and its secret's file, then `make reload`"
    print(f"{options.receiver}: not delivered by {outcome.integration}: {outcome.why}: {fix}", file=sys.stderr)
    return 1


def described(alert: Alert, site: Site) -> dict[str, Any]:
    """An alert as programs read it: names, numbers and texts under the site's overrides."""
    return {
        "name": alert.name,
        "title": alert.entry.title,
        "domain": alert.domain,
        "severity": alert.severity,
        "for": alert.for_,
        "keep_firing_for": alert.keep_firing_for,
        "signal": alert.entry.signal,
        "threshold": alert.threshold,
        "unit": alert.signal.unit.key,
        "expr": alert.promql,
        "metrics": catalog.read_by(alert.promql),
        "labels": render.labels(alert, site),
        "annotations": render.notes(alert, site),
        "cannot_see": alert.entry.cannot_see,
        "steps": alert.entry.steps,
        "reason": alert.entry.reason,
        "dashboard": alert.entry.dashboard,
    }


def _docs(options: argparse.Namespace) -> int:
    render.write({options.out.name: runbooks.index()}, options.out.parent)
    return 0


def _runbooks(options: argparse.Namespace) -> int:
    runbooks.write(options.out)
    return 0
