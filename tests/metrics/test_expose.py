"""Our renderer against prometheus_client's: whatever the samples are, both tell a parser the same."""

from __future__ import annotations

import gzip
import math
from typing import Any

import pytest
from hypothesis import given, settings
from prometheus_client import CollectorRegistry
from prometheus_client import exposition as text_format
from prometheus_client.openmetrics import exposition as openmetrics_format
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from metrics.expose import ClientCollector, Format, Renderer
from metrics.model import Distribution, Histogram, Metric, Sample
from tests.metrics.samples import LABELLED, LABELLED_TIMES, PLAIN, TIMES, TOTAL, UPSTREAM, scrapes

FORMATS = [pytest.param(False, id="text"), pytest.param(True, id="openmetrics")]


def ours(samples: list[Sample], *, openmetrics: bool) -> str:
    return Renderer().render(samples, Format(openmetrics=openmetrics)).decode("utf-8")


def theirs(samples: list[Sample], *, openmetrics: bool) -> str:
    registry = CollectorRegistry()
    registry.register(ClientCollector(lambda: samples))
    module = openmetrics_format if openmetrics else text_format
    return str(module.generate_latest(registry).decode("utf-8"))


def parsed(text: str, *, openmetrics: bool) -> tuple[dict[tuple[Any, ...], float], dict[str, str]]:
    """Value per series, and help per family, as prometheus_client's parser of that format reads them."""
    parse: Any = parse_openmetrics if openmetrics else parse_text
    families = list(parse(text))
    values = {
        # The client's text parser appends `_total` to a counter without it; Prometheus keeps the name, and so do we.
        (sample.name.replace("wf_upstream_counter_total", UPSTREAM.name), *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
    return values, {family.name: family.documentation for family in families}


def same(left: float, right: float) -> bool:
    """As Prometheus keeps them: as 64-bit floats."""
    return float(left) == float(right) or (math.isnan(left) and math.isnan(right))


@pytest.mark.parametrize("openmetrics", FORMATS)
@given(samples=scrapes)
@settings(max_examples=200, deadline=None)
def test_our_text_says_what_prometheus_client_says(samples: list[Sample], openmetrics: bool) -> None:  # noqa: FBT001  # given by name
    our_values, our_help = parsed(ours(samples, openmetrics=openmetrics), openmetrics=openmetrics)
    their_values, their_help = parsed(theirs(samples, openmetrics=openmetrics), openmetrics=openmetrics)

    assert our_values.keys() == their_values.keys()
    assert all(same(value, their_values[series]) for series, value in our_values.items())
    assert our_help == their_help


@given(first=scrapes, second=scrapes)
@settings(deadline=None)
def test_a_renderer_that_has_rendered_before_renders_like_a_fresh_one(first: list[Sample], second: list[Sample]) -> None:
    kept = Renderer()
    for wanted in (Format(), Format(openmetrics=True)):
        kept.render(first, wanted)
        assert kept.render(second, wanted) == Renderer().render(second, wanted)
        assert kept.render(second, wanted) == Renderer().render(second, wanted)


def test_each_family_stands_once_with_its_type() -> None:
    samples = [TOTAL.sample(1, "x"), PLAIN.sample(2), TOTAL.sample(3, "y"), UPSTREAM.sample(4, "z")]

    text, openmetrics = ours(samples, openmetrics=False), ours(samples, openmetrics=True)

    assert [line for line in text.splitlines() if line.startswith("# TYPE")] == [
        "# TYPE wf_total counter",
        "# TYPE wf_plain gauge",
        "# TYPE wf_upstream_counter counter",
    ]
    assert text.index('wf_total{a="y"} 3') < text.index("wf_plain")
    assert "# TYPE wf counter\n" in openmetrics
    assert "# TYPE wf_upstream_counter unknown\n" in openmetrics
    assert openmetrics.endswith("# EOF\n")
    assert "# EOF" not in text
    assert '# HELP wf_plain Help with a backslash \\\\, a "quote" and\\na second line.' in text
    assert '# HELP wf_plain Help with a backslash \\\\, a \\"quote\\" and\\na second line.' in openmetrics


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (1.0, "1.0"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (2**70, "1180591620717411303424"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (True, "1"),
        (False, "0"),
    ],
)
def test_numbers_keep_their_digits(value: float, written: str) -> None:
    assert ours([PLAIN.sample(value)], openmetrics=False).splitlines()[-1] == f"wf_plain {written}"


def test_label_values_that_are_not_unicode_become_replacement_characters() -> None:
    samples = [LABELLED.sample(1, "/mnt/\udce9t\udce9", "\ud800\udfff!")]

    body = Renderer().render(samples).decode("utf-8")

    assert 'a="/mnt/\ufffdt\ufffd",b="\ufffd!"' in body


def test_gzip_holds_the_same_text_and_nothing_that_changes() -> None:
    samples = [LABELLED.sample(1.5, "x", "y")]
    renderer = Renderer()

    zipped = renderer.render(samples, Format(gzip=True))

    assert gzip.decompress(zipped) == renderer.render(samples)
    assert zipped == renderer.render(samples, Format(gzip=True))


def test_buckets_are_cumulated_up_to_infinity() -> None:
    text = ours([TIMES.sample(Distribution((1, 2, 0, 4, 8), 33.5))], openmetrics=False)

    assert text.splitlines()[2:] == [
        'wf_times_seconds_bucket{le="0.005"} 1',
        'wf_times_seconds_bucket{le="1.0"} 3',
        'wf_times_seconds_bucket{le="2.5"} 3',
        'wf_times_seconds_bucket{le="1000000.0"} 7',
        'wf_times_seconds_bucket{le="+Inf"} 15',
        "wf_times_seconds_count 15",
        "wf_times_seconds_sum 33.5",
    ]


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param((LABELLED, ("only one",), 1.0), id="too few labels"),
        pytest.param((LABELLED, ("a", "b", "c"), 1.0), id="too many labels"),
        pytest.param((TIMES, (), Distribution((1, 2), 3.0)), id="too few buckets"),
        pytest.param((TIMES, (), Distribution((1,) * 9, 3.0)), id="too many buckets"),
    ],
)
def test_samples_that_do_not_fit_their_metric_are_refused(sample: Sample) -> None:
    with pytest.raises(ValueError, match="zip"):
        Renderer().render([sample])


@pytest.mark.parametrize("metric", [LABELLED, LABELLED_TIMES], ids=["gauge", "histogram"])
def test_label_values_that_come_and_go_do_not_fill_the_memory(metric: Metric) -> None:
    renderer = Renderer()
    value = Distribution((1, 2), 3.0) if isinstance(metric, Histogram) else 1.0

    for turn in range(200):
        renderer.render([(metric, tuple(f"{turn}-{child}" for _ in metric.labels), value) for child in range(10)])

    cache = renderer._text[metric]
    assert len(cache.prefixes) + len(cache.buckets) <= 2 * 10 + 1 + 64 + 10
