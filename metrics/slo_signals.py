"""How fast error budgets are spent, over which windows, and what is left: recorded from the events of `metrics/slo.py`.

Method and factors: Google, The Site Reliability Workbook, chapter 5, "Multiwindow, multi-burn-rate alerts". Recorded names are
those of Sloth (https://sloth.dev) where it has one for the same quantity.

A window's ratio is bad events by all events of that window, each the sum of the 5-minute rates recorded within it. So long
windows read a few recorded series and no raw one; a moment with many events weighs more than one with few; and a window that is
older than the oldest sample covers what there is. Only the budget counts the time before as fine.
"""

from __future__ import annotations

from dataclasses import dataclass

from metrics import slo
from metrics.durations import scaled, seconds
from metrics.model import RECORDING_RULE, Gauge, Labels, Signal, Unit
from metrics.query import Expr, Target

EVERY = "30s"  # windows up to 6 h: a tenth of the shortest, so that a page is late by little
EVERY_LONG = "2m"  # windows of days
EVERY_MONTH = "4m"  # 30 days, on which nobody is called; below 5 min, after which Prometheus takes a series for gone
FEWEST = 10  # bad events within the long window: fewer are chance
_BY = ("cluster", "slo")
_LABELS = ("slo",)

OBJECTIVE = Gauge(
    "slo:objective:ratio", "The share of events that has to be good over 30 days.", Unit.RATIO, labels=_LABELS,
    emitter=RECORDING_RULE,
)  # fmt: skip
BUDGET = Gauge(
    "slo:error_budget:ratio", "The share of events that may be bad over 30 days.", Unit.RATIO, labels=_LABELS,
    emitter=RECORDING_RULE,
)  # fmt: skip
BAD = Gauge("slo:sli_bad:rate5m", "Bad events a second.", Unit.PER_SECOND, labels=_LABELS, emitter=RECORDING_RULE)
TOTAL = Gauge("slo:sli_total:rate5m", "Events a second.", Unit.PER_SECOND, labels=_LABELS, emitter=RECORDING_RULE)
MADE = (OBJECTIVE, BUDGET, BAD, TOTAL)


@dataclass(frozen=True)
class _Seconds(Expr):
    """A duration as a number of seconds, multiplied in rules as every window is."""

    text: str

    def render(self, target: Target) -> str:
        """The number."""
        return f"{seconds(scaled(self.text, target.factor)):.15g}"

    @property
    def labels(self) -> Labels:
        """None: it is a number."""
        return ()


def _covered(window: str) -> Expr:
    """Seconds of the window that were observed."""
    return TOTAL.select().over("count_over_time", window).sum(by=_BY) * _Seconds(EVERY)


def _ratio(window: str, recorded_as: str, every: str) -> Signal:
    if window == "5m":
        expr: Expr = BAD.select().sum(by=_BY) / TOTAL.select().sum(by=_BY).compare(">", 0)
    else:
        bad, total = (metric.select().over("sum_over_time", window).sum(by=_BY) for metric in (BAD, TOTAL))
        expr = bad / total.compare(">", 0)
    help_ = f"Share of events that were bad over {window}."
    return Signal(f"Error ratio, {window}", expr, Unit.RATIO, help_, recorded_as=recorded_as, every=every)


RATIO_5M = _ratio("5m", "slo:sli_error:ratio_rate5m", EVERY)
RATIO_30M = _ratio("30m", "slo:sli_error:ratio_rate30m", EVERY)
RATIO_1H = _ratio("1h", "slo:sli_error:ratio_rate1h", EVERY)
RATIO_2H = _ratio("2h", "slo:sli_error:ratio_rate2h", EVERY)
RATIO_6H = _ratio("6h", "slo:sli_error:ratio_rate6h", EVERY)
RATIO_1D = _ratio("1d", "slo:sli_error:ratio_rate1d", EVERY_LONG)
RATIO_3D = _ratio("3d", "slo:sli_error:ratio_rate3d", EVERY_LONG)
RATIO_30D = _ratio("30d", "slo:sli_error:ratio_rate30d", EVERY_MONTH)


def recorded(signal: Signal) -> Gauge:
    """What a signal of this module is recorded as."""
    return Gauge(signal.recorded_as, signal.help, signal.unit, labels=_LABELS, emitter=RECORDING_RULE)


def _pair(  # a row of the table below
    long: Signal, short: Signal, recorded_as: str, every: str, *,
    warning: float | None = None, critical: float | None = None, alert: str, gone: str,
) -> Signal:  # fmt: skip
    """The lower burn rate of two windows: the long one says that it matters, the short one that it still goes on."""
    of_long, of_short = recorded(long).select(), recorded(short).select()
    lower = of_long.compare("<", of_short).binary("or", of_short, "").max(by=_BY)
    windows = f"{long.title.split()[-1]} and {short.title.split()[-1]}"
    return Signal(
        f"Burn rate, {windows}",
        lower / BUDGET.select(),
        Unit.NONE,
        f"How many times faster than the objective allows bad events come, over {windows}: the lower of both.",
        warning=warning, critical=critical, minimum=1, maximum=100, recorded_as=recorded_as, every=every,
        why=f"At this rate {gone}.", alerts={"critical" if critical else "warning": alert},
    )  # fmt: skip


BURN_1H = _pair(
    RATIO_1H, RATIO_5M, "slo:burn_rate:1h_5m", EVERY, critical=14.4, alert="SLOBurnRate1h",
    gone="2 % of the budget of 30 days are gone within an hour, all of it in two days",
)  # fmt: skip
BURN_6H = _pair(
    RATIO_6H, RATIO_30M, "slo:burn_rate:6h_30m", EVERY, critical=6, alert="SLOBurnRate6h",
    gone="5 % of the budget of 30 days are gone within six hours, all of it in five days",
)  # fmt: skip
BURN_1D = _pair(
    RATIO_1D, RATIO_2H, "slo:burn_rate:1d_2h", EVERY_LONG, warning=3, alert="SLOBurnRate1d",
    gone="10 % of the budget of 30 days are gone within a day, all of it in ten days",
)  # fmt: skip
BURN_3D = _pair(
    RATIO_3D, RATIO_6H, "slo:burn_rate:3d_6h", EVERY_LONG, warning=1, alert="SLOBurnRate3d",
    gone="10 % of the budget of 30 days are gone within three days, and nothing is left at the end",
)  # fmt: skip
PAIRS = (BURN_1H, BURN_6H, BURN_1D, BURN_3D)


def _grounds(long: str, least: str, **matchers: str) -> Signal:
    """Enough happened to judge by: ten bad events, and so much history that the short window knows nothing of the start.

    That is the short window and the 5 min that its samples look back.
    """
    bad = BAD.select(**matchers).over("sum_over_time", long).sum(by=_BY) * _Seconds(EVERY)
    history = _covered(long).compare(">=", _Seconds(least))
    return Signal(
        f"Grounds to judge by, {long}",
        bad.compare(">=", FEWEST).binary("and", history, ""),
        Unit.COUNT,
        f"Bad events within {long}, where there are at least {FEWEST} and {least} of history.",
    )


_MAY_PAGE = "=~" + "|".join(slo.PAGING)
OBSERVED = Signal(
    "Observed of 30 days",
    _covered("30d"),
    Unit.SECONDS,
    "Seconds of the last 30 days in which events were counted: a young stack has few, and its share of bad events says little.",
    recorded_as="slo:period_observed:seconds", every=EVERY_MONTH,
)  # fmt: skip
BUDGET_LEFT = Signal(
    "Error budget left",
    1 - recorded(RATIO_30D).select().max(by=_BY) / BUDGET.select() * (recorded(OBSERVED).select().max(by=_BY) / _Seconds("30d")),
    Unit.RATIO,
    "Share of the bad events allowed over 30 days that is still unspent; below 0 the objective is missed. Time without "
    "a sample counts as fine.",
    warning=0.25, critical=0, bad_below=True, minimum=-1, maximum=1, recorded_as="slo:period_error_budget_remaining:ratio",
    every=EVERY_MONTH, why="Below a quarter risky changes wait; below 0 the promise is broken.",
)  # fmt: skip

SIGNALS = {
    "slo.error_5m": RATIO_5M,
    "slo.error_30m": RATIO_30M,
    "slo.error_1h": RATIO_1H,
    "slo.error_2h": RATIO_2H,
    "slo.error_6h": RATIO_6H,
    "slo.error_1d": RATIO_1D,
    "slo.error_3d": RATIO_3D,
    "slo.error_30d": RATIO_30D,
    "slo.burn_1h": BURN_1H,
    "slo.burn_6h": BURN_6H,
    "slo.burn_1d": BURN_1D,
    "slo.burn_3d": BURN_3D,
    "slo.observed": OBSERVED,
    "slo.budget_left": BUDGET_LEFT,
    "slo.grounds_1h": _grounds("1h", "10m", slo=_MAY_PAGE),
    "slo.grounds_6h": _grounds("6h", "35m", slo=_MAY_PAGE),
    "slo.grounds_1d": _grounds("1d", "125m"),
    "slo.grounds_3d": _grounds("3d", "365m"),
}
