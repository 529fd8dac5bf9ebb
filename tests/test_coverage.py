"""docs/coverage.md says what the cases show, and they show every function that peers have."""

import coverage_table as table
import pytest


@pytest.fixture(scope="module")
def facts():
    return table.observed()


def test_every_listed_function_has_a_case_or_a_stated_reason(facts):
    assert table.missing(facts) == []


def test_a_function_with_a_case_needs_no_reason(facts):
    found = table.functions()
    assert [name for name in table.REASONS if found.get(name) in facts] == []
    assert table.REASONS.keys() <= found.keys()


def test_what_has_a_derivative_is_differentiated_in_both_modes(facts):
    """And what has none is not: each name is on the list that its cases say."""
    found = table.functions()
    for kind in ("differentiable", "zero_gradient", "in_place"):
        covered = [n for n in table.names_of(kind) if found[n] in facts]
        one_way = [n for n in covered if facts[found[n]].modes != {"reverse", "forward"}]
        assert one_way == []


def test_the_page_is_up_to_date(facts):
    assert table.PAGE.read_text(encoding="utf-8") == table.page(facts), "run: make generated"
