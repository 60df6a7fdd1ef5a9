"""Secret files: found, checked for mode and content, read; never printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings import Paths, SettingsError, Site, check_secrets, parse
from settings.secrets import cache_password, grafana_key, prometheus_password, secret_files, source_key, without_user

SITE = """\
endpoints:
  prometheus_password_file: {path}
"""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    return file


def error_of(text: str) -> str:
    with pytest.raises(SettingsError) as found:
        check_secrets(parse(text), text)
    return str(found.value)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640], ids=oct)
def test_a_file_of_its_owner_and_group_is_taken(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    text = SITE.format(path=secret)

    check_secrets(parse(text), text)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o660, 0o666, 0o601], ids=oct)
def test_a_file_that_is_open_to_others_is_refused_with_the_fix(secret: Path, mode: int) -> None:
    secret.chmod(mode)

    assert error_of(SITE.format(path=secret)) == (
        f"site.yaml:2: endpoints.prometheus_password_file: {secret} is open to other users (mode {mode:04o}): chmod 600 {secret}"
    )


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none"

    assert error_of(SITE.format(path=path)) == (
        f"site.yaml:2: endpoints.prometheus_password_file: {path} cannot be found (No such file or directory): "
        f"make it, then chmod 600 {path}"
    )


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is no file: give the path of a file" in error_of(SITE.format(path=tmp_path))


@pytest.mark.parametrize("content", ["", "x" * 70_000], ids=["empty", "huge"])
def test_a_file_that_holds_no_secret_is_refused(secret: Path, content: str) -> None:
    secret.write_text(content)

    assert f"has {len(content)} bytes: write the secret into it, nothing else" in error_of(SITE.format(path=secret))


def test_every_secret_file_of_a_site_is_found(tmp_path: Path) -> None:
    site = parse(f"""
        endpoints: {{prometheus_password_file: {tmp_path}/a, grafana_key_file: {tmp_path}/b}}
        scrape: [{{job: mine, targets: ['a:1'], bearer_token_file: {tmp_path}/c}}]
        receivers:
        - {{type: webhook, name: w, url: 'http://x', bearer_token_file: {tmp_path}/d}}
        - {{type: email, name: e, to: a@b, from: a@b, smarthost: 'm:25', password_file: {tmp_path}/e}}
        - {{type: slack, name: s, url_file: {tmp_path}/f}}
        - {{type: pagerduty, name: p, routing_key_file: {tmp_path}/g}}
        - {{type: telegram, name: t, bot_token_file: {tmp_path}/k, chat_id: 1}}
        - {{type: teams, name: m, url_file: {tmp_path}/l}}
        stream: {{sources: {{market: {{api_key_file: {tmp_path}/h}}, sentiment: {{api_key_file: {tmp_path}/i}}}}}}
        cache: {{redis: {{password_file: {tmp_path}/j}}}}
        deadman: {{url_file: {tmp_path}/m}}
    """)

    assert sorted(path.name for _, path in secret_files(site)) == list("abcdefghijklm")


def test_the_environment_holds_the_secret_itself(secret: Path) -> None:
    site = parse(SITE.format(path=secret))

    assert prometheus_password(site, {"PROMETHEUS_PASSWORD": "from outside"}) == "from outside"
    assert prometheus_password(site, {}) == "s3cret"
    assert grafana_key(site, {"GRAFANA_API_KEY": "key"}) == "key"
    assert grafana_key(site, {}) == ""


def test_a_source_has_a_key_of_its_own(secret: Path) -> None:
    site = parse(f"stream: {{sources: {{onchain: {{api_key_file: {secret}}}}}}}")

    assert source_key(site, "onchain", {}) == "s3cret"
    assert source_key(site, "onchain", {"ONCHAIN_API_KEY": "from outside"}) == "from outside"
    assert source_key(site, "market", {"ONCHAIN_API_KEY": "from outside"}) == ""


def test_the_caches_password_is_the_environments_the_files_or_the_generated_one(secret: Path, tmp_path: Path) -> None:
    paths = Paths(tmp_path / "home")
    paths.secrets.mkdir(parents=True)
    named = parse(f"cache: {{redis: {{password_file: {secret}}}}}")

    assert cache_password(Site(), paths, {}) == ""
    paths.cache_password.touch(mode=0o600)
    paths.cache_password.write_text("generated")
    assert cache_password(Site(), paths, {}) == "generated"
    assert cache_password(named, paths, {}) == "s3cret"
    assert cache_password(named, paths, {"REDIS_PASSWORD": "from outside"}) == "from outside"
    assert cache_password(parse("cache: {redis: {host: redis.example.org}}"), paths, {}) == ""


def test_a_file_that_is_open_to_others_is_not_read(secret: Path) -> None:
    secret.chmod(0o644)

    with pytest.raises(SettingsError, match="chmod 600"):
        prometheus_password(parse(SITE.format(path=secret)), {})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("http://me:word@host:9090/path", "http://…@host:9090/path"),
        ("https://host/a@b", "https://host/a@b"),
        ("me@example.org", "me@example.org"),
    ],
)
def test_a_user_within_a_url_is_not_told(given: str, told: str) -> None:
    assert without_user(given) == told
