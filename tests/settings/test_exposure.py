"""Services are shown to a network by the entrance, or where the site says that it is insecure."""

from __future__ import annotations

import pytest

from settings import SettingsError, parse
from settings.exposure import exposed, is_loopback, refuse_exposed


@pytest.mark.parametrize(("address", "loopback"), [
    ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),  # noqa: S104  # judged
    ("10.0.0.5", False), ("127.evil.example", False), ("host-1", False), ("fe80::1%eth0", False),
])  # fmt: skip
def test_services_are_shown_to_a_network_on_purpose_alone(address: str, loopback: object) -> None:
    assert is_loopback(address) is loopback
    site = parse(f"bind: '{address}'")
    assert exposed(site) is not loopback
    refuse_exposed(parse(f"{{bind: '{address}', insecure: true}}"))
    if not loopback:
        with pytest.raises(SettingsError, match=r"without TLS.*insecure: true"):
            refuse_exposed(site)
