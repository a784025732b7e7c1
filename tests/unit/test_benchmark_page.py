"""The page and the chart of the benchmarks say what was found."""

from xml.etree import ElementTree

import pytest

from benchmarks import chart, page
from benchmarks.results import Curve, Section, Timings, cost, figure, speed, text

OURS = Timings([0.002, 0.003, 0.001], [0.001] * 98 + [0.5, 0.7])
FLOOR = Timings([0.001, 0.001, 0.001])


def test_ratio_is_the_median_of_the_rounds_each_against_its_own_floor():
    check = cost("read", "SELECT", OURS, Timings([0.002, 0.001, 0.004]), 1.5)

    assert check.ratios == [1.0, 3.0, 0.25]
    assert (check.ratio, check.met) == (1.0, True)


@pytest.mark.parametrize(("make", "met"), [(cost, False), (speed, False)])
def test_twice_the_time_misses_a_bound_on_cost_and_on_speed(make, met):
    check = make("read", "SELECT", OURS, FLOOR, 1.5)

    assert check.met is met


def test_half_the_time_is_twice_the_speed():
    assert speed("write", "naive", FLOOR, OURS, 1.8).ratio == 2.0


def test_percentiles_are_those_of_all_calls():
    assert OURS.percentiles() == "1 ms · 1 ms · 700 ms"


@pytest.mark.parametrize(("seconds", "shown"), [(0.000042, "42 µs"), (0.0123, "12.3 ms"), (2.5, "2.50 s")])
def test_seconds_are_shown_in_the_unit_that_reads_best(seconds, shown):
    assert text(seconds) == shown


def test_missed_target_is_bold_on_the_page_and_a_met_one_is_not():
    checks = [figure("zipped", 13, "MB", 12), figure("unzipped", 30, "MB", 45)]

    written = page.write("A machine.", [Section("Layer", [], checks)])

    assert "| **≤ 12** |" in written
    assert "| ≤ 45 |" in written


def test_chart_has_a_bar_for_each_target_and_a_line_for_each_curve():
    checks = [figure("a < b", 13, "MB", 12), cost("for comparison", "SELECT", OURS, FLOOR, None)]
    curves = [Curve("read", "memberships", {10: 0.1, 1000: 0.2}, "flat"), Curve("one", "rows", {10: 0.1}, "flat")]

    drawn = ElementTree.fromstring(chart.draw(checks, curves))  # noqa: S314 -- our own

    tags = [element.tag.rpartition("}")[2] for element in drawn]
    assert (tags.count("rect"), tags.count("polyline")) == (2, 2)


def test_chart_of_a_curve_that_does_not_grow_can_be_drawn():
    assert "polyline" in chart.draw([], [Curve("read", "rows", {10: 0.1, 100: 0.1}, "flat")])
