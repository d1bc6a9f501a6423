"""Geometry: numbers in, coordinates out."""

from itertools import pairwise

import pytest

from activity.dashboard.charts import MOST_SERIES, OTHER, Series, nice_steps, sparkline, stacked_bars


def draw(series, buckets=2, height=200):
    labels = [str(bucket) for bucket in range(buckets)]
    return stacked_bars(series, labels, labels, value_text=str, tick_text=str, height=height)


@pytest.mark.parametrize(
    ("largest", "steps"),
    [
        (0, [0, 1]),
        (-3, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (7, [0, 2, 4, 6, 8]),
        (10, [0, 2, 4, 6, 8, 10]),
        (11, [0, 5, 10, 15]),
        (99, [0, 20, 40, 60, 80, 100]),
        (101, [0, 50, 100, 150]),
    ],
)
def test_marks_are_round_and_reach_the_largest_value(largest, steps):
    assert nice_steps(largest) == steps


def test_marks_are_round_for_any_size():
    for largest in (10**exponent * factor for exponent in range(18) for factor in (1, 3, 7, 9)):
        steps = nice_steps(largest)
        assert steps[-1] >= largest
        assert 2 <= len(steps) <= 6
        assert str(steps[1]).rstrip("0") in {"1", "2", "5"}


def test_a_pile_is_as_high_as_its_total():
    picture = draw([Series("a", [30, 0]), Series("b", [10, 20])])
    assert [tick.text for tick in picture.value_ticks] == ["0", "10", "20", "30", "40"]
    first, second = picture.columns
    assert sum(bar.height for bar in first.bars) == pytest.approx(200)
    assert first.bars[-1].y == 0
    assert sum(bar.height for bar in second.bars) == pytest.approx(100)
    assert second.bars[0].y == pytest.approx(100)


def test_bars_stand_on_each_other_without_gaps():
    bars = draw([Series(str(n), [n * 7 + 1]) for n in range(9)], buckets=1).columns[0].bars
    for lower, upper in pairwise(bars):
        assert upper.y + upper.height == pytest.approx(lower.y, abs=0.011)


def test_the_largest_series_is_at_the_bottom_and_takes_the_first_colour():
    picture = draw([Series("small", [1, 1]), Series("large", [5, 5])])
    assert [(css, series.name) for css, series in picture.series] == [("k0", "large"), ("k1", "small")]
    assert [bar.css for bar in picture.columns[0].bars] == ["k0", "k1"]


def test_what_is_nothing_is_not_drawn():
    picture = draw([Series("a", [4, 0]), Series("never", [0, 0])])
    assert [series.name for _, series in picture.series] == ["a"]
    assert picture.columns[1].bars == ()


def test_beyond_nine_series_the_rest_is_one():
    many = [Series(f"series {n}", [100 - n, 100 - n]) for n in range(14)]
    picture = draw(many)
    css, rest = picture.series[-1]
    assert len(picture.series) == MOST_SERIES + 1
    assert (css, rest.name) == (OTHER, "Other (5)")
    assert rest.values == [sum(100 - n for n in range(9, 14))] * 2
    assert sum(series.total for _, series in picture.series) == sum(series.total for series in many)


def test_nothing_at_all_still_has_axes():
    picture = draw([], buckets=30)
    assert picture.series == ()
    assert [tick.text for tick in picture.value_ticks] == ["0", "1"]
    assert all(column.bars == () for column in picture.columns)


def test_a_single_bucket_fills_the_width():
    picture = draw([Series("a", [5])], buckets=1)
    (column,) = picture.columns
    assert (column.left, column.width, picture.box_width) == ("0%", "100%", 100)


def test_the_bars_of_a_series_are_one_path():
    picture = draw([Series("a", [30, 0]), Series("b", [10, 20])])
    assert (picture.box_width, picture.height) == (200, 200)
    assert picture.paths == (
        ("k0", "M14 50H86v150H14z"),
        ("k1", "M14 0H86v50H14zM114 100H186v100H114z"),
    )


def test_slots_lie_side_by_side_up_to_the_right_edge():
    columns = draw([Series("a", [1] * 30)], buckets=30).columns
    last = columns[-1]
    assert float(last.left.rstrip("%")) + float(last.width.rstrip("%")) == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize("buckets", [1, 2, 7, 12, 24, 30, 90, 400])
def test_the_time_axis_has_few_labels_and_always_the_newest(buckets):
    ticks = draw([Series("a", [1] * buckets)], buckets=buckets).time_ticks
    assert len(ticks) <= 10
    assert ticks[-1].text == str(buckets - 1)
    assert not ticks[-1].minor
    assert all(0 <= float(tick.position.rstrip("%")) <= 100 for tick in ticks)


def test_amounts_beyond_what_a_float_holds_are_drawn_all_the_same():
    huge = 9 * 10**18 + 1
    picture = draw([Series("a", [huge, huge - 1])])
    assert picture.columns[0].total == str(huge)
    assert 0 < picture.columns[0].bars[0].height <= 200


def test_a_sparkline_runs_from_edge_to_edge_inside_its_box():
    points = [tuple(map(float, point.split(","))) for point in sparkline([0, 5, 10], 100, 20).split()]
    assert points == [(0, 19), (50, 10), (100, 1)]


@pytest.mark.parametrize("values", [[], [3], [0, 0, 0]])
def test_a_sparkline_of_nothing_is_not_drawn(values):
    assert sparkline(values) == ""
