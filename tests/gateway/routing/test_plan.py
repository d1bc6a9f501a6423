"""Routing, without a database: which endpoints are tried, in which order, and why not the others."""

from collections import Counter
from decimal import Decimal
from random import Random
from types import MappingProxyType

import pytest

from common.errors import ContextLengthExceeded, InvalidRequest, ModelNotFound, NoEndpoints
from gateway.callers import Caller, Policy
from gateway.protocols.chat_completions.request import parse
from gateway.routing.health import EndpointHealth, EndpointKey, Health
from gateway.routing.plan import make_plan
from gateway.routing.upstreams import Upstream
from models_catalog.catalog import Catalogue, EndpointEntry, ModelEntry, Prices

ALL = frozenset({"max_tokens", "temperature", "tools", "response_format", "structured_outputs", "reasoning"})
REAL = Upstream("https://provider.example", "key", simulated=False)
SIMULATED = Upstream("http://sandbox", "sandbox", simulated=True)


def endpoint(slug: str, prompt: str, completion: str | None = None, **fields) -> EndpointEntry:
    defaults = {
        "id": 0,
        "model_id": "acme/one",
        "provider": slug.partition("/")[0],
        "provider_name": slug.partition("/")[0].title(),
        "tag": slug,
        "provider_model_id": "one",
        "context_length": 100_000,
        "max_completion_tokens": 4_000,
        "quantization": "unknown",
        "prices": Prices(Decimal(prompt) / 1_000_000, Decimal(completion or prompt) / 1_000_000),
        "tiers": (),
        "supported_parameters": ALL,
        "trains": False,
        "retains": False,
        "supports_cancel": True,
        "is_moderated": False,
        "base_url": "",
        "key_variable": "",
    }
    return EndpointEntry(**(defaults | fields))


def model(model_id: str, *endpoints: EndpointEntry, **fields) -> ModelEntry:
    defaults = {
        "id": model_id,
        "canonical_slug": model_id,
        "author": model_id.partition("/")[0],
        "author_name": "Acme",
        "name": model_id,
        "description": "",
        "created": 0,
        "context_length": 100_000,
        "max_completion_tokens": 4_000,
        "input_modalities": ("text",),
        "output_modalities": ("text",),
        "tokenizer": "Other",
        "instruct_type": "",
        "reasoning": False,
        "open_weights": None,
        "hugging_face_id": "",
        "knowledge_cutoff": "",
        "supported_parameters": frozenset().union(*(one.supported_parameters for one in endpoints)),
        "endpoints": tuple(sorted(endpoints, key=lambda one: one.prices.per_token)),
    }
    return ModelEntry(**(defaults | fields))


A, B, C = endpoint("a", "1"), endpoint("b", "2"), endpoint("c", "3")


def catalogue(*models: ModelEntry) -> Catalogue:
    known = models or (model("acme/one", A, B, C),)
    by_id = {one.id: one for one in known}
    return Catalogue(1, MappingProxyType(by_id), MappingProxyType({}), MappingProxyType({}))


def plan(
    known=None, *, policy=None, health=None, seed=1, upstream=lambda endpoint: REAL, prompt_tokens=0, lot=None, **body
):
    request = parse({"model": "acme/one", "messages": [{"role": "user", "content": "Hi"}]} | body)
    caller = Caller(
        account_id=1, key_id=1, user_id=1, source="api", default_model="", policy=policy or Policy(),
    )  # fmt: skip
    return make_plan(
        known or catalogue(),
        request,
        caller,
        default_model="acme/one",
        health=health,
        random=Random(seed),
        upstream=upstream,
        prompt_tokens=prompt_tokens,
        lot=lot,
    )


def tags(made) -> list[str]:
    return [attempt.endpoint.tag for attempt in made.attempts]


def known(model_id: str = "acme/one", **by_tag: EndpointHealth) -> Health:
    return Health({EndpointKey(model_id, tag): health for tag, health in by_tag.items()})


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


def test_degraded_endpoints_stand_behind_stable_ones_and_before_those_that_are_down():
    health = known(a=EndpointHealth(uptime=70), b=EndpointHealth(uptime=90), c=EndpointHealth(uptime=99))
    assert tags(plan(health=health)) == ["c", "b", "a"]


def test_a_free_endpoint_is_always_first():
    free = model("acme/one", endpoint("a", "0"), B, C)
    assert all(tags(plan(catalogue(free), seed=seed))[0] == "a" for seed in range(50))


# The caller's wishes


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


def test_nitro_and_floor_are_sorts_and_the_requests_own_sort_wins():
    health = known(c=EndpointHealth(throughput={"p50": 90}))
    assert tags(plan(health=health, model="acme/one:nitro"))[0] == "c"
    assert tags(plan(health=health, model="acme/one:floor")) == ["a", "b", "c"]
    assert tags(plan(health=health, model="acme/one:nitro", provider={"sort": "price"})) == ["a", "b", "c"]


def test_order_names_who_is_tried_first_and_the_others_follow():
    order = tags(plan(provider={"order": ["C", "b"]}))
    assert order == ["c", "b", "a"]


def test_order_without_fallbacks_is_all_there_is():
    assert tags(plan(provider={"order": ["c"], "allow_fallbacks": False})) == ["c"]


def test_no_fallbacks_leaves_one_endpoint():
    assert len(tags(plan(provider={"allow_fallbacks": False}))) == 1


def test_a_base_slug_names_all_endpoints_of_a_provider_and_a_tag_only_one():
    two = catalogue(model("acme/one", endpoint("a", "1"), endpoint("a/turbo", "2"), B))
    assert set(tags(plan(two, provider={"only": ["a"]}))) == {"a", "a/turbo"}
    assert tags(plan(two, provider={"only": ["a/turbo"]})) == ["a/turbo"]


def test_only_is_bounded_by_the_accounts_list_and_ignore_adds_to_it():
    policy = Policy(allowed_providers=frozenset({"a", "b"}), ignored_providers=frozenset({"b"}))
    assert tags(plan(policy=policy)) == ["a"]
    with pytest.raises(NoEndpoints) as refusal:
        plan(policy=policy, provider={"only": ["c"]})
    assert set(refusal.value.availability["excluded_by"]) == {"allowed_providers"}
    assert tags(plan(provider={"ignore": ["A", "b"]})) == ["c"]


def test_max_price_is_per_million_tokens_and_hard():
    assert set(tags(plan(provider={"max_price": {"prompt": 2, "completion": "2"}}))) == {"a", "b"}
    with pytest.raises(NoEndpoints, match="3 by max_price"):
        plan(provider={"max_price": {"prompt": 0.5}})
    loud = catalogue(
        model("acme/one", endpoint("a", "1", prices=Prices(Decimal(1), Decimal(1), audio=Decimal("1e-4"))))
    )
    assert tags(plan(loud, provider={"max_price": {"audio": 100}})) == ["a"]
    assert tags(plan(provider={"max_price": {"audio": 0}}))
    with pytest.raises(NoEndpoints, match="1 by max_price"):
        plan(loud, provider={"max_price": {"audio": 99}})


@pytest.mark.parametrize("price", ["much", "NaN", -1])
def test_a_price_that_is_no_price_is_refused(price):
    with pytest.raises(InvalidRequest, match="max_price"):
        plan(provider={"max_price": {"prompt": price}})


def test_quantizations_are_hard_and_fp8_includes_its_relatives():
    mixed = catalogue(
        model("acme/one", endpoint("a", "1", quantization="mxfp8"), endpoint("b", "1", quantization="fp4"), C)
    )
    assert tags(plan(mixed, provider={"quantizations": ["fp8"]})) == ["a"]
    assert tags(plan(mixed, provider={"quantizations": ["unknown"]})) == ["c"]


def test_performance_wishes_move_endpoints_back_and_never_leave_them_out():
    health = known(a=EndpointHealth(throughput={"p50": 5, "p90": 2}), b=EndpointHealth(latency={"p50": 9000}))
    order = tags(
        plan(
            health=health,
            provider={"sort": "price", "preferred_min_throughput": {"p90": 10}, "preferred_max_latency": 2.5},
        )
    )
    assert order == ["c", "a", "b"]


def test_required_parameters_are_hard_and_wished_ones_are_soft():
    plain = endpoint("a", "1", supported_parameters=frozenset({"max_tokens"}))
    mixed = catalogue(model("acme/one", plain, B))
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert tags(plan(mixed, tools=tools)) == ["b"]
    assert tags(plan(catalogue(model("acme/one", plain)), tools=tools)) == ["a"]
    assert tags(plan(mixed, temperature=1, provider={"require_parameters": True})) == ["b"]
    with pytest.raises(NoEndpoints, match="require_parameters"):
        plan(catalogue(model("acme/one", plain)), tools=tools, provider={"require_parameters": True})


def test_a_longer_answer_than_an_endpoint_gives_leaves_it_out():
    mixed = catalogue(model("acme/one", A, endpoint("b", "2", max_completion_tokens=50_000)))
    assert tags(plan(mixed, max_tokens=5000)) == ["b"]


def test_a_prompt_that_fits_nowhere_is_a_context_error_and_one_that_fits_somewhere_goes_there():
    mixed = catalogue(model("acme/one", endpoint("a", "1", context_length=1000), B))
    assert tags(plan(mixed, prompt_tokens=2000)) == ["b"]
    with pytest.raises(ContextLengthExceeded, match="200000 tokens"):
        plan(mixed, prompt_tokens=200_000)


def test_images_need_a_model_that_sees():
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]
    with pytest.raises(NoEndpoints, match="kind of input"):
        plan(messages=picture)
    sees = catalogue(model("acme/one", A, input_modalities=("text", "image")))
    assert tags(plan(sees, messages=picture)) == ["a"]


# Data policy


def test_endpoints_that_train_need_the_accounts_permission():
    mixed = catalogue(model("acme/one", endpoint("a", "1", trains=True, retains=True), B))
    assert tags(plan(mixed)) == ["b"]
    assert set(tags(plan(mixed, policy=Policy(allow_paid_training=True)))) == {"a", "b"}


def test_free_models_have_a_permission_of_their_own():
    free = catalogue(model("acme/one:free", endpoint("a", "0", trains=True, retains=True)))
    with pytest.raises(NoEndpoints):
        plan(free, model="acme/one:free", policy=Policy(allow_paid_training=True))
    assert tags(plan(free, model="acme/one:free", policy=Policy(allow_free_training=True))) == ["a"]


def test_publishing_prompts_needs_a_permission_and_only_free_models_get_it():
    free = catalogue(model("acme/one:free", endpoint("a", "0", publishes=True)))
    with pytest.raises(NoEndpoints, match="may publish prompts") as refusal:
        plan(free, model="acme/one:free", policy=Policy(allow_free_training=True))
    assert refusal.value.availability["code"] == "privacy_restricted"
    allowed = Policy(allow_free_publication=True)
    assert tags(plan(free, model="acme/one:free", policy=allowed)) == ["a"]
    for stricter in ({"zdr": True}, {"data_collection": "deny"}):
        with pytest.raises(NoEndpoints):
            plan(free, model="acme/one:free", policy=allowed, provider=stricter)
    paid = catalogue(model("acme/one", endpoint("a", "1", publishes=True), B))
    assert tags(plan(paid, policy=allowed)) == ["b"]


def test_a_data_policy_that_leaves_nothing_says_so_and_where_to_change_it():
    private = catalogue(model("acme/one", endpoint("a", "1", trains=True, retains=True)))
    with pytest.raises(NoEndpoints, match="/settings/privacy") as refusal:
        plan(private)
    assert refusal.value.availability["code"] == "privacy_restricted"


def test_zero_retention_adds_up_and_a_request_cannot_relax_it():
    keeps = catalogue(model("acme/one", endpoint("a", "1", retains=True), B))
    assert tags(plan(keeps, provider={"zdr": True})) == ["b"]
    assert tags(plan(keeps, policy=Policy(zero_data_retention=True), provider={"zdr": False})) == ["b"]
    assert tags(plan(keeps, provider={"data_collection": "deny"})) == ["b"]


# Names


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


def test_exacto_leaves_out_coarse_weights_and_beta_moderated_endpoints():
    mixed = catalogue(
        model("acme/one", endpoint("a", "1", quantization="int4"), endpoint("b", "2", is_moderated=True), C)
    )
    assert set(tags(plan(mixed, model="acme/one:exacto"))) == {"b", "c"}
    assert set(tags(plan(mixed, model="acme/one:beta"))) == {"a", "c"}


@pytest.mark.parametrize("name", ["acme/none", "acme/one:best", "acme/one:extended", "", "x" * 500, "a/b:c:d:e"])
def test_a_name_that_means_nothing_is_refused(name):
    if name == "":
        assert tags(plan(model=name))  # an empty name is none: the default model answers
        return
    with pytest.raises((ModelNotFound, InvalidRequest)):
        plan(model=name)


def test_the_free_router_chooses_among_free_models_that_can():
    known_models = catalogue(
        model("acme/one", A),
        model("acme/f1:free", endpoint("a", "0", supported_parameters=frozenset())),
        model("acme/f2:free", endpoint("b", "0")),
    )
    tools = [{"type": "function", "function": {"name": "f"}}]
    for seed in range(10):
        made = plan(known_models, model="openrouter/free", seed=seed, tools=tools)
        assert {attempt.model.id for attempt in made.attempts} == {"acme/f2:free"}
    assert made.strategy == "free"


def test_a_simulated_endpoint_never_stands_in_for_a_real_one():
    made = plan(upstream=lambda endpoint: REAL if endpoint.tag == "c" else SIMULATED)
    assert tags(made) == ["c"]
    assert set(tags(plan(upstream=lambda endpoint: SIMULATED))) == {"a", "b", "c"}


def test_without_credentials_nothing_is_tried():
    with pytest.raises(NoEndpoints, match="without provider credentials"):
        plan(upstream=lambda endpoint: None)


def test_the_hold_is_bounded_by_the_dearest_endpoint_that_may_be_tried():
    made = plan()
    assert (made.prompt_price, made.completion_price) == (Decimal("0.000003"), Decimal("0.000003"))
