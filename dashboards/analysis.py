"""AI Performance: do the models answer, in time, and are they any good? Each skill stands beside that of a naive baseline."""

from __future__ import annotations

from dashboards import analysis_versions, layout
from dashboards.layout import Cell, Dashboard, Panel, Row
from dashboards.panels import MAX_SERIES, Column, Panels, Query, States
from metrics import analysis as ai
from metrics import catalog, prometheus
from metrics import model_quality as quality
from metrics.model import Gauge, Unit
from metrics.query import Function, Rate, Selector
from metrics.stack import DASHBOARD_ANALYSIS, JOB_ANALYSIS, JOB_MODEL_QUALITY
from settings import Site

_COUNT = "ai_prediction_count"
_ORIGINAL_WINDOW = "5m"  # of the rates that the original vocabulary's dashboard shows
_SIDE = "{{model}} {{of}}"


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer what tells of the models."""
    panels = Panels(site, scope=("cluster", "instance", "model"))
    rows = [
        _fine(panels),
        Row("At a glance", [Cell(panel, width=8) for panel in originals(panels)]),
        _skill(panels),
        *analysis_versions.rows(panels),
        _answers(panels),
        _learning(panels),
        _data(panels),
    ]
    return layout.dashboard(
        site,
        rows,
        uid=DASHBOARD_ANALYSIS,
        title="AI Performance",
        description="The five models: accuracy, skill beside a naive baseline, answers, learning, and what they stand on.",
        source=prometheus.UP,
        domain={"model": ai.VERSION},
    )


def originals(panels: Panels) -> list[Panel]:
    """The original's three panels, under its names."""
    return [
        panels.timeseries(
            "Model Accuracy",
            "Share of outcomes inside the stated 90 % interval or set, over the last hour. Normal: near 0.9. Below the dashed "
            "line the model's intervals are wrong; far above, they are too wide: see Width of intervals. No line below 200 "
            "outcomes.",
            Query(quality.ACCURACY_DROP, "{{model}}"), most=1,
        ),
        panels.timeseries(
            "Prediction Duration",
            "How long 95 % of the predictions took at most, over 5 min, the wait in the queue included. Normal: below 10 ms. "
            "Above: Queue tells whether questions wait; if they do not, the machine is busy: see System Overview.",
            Query(_p95("ai_prediction_duration"), "p95"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Prediction Rate",
            "Predictions a second by model, over 5 min: scheduled ones, and those that somebody asked for. Normal: flat, as "
            "the schedule makes them. A fall: see Errors by cause, and Age of data for a feed that is silent.",
            Query(Rate("rate", Selector(catalog.find(_COUNT), _COUNT), _ORIGINAL_WINDOW).sum(by=("model",)), "{{model}}"),
            unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip


def _p95(name: str, *by: str) -> Function:
    """The 95 % quantile of a recorded histogram of the original vocabulary."""
    buckets = Selector(catalog.find(f"{name}_bucket"), f"{name}_bucket")
    return Function("histogram_quantile", ("0.95", Rate("rate", buckets, _ORIGINAL_WINDOW).sum(by=("le", *by))))


def _fine(panels: Panels) -> Row:
    found = [
        panels.stat(
            "Models",
            "Whether Prometheus reaches the models' process. Normal: up. DOWN: `make status`, then `make logs s=analysis`.",
            Query(prometheus.UP.select(job=JOB_ANALYSIS).min(), "analysis"), unit=Unit.BOOL, states=States(),
            none="no model is scraped",
        ),
        panels.stat(
            "Quality",
            "Whether Prometheus reaches who measures them. Normal: up. DOWN: `make logs s=exporter-model_quality`.",
            Query(prometheus.UP.select(job=JOB_MODEL_QUALITY).min(), "exporter"), unit=Unit.BOOL, states=States(),
            none="nobody measures",
        ),
        panels.stat(
            "Lowest accuracy",
            "The lowest of the models' accuracies. Normal: near 0.9. The panel Model Accuracy tells which one.",
            Query(quality.ACCURACY.select().min(), "lowest"), unit=Unit.RATIO, none="fewer than 200 outcomes yet",
        ),
        panels.stat(
            "Questions unanswered",
            "Questions a second that got no answer. Normal: 0. The panel Errors by cause tells why.",
            Query(ai.ERRORS.rate().sum(), "unanswered"), unit=Unit.PER_SECOND, worse_above=1,
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=6, height=4) for panel in found])


def _beside(panels: Panels, title: str, help_text: str, metric: Gauge, model: str = "", *, most: float | None = None) -> Panel:
    chosen = metric.select(model=model) if model else metric.select()
    told = chosen.max(by=("model", "of"))
    return panels.timeseries(title, help_text, Query(told, _SIDE), unit=metric.unit, most=most)


def _skill(panels: Panels) -> Row:
    """One panel a score: the model's line and the baseline's."""
    found = [
        _beside(
            panels, "Hit rate",
            "Share of predictions that named the right side, beside the baseline. Normal: near the baseline. Nobody "
            "foretells a random walk: lines that lie on each other are what to expect of direction. Of volatility (risk) "
            "the model should lie above.",
            quality.HITS, most=1,
        ),
        _beside(
            panels, "Brier score",
            "Mean squared distance of the stated probability from what happened; lower is better, 0.25 is a coin's. Normal: "
            "at or below the baseline. A model above its baseline does harm: roll back, or let the baseline answer.",
            quality.BRIER,
        ),
        panels.timeseries(
            "Width of intervals",
            "Width of the 90 % intervals over the baseline's. Normal: about 1. Below 1 the model is sharper. A model can "
            "buy accuracy by being vague: it shows here.",
            Query(_relative(quality.WIDTH), "{{model}}"), unit=Unit.RATIO,
        ),
        panels.timeseries(
            "Interval score",
            "Width and what lay outside, over the baseline's: the fair judgement of intervals. Normal: about 1 or below. "
            "Below 1 the model is better.",
            Query(_relative(quality.INTERVAL_SCORE), "{{model}}"), unit=Unit.RATIO,
        ),
        panels.timeseries(
            "Accuracy with its confidence",
            "The 95 % confidence interval of the accuracy, were the outcomes independent. Normal: an interval that holds "
            "the baseline's accuracy, or lies above it. They overlap, so it is wider in truth.",
            Query(quality.ACCURACY_BOUND.select().min(by=("model", "bound")), "{{model}} {{bound}}"), unit=Unit.RATIO, most=1,
        ),
        panels.timeseries(
            "Value at risk exceeded",
            "Share of losses above the stated value at risk. Normal: near 5 %. Above 10 % the risk is understated.",
            Query(quality.BREACHES.select().max(by=("model",)), "{{model}}"), unit=Unit.RATIO,
        ),
        panels.timeseries(
            "Fallback share",
            "Share of the last hour's predictions in which the baseline stood in. Normal: 1 while a model is young, then 0. "
            "Stays at 1: Outcomes learned tells whether the model learns at all.",
            Query(quality.FALLBACK.select().max(by=("model",)), "{{model}}"), unit=Unit.RATIO, most=1,
        ),
        panels.timeseries(
            "Scored and waiting",
            "Predictions scored within the hour, those that wait for their outcome, and those that are overdue. Normal: "
            "scored and waiting ones flat. Overdue: 0.",
            Query(quality.SCORED.select().sum(), "scored"), Query(quality.WAITING.select().sum(), "waiting"),
            Query(quality.OVERDUE.select().sum(), "overdue"), unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return Row("Skill, beside a naive baseline", [Cell(panel, width=8) for panel in found])


def _relative(metric: Gauge) -> Function:
    own = metric.select(of="model").max(by=("model",))
    base = metric.select(of="baseline").max(by=("model",))
    return (own / base.compare(">", 0)).apply("clamp_max", "10")


def _answers(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Duration of predictions",
            "From a question's arrival to its answer, by model, p99. Normal: below the dashed line at 500 questions a second. "
            "Above: if Queue grows too, ask less often; if not, the machine is busy: see System Overview.",
            Query(ai.DURATION.quantile(0.99, by=("model",)), "{{model}}"), unit=Unit.SECONDS, signal=ai.PREDICTION_P99,
        ),
        panels.heatmap(
            "Spread of durations",
            "How many questions took how long, of all models. Normal: one band of milliseconds. One far above: they queue.",
            ai.DURATION,
        ),
        panels.timeseries(
            "Errors by cause",
            "Questions without an answer, by cause. Normal: 0. `no-data`: the feed is silent or the process young; "
            "`overloaded`, `timeout`: too many questions; `model`: a defect, see the log.",
            Query(ai.ERRORS.rate().sum(by=("cause",)), "{{cause}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Queue",
            "Questions that wait, and how many may. Normal: near 0. At the limit questions are refused as `overloaded`: ask "
            "less often.",
            Query(ai.QUEUE.select().sum(), "waiting"), Query(ai.QUEUE_LIMIT.select().sum(), "limit", limit=True), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Fallbacks",
            "Share of the last ten minutes' predictions in which the baseline stood in. Normal: 0 once the models have "
            "learned. Above the dashed line: Errors by cause tells why the model does not answer.",
            Query(ai.FALLBACK_SHARE, "{{model}}"), most=1,
        ),
    ]  # fmt: skip
    return Row("Answers", [Cell(panel, width) for panel, width in zip(found, (8, 8, 8, 12, 12), strict=True)])


def _learning(panels: Panels) -> Row:
    by = ("instance", "model")
    versions = panels.table(
        "Versions",
        "The version of each model that answers, its age, and whether somebody chose it by hand. Normal: above 0, with "
        "nothing chosen by hand. Version 0: it is still learning. `python -m stream.analysis versions` lists all, "
        "`rollback` goes back to one.",
        by,
        Column(ai.VERSION.select().max(by=by), "Version", Unit.COUNT),
        Column(ai.AGE.select().max(by=by), "Age", Unit.SECONDS),
        Column(ai.PINNED.select().max(by=by), "Chosen", Unit.BOOL, states=States("by hand", "newest")),
        none="no model is scraped",
    )
    found = [
        panels.timeseries(
            "Training duration",
            "How long a model took to learn from what had come, p95. Normal: below a millisecond a sample. Longer: see "
            "Busiest processor of System Overview; on a busy machine models learn late.",
            Query(_p95("ai_training_duration", "model"), "{{model}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Outcomes learned",
            "Outcomes a second that each model learned from. Normal: steady. 0: the feed is silent, or the process stands by.",
            Query(ai.SAMPLES.rate().sum(by=("model",)), "{{model}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Weights of the ensemble",
            "Each expert's weight by recent skill. Normal: slow changes, no expert with all of it. `past` knows nothing: "
            "much weight there means that nobody knows more.",
            Query(ai.WEIGHTS.select().max(by=("horizon", "expert")).topk(MAX_SERIES), "{{expert}} {{horizon}} s"),
            unit=Unit.RATIO, most=1,
        ),
        panels.timeseries(
            "Versions unreadable",
            "Files of versions that did not load, or could not be written, within an hour. Normal: 0. The one before answers.",
            Query(ai.UNREADABLE.increase("1h").sum(by=("model",)), "{{model}} unreadable"),
            Query(ai.UNWRITTEN.increase("1h").sum(by=("model",)), "{{model}} unwritten"), unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return Row("Learning", [Cell(versions, width=8), *(Cell(panel, width=8) for panel in found)], folded=True)


def _data(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Age of data",
            "Time since the newest message of each room. Normal: below a second for market, seconds for the others. A ramp: "
            "Feeds tells whether the source or the way to the models is silent.",
            Query(ai.DATA_AGE.select().max(by=("room",)), "{{room}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Outcomes",
            "Predictions whose time came: scored, or missed because the process was away when it came. Normal: scored ones "
            "only. Missed ones but after a restart: see Age of data, and Restarts by reason of The Appliance Itself.",
            Query(ai.SCORED.rate().sum(by=("result",)), "{{result}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Waiting for the data store",
            "Predictions and outcomes that are not stored yet, and those lost because too many waited. Normal: near 0, and 0. "
            "Grows: Database Performance tells whether the data store answers.",
            Query(ai.UNSAVED.select().sum(), "waiting"), Query(ai.LOST.increase("1h").sum(), "lost in 1 h"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Lease and stream",
            "Whether one process holds the lease (1 is right; 0: nobody learns or stores), and connections to the stream that "
            "were lost or not made within an hour, and messages without sense. Normal: lease 1, the rest 0. Lease 0, or "
            "connections lost again and again: `make logs s=analysis` has the reason.",
            Query(ai.LEASE.select().sum(), "lease"), Query(ai.RECONNECTS.increase("1h").sum(), "connections lost"),
            Query(ai.BAD_MESSAGES.increase("1h").sum(by=("room",)), "bad of {{room}}"), unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return Row("What they stand on", [Cell(panel, width=6) for panel in found], folded=True)
