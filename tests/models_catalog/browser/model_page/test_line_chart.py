"""Geometry of line charts."""

from datetime import date, timedelta

from models_catalog.browser.model_page.line_chart import HEIGHT, line_chart

DAYS = [date(2026, 11, 1) + timedelta(days=number) for number in range(4)]


def test_a_line_breaks_where_a_day_is_unknown_and_a_single_day_is_a_dot():
    chart = line_chart([("Beta", [None] * 4), ("Alpha", [5, 10, None, 0])], DAYS, lambda value: f"{value} s", str)
    assert chart is not None
    (alpha,) = chart.lines
    assert (alpha.name, alpha.css) == ("Alpha", "k1")  # the color of its place
    assert alpha.path == f"M50 {HEIGHT / 2:g}L150 0M350 {HEIGHT}h0"
    assert [slot.values for slot in chart.slots] == [("5 s",), ("10 s",), ("–",), ("0 s",)]
    assert [tick.text for tick in chart.value_ticks] == ["0", "2", "4", "6", "8", "10"]


def test_there_is_no_chart_without_a_value():
    assert line_chart([("Alpha", [None] * 4)], DAYS, str, str) is None
    assert line_chart([], DAYS, str, str) is None
