"""Writes the page of all collectors and options, at default settings: `python -m exporters.reference --out docs/exporters.md`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from exporters.base import Collector
from exporters.cli import parser as command_line
from exporters.domains import DOMAINS
from exporters.postgres import SUBJECTS
from metrics.process import version
from settings import Site

_HEAD = """<!-- Made by `python -m exporters.reference` from the collectors and the command line; do not edit. -->
# Collectors and options of the exporters

How they are used: [guides/exporters.md](guides/exporters.md). Settings in `site.yaml`: [guides/site.md](guides/site.md).
What each metric tells: [metrics.md](metrics.md).

## Command line

`python -m exporters DOMAIN…`

| option | what it does |
|---|---|
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the page; 0."""
    reading = argparse.ArgumentParser(prog="python -m exporters.reference", description="Writes the page of collectors.")
    reading.add_argument("--version", action="version", version=f"watchfloor {version()}")
    reading.add_argument("--out", type=Path, required=True, help="the file to write (docs/exporters.md)")
    reading.parse_args(arguments).out.write_text(page(), encoding="utf-8")
    return 0


def page() -> str:
    """The page, in Markdown."""
    return _HEAD + "\n".join(_options()) + "\n| `--no-collector-NAME` | leaves a collector out |\n" + "".join(_domains())


def _options() -> Iterator[str]:
    for action in command_line()._actions:  # noqa: SLF001  # argparse has no other way to list them
        words = [*action.option_strings] or [str(action.metavar or action.dest)]
        value = f" {action.metavar}" if action.option_strings and isinstance(action.metavar, str) else ""
        yield f"| `{', '.join(words)}{value}` | {_cell(action.help or '')} |"


def _domains() -> Iterator[str]:
    site, options = Site(), command_line().parse_args(["system"])
    off = {subject.name for subject in SUBJECTS if not subject.default}
    for name, kind in DOMAINS.items():
        domains = kind.domains(site, options)
        collectors = list(domains[0].collectors) if domains else []
        yield f"\n## {name}, port {kind.port(site)}\n\n| collector | reads | metrics |\n|---|---|---|\n"
        yield from map(_row, collectors)
        if name == "postgres":
            named = ", ".join(f"`{subject}`" for subject in sorted(off))
            yield f"\nOff unless `exporters.postgres.enabled_collectors` names it: {named}.\n"


def _row(collector: Collector) -> str:
    names = [metric.name for metric in collector.emits]
    shown = ", ".join(f"`{name}`" for name in names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"| `{collector.name}` | {_cell(collector.help)} | {shown} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    raise SystemExit(main())
