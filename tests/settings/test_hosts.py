"""Which Host headers name this machine."""

import pytest

from settings import parse
from settings.hosts import host_known, known_names


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:9095", True), ("[::1]:9095", True), ("10.1.2.3", True), ("localhost:9095", True), ("a.localhost", True),
        ("inbox", True), ("ops.example.org:443", True), ("OPS.EXAMPLE.ORG.", True), ("evil.example", False), ("", False),
        ("127.0.0.1.evil.example", False), ("[::1", False), ("localhost.evil.example:9095", False),
    ],
)  # fmt: skip
def test_names_of_this_machine(host: str, known: object) -> None:
    assert host_known(host, frozenset({"ops.example.org"})) is known


def test_a_service_behind_a_proxy_is_linked_and_known_by_its_own_address() -> None:
    text = "{public_url: 'http://box', public_urls: {inbox: 'https://Inbox.example.org:8443'}, ports: {inbox: 9999}}"
    site = parse(text, "site.yaml", {})
    assert site.public(9999) == "https://Inbox.example.org:8443"
    assert site.public(site.ports.grafana) == "http://box:3000"
    assert host_known("inbox.example.org:8443", known_names(site))


def test_a_site_is_known_by_its_public_url_its_name_and_its_address() -> None:
    site = parse("{public_url: 'https://Desk.example.org', instance: Box.Example.Org, bind: 10.0.0.5}", "site.yaml", {})
    assert known_names(site) == {"desk.example.org", "box.example.org", "10.0.0.5"}
