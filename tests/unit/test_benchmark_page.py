"""docs/benchmarks.md has the results of the benchmarks."""

import pytest

from benchmarks import page
from benchmarks.results import Curve, Section, Timings, cost, figure, speed, text

OURS = Timings([0.002, 0.003, 0.001], [0.001] * 98 + [0.5, 0.7])
BASELINE = Timings([0.001, 0.001, 0.001])


def test_ratio_is_the_median_of_the_rounds_each_against_its_own_floor():
    check = cost("read", "SELECT", OURS, Timings([0.002, 0.001, 0.004]), 1.5)

    assert check.ratios == [1.0, 3.0, 0.25]
    assert (check.ratio, check.met) == (1.0, True)


@pytest.mark.parametrize(("make", "met"), [(cost, False), (speed, False)])
def test_twice_the_time_misses_a_bound_on_cost_and_on_speed(make, met):
    check = make("read", "SELECT", OURS, BASELINE, 1.5)

    assert check.met is met


def test_half_the_time_is_twice_the_speed():
    assert speed("write", "naive", BASELINE, OURS, 1.8).ratio == 2.0


def test_percentiles_are_those_of_all_calls():
    assert OURS.percentiles() == "1 ms · 1 ms · 700 ms"


@pytest.mark.parametrize(("seconds", "shown"), [(0.000042, "42 µs"), (0.0123, "12.3 ms"), (2.5, "2.50 s")])
def test_seconds_are_shown_in_the_unit_that_reads_best(seconds, shown):
    assert text(seconds) == shown


def test_only_a_missed_target_is_bold_on_the_page():
    checks = [figure("zipped", 13, "MB", 12), figure("unzipped", 30, "MB", 45)]

    written = page.write("A machine.", [[Section("Layer", [], checks)]])

    assert "| **≤ 12** |" in written
    assert "| ≤ 45 |" in written


@pytest.mark.parametrize(("again", "shown"), [(14.3, "14.30"), (14.5, "14.50, differs"), (9.9, "9.90, differs")])
def test_second_run_stands_beside_the_first_and_a_difference_of_a_fifth_is_named(again, shown):
    first, second = figure("zipped", 12, "MB", 20), figure("zipped", again, "MB", 20)

    written = page.write("A machine.", [[Section("Layer", [], [first])], [Section("Layer", [], [second])]])

    assert f"| 12.00 | {shown} | ≤ 20 |" in written


def test_target_that_only_the_second_run_misses_is_bold():
    first, second = figure("zipped", 12, "MB", 13), figure("zipped", 14, "MB", 13)

    written = page.write("A machine.", [[Section("Layer", [], [first])], [Section("Layer", [], [second])]])

    assert "| **≤ 13** |" in written


def test_growth_is_shown_at_each_size_and_from_the_first_to_the_last():
    curve = Curve("read", "memberships", {10: 0.1, 1000: 0.2}, "flat")

    written = page.write("A machine.", [[Section("Growth", [], curves=[curve])]])

    assert "| read | memberships | 10: 100 ms · 1,000: 200 ms | 2.00 | flat |" in written
