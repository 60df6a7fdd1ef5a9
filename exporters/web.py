"""The landing page of an exporter: pure text making, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from exporters.base import Domain

LOOK = Path(__file__).parent.parent / "settings" / "look" / "base.css"
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="stylesheet" href="/base.css"></head>
<body>
<header class="bar"><h1>{title}</h1><span class="muted">{version}</span></header>
<main class="card">
<p>{count} collectors answer scrapes at <a href="/metrics"><code>/metrics</code></a>.
<a href="/healthz">Health</a> · <a href="/readyz">Readiness</a></p>
{targets}<table>
<thead><tr><th scope="col">Collector</th><th scope="col">Reads</th><th scope="col" class="number">Metrics</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</main>
</body>
</html>
"""


def landing(domain: Domain, version: str, targets: Sequence[str] = ()) -> str:
    """The page: what this is, where its metrics are, its targets by name, what each collector reads."""
    rows = "\n".join(
        f'<tr><td><a href="/metrics?collect%5B%5D={escape(collector.name)}"><code>{escape(collector.name)}</code></a></td>'
        f'<td>{escape(collector.help)}</td><td class="number">{len(collector.emits)}</td></tr>'
        for collector in domain.collectors
    )
    links = ", ".join(f'<a href="/probe?target={quote(name)}"><code>{escape(name)}</code></a>' for name in targets)
    title = f"Watchfloor exporter: {domain.name}"
    return _PAGE.format(
        title=escape(title),
        version=escape(version),
        count=len(domain.collectors),
        targets=f"<p>Targets: {links}</p>\n" if links else "",
        rows=rows,
    )
