"""Which file is read, what the environment changes, and that no text is too strange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from settings import SettingsError, Site, load, locate, parse
from settings.environment import SECRETS, VALUES
from settings.reference import keys

_NAMES = sorted({word for path, _ in keys() for word in path.replace("[]", "").split(".")})
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.dates(),
    st.datetimes(),
    st.binary(),
    st.sampled_from(_NAMES),
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_NAMES) | st.text() | st.integers() | st.none(), inner, max_size=4)
    ),
    max_leaves=12,
)


def _site_or_error(text: str) -> None:
    try:
        site = parse(text)
    except SettingsError as error:
        assert str(error).startswith("site.yaml:")  # noqa: PT017  # either outcome is right
    else:
        assert isinstance(site, Site)


@given(st.text())
@settings(deadline=None)
def test_any_text_is_a_site_or_a_settings_error(text: str) -> None:
    _site_or_error(text)


@given(st.text(alphabet="ab:-[]{}&*!<>'\"|?#%@`,~ \n\t0.1=é"))
@settings(deadline=None, max_examples=300)
def test_any_yaml_grammar_is_a_site_or_a_settings_error(text: str) -> None:
    _site_or_error(text)


@given(_TREES)
@settings(deadline=None, max_examples=150)
def test_any_tree_is_a_site_or_a_settings_error(tree: Any) -> None:
    _site_or_error(yaml.safe_dump(tree, allow_unicode=True))


@st.composite
def _spoilt(draw: st.DrawFn) -> Any:
    """A full, valid site with one place of it replaced by anything."""
    tree = _full()
    node: Any = tree
    while True:
        step = draw(st.sampled_from(list(node) if isinstance(node, dict) else list(range(len(node)))))
        if not node[step] or not isinstance(node[step], dict | list) or draw(st.booleans()):
            node[step] = draw(_TREES)
            return tree
        node = node[step]


def _full() -> Any:
    return {
        **msgspec.to_builtins(Site()),
        "hosts": [{"name": "web", "address": "10.0.0.5:9701", "labels": {"rack": "a"}}],
        "scrape": [{"job": "mine", "targets": ["a:1"], "labels": {"team": "x"}}],
        "alerts": {"A": {"threshold": 3, "for": "5m", "severity": "info", "enabled": True}, "B": {"enabled": False}},
        "receivers": [
            {"type": "webhook", "name": "w", "url": "http://a/b"},
            {"type": "email", "name": "e", "to": "a@b", "from": "c@d", "smarthost": "m:25"},
        ],
    }


def test_the_full_site_is_valid() -> None:
    assert parse(yaml.safe_dump(_full())).hosts[0].labels == {"rack": "a"}


@given(_spoilt())
@settings(deadline=None, max_examples=80)
def test_a_valid_site_with_one_place_spoilt_is_a_site_or_a_settings_error(tree: Any) -> None:
    _site_or_error(yaml.safe_dump(tree, allow_unicode=True))


def test_an_empty_file_is_all_defaults() -> None:
    assert parse("") == Site() == parse("# nothing\n")


def test_the_environment_wins_over_the_file() -> None:
    site = parse(
        "endpoints: {prometheus: 'http://file', grafana: 'http://file'}",
        environment={"PROMETHEUS_ENDPOINT": "http://environment/", "PROMETHEUS_USERNAME": "ops", "GRAFANA_ENDPOINT": ""},
    )

    assert site.endpoints.prometheus == "http://environment/"
    assert site.prometheus_url == "http://environment"
    assert site.endpoints.prometheus_username == "ops"
    assert site.endpoints.grafana == "http://file"


def test_the_environment_names_sources() -> None:
    site = parse(
        "stream: {sources: {market: {endpoint: 'ws://file', reconnect: 1s}}}",
        environment={"MARKET_DATA_WS_URL": "ccxt:kraken", "SENTIMENT_WS_URL": "wss://a/b"},
    )

    assert site.stream.sources.market.endpoint == "ccxt:kraken"
    assert site.stream.sources.market.reconnect == "1s"
    assert site.stream.sources.sentiment.endpoint == "wss://a/b"
    assert site.stream.sources.onchain.endpoint == ""


def test_only_prices_come_from_an_exchange() -> None:
    with pytest.raises(SettingsError, match=r"ONCHAIN_WS_URL: is 'ccxt:kraken': give a URL that begins with ws://"):
        parse("", environment={"ONCHAIN_WS_URL": "ccxt:kraken"})


@pytest.mark.parametrize("variable", ["PROMETHEUS_ENDPOINT", "ALERTMANAGER_ENDPOINT", "GRAFANA_ENDPOINT"])
def test_a_wrong_variable_is_named(variable: str) -> None:
    with pytest.raises(SettingsError) as found:
        parse("", environment={variable: "localhost:9090"})

    words = "give a URL that begins with http:// or https://, without user and password"
    assert str(found.value) == f"environment: {variable}: is 'localhost:9090': {words}"


def test_the_environment_names_the_redis_of_the_cache() -> None:
    site = parse("cache: {redis: {port: 1}}", environment={"REDIS_HOST": "redis.example.org", "REDIS_PORT": "6380"})

    assert (site.cache.redis.host, site.cache.redis.port) == ("redis.example.org", 6380)


@pytest.mark.parametrize("value", ["0", "65536", "x", "6379\n", "-1"])
def test_what_is_no_port_is_named(value: str) -> None:
    with pytest.raises(SettingsError, match=r"environment: REDIS_PORT: is .*: give a port from 1 to 65535"):
        parse("", environment={"REDIS_PORT": value})


def test_every_variable_overrides_a_key_that_exists() -> None:
    known = {path for path, _ in keys()}

    assert set((VALUES | SECRETS).values()) <= known


def test_the_file_of_the_environment_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("cluster: mine\n")

    assert load(environment={"WATCHFLOOR_SITE": str(file)}).cluster == "mine"


def test_a_named_file_wins(tmp_path: Path) -> None:
    file = tmp_path / "named.yaml"
    file.write_text("cluster: named\n")

    assert load(file, {"WATCHFLOOR_SITE": "/nowhere"}).cluster == "named"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(None, "cannot be read (No such file or directory): `make up` makes it from site.example.yaml", id="missing"),
        pytest.param(b"bind: \xff\n", "cannot be read ('utf-8' codec can't decode byte 0xff", id="not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, error: str) -> None:
    file = tmp_path / "site.yaml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as found:
        load(file, {})

    assert str(found.value).startswith(f"{file}: {error}")


def test_other_rooms_can_name_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("alerts:\n  A:\n    threshold: 5\nreceivers:\n- name: x\n")
    monkeypatch.setenv("WATCHFLOOR_SITE", str(file))

    assert locate("alerts", "A", "threshold") == f"{file}:3"
    assert locate("receivers", 0, "name") == f"{file}:5"
    assert locate("alerts", "B") == f"{file}:1"
    assert locate("bind", path=tmp_path / "none.yaml") == str(tmp_path / "none.yaml")


def test_a_url_of_this_machine_can_be_opened_from_it() -> None:
    urls = {bind: parse(f"bind: '{bind}'").local_url(80) for bind in ("127.0.0.1", "0.0.0.0", "::", "::1", "fd00::5", "host-1")}  # noqa: S104  # read, not bound

    assert urls == {
        "127.0.0.1": "http://127.0.0.1:80",
        "0.0.0.0": "http://127.0.0.1:80",  # noqa: S104  # the same
        "::": "http://[::1]:80",
        "::1": "http://[::1]:80",
        "fd00::5": "http://[fd00::5]:80",
        "host-1": "http://host-1:80",
    }
