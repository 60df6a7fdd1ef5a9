"""Limits are pure: time is given, addresses are texts."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.limits import PerAddress, TokenBucket, client_address, counted_as, is_trusted, networks
from stream.origins import is_allowed

TRUSTED = networks(["10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8"])


@settings(deadline=None)
@given(
    rate=st.floats(0.1, 1000), burst=st.integers(1, 500), steps=st.lists(st.floats(0, 10), min_size=1, max_size=200)
)  # fmt: skip
def test_a_bucket_never_gives_more_than_burst_and_rate_allow(rate: float, burst: int, steps: list[float]) -> None:
    bucket, now, given_out = TokenBucket(rate, burst, 0.0), 0.0, 0
    for step in steps:
        now += step
        given_out += bucket.take(now)
    assert given_out <= burst + rate * now + 1e-6
    assert given_out >= 1


def test_a_bucket_fills_again_but_not_above_its_burst() -> None:
    bucket = TokenBucket(10, 3, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.1)
    assert not bucket.take(0.1)
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False]


def test_what_costs_more_takes_more_but_never_more_than_the_bucket_holds() -> None:
    bucket = TokenBucket(1, 20, 0.0)
    assert [bucket.take(0.0, 9) for _ in range(3)] == [True, True, False]
    assert bucket.take(0.0, 2)
    assert TokenBucket(1, 3, 0.0).take(0.0, 9), "a small bucket, when it is full, is enough for anything"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=100))
def test_nobody_holds_more_than_the_most_and_empty_places_are_forgotten(steps: list[tuple[str, bool]]) -> None:
    limit, held = PerAddress(3), dict.fromkeys("abc", 0)
    for address, come in steps:
        if come:
            assert limit.acquire(address) == (held[address] < 3)
            held[address] = min(3, held[address] + 1)
        else:
            limit.release(address)
            held[address] = max(0, held[address] - 1)
    assert len(limit) == sum(1 for count in held.values() if count)


def test_a_customers_ipv6_addresses_count_as_one() -> None:
    assert counted_as("2001:db8:1:2:3::4") == counted_as("2001:db8:1:2:ffff::1")
    assert counted_as("2001:db8:1:2::1") != counted_as("2001:db8:1:3::1")
    assert counted_as("::ffff:192.0.2.1") == counted_as("192.0.2.1")
    assert counted_as("fe80::1%eth0") == counted_as("fe80::2")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),  # a stranger's word
        ("127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["198.51.100.7, 10.1.1.1"], "198.51.100.7"),  # two proxies of ours
        ("127.0.0.1", ["6.6.6.6, 198.51.100.7"], "198.51.100.7"),  # what the client wrote itself is not read
        ("127.0.0.1", ["6.6.6.6", "198.51.100.7"], "198.51.100.7"),  # the same in two headers
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7, nonsense"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("::1", ["[2001:db8::1]"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
    ],
)
def test_forwarded_addresses_are_believed_from_trusted_proxies_alone(peer: str, forwarded: list[str], address: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == address


def test_an_edge_that_has_proved_itself_is_believed_about_whom_it_saw_and_no_further() -> None:
    assert client_address("192.0.2.1", ["6.6.6.6, 198.51.100.7"], TRUSTED, believed=True) == "198.51.100.7"
    assert client_address("192.0.2.1", ["198.51.100.7, 10.1.1.1"], TRUSTED, believed=True) == "198.51.100.7"
    assert client_address("192.0.2.1", [], TRUSTED, believed=True) == "192.0.2.1"


@settings(deadline=None)
@given(st.ip_addresses(), st.lists(st.text(max_size=50), max_size=4))
def test_a_stranger_is_who_he_connects_as_whatever_he_says(
    peer: ipaddress.IPv4Address | ipaddress.IPv6Address, forwarded: list[str]
) -> None:
    if not is_trusted(str(peer), TRUSTED):
        assert client_address(str(peer), forwarded, TRUSTED) == str(peer)


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "stream.example", True),  # a program
        ("https://stream.example", "stream.example", True),
        ("http://localhost:8080", "localhost:8080", True),
        ("https://stream.example:443", "stream.example", True),
        ("https://STREAM.example", "stream.example", True),
        ("https://partner.example", "stream.example", True),
        ("https://partner.example:444", "stream.example", False),
        ("http://partner.example", "stream.example", False),
        ("https://stream.example.evil", "stream.example", False),
        ("https://evil.example", "stream.example", False),
        ("http://localhost:8081", "localhost:8080", False),
        ("null", "stream.example", False),
        ("", "stream.example", False),
        ("https://[bad", "stream.example", False),
        ("https://x:99999", "stream.example", False),
        ("file://", "stream.example", False),
    ],
)
def test_pages_of_strangers_may_not_connect(origin: str | None, host: str, allowed: bool) -> None:  # noqa: FBT001  # pytest's way
    headers = {"Host": host} | ({} if origin is None else {"Origin": origin})
    assert is_allowed(headers, ["https://partner.example"]) is allowed
