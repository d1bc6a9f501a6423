"""Which endpoints a request excludes, and the reasons that a refusal names."""

from decimal import Decimal

import pytest

from common.errors import ContextLengthExceeded, InvalidRequest, NoEndpoints
from gateway.callers import Policy
from gateway.routing.unavailable import excluded_models
from models_catalog.catalog import Prices
from tests.gateway.routing.examples import A, B, C, catalogue, endpoint, model, plan, tags

TOOLS = [{"type": "function", "function": {"name": "f"}}]


# Preferences of the request


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


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        ({"ignored_models": frozenset({"acme/one"})}, "by your list of ignored models"),
        ({"ignored_models": frozenset({"acme/*"})}, "by your list of ignored models"),
        ({"allowed_models": frozenset({"acme/two", "beta/*"})}, "by your list of allowed models"),
    ],
)
def test_the_accounts_lists_of_models_are_a_ceiling_and_a_refusal_names_their_page(lists, words):
    with pytest.raises(NoEndpoints, match=words) as refusal:
        plan(policy=Policy(**lists))
    assert "/settings/privacy/lists" in refusal.value.message
    assert refusal.value.availability["code"] == "constraint_filtered"
    assert tags(plan(policy=Policy(allowed_models=frozenset({"acme/*"}))))


def test_excluded_models_are_worked_out_once_for_each_policy_and_catalog():
    one, policy = catalogue(), Policy(ignored_models=frozenset({"acme/one"}))
    excluded = excluded_models(one, policy)
    assert excluded["acme/one"].reason == "On your list of ignored models."
    assert excluded_models(one, Policy(ignored_models=frozenset({"acme/one"}))) is excluded
    assert excluded_models(catalogue(), policy) is not excluded
    assert not excluded_models(one, Policy(ignored_models=frozenset({"beta/two"})))


def test_max_price_is_per_million_tokens_and_excludes():
    assert set(tags(plan(provider={"max_price": {"prompt": 2, "completion": "2"}}))) == {"a", "b"}
    with pytest.raises(NoEndpoints, match="3 by max_price"):
        plan(provider={"max_price": {"prompt": 0.5}})
    hears = catalogue(
        model("acme/one", endpoint("a", "1", prices=Prices(Decimal(1), Decimal(1), audio=Decimal("1e-4"))))
    )
    assert tags(plan(hears, provider={"max_price": {"audio": 100}})) == ["a"]
    assert tags(plan(provider={"max_price": {"audio": 0}}))
    with pytest.raises(NoEndpoints, match="1 by max_price"):
        plan(hears, provider={"max_price": {"audio": 99}})


@pytest.mark.parametrize("price", ["much", "NaN", -1])
def test_a_max_price_that_is_not_a_price_is_refused(price):
    with pytest.raises(InvalidRequest, match="max_price"):
        plan(provider={"max_price": {"prompt": price}})


def test_quantizations_exclude_and_fp8_includes_its_variants():
    mixed = catalogue(
        model("acme/one", endpoint("a", "1", quantization="mxfp8"), endpoint("b", "1", quantization="fp4"), C)
    )
    assert tags(plan(mixed, provider={"quantizations": ["fp8"]})) == ["a"]
    assert tags(plan(mixed, provider={"quantizations": ["unknown"]})) == ["c"]


def test_required_parameters_exclude_and_others_are_preferred():
    plain = endpoint("a", "1", supported_parameters=frozenset({"max_tokens"}))
    mixed = catalogue(model("acme/one", plain, B))
    assert tags(plan(mixed, tools=TOOLS)) == ["b"]
    assert tags(plan(catalogue(model("acme/one", plain)), tools=TOOLS)) == ["a"]
    assert tags(plan(mixed, temperature=1, provider={"require_parameters": True})) == ["b"]
    with pytest.raises(NoEndpoints, match="require_parameters"):
        plan(catalogue(model("acme/one", plain)), tools=TOOLS, provider={"require_parameters": True})


def test_an_endpoint_is_excluded_when_max_tokens_is_above_its_limit():
    mixed = catalogue(model("acme/one", A, endpoint("b", "2", max_completion_tokens=50_000)))
    assert tags(plan(mixed, max_tokens=5000)) == ["b"]


def test_a_prompt_goes_to_a_context_that_it_fits_and_is_refused_if_there_is_none():
    mixed = catalogue(model("acme/one", endpoint("a", "1", context_length=1000), B))
    assert tags(plan(mixed, prompt_tokens=2000)) == ["b"]
    with pytest.raises(ContextLengthExceeded, match="200000 tokens"):
        plan(mixed, prompt_tokens=200_000)


def test_images_need_a_model_with_image_input():
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]
    with pytest.raises(NoEndpoints, match="3 by input modality"):
        plan(messages=image)
    sees = catalogue(model("acme/one", A, input_modalities=("text", "image")))
    assert tags(plan(sees, messages=image)) == ["a"]


def test_exacto_excludes_coarse_weights_and_beta_excludes_moderated_endpoints():
    mixed = catalogue(
        model("acme/one", endpoint("a", "1", quantization="int4"), endpoint("b", "2", is_moderated=True), C)
    )
    assert set(tags(plan(mixed, model="acme/one:exacto"))) == {"b", "c"}
    assert set(tags(plan(mixed, model="acme/one:beta"))) == {"a", "c"}


def test_without_credentials_nothing_is_tried():
    with pytest.raises(NoEndpoints, match="without provider credentials"):
        plan(upstream=lambda endpoint: None)


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
    assert refusal.value.availability["excluded_by"] == ["data_policy:training"]
    allowed = Policy(allow_free_publication=True)
    assert tags(plan(free, model="acme/one:free", policy=allowed)) == ["a"]
    for stricter in ({"zdr": True}, {"data_collection": "deny"}):
        with pytest.raises(NoEndpoints):
            plan(free, model="acme/one:free", policy=allowed, provider=stricter)
    paid = catalogue(model("acme/one", endpoint("a", "1", publishes=True), B))
    assert tags(plan(paid, policy=allowed)) == ["b"]


def test_a_data_policy_that_excludes_every_endpoint_says_so_and_where_to_change_it():
    private = catalogue(model("acme/one", endpoint("a", "1", trains=True, retains=True)))
    with pytest.raises(NoEndpoints, match="/settings/privacy") as refusal:
        plan(private)
    assert refusal.value.availability["code"] == "privacy_restricted"


def test_a_request_may_demand_zero_retention_and_cannot_relax_the_accounts_demand():
    keeps = catalogue(model("acme/one", endpoint("a", "1", retains=True), B))
    assert tags(plan(keeps, provider={"zdr": True})) == ["b"]
    assert tags(plan(keeps, policy=Policy(zero_data_retention=True), provider={"zdr": False})) == ["b"]
    assert tags(plan(keeps, provider={"data_collection": "deny"})) == ["b"]


# Refusals


def test_a_refusal_counts_the_reasons_most_frequent_first(settings):
    settings.SITE_URL = "https://site.example"
    mixed = catalogue(
        model(
            "acme/one",
            endpoint("a", "1", trains=True),
            endpoint("b", "9", retains=True),
            endpoint("c", "9", quantization="int4"),
        )
    )
    with pytest.raises(NoEndpoints) as refusal:
        plan(mixed, model="acme/one:exacto", provider={"max_price": {"prompt": 5}})
    assert refusal.value.message == (
        "No endpoint of acme/one:exacto can serve this request. 3 endpoints considered. Excluded: 2 by max_price, 1 "
        "by your data policy (may train on prompts). Adjust your data policy at https://site.example/settings/privacy."
    )
    assert refusal.value.availability == {
        "code": "constraint_filtered",
        "retryable": False,
        "requested_models": ["acme/one"],
        "affected_providers": ["A", "B", "C"],
        "excluded_by": ["data_policy:training", "max_price"],
        "constraint": {
            "field": "provider.max_price",
            "detail": "2 of 3 endpoints excluded by max_price.",
        },
        "docs_url": "https://site.example/acme/one",
    }


def test_a_refusal_says_when_the_order_without_fallbacks_lists_no_usable_endpoint():
    with pytest.raises(NoEndpoints) as refusal:
        plan(provider={"order": ["unknown"], "allow_fallbacks": False})
    assert refusal.value.message.endswith("3 endpoints considered. `provider.order` lists none of them.")
    with pytest.raises(NoEndpoints) as refusal:
        plan(provider={"order": ["a"], "ignore": ["a"], "allow_fallbacks": False})
    assert refusal.value.message.endswith(
        "Excluded: 1 by your list of ignored providers. `provider.order` lists none of the others."
    )
