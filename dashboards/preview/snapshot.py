"""One self-contained HTML file of a dashboard over a time range: data, charts and styles inside, no network needed.

Its Content-Security-Policy allows exactly the scripts and styles that stand in it, by hash.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import sys
import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dashboards.preview import events, page, places, status
from dashboards.preview.ask import Ask, Reader, understood
from dashboards.preview.files import SCRIPTS, STYLES, VENDOR_PACKAGE, VENDOR_SCRIPT, Files
from dashboards.preview.library import Library
from dashboards.preview.model import Dashboard
from dashboards.preview.prometheus import QueryError
from dashboards.preview.service import prometheus_of, reader_of
from dashboards.preview.variables import Choice
from metrics.process import version
from settings import Site
from settings.files import replace_file
from settings.secrets import without_user

_WIDTH = 600  # points a curve: enough for half a screen, and twenty panels stay below 3 MB


def run(site: Site, library: Library, chosen: argparse.Namespace) -> int:
    """The command: writes `chosen.out`, tells what was written; the exit code."""
    dashboard = library.dashboards.get(chosen.dashboard)
    if dashboard is None:
        known = ", ".join(sorted(library.dashboards)) or f"none in {library.folder}"
        return _failed(f"--dashboard {chosen.dashboard}: no such dashboard: known are {known}", 2)
    wrong = [item for item in chosen.var if "=" not in item]
    if wrong:
        return _failed(f"--var {wrong[0]}: is no NAME=VALUE: write for example --var instance=web-1", 2)
    pairs = [("from", chosen.start), ("to", chosen.end), ("width", str(_WIDTH))]
    pairs += [(f"var-{name}", value) for name, _, value in (item.partition("=") for item in chosen.var)]
    offset = time.localtime().tm_gmtoff // 60
    ask = understood(dashboard, [*((key, value) for key, value in pairs if value), ("tzo", str(offset))], time.time())
    if ask.problems:
        return _failed(f"snapshot: {'; '.join(ask.problems)}", 2)
    try:
        text = asyncio.run(make(site, library, dashboard, ask))
        replace_file(chosen.out, text)
    except QueryError as error:
        return _failed(f"snapshot: {error}: start Prometheus first, or set PROMETHEUS_ENDPOINT", 1)
    except OSError as error:
        return _failed(f"{chosen.out}: cannot be written ({error.strerror}): choose another --out", 1)
    print(f"{chosen.out}: {dashboard.title}, {ask.start} to {ask.end}, {len(text.encode()) / 1e6:.2f} MB")
    return 0


def _failed(words: str, code: int) -> int:
    print(words, file=sys.stderr)
    return code


async def make(site: Site, library: Library, dashboard: Dashboard, ask: Ask, files: Files | None = None) -> str:
    """The file's text. Raises QueryError when Prometheus does not answer at all; a single query's error stands in its panel."""
    async with prometheus_of(site) as prometheus:
        await prometheus.get("status/buildinfo", dict[str, str])
        reader = reader_of(site, prometheus)
        choices = await reader.choices(dashboard, ask)
        values = {choice.variable.name: choice.value for choice in choices}
        answers = await _answers(reader, dashboard, ask, choices)
        happened = await events.ask(prometheus, dashboard, ask, values)
        strip = await status.ask(prometheus, site.public(site.ports.inbox))
    outline = page.outline(dashboard, library, ask, choices, [])
    opened = [section | {"collapsed": False} for section in outline["sections"]]
    outline |= {"vendor": VENDOR_PACKAGE, "grafana": "", "links": [], "refresh": "", "sections": opened}
    facts = {
        "made": ask.at * 1000, "source": f"Prometheus at {without_user(site.prometheus_url)}",
        "status": strip, "version": version(),
        "events": happened,
        "from": ask.over.start * 1000, "to": ask.over.end * 1000,
        "variables": {name: value.plain for name, value in values.items() if name in ask.given},
    }  # fmt: skip
    return assemble(outline, facts, answers, files or Files())


async def _answers(reader: Reader, dashboard: Dashboard, ask: Ask, choices: Sequence[Choice]) -> dict[str, Any]:
    values = {choice.variable.name: choice.value for choice in choices}
    listed = [one for section in places.sections(dashboard, places.chosen(choices)) for one in section.panels if one.panel.drawn]
    payloads = await asyncio.gather(*(reader.panel(one.panel, ask, places.values_in(values, one.scoped)) for one in listed))
    return {one.key: payload for one, payload in zip(listed, payloads, strict=True)}


def assemble(outline: Mapping[str, Any], facts: Mapping[str, Any], answers: Mapping[str, Any], files: Files) -> str:
    """The page of these data, with every script and style inside it."""
    styles = [path.read_text(encoding="utf-8") for _, path in files.present(STYLES)]
    scripts = [path.read_text(encoding="utf-8") for _, path in files.present(SCRIPTS)]
    policy = (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    head = f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n<link rel="icon" href="data:,">\n'
    head += "\n".join(f"<style>{style}</style>" for style in styles)
    blocks = [page.data_block(name, value) for name, value in (("outline", outline), ("snapshot", facts), ("answers", answers))]
    body = page.shell([*blocks, *(f"<script>{script}</script>" for script in scripts)])
    if VENDOR_SCRIPT not in (name for name, _ in files.present(SCRIPTS)):
        print(f"snapshot: without charts: install the package {VENDOR_PACKAGE}", file=sys.stderr)
    return page.document(str(outline["title"]), head, body)


def _hashes(texts: Sequence[str]) -> str:
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts)
