"""Files that the site names reach the containers that read them, at their own paths, and no others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose import containers, docker, given
from compose.errors import BadInputError
from compose.host import Host
from compose.secrets import make_secrets
from settings import parse
from settings.containers import CONTAINERS as INSIDE
from settings.containers import RUNTIME_VARIABLE

ALL = """
hosts_access: {authority: /etc/w/ca, certificate: /etc/w/crt, key_file: /etc/w/key, username: p, password_file: /etc/w/pw}
scrape: [{job: shop, targets: ['shop:80'], bearer_token_file: /etc/w/token}]
receivers: [{type: webhook, name: desk, url: 'http://desk', bearer_token_file: /etc/w/desk}]
endpoints: {prometheus: 'http://prom:9090', prometheus_username: me, prometheus_password_file: /etc/w/prom}
exporters: {redis: {targets: [{name: r, url: 'redis://r', password_file: /etc/w/pw}]}}
entrance: {enabled: true, certificate: /etc/w/door, key_file: /etc/w/door}
"""


def mounted(text: str) -> dict[str, dict[str, str]]:
    """By service: where each copy that it sees is, by its name."""
    inside = parse(text, environment={RUNTIME_VARIABLE: INSIDE})
    tree: dict[str, Any] = yaml.safe_load(containers.compose_file(parse(text), inside))
    place = {name: Path(one["file"]).name for name, one in tree["secrets"].items()}
    return {
        name: {place[secret["source"]]: secret["target"] for secret in one.get("secrets", ()) if "given" in secret["source"]}
        for name, one in tree["services"].items()
    }


def test_each_file_is_seen_by_who_reads_it() -> None:
    seen = {name: set(found.values()) for name, found in mounted(ALL).items() if found}
    assert seen == {
        "prometheus": {"/etc/w/ca", "/etc/w/crt", "/etc/w/key", "/etc/w/pw", "/etc/w/token"},
        "alertmanager": {"/etc/w/desk"},
        "inbox": {"/etc/w/prom"},
        "stream": {"/etc/w/prom"},
        "preview": {"/etc/w/prom"},
        "exporter-redis": {"/etc/w/pw"},
    }  # fmt: skip


def test_a_file_that_two_keys_name_is_copied_once() -> None:
    seen = mounted(ALL)
    assert [name for name, place in seen["prometheus"].items() if place == "/etc/w/pw"] == list(seen["exporter-redis"])


def test_copies_hold_what_the_files_hold_and_who_reads_a_changed_one_begins_anew(tmp_path: Path) -> None:
    file, token = tmp_path / "site.yaml", tmp_path / "token"
    file.write_text(f"scrape: [{{job: shop, targets: ['shop:80'], bearer_token_file: {token}}}]", encoding="utf-8")
    stack, site = docker.Containers(Host(tmp_path, None, copied=False), file), parse(file.read_text(encoding="utf-8"))
    make_secrets(stack.paths, stack.host)
    with pytest.raises(BadInputError, match=rf"scrape\[0\].bearer_token_file: {token}: No such file"):
        stack._write_copies(site)
    token.write_text("one", encoding="ascii")
    stack._write_copies(site)
    stack._copies.renewed()
    (name,) = given.files(site)["prometheus"].values()
    copy = tmp_path / "containers" / "secrets" / name
    assert (copy.read_text(encoding="ascii"), copy.stat().st_mode & 0o777) == ("one", 0o640)
    token.write_text("two", encoding="ascii")
    assert stack._write_copies(site) == ["prometheus"]
    assert copy.read_text(encoding="ascii") == "two"
    stack._copies.renewed({name for held in stack._readers(parse("{}")).values() for name in held})
    assert not copy.exists(), "nobody reads it any more"


def test_a_copy_means_the_same_file_in_every_version_of_the_site() -> None:
    """What ran before may be started again, and be shown no other's secret."""
    job = "{{job: {0}, targets: ['{0}:80'], bearer_token_file: /etc/w/{0}}}"
    before, after = (mounted(f"scrape: [{', '.join(map(job.format, jobs))}]")["prometheus"] for jobs in (["b"], ["a", "b"]))
    assert before.items() <= after.items()


def test_a_file_of_the_appliances_own_is_not_mounted_twice() -> None:
    own = containers.INSIDE.secrets / "prometheus_password"
    assert mounted(f"scrape: [{{job: shop, targets: ['shop:80'], bearer_token_file: {own}}}]")["prometheus"] == {}


@pytest.mark.parametrize("name", ["a:b", "a,b", "a$b", 'a"b'])
def test_a_path_that_no_mount_can_take_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("secret", encoding="ascii")
    site = parse(f"scrape: [{{job: shop, targets: ['shop:80'], bearer_token_file: '{path}'}}]")
    with pytest.raises(BadInputError, match="which a container's mount cannot take"):
        given.texts(site, "site.yaml", {"prometheus"})


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a link to another user")
def test_a_link_of_somebody_else_is_not_followed(tmp_path: Path) -> None:
    """Who may not read a file could have it sent to a target of his."""
    secret, link = tmp_path / "secret", tmp_path / "token"
    secret.write_text("secret", encoding="ascii")
    link.symlink_to(secret)
    site = parse(f"scrape: [{{job: shop, targets: ['shop:80'], bearer_token_file: {link}}}]")
    assert list(given.texts(site, "site.yaml", {"prometheus"}).values()) == [b"secret"]
    os.chown(link, 65534, 65534, follow_symlinks=False)
    with pytest.raises(BadInputError, match="is a link of somebody to whom the file does not belong"):
        given.texts(site, "site.yaml", {"prometheus"})
