"""Own provider keys in plans: each is a copy of its provider's endpoints, before or after shared capacity."""

import pytest

from common.errors import NoEndpoints
from gateway.callers import Policy
from gateway.routing.health import EndpointHealth, EndpointKey, Health
from keys.provider_keys.using import OwnKey
from tests.gateway.routing.examples import A, B, C, catalogue, endpoint, known, model, plan


def own(number: int, provider: str, **fields) -> OwnKey:
    return OwnKey(id=number, version=1, provider=provider, secret=f"sk-{number}", **fields)


def order(made) -> list[str]:
    """The tags in order, with the number of the own key where one is used."""
    return [f"{one.endpoint.tag}:{one.own.id}" if one.own else one.endpoint.tag for one in made.attempts]


def test_own_keys_come_first_in_their_order_then_shared_capacity_then_fallback_keys():
    keys = [own(1, "b", is_fallback=True), own(2, "b"), own(3, "b")]
    made = plan(own_keys=keys, provider={"sort": "price"})
    assert order(made) == ["b:2", "b:3", "a", "b", "c", "b:1"]
    assert [one.reason for one in made.attempts] == [
        "own key",
        "own key",
        "price",
        "price",
        "price",
        "own fallback key",
    ]
    assert order(made.own) == ["b:2", "b:3", "b:1"] and order(made.shared) == ["a", "b", "c"]


def test_they_come_before_the_providers_that_the_request_names():
    made = plan(own_keys=[own(1, "b")], provider={"order": ["a", "b"], "allow_fallbacks": False})
    assert order(made) == ["b:1", "a", "b"]


def test_one_that_is_always_used_forbids_the_shared_capacity_of_its_provider_alone():
    made = plan(own_keys=[own(1, "a", always_use=True)], provider={"sort": "price"})
    assert order(made) == ["a:1", "b", "c"]
    only = plan(own_keys=[own(1, "a", always_use=True)], provider={"only": ["a"]})
    assert order(only) == ["a:1"] and only.shared is None


def test_without_fallbacks_the_endpoint_with_an_own_key_is_the_one():
    assert order(plan(own_keys=[own(1, "c")], provider={"allow_fallbacks": False})) == ["c:1", "c"]


def test_models_restrict_a_key_and_variants_need_no_entry():
    two = model("acme/two", endpoint("a", "1", model_id="acme/two"))
    variant = model("acme/two:free", endpoint("a", "0", model_id="acme/two:free"))
    both = catalogue(model("acme/one", A, B, C), two, variant)
    keys = [own(1, "a", models=frozenset({"acme/two"}))]
    assert order(plan(both, own_keys=keys, provider={"sort": "price"})) == ["a", "b", "c"]
    assert order(plan(both, own_keys=keys, model="acme/two")) == ["a:1", "a"]
    assert order(plan(both, own_keys=keys, model="acme/two:free")) == ["a:1", "a"]


def test_the_sort_across_models_puts_own_keys_of_every_model_first():
    both = catalogue(model("acme/one", A, B), model("acme/two", endpoint("c", "9", model_id="acme/two")))
    body = {"models": ["acme/one", "acme/two"], "provider": {"sort": {"by": "price", "partition": "none"}}}
    assert order(plan(both, own_keys=[own(1, "c")], **body)) == ["c:1", "a", "b", "c"]
    body["provider"] = {"sort": "price"}
    assert order(plan(both, own_keys=[own(1, "c")], **body)) == ["a", "b", "c:1", "c"]


def test_a_key_never_makes_an_endpoint_of_another_policy_available():
    trains = catalogue(model("acme/one", endpoint("a", "1", trains=True)))
    with pytest.raises(NoEndpoints):
        plan(trains, own_keys=[own(1, "a")], policy=Policy())


def test_a_key_makes_a_provider_available_that_the_site_has_no_key_for():
    known_only = catalogue(model("acme/one", endpoint("a", "1", configured=False), B))
    made = plan(known_only, own_keys=[own(1, "a")], provider={"sort": "price"})
    assert order(made) == ["a:1", "b"]
    assert order(plan(known_only, own_keys=[own(1, "x")], provider={"sort": "price"})) == ["b"]


def test_slow_and_failing_own_endpoints_still_come_first():
    health = known(c=EndpointHealth(throughput={"p50": 1}), a=EndpointHealth(throughput={"p50": 90}))
    made = plan(own_keys=[own(1, "c")], health=health, provider={"preferred_min_throughput": 50})
    assert order(made)[0] == "c:1"
    failing = Health(failing=frozenset({EndpointKey("acme/one", "c")}))
    assert order(plan(own_keys=[own(1, "c")], health=failing))[0] == "c:1"


def test_the_secret_is_in_no_repr():
    made = plan(own_keys=[own(12345, "a")])
    assert "sk-12345" not in repr(made) and "sk-12345" not in repr(made.attempts[0].own)


def test_filters_by_api_key_and_member():
    key = own(1, "a", key_hashes=frozenset({"f" * 64}), user_ids=frozenset({7}))
    assert key.allows("f" * 64, 7)
    assert not key.allows("f" * 64, 8) and not key.allows("", 7)
    assert own(1, "a").allows("", 0) and not own(1, "a", user_ids=frozenset()).allows("", 7)
