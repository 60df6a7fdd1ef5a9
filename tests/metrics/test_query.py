"""What expressions look like when rendered, and that a PromQL parser takes every one of them."""

from __future__ import annotations

from typing import Any

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import app, catalog, feed
from metrics.model import Counter, Gauge, Histogram, Unit
from metrics.query import Expr, Target, quote, raw

REQUESTS = Counter("app_requests_total", "Requests.", labels=("code",))
OPEN = Gauge("app_open", "Open ones.", labels=("kind",))
FREE = Gauge("app_free", "Free ones.", labels=("kind",))
TIMES = Histogram("app_times_seconds", "Times.", Unit.SECONDS, labels=("path",))

# (expression, for a rule, for a panel)
RENDERED: list[tuple[Expr, str, str]] = [
    (OPEN.select(), "app_open", "app_open"),
    (OPEN.select(kind="a"), 'app_open{kind="a"}', 'app_open{kind="a"}'),
    (OPEN.select(kind="=~a|b").where(x="!=c"), 'app_open{kind=~"a|b", x!="c"}', 'app_open{kind=~"a|b", x!="c"}'),
    (OPEN.select(kind="!~a.*"), 'app_open{kind!~"a.*"}', 'app_open{kind!~"a.*"}'),
    (OPEN.select(kind='"\\\n'), 'app_open{kind="\\"\\\\\\n"}', 'app_open{kind="\\"\\\\\\n"}'),
    (REQUESTS.rate(), "rate(app_requests_total[5m])", "rate(app_requests_total[$__rate_interval])"),
    (REQUESTS.rate("1m"), "rate(app_requests_total[1m])", "rate(app_requests_total[1m])"),
    (REQUESTS.increase("1h", x="y"), 'increase(app_requests_total{x="y"}[1h])', 'increase(app_requests_total{x="y"}[1h])'),
    (
        REQUESTS.rate().sum(by=("code",)),
        "sum by (code) (rate(app_requests_total[5m]))",
        "sum by (code) (rate(app_requests_total[$__rate_interval]))",
    ),
    (OPEN.select().max(), "max(app_open)", "max(app_open)"),
    (OPEN.select().min(by=("kind",)), "min by (kind) (app_open)", "min by (kind) (app_open)"),
    (OPEN.select().avg().count(), "count(avg(app_open))", "count(avg(app_open))"),
    (OPEN.select().without("sum", "kind"), "sum without (kind) (app_open)", "sum without (kind) (app_open)"),
    (OPEN.select().without("sum"), "sum without () (app_open)", "sum without () (app_open)"),
    (OPEN.select().topk(5), "topk(5, app_open)", "topk(5, app_open)"),
    (OPEN.select().apply("clamp_min", "0"), "clamp_min(app_open, 0)", "clamp_min(app_open, 0)"),
    (100 * (1 - OPEN.select() / FREE.select()), "100 * (1 - (app_open / app_free))", "100 * (1 - (app_open / app_free))"),
    (OPEN.select() - 0.1 + FREE.select(), "(app_open - 0.1) + app_free", "(app_open - 0.1) + app_free"),
    (OPEN.select().compare(">", 0) * 2, "(app_open > 0) * 2", "(app_open > 0) * 2"),
    (
        OPEN.select().binary("*", FREE.select(), "on (kind) group_left ()"),
        "app_open * on (kind) group_left () app_free",
        "app_open * on (kind) group_left () app_free",
    ),
    (OPEN.select().over("max_over_time", "1h"), "max_over_time(app_open[1h])", "max_over_time(app_open[1h])"),
    (
        OPEN.select().over("quantile_over_time", "1h", "0.9"),
        "quantile_over_time(0.9, app_open[1h])",
        "quantile_over_time(0.9, app_open[1h])",
    ),
    (
        OPEN.select().over("predict_linear", "6h", "4h"),
        "predict_linear(app_open[6h], 14400)",
        "predict_linear(app_open[6h], 14400)",
    ),
    (
        TIMES.quantile(0.95),
        "histogram_quantile(0.95, sum by (le) (rate(app_times_seconds_bucket[5m])))",
        "histogram_quantile(0.95, sum by (le) (rate(app_times_seconds_bucket[$__rate_interval])))",
    ),
    (
        TIMES.mean(by=("path",), window="1m"),
        "sum by (path) (rate(app_times_seconds_sum[1m])) / sum by (path) (rate(app_times_seconds_count[1m]))",
        "sum by (path) (rate(app_times_seconds_sum[1m])) / sum by (path) (rate(app_times_seconds_count[1m]))",
    ),
    (TIMES.rate(), "rate(app_times_seconds_count[5m])", "rate(app_times_seconds_count[$__rate_interval])"),
    (raw("up == 0"), "up == 0", "up == 0"),
    (raw("up[5m]", panel="up[1h]"), "up[5m]", "up[1h]"),
    (raw("up or down").sum(), "sum(up or down)", "sum(up or down)"),
    (raw("up or down") * 2, "(up or down) * 2", "(up or down) * 2"),
]  # fmt: skip


@pytest.mark.parametrize(("expr", "rule", "panel"), RENDERED, ids=[rule for _, rule, _ in RENDERED])
def test_rendering(expr: Expr, rule: str, panel: str) -> None:
    assert expr.for_rule() == rule
    assert expr.for_panel() == panel
    promql_parser.parse(rule)
    promql_parser.parse(panel.replace("$__rate_interval", "5m"))


@pytest.mark.parametrize(
    ("expr", "scaled"),
    [
        (REQUESTS.rate(), "rate(app_requests_total[30s])"),
        (REQUESTS.rate("1m"), "rate(app_requests_total[6s])"),
        (OPEN.select().over("max_over_time", "1h"), "max_over_time(app_open[6m])"),
        (OPEN.select().over("predict_linear", "6h", "4h"), "predict_linear(app_open[36m], 1440)"),
        (OPEN.select().over("predict_linear", "6h", "14400"), "predict_linear(app_open[36m], 14400)"),
        (raw("rate(x[5m]) > 100 and max_over_time(y[1h:1m])"), "rate(x[30s]) > 100 and max_over_time(y[6m:6s])"),
        (raw("max_over_time(y[1h:]) - x offset 10m"), "max_over_time(y[6m:]) - x offset 1m"),
        (raw("""x{a="[5m]", b='offset 5m', c=~"\\"[5m]"}[5m]"""), """x{a="[5m]", b='offset 5m', c=~"\\"[5m]"}[30s]"""),
    ],
)
def test_a_factor_multiplies_every_window_and_nothing_else(expr: Expr, scaled: str) -> None:
    assert expr.for_rule(factor=0.1) == scaled


def test_a_scope_narrows_every_selector() -> None:
    expr = OPEN.select(kind="a") / FREE.select()

    assert expr.for_panel(("cluster", "instance")) == (
        'app_open{cluster=~"$cluster", instance=~"$instance", kind="a"} / app_free{cluster=~"$cluster", instance=~"$instance"}'
    )


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        (OPEN.select(), ("kind",)),
        (REQUESTS.rate(), ("code",)),
        (OPEN.select().over("max_over_time", "1h"), ("kind",)),
        (OPEN.select().sum(), ()),
        (OPEN.select().sum(by=("instance", "kind")), ("instance", "kind")),
        (OPEN.select().without("sum", "kind"), ()),
        (TIMES.quantile(0.9, by=("path",)), ("path",)),
        (1 - OPEN.select(), ("kind",)),
        (OPEN.select() / REQUESTS.rate(), ("kind",)),
        (OPEN.select().binary("*", FREE.select(), "on (instance)"), ()),
        (OPEN.select().binary("*", FREE.select(), "ignoring (kind)"), ()),
        (REQUESTS.rate().binary("*", OPEN.select(), "on (instance) group_left (kind)"), ("code", "kind")),
        (REQUESTS.rate().binary("*", OPEN.select(), "on (instance) group_right ()"), ("kind",)),
        (raw("max by (a, b) (x)"), ("a", "b")),
    ],
)
def test_the_labels_that_a_result_keeps(expr: Expr, labels: tuple[str, ...]) -> None:
    assert expr.labels == labels


def test_raw_promql_that_hides_its_labels_says_so() -> None:
    with pytest.raises(ValueError, match="begin it with an aggregation"):
        _ = raw("x or y").labels


@given(st.text().filter(lambda text: text.isprintable() or "\n" in text))
def test_any_text_can_be_matched(text: str) -> None:
    selector: Any = promql_parser.parse(f"x{{l={quote(text)}}}")

    assert selector.matchers.matchers[0].value == text


def test_every_signal_is_valid_promql_in_both_renderings() -> None:
    for key, signal in catalog.signals().items():
        rule = signal.expr.for_rule()
        promql_parser.parse(rule)
        promql_parser.parse(signal.expr.for_rule(factor=0.01))
        panel = signal.expr.render(Target("5m", scope=("cluster",)))
        promql_parser.parse(panel)
        assert "$__" not in rule, key


def test_a_choice_narrows_the_metrics_that_have_its_label_alone() -> None:
    scope = ("instance", "source")
    assert feed.MESSAGES.select().for_panel(scope) == 'feed_messages_total{instance=~"$instance", source=~"$source"}'
    assert app.ACTIVE_CONNECTIONS.select().for_panel(scope) == 'app_active_connections{instance=~"$instance"}'
