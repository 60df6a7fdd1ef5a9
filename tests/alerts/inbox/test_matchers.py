import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.inbox.matchers import BadMatchersError, Matcher, fit, parse, text

NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,10}", fullmatch=True)


@given(st.lists(st.builds(Matcher, NAMES, st.text(min_size=1), st.just(value=False), st.booleans()), min_size=1, max_size=5))
def test_what_is_written_is_read_back(matchers: list[Matcher]) -> None:
    with_one = [Matcher("alertname", "HighCPUUsage"), *matchers]
    assert parse(text(with_one)) == with_one


@pytest.mark.parametrize(
    ("written", "matchers"),
    [
        ("alertname=HighCPUUsage", [Matcher("alertname", "HighCPUUsage")]),
        ('{a="1",b!="2"}', [Matcher("a", "1"), Matcher("b", "2", is_equal=False)]),
        ('a =~ "w.+"\nb !~ "x,y"', [Matcher("a", "w.+", is_regex=True), Matcher("b", "x,y", is_regex=True, is_equal=False)]),
        (r'a="say \"hi\" \\ \n"', [Matcher("a", 'say "hi" \\ \n')]),
    ],
)
def test_forms_that_people_write(written: str, matchers: list[Matcher]) -> None:
    assert parse(written) == matchers


UNREADABLE = ("alertname", 'a="1" b', '="1"', '1a="x"', 'a="open', "a=b,,c=d")
EMBRACING = ("", "  ", "{}", 'a=""', 'a!="1"', 'a=~".*"', 'a=~""')


@pytest.mark.parametrize("written", [*UNREADABLE, *EMBRACING])
def test_unreadable_and_all_embracing_ones_are_refused(written: str) -> None:
    with pytest.raises(BadMatchersError):
        parse(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('a="1"', True),
        ('a="2"', False),
        ('a="1", missing=""', True),
        ('a="1", missing!="x"', True),
        ('a=~"1|2"', True),
        ('a=~"."', True),
        ('a=~"["', False),
        ('a!~"2", a="1"', True),
    ],
)
def test_they_fit_as_alertmanager_has_it(written: str, expected: object) -> None:
    assert fit(parse(written), {"a": "1"}) is expected


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(.*a){20}$", "([a-z]+)*$"])
def test_no_pattern_holds_up_who_comes_next(pattern: str) -> None:
    began = time.process_time()
    assert fit([Matcher("a", pattern, is_regex=True)], {"a": "a" * 2000 + "!"}) is False
    assert time.process_time() - began < 0.5
