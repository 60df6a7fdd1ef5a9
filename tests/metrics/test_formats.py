"""Who gets which format: the headers that Prometheus really sends, and the grammar of RFC 9110."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.formats import OPENMETRICS, TEXT, Format, negotiate

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_NATIVE_HISTOGRAMS = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," + PROMETHEUS_3
)
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        pytest.param(PROMETHEUS_2_42, True, id="Prometheus 2.42"),
        pytest.param(PROMETHEUS_3, True, id="Prometheus 3"),
        pytest.param(PROMETHEUS_3_NATIVE_HISTOGRAMS, True, id="Prometheus 3 with native histograms"),
        pytest.param(FIREFOX, False, id="browser"),
        pytest.param("", False, id="no header"),
        pytest.param("*/*", False, id="curl"),
        pytest.param("text/plain", False, id="text only"),
        pytest.param("application/json", False, id="neither: text"),
        pytest.param("application/openmetrics-text", True, id="OpenMetrics only"),
        pytest.param("application/openmetrics-text;version=0.0.1", False, id="an OpenMetrics that we do not speak"),
        pytest.param('Application/OpenMetrics-Text; Version="1.0.0" ; Q=0.5', True, id="case, spaces and quotes"),
        pytest.param("application/openmetrics-text;q=0", False, id="OpenMetrics refused"),
        pytest.param("application/openmetrics-text;q=0.4, text/plain;q=0.5", False, id="text preferred"),
        pytest.param("application/openmetrics-text;q=0.5, text/plain;q=0.5", True, id="a tie"),
        pytest.param("application/openmetrics-text;q=0.5, text/*;q=0.9", False, id="text by a range"),
        pytest.param("application/openmetrics-text;q=0.5, text/plain;q=0.1, */*;q=1", True, id="the specific range counts"),
        pytest.param(
            "application/openmetrics-text;q=0.5, text/plain;version=1.0.0;q=0.9", True, id="a text that we do not speak"
        ),
        pytest.param("application/openmetrics-text;q=nan", False, id="a weight that is no number"),
        pytest.param("application/openmetrics-text;q=7", False, id="a weight above 1"),
    ],
)
def test_the_format(accept: str, openmetrics: bool) -> None:  # noqa: FBT001  # a parameter of the table
    assert negotiate(accept).openmetrics is openmetrics


@pytest.mark.parametrize(
    ("accept_encoding", "zipped"),
    [
        pytest.param("gzip", True, id="Prometheus"),
        pytest.param("", False, id="no header"),
        pytest.param("deflate, br", False, id="others only"),
        pytest.param("*", True, id="any"),
        pytest.param("gzip;q=0, *", False, id="any but gzip"),
        pytest.param("GZIP ; q=0.1", True, id="case and weight"),
        pytest.param("identity;q=1, gzip;q=0.5", False, id="plain bytes preferred"),
        pytest.param("identity;q=0.5, gzip;q=1", True, id="gzip preferred"),
        pytest.param("gzip;q=x", False, id="a weight that is no number"),
    ],
)
def test_the_encoding(accept_encoding: str, zipped: bool) -> None:  # noqa: FBT001  # a parameter of the table
    assert negotiate(accept_encoding=accept_encoding).gzip is zipped


@given(accept=st.text(alphabet='*/;,=q01."text plain gzip version'), accept_encoding=st.text())
def test_no_header_is_too_strange(accept: str, accept_encoding: str) -> None:
    assert isinstance(negotiate(accept, accept_encoding), Format)


def test_the_response_says_what_it_holds() -> None:
    assert Format().headers == {"Content-Type": TEXT, "Vary": "Accept, Accept-Encoding"}
    assert Format(openmetrics=True, gzip=True).headers == {
        "Content-Type": OPENMETRICS,
        "Content-Encoding": "gzip",
        "Vary": "Accept, Accept-Encoding",
    }
