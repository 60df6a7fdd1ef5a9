"""Options and chosen values of a dashboard's variables."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.preview import interpolate, variables
from dashboards.preview.interpolate import ALL
from dashboards.preview.model import Variable

OPTIONS = [("a", "a"), ("b", "b"), ("c", "c")]


def variable(**keys: Any) -> Variable:
    return Variable(name="v", **keys)


@pytest.mark.parametrize(
    ("query", "label", "selector"),
    [
        ("label_values(up, job)", "job", "up"),
        ("label_values(job)", "job", ""),
        ('label_values(up{a="x,y"}, job)', "job", 'up{a="x,y"}'),
        ("label_values( up{} ,instance )", "instance", "up{}"),
    ],
)
def test_reads_label_values(query: str, label: str, selector: str) -> None:
    assert variables.question(query) == variables.Question(label=label, selector=selector)


def test_reads_query_results_and_refuses_the_rest() -> None:
    assert variables.question("query_result(topk(3, up))") == variables.Question(expr="topk(3, up)")
    with pytest.raises(ValueError, match="label_values"):
        variables.question("metrics(up)")


def test_an_option_passes_regex_and_order() -> None:
    found = ["sda10", "sda2", "loop0", "sda2"]
    assert variables.refined(found, "/sd(.*)/", 3) == ["a2", "a10"]
    assert variables.refined(found, r"/(?<value>SDA\d+)/i", 1) == ["sda10", "sda2"]
    assert variables.refined(["b", "A", "c"], "", 5) == ["A", "b", "c"]
    with pytest.raises(ValueError, match="regex"):
        variables.refined(["a"], "(", 0)


def test_a_custom_list_holds_texts_and_commas() -> None:
    options = variables.fixed_options(variable(type="custom", query="3, ten : 10, a\\,b"), "p")
    assert options == [("3", "3"), ("10", "ten"), ("a,b", "a,b")]


def test_the_address_chooses() -> None:
    choice = variables.choose(variable(), OPTIONS, ["b"])
    assert (choice.selected, choice.problems, choice.value.regex) == (("b",), (), False)


def test_an_unknown_value_is_told_and_left_out() -> None:
    choice = variables.choose(variable(label="Host"), OPTIONS, ["<b>"])
    assert choice.selected == ("a",)
    assert choice.problems == ("Host: '<b>' is not among its values",)


def test_several_values_need_a_variable_that_takes_them() -> None:
    assert variables.choose(variable(), OPTIONS, ["a", "b"]).selected == ("a",)
    assert "one value" in variables.choose(variable(), OPTIONS, ["a", "b"]).problems[0]
    several = variables.choose(variable(multi=True), OPTIONS, ["a", "b"])
    assert interpolate.promql(several.value) == "(a|b)"


def test_all_is_every_option_or_the_given_regex() -> None:
    every = variables.choose(variable(multi=True, include_all=True), OPTIONS, ["$__all"])
    assert (every.selected, interpolate.promql(every.value)) == ((ALL,), "(a|b|c)")
    given = variables.choose(variable(include_all=True, all_value=".+"), OPTIONS, ["All"])
    assert interpolate.promql(given.value) == ".+"
    assert "All" in variables.choose(variable(), OPTIONS, ["All"]).problems[0]


def test_the_files_own_value_is_the_default() -> None:
    assert variables.choose(variable(current={"value": "b"}), OPTIONS, []).selected == ("b",)
    assert variables.choose(variable(current={"value": ["$__all"]}, include_all=True, multi=True), OPTIONS, []).selected == (ALL,)
    assert variables.choose(variable(current={"value": "gone"}), OPTIONS, []).selected == ("a",)


def test_unsure_options_refuse_nothing() -> None:
    choice = variables.choose(variable(multi=True, include_all=True), [], ["host-9"], sure=False)
    assert (choice.selected, choice.problems) == (("host-9",), ())
    assert interpolate.promql(variables.choose(variable(include_all=True), [], [], sure=False).value) == ".*"
