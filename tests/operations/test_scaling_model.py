"""The calculation of machines from the cost of a request, and the page that shows its result."""

import json
from dataclasses import replace

import pytest

from bench.scale.model import MEASURED, Costs, limits, main, plan, report
from scripts.environment import ROOT

COSTS = Costs(
    cpu_ms={"nginx": 0.3, "gateway": 3.0, "database": 0.6, "pgbouncer": 0.12, "redis": 0.06},
    log_kb=2.0,
    stored_bytes=500,
)


def test_cores_keep_each_part_busy_for_its_share_at_most():
    found = plan(COSTS, 1000)
    assert found.cores == {"nginx": 1, "gateway": 5, "database": 1, "pgbouncer": 1, "redis": 1}
    assert (found.in_flight, found.log_mb, found.stored_gb) == (8000, 2.0, 1296.0)
    assert plan(COSTS, 1001).cores["gateway"] == 6


@pytest.mark.parametrize(("rate", "cores", "machines"), [(1, 8, 2), (2000, 8, 2), (10_000, 8, 7), (10_000, 16, 4)])
def test_there_are_two_machines_at_least(rate, cores, machines):
    assert plan(COSTS, rate, cores).machines == machines


def test_many_processes_need_a_pooler():
    assert not plan(COSTS, 4800).needs_pooler and plan(COSTS, 4801).needs_pooler


def test_what_is_full_first_comes_first_and_cheaper_parts_move_down():
    first = limits(COSTS)
    assert [rate for rate, _, _ in first] == sorted(rate for rate, _, _ in first)
    assert first[0][:2] == (200, "one process of the gateway")
    dear = replace(COSTS, cpu_ms=COSTS.cpu_ms | {"pgbouncer": 6.0})
    assert limits(dear)[0][:2] == (100, "one PgBouncer")
    idle = replace(COSTS, cpu_ms=COSTS.cpu_ms | {"redis": 0.0})
    assert [part for _, part, _ in limits(idle)] == [part for _, part, _ in first if part != "one Redis"]


def test_the_last_line_of_a_measurement_is_what_the_model_takes():
    assert Costs(**json.loads(COSTS.as_json())) == COSTS
    assert main([COSTS.as_json(), "--rates", "50", "--cores", "4"]) == report(COSTS, [50], 4)


def test_the_page_shows_the_result_of_the_measured_costs():
    page = (ROOT / "docs/operations/scaling.md").read_text()
    for line in [*report(MEASURED).splitlines(), f"model: {MEASURED.as_json()}"]:
        assert f"    {line}".rstrip() in page
