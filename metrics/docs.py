"""docs/metrics.md: every metric with its type, unit, labels and help, where it comes from and who looks at it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from metrics import catalog
from metrics.model import Metric
from metrics.usage import Usage

_INTRODUCTION = """\
<!-- Made by `python -m metrics docs` from the declarations and the rendered files; do not edit. -->
# Metrics

Every metric of the appliance. Each is declared once, in `metrics/`; exporters, panels, alerts and this page hold that
declaration. Every series also has the labels `cluster`, `job` and `instance`.

- `node_*` names, labels and units are node_exporter's. Those that are neither drawn nor alerted on are there for dashboards
  and rules that people already own (**compatible**).
- **Absent** says why a healthy system may not have it. **Internal** says why one of our own is neither drawn nor alerted on.
- *through* names the recording rule by which a panel or an alert reads a metric.

"""
_TITLES = {
    "system": "The machine",
    "stack": "The appliance itself",
    "process": "Every service's process",
    "prometheus": "Prometheus and Alertmanager",
}
_HEAD = "| metric | type | unit | labels | help | collected in | drawn in | alerted by |\n|---|---|---|---|---|---|---|---|\n"


def page(used: Usage) -> str:
    """The page, in Markdown: a table per domain, and one of the names that recording rules make."""
    parts = [_INTRODUCTION, _use(used)]
    for name, domain in catalog.DOMAINS.items():
        parts.append(_table(_TITLES.get(name, name.capitalize()), domain.metrics, used))
    parts.append(_table("Made by recording rules", catalog.recorded(), used))
    return "\n".join(parts)


def _use(used: Usage) -> str:
    """How much of our own is looked at; what is not, and why."""
    own = [metric for metric in catalog.all_metrics() if catalog.is_own(metric)]
    alerted = sum(bool(used.alerted.get(metric.name)) for metric in own)
    internal = [metric for metric in own if metric.internal]
    share = f"{len(internal) / len(own):.1%}, of at most {catalog.MOST_INTERNAL:.0%}"
    said = (
        f"Of our own families (`{'` `'.join(catalog.OWN_PREFIXES)}`) there are {len(own)} metrics.\n{len(own) - len(internal)} "
        f"are drawn or alerted on ({alerted} alerted on), {len(internal)} are internal: {share}.\n"
    )
    return said + "".join(f"- `{metric.name}`: {metric.internal}.\n" for metric in internal)


def _table(title: str, metrics: tuple[Metric, ...], used: Usage) -> str:
    return f"## {title}\n\n{_HEAD}" + "".join(_row(metric, used) for metric in metrics)


def _row(metric: Metric, used: Usage) -> str:
    cells = (
        f"`{metric.name}`",
        metric.type,
        metric.unit.key,
        ", ".join(f"`{label}`" for label in metric.labels),
        " ".join(_help(metric)),
        ", ".join(used.collected.get(metric.name, ())),
        "; ".join(_drawn(used.drawn.get(metric.name, {}))),
        ", ".join(_alerted(used.alerted.get(metric.name, {}))),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _help(metric: Metric) -> Iterator[str]:
    yield metric.help
    if metric.absent:
        yield f"**Absent**: {metric.absent}."
    if metric.internal:
        yield f"**Internal**: {metric.internal}."
    if metric.compat:
        yield "**Compatible.**"


def _drawn(places: Mapping[str, str]) -> Iterator[str]:
    """Panels, gathered by dashboard."""
    boards: dict[str, list[str]] = defaultdict(list)
    for place, through in places.items():
        board, _, panel = place.partition(": ")
        boards[board].append(panel + _through(through))
    for board, panels in boards.items():
        yield f"{board}: {', '.join(dict.fromkeys(panels))}"


def _alerted(places: Mapping[str, str]) -> Iterator[str]:
    for alert, through in places.items():
        yield f"[{alert}](runbooks/{alert}.md){_through(through)}"


def _through(name: str) -> str:
    return f" (*through* `{name}`)" if name else ""
