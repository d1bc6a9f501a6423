"""Routing, without a database: which endpoints are tried, and in which order."""

from collections import Counter
from decimal import Decimal

import pytest

from common.errors import InvalidRequest, ModelNotFound
from gateway.callers import Policy
from gateway.routing.health import EndpointHealth, EndpointKey, Health
from tests.gateway.routing.examples import REAL, SIMULATED, A, B, C, catalogue, endpoint, known, model, plan, tags

TOOLS = [{"type": "function", "function": {"name": "f"}}]


# Balancing


def test_the_first_endpoint_is_drawn_with_the_inverse_square_of_its_price():
    first = Counter(tags(plan(seed=seed))[0] for seed in range(4000))
    assert first["a"] / first["c"] == pytest.approx(9, rel=0.25)
    assert first["a"] / first["b"] == pytest.approx(4, rel=0.2)


def test_the_others_follow_by_price():
    for seed in range(50):
        order = tags(plan(seed=seed))
        assert order[1:] == sorted(order[1:])


def test_an_endpoint_that_just_failed_comes_last():
    failing = Health(failing=frozenset({EndpointKey("acme/one", "b")}))
    orders = [tags(plan(seed=seed, health=failing)) for seed in range(200)]
    assert {order[-1] for order in orders} == {"b"}
    assert Counter(order[0] for order in orders)["a"] > 150


def test_degraded_endpoints_come_after_stable_ones_and_before_those_that_are_down():
    health = known(a=EndpointHealth(uptime=70), b=EndpointHealth(uptime=90), c=EndpointHealth(uptime=99))
    assert tags(plan(health=health)) == ["c", "b", "a"]


def test_a_free_endpoint_is_always_first():
    free = model("acme/one", endpoint("a", "0"), B, C)
    assert all(tags(plan(catalogue(free), seed=seed))[0] == "a" for seed in range(50))


# Preferences of the request


@pytest.mark.parametrize(("sort", "order"), [("price", ["a", "b", "c"]), ("throughput", ["c", "a", "b"])])
def test_sort_is_deterministic(sort, order):
    health = known(
        a=EndpointHealth(throughput={"p50": 20}), b=EndpointHealth(throughput={"p50": 10}),
        c=EndpointHealth(throughput={"p50": 90}),
    )  # fmt: skip
    orders = {tuple(tags(plan(health=health, seed=seed, provider={"sort": sort}))) for seed in range(20)}
    assert orders == {tuple(order)}


def test_sort_by_latency_puts_unknown_endpoints_last():
    health = known(c=EndpointHealth(latency={"p50": 100}), b=EndpointHealth(latency={"p50": 300}))
    assert tags(plan(health=health, provider={"sort": "latency"})) == ["c", "b", "a"]


def test_the_accounts_default_sort_is_for_requests_without_one_of_their_own():
    health = known(a=EndpointHealth(throughput={"p50": 10}), c=EndpointHealth(throughput={"p50": 90}))
    fast = Policy(default_sort="throughput")
    assert tags(plan(health=health, policy=fast)) == ["c", "a", "b"]
    assert tags(plan(health=health, policy=fast, provider={"sort": "price"})) == ["a", "b", "c"]
    assert tags(plan(health=health, policy=fast, model="acme/one:floor")) == ["a", "b", "c"]
    assert tags(plan(health=health, policy=fast, provider={"order": ["b"]}))[0] == "b"


@pytest.mark.parametrize("sort", ["price", "throughput", "latency", "exacto"])
def test_endpoints_that_are_failing_come_last_in_every_sort(sort):
    failing = Health(known(b=EndpointHealth(uptime=10)).endpoints, frozenset({EndpointKey("acme/one", "a")}))
    assert tags(plan(health=failing, provider={"sort": sort})) == ["c", "a", "b"]


def test_nitro_and_floor_are_sorts_and_the_requests_own_sort_wins():
    health = known(c=EndpointHealth(throughput={"p50": 90}))
    assert tags(plan(health=health, model="acme/one:nitro"))[0] == "c"
    assert tags(plan(health=health, model="acme/one:floor")) == ["a", "b", "c"]
    assert tags(plan(health=health, model="acme/one:nitro", provider={"sort": "price"})) == ["a", "b", "c"]


def test_the_order_of_the_request_comes_first_and_the_others_follow():
    assert tags(plan(provider={"order": ["C", "b"]})) == ["c", "b", "a"]


def test_an_order_without_fallbacks_leaves_only_the_listed_endpoints():
    assert tags(plan(provider={"order": ["c"], "allow_fallbacks": False})) == ["c"]


def test_no_fallbacks_leaves_one_endpoint():
    assert len(tags(plan(provider={"allow_fallbacks": False}))) == 1


def test_performance_preferences_move_endpoints_back_and_exclude_none():
    health = known(a=EndpointHealth(throughput={"p50": 5, "p90": 2}), b=EndpointHealth(latency={"p50": 9000}))
    order = tags(
        plan(
            health=health,
            provider={"sort": "price", "preferred_min_throughput": {"p90": 10}, "preferred_max_latency": 2.5},
        )
    )
    assert order == ["c", "a", "b"]


# Model names


def test_fallback_models_follow_in_order():
    two = catalogue(model("acme/one", A), model("acme/two", B))
    made = plan(two, models=["acme/two", "acme/one"])
    assert [attempt.model.id for attempt in made.attempts] == ["acme/one", "acme/two"]
    assert made.strategy == "fallback"


def test_partition_none_sorts_across_models():
    two = catalogue(model("acme/one", B, C), model("acme/two", A))
    made = plan(two, models=["acme/two"], provider={"sort": {"by": "price", "partition": "none"}})
    assert tags(made) == ["a", "b", "c"]


def test_static_and_dynamic_variants_stack():
    both = catalogue(model("acme/one", A), model("acme/one:free", endpoint("b", "0")))
    made = plan(both, model="acme/one:free:online")
    assert made.attempts[0].model.id == "acme/one:free"


@pytest.mark.parametrize("name", ["acme/none", "acme/one:best", "acme/one:extended", "x" * 500, "a/b:c:d:e"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises((ModelNotFound, InvalidRequest)):
        plan(model=name)


def test_an_empty_name_stands_for_the_default_model():
    assert plan(model="").attempts[0].model.id == "acme/one"


def test_the_free_router_chooses_among_free_models_that_support_the_request():
    known_models = catalogue(
        model("acme/one", A),
        model("acme/f1:free", endpoint("a", "0", supported_parameters=frozenset())),
        model("acme/f2:free", endpoint("b", "0")),
    )
    for seed in range(10):
        made = plan(known_models, model="openrouter/free", seed=seed, tools=TOOLS)
        assert {attempt.model.id for attempt in made.attempts} == {"acme/f2:free"}
    assert made.strategy == "free"


# Upstreams and prices


def test_a_simulated_endpoint_never_replaces_a_real_one():
    made = plan(upstream=lambda endpoint: REAL if endpoint.tag == "c" else SIMULATED)
    assert tags(made) == ["c"]
    assert set(tags(plan(upstream=lambda endpoint: SIMULATED))) == {"a", "b", "c"}


def test_the_prices_of_a_plan_are_those_of_its_most_expensive_endpoint():
    made = plan()
    assert (made.prompt_price, made.completion_price) == (Decimal("0.000003"), Decimal("0.000003"))


def test_without_fallbacks_the_one_endpoint_is_one_that_is_fast_enough():
    health = known(a=EndpointHealth(throughput={"p50": 5}))
    wanted = {"sort": "price", "preferred_min_throughput": 10, "allow_fallbacks": False}
    assert tags(plan(health=health, provider=wanted)) == ["b"]
    assert tags(plan(health=health, provider={**wanted, "preferred_min_throughput": 4})) == ["a"]


# Aliases of families


def haiku(version: str, created: int):
    return model(f"anthropic/claude-haiku-{version}", A, created=created)


def test_an_alias_stands_for_the_newest_model_of_its_family():
    made = plan(catalogue(haiku("4.5", 1), haiku("5", 2), haiku("3.5", 0)), model="~anthropic/claude-haiku-latest")
    assert [attempt.model.id for attempt in made.attempts] == ["anthropic/claude-haiku-5"]
    assert (made.requested_model, made.strategy) == ("~anthropic/claude-haiku-latest", "latest")


def test_an_alias_takes_variants():
    free = model("anthropic/claude-haiku-5:free", A)
    known_models = catalogue(haiku("5", 2), free)
    assert plan(known_models, model="~anthropic/claude-haiku-latest:free").attempts[0].model is free
    assert plan(known_models, model="~Anthropic/Claude-Haiku-Latest:floor").attempts[0].reason == "price"


@pytest.mark.parametrize("name", ["~anthropic/claude-haiku-latest", "~anthropic/nothing-latest", "~acme/one"])
def test_an_alias_without_a_model_is_unknown(name):
    with pytest.raises(ModelNotFound) as refused:
        plan(model=name)
    assert refused.value.message.startswith(f"{name} is not a valid model ID.")
