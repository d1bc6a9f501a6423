"""`:exacto` and `:beta`: the endpoints that they choose, and the measurements behind the order."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async

from common.errors import NoEndpoints
from gateway.accounting import settlement
from gateway.callers import Caller, Policy
from gateway.events import Delta
from gateway.protocols.chat_completions.called_tools import MAX_CHARACTERS, CalledTools
from gateway.protocols.chat_completions.request import parse
from gateway.routing import catalogue_cache, health
from gateway.routing.health import EndpointHealth, Health
from gateway.routing.plan import RoutingContext, make_plan
from models_catalog import catalog
from models_catalog.metrics import measurements
from models_catalog.models import Endpoint
from tests.gateway.routing.examples import A, C, catalogue, endpoint, known, model, plan, tags

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def exacto(known_models: Any = None, **options: Any) -> list[str]:
    return tags(plan(known_models, model="acme/one:exacto", **options))


def test_selected_endpoints_are_the_only_ones_even_with_coarse_weights():
    chosen = endpoint("b", "2", is_exacto=True, quantization="fp4")
    assert exacto(catalogue(model("acme/one", A, chosen, C))) == ["b"]
    with pytest.raises(NoEndpoints, match=r"1 by provider\.only|by :exacto \(others are selected for it\)"):
        exacto(catalogue(model("acme/one", A, chosen, C)), provider={"only": ["a"]})


def test_without_selected_endpoints_all_are_eligible_and_the_best_comes_first():
    assert exacto() == ["a", "b", "c"]  # nothing is known: by price
    measured = known(
        a=EndpointHealth(tool_success=80, throughput={"p50": 900}),
        b=EndpointHealth(uptime=97, tool_success=98, throughput={"p50": 20}),
        c=EndpointHealth(tool_success=100, throughput={"p50": 50}),
    )
    assert exacto(health=measured) == ["c", "b", "a"]
    assert tags(plan(health=measured, provider={"sort": "exacto"})) == ["c", "b", "a"]
    assert exacto(health=measured, provider={"sort": "price"}) == ["a", "b", "c"]  # the request's own sort wins


def test_a_difference_of_chance_does_not_outweigh_speed():
    measured = known(
        a=EndpointHealth(tool_success=99.2, throughput={"p50": 80}), b=EndpointHealth(throughput={"p50": 40})
    )
    assert exacto(health=measured) == ["a", "b", "c"]


def test_a_prompt_cache_does_not_make_up_for_quality():
    stuck = conversation_at("a")
    assert ordered_by_quality(stuck, known(c=EndpointHealth(throughput={"p50": 90}))) == ["a", "c", "b"]
    assert ordered_by_quality(stuck, known(a=EndpointHealth(tool_success=60))) == ["b", "c", "a"]


def conversation_at(tag: str) -> RoutingContext:
    return RoutingContext(default_model="", sticky_endpoint=lambda model_id: tag, upstream=lambda endpoint: UP)


def ordered_by_quality(context: RoutingContext, health: Health) -> list[str]:
    request = parse({"model": "acme/one:exacto", "messages": [{"role": "user", "content": "Hi"}]})
    caller = Caller(account_id=1, key_id=1, user_id=1, source="api", default_model="", policy=Policy())
    return tags(make_plan(catalogue(), request, caller, msgspec.structs.replace(context, health=health)))


def test_coarse_weights_serve_a_model_that_has_no_others():
    coarse = catalogue(model("acme/one", endpoint("a", "1", quantization="mxfp4")))
    assert exacto(coarse) == ["a"]


def test_a_selected_endpoint_that_is_not_set_up_here_hides_no_others():
    absent = endpoint("b", "2", is_exacto=True, configured=False)
    assert "c" in exacto(catalogue(model("acme/one", absent, C)), upstream=lambda one: None if one is absent else UP)


UP = plan().attempts[0].upstream


@pytest.mark.parametrize(
    ("pieces", "sound"),
    [
        ([], None),
        ([("look", '{"at": 1}')], True),
        ([("look", ""), ("", '{"a'), ("", 't": []}')], True),
        ([("look", "{}"), ("", "}")], False),
        ([("look", '{"at": ')], False),
        ([("look", "[1]")], False),
        ([("look", "")], False),
        ([("leap", "{}")], False),
        ([("look", '{"at": "' + "x" * MAX_CHARACTERS + '"}')], None),
    ],
)
def test_tool_calls_are_sound_when_a_program_can_use_them(pieces, sound):
    called = CalledTools([LOOK])
    for name, arguments in pieces:
        function = {"arguments": arguments} | ({"name": name} if name else {})
        called.add(Delta(tool_calls=[{"index": 0, "function": function}]))
    assert called.are_sound() is sound


def test_of_several_calls_all_must_be_sound_and_a_providers_own_tools_may_have_any_name():
    for tools, sound in (([LOOK], False), ([LOOK, {"type": "web_search"}], True)):
        called = CalledTools(tools)
        called.add(Delta(tool_calls=[{"index": 0, "function": {"name": "look", "arguments": "{}"}}]))
        called.add(Delta(tool_calls=[{"index": 1, "function": {"name": "search", "arguments": "{}"}}]))
        assert called.are_sound() is sound


@pytest.mark.parametrize("stream", [False, True])
async def test_an_endpoint_with_broken_tool_calls_loses_its_place(api, stream):
    async def call(**options: Any) -> str:
        """The provider that has served the request."""
        response = await api.chat(
            'Call look with {"at": "the sky"}', tools=[LOOK], fault="cheap=broken-tools", stream=stream, **options
        )
        assert response.status_code == 200
        return (await api.generation()).provider

    for _ in range(health.MIN_RESPONSES_WITH_TOOLS):
        assert await call(provider={"only": ["cheap"]}) == "cheap"
    assert await call(model="acme/one:exacto", provider=None) == "cheap"  # not counted up yet
    await sync_to_async(health.tracker.sync)(settlement.PROCESS_ID, datetime.now(UTC))
    assert await call(model="acme/one:exacto", provider=None) == "dear"
    assert await call(model="acme/one:floor", provider=None) == "cheap"
    figures = await sync_to_async(measurements.of)("acme/one")
    assert figures["cheap"].tool_success_1d == 0
    await sync_to_async(health.tracker.sync)(settlement.PROCESS_ID, datetime.now(UTC))
    assert (await sync_to_async(measurements.of)("acme/one"))["dear"].tool_success_1d is None  # one call tells nothing
    await api.assert_books_balance()


async def test_a_response_that_is_cut_short_or_calls_nothing_is_not_counted(api):
    for options in ({"max_tokens": 4}, {"tool_choice": "none"}, {"tools": None}):
        await api.chat('Call look with {"at": "the sky"}', **{"tools": [LOOK]} | options)
    await sync_to_async(health.tracker.sync)(settlement.PROCESS_ID, datetime.now(UTC))
    rows = [row async for row in health.EndpointMinute.objects.values_list("sound_tools", "unsound_tools")]
    assert set(rows) == {(0, 0)}


async def test_what_an_operator_selects_decides_which_endpoint_serves_exacto_and_beta(api):
    async def mark(tag: str, **fields: bool) -> None:
        await Endpoint.objects.filter(model="acme/one", tag=tag).aupdate(**fields)
        await sync_to_async(catalog.touch)()
        catalogue_cache.clear()

    async def served(variant: str, **options: Any) -> tuple[int, str]:
        body = (await api.chat(model=f"acme/one{variant}", provider=None, **options)).json()
        return body.get("error", {}).get("code", 200), body.get("provider", "")

    await mark("dear", is_exacto=True)
    await mark("cheap", is_moderated=True)
    refusing = {"fault": "cheap=moderation"}
    assert await served(":floor") == (200, "Cheap")
    assert await served(":exacto") == (200, "Dear")
    assert await served(":beta", **refusing) == (200, "Dear")  # moderation is never asked
    await mark("dear", is_moderated=True)
    code, _ = await served(":beta")
    assert code == 404
