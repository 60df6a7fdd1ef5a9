"""`python -m alerts.why NAME`: what is known of an alert now. Exit 0 told, 2 no such alert or wrong settings."""

from __future__ import annotations

import argparse
import difflib
import sys
import time

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.inbox.runbooks import Runbooks
from alerts.model import Alert, site_alerts
from alerts.why.facts import Facts, gather
from metrics.process import version
from settings import Paths, SettingsError, Site, load

EXIT_WRONG_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """Tells; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m alerts.why", description="What is known of an alert now.")
    parser.add_argument("alert", help="its name, for example TargetDown")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    name, began = parser.parse_args(arguments).alert, time.monotonic()
    try:
        site, paths = load(), Paths.from_environment()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_WRONG_INPUT
    alerts = {alert.name: alert for alert in site_alerts(site)}
    if name not in alerts:
        print(f"a={name}: no such alert: {_near(name, list(alerts))}", file=sys.stderr)
        return EXIT_WRONG_INPUT
    found = gather(alerts[name], site, paths, Runbooks.of(paths).text(name), commands=True)
    show(alerts[name], found, site, _console())
    print(f"asked within {time.monotonic() - began:.1f} s")
    return 0


def _near(name: str, known: list[str]) -> str:
    lowered = {one.lower(): one for one in known}
    close = [lowered[one] for one in difflib.get_close_matches(name.lower(), list(lowered), 3, 0.5)]
    return f"did you mean {', '.join(close)}?" if close else "`python -m alerts list` tells all of them"


def _console() -> Console:
    terminal = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=True, width=None if terminal else 160, no_color=None if terminal else True)


def show(alert: Alert, found: Facts, site: Site, console: Console) -> None:
    """The facts, the most urgent first: state, next step, the hour, what came before, checks, log."""
    dashboard = f"{site.public(site.ports.grafana)}/d/{alert.entry.dashboard}?from=now-1h&to=now"
    console.print(Text(f"{alert.name}: {alert.entry.title} ({alert.severity})", style="bold"))
    _part(console, "no answer", found.silent)
    _part(
        console,
        "state",
        found.states or ["Prometheus holds nothing of it pending or firing" if not found.silent else "not known"],
    )
    _part(console, "muted", found.muted)
    _part(console, "next", [alert.entry.plain_steps[0], f"{site.public(site.ports.inbox)}/runbooks/{alert.name}"])
    title = f"last hour: {alert.signal.title}" + (f", fires {found.threshold}" if found.threshold else "")
    _part(console, title, [dashboard])
    console.print(_hour(found))
    _part(console, "events of the last day", found.events)
    _part(console, "incidents", found.incidents)
    for text, lines in found.checked:
        _part(console, f"$ {text}", lines)
    _part(console, "by hand", found.by_hand)
    if found.log:
        _part(console, f"{found.log}, its last {len(found.log_lines)} lines", found.log_lines)
    elif found.log_service:
        _part(console, "log", [f"cannot be seen from here: `make logs s={found.log_service}`"])


def _part(console: Console, title: str, lines: list[str]) -> None:
    if lines:
        console.print(Text(f"\n{title}", style="bold"))
        for line in lines:
            console.print(Text(f"  {line}"))


def _hour(found: Facts) -> Table:
    table = Table(box=None, pad_edge=True, padding=(0, 2), header_style="dim")
    for heading in ("SERIES", "NOW", "LEAST", "MOST", "COURSE"):
        table.add_column(heading, no_wrap=True, justify="right" if heading in ("NOW", "LEAST", "MOST") else "left")
    for line in found.lines:
        table.add_row(Text(line.labels), line.last, line.least, line.most, line.course)
    if not found.lines:
        table.add_row("no series", "", "", "", "")
    if found.left_out:
        table.add_row(f"and {found.left_out} more", "", "", "", "")
    return table


if __name__ == "__main__":
    sys.exit(main())
