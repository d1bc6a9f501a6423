"""Restrictions of guardrails: with the request's and the account's, the strictest applies."""

import pytest

from common.errors import NoEndpoints, PermissionDenied
from gateway.callers import Policy
from guardrails.rules import Restrictions
from tests.gateway.routing.examples import A, B, C, catalogue, endpoint, model, plan, tags


def under(*restrictions: dict, **policy) -> Policy:
    names = ("Team", "Agents")
    found = [Restrictions(name=name, **each) for name, each in zip(names, restrictions, strict=False)]
    return Policy(guardrails=tuple(found), **policy)


def test_allowed_lists_are_intersected_and_ignored_ones_united():
    policy = under(
        {"allowed_providers": frozenset({"a", "b"}), "ignored_providers": frozenset({"x"})},
        {"allowed_providers": frozenset({"b", "c"})},
    )
    assert tags(plan(policy=policy)) == ["b"]
    ignored = under({"ignored_providers": frozenset({"a"})}, {"ignored_providers": frozenset({"b"})})
    assert tags(plan(policy=ignored)) == ["c"]
    both = under({"allowed_providers": frozenset({"a", "b"})}, allowed_providers=frozenset({"b", "c"}))
    assert tags(plan(policy=both)) == ["b"]
    with pytest.raises(NoEndpoints, match=r"by your list of allowed providers, 1 by the guardrail “Team”"):
        plan(policy=both, provider={"only": ["c"]})


def test_a_model_that_is_not_allowed_is_refused_with_the_guardrail_and_the_remedy():
    with pytest.raises(PermissionDenied) as refusal:
        plan(policy=under({}, {"allowed_models": frozenset({"acme/two"})}))
    assert "3 by the guardrail “Agents” (model not allowed). An admin can change the guardrail at" in str(refusal.value)
    assert "/settings/guardrails" in str(refusal.value)
    with pytest.raises(PermissionDenied):
        plan(policy=under({"ignored_models": frozenset({"acme/one"})}))
    assert plan(policy=under({"allowed_models": frozenset({"acme/one"})}))


def test_a_fallback_model_that_is_allowed_is_used_and_a_models_name_includes_its_variants():
    two = catalogue(model("acme/one", A), model("acme/two", B), model("acme/two:free", C))
    policy = under({"allowed_models": frozenset({"acme/two"})})
    assert tags(plan(two, policy=policy, models=["acme/two"])) == ["b"]
    assert tags(plan(two, policy=policy, model="acme/two:free")) == ["c"]
    only_free = under({"allowed_models": frozenset({"acme/two:free"})})
    with pytest.raises(PermissionDenied):
        plan(two, policy=only_free, model="acme/two")


@pytest.mark.parametrize(
    ("restrictions", "served"),
    [
        ({"allowed_models": frozenset({"acme/*"})}, ["acme/one", "acme/one:free"]),
        ({"allowed_models": frozenset({"acme/*"}), "ignored_models": frozenset({"acme/one:free"})}, ["acme/one"]),
        ({"ignored_models": frozenset({"acme/*"})}, ["acme-labs/one"]),
        ({"ignored_models": frozenset({"acme/one"})}, ["acme-labs/one"]),
        ({"allowed_models": frozenset({"acme/one:free", "acme-labs/*"})}, ["acme/one:free", "acme-labs/one"]),
    ],
)
def test_an_author_stands_for_all_its_models_and_for_no_other_authors(restrictions, served):
    three = [model("acme/one", A), model("acme/one:free", B), model("acme-labs/one", C)]
    guarded = Restrictions(name="Team", **restrictions)
    assert [each.id for each in three if guarded.allows_model(each.id)] == served


def test_the_free_router_prefers_models_that_are_allowed():
    free = [model(f"acme/m{number}:free", endpoint("a", "0")) for number in range(20)]
    policy = under({"allowed_models": frozenset({"acme/m13:free"})})
    attempts = plan(catalogue(*free), policy=policy, model="openrouter/free").attempts
    assert [attempt.model.id for attempt in attempts] == ["acme/m13:free"]


@pytest.mark.parametrize(
    ("restrictions", "fits"),
    [
        ({"zdr_groups": frozenset({"anthropic"})}, False),
        ({"zdr_groups": frozenset({"openai", "other"})}, True),
        ({"forbids_paid_training": True}, True),
    ],
)
def test_zero_data_retention_is_demanded_by_the_models_author(restrictions, fits):
    keeps = endpoint("a", "1", retains=True)
    claude = catalogue(model("anthropic/claude", keeps))
    if fits:
        assert plan(claude, policy=under(restrictions), model="anthropic/claude")
        return
    with pytest.raises(NoEndpoints) as refusal:
        plan(claude, policy=under(restrictions), model="anthropic/claude")
    assert refusal.value.availability["code"] == "privacy_restricted"
    assert refusal.value.availability["excluded_by"] == ["data_policy:zdr"]
    assert refusal.value.availability["docs_url"].endswith("/settings/guardrails")


def test_a_guardrail_forbids_training_that_the_account_allows():
    trains = catalogue(model("acme/one", endpoint("a", "1", trains=True)))
    assert plan(trains, policy=Policy(allow_paid_training=True))
    with pytest.raises(NoEndpoints, match="may train on prompts"):
        plan(trains, policy=under({"forbids_paid_training": True}, allow_paid_training=True))


def test_any_demand_for_zero_retention_keeps_responses_out_of_the_cache():
    assert under({"zdr_groups": frozenset({"xai"})}).keeps_nothing
    assert not under({"forbids_paid_training": True}).keeps_nothing
