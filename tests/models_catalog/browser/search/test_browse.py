"""Which models match, in which order, and what the counts promise."""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict

from models_catalog import catalog
from models_catalog.browser.search.browse import find
from models_catalog.browser.search.chips import suggestions
from models_catalog.browser.search.facets import facets
from models_catalog.browser.search.query import SORTS, BadParameter, Query, parse, parse_leniently
from models_catalog.models import Endpoint
from tests.models_catalog.conftest import DAY_ZERO


def ids(query: str) -> list[str]:
    return [model.id for model in find(catalog.current(), parse(QueryDict(query))).models]


def with_filter(query: Query, name: str, value: object) -> Query:
    changes: dict[str, Any] = {name: value}
    return replace(query, **changes)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["umbra/reader-7b", "acme/large:free", "acme/large", "acme/small"]),
        ("q=large", ["acme/large", "acme/large:free"]),
        ("q=acme+large", ["acme/large", "acme/large:free"]),
        ("q=READER7b", ["umbra/reader-7b"]),
        ("q=umbra", ["umbra/reader-7b"]),
        ("q=nothing", []),
        ("input_modalities=image", ["acme/large:free", "acme/large"]),
        ("input_modalities=image,text", ["acme/large:free", "acme/large"]),
        ("input_modalities=image&input_modalities=audio", []),
        ("output_modalities=image", []),
        ("output_modalities=all&q=small", ["acme/small"]),
        ("supported_parameters=tools", ["umbra/reader-7b", "acme/large"]),
        ("supported_parameters=tools,temperature", ["acme/large"]),
        ("context=128001", ["umbra/reader-7b", "acme/large:free", "acme/large"]),
        ("max_price=0", ["acme/large:free"]),
        ("max_price=2.5", ["umbra/reader-7b", "acme/large:free", "acme/large", "acme/small"]),
        ("max_price=2.4999", ["umbra/reader-7b", "acme/large:free", "acme/small"]),
        ("min_price=1", ["umbra/reader-7b", "acme/large"]),
        ("min_price=0.1&max_price=1", ["umbra/reader-7b", "acme/small"]),
        ("max_output_price=0.4", ["acme/large:free", "acme/small"]),
        ("min_output_price=10", ["acme/large"]),
        ("model_authors=umbra", ["umbra/reader-7b"]),
        ("model_authors=umbra,acme&q=small", ["acme/small"]),
        ("providers=beta", ["acme/large:free", "acme/large"]),
        ("providers=beta,alpha", ["umbra/reader-7b", "acme/large:free", "acme/large", "acme/small"]),
        ("variant=free", ["acme/large:free"]),
        ("variant=standard", ["umbra/reader-7b", "acme/large", "acme/small"]),
        ("zdr=true", ["umbra/reader-7b", "acme/large", "acme/small"]),
        ("zdr=false&q=free", ["acme/large:free"]),
        ("arch=other&q=small", ["acme/small"]),
        ("arch=GPT", []),
        ("sort=newest", ["umbra/reader-7b", "acme/large:free", "acme/large", "acme/small"]),
        ("sort=context-high-to-low", ["umbra/reader-7b", "acme/large:free", "acme/large", "acme/small"]),
        ("sort=pricing-low-to-high", ["acme/large:free", "acme/small", "umbra/reader-7b", "acme/large"]),
        ("sort=pricing-high-to-low", ["acme/large", "umbra/reader-7b", "acme/small", "acme/large:free"]),
        ("utm_source=newsletter&q=+&context=", ["umbra/reader-7b", "acme/large:free", "acme/large", "acme/small"]),
    ],
)
def test_a_filter_finds_exactly_the_models_that_meet_it(shop, query, expected):
    assert ids(query) == expected


def test_the_fee_per_request_counts_in_the_order_of_prices(shop):
    # Two cents per request make the reader dearer than Large, whose tokens cost more.
    Endpoint.objects.filter(model="umbra/reader-7b").update(
        pricing={"prompt": "0.000001", "completion": "0.000002", "request": "0.02"}
    )
    catalog.touch()
    assert ids("sort=pricing-high-to-low")[0] == "umbra/reader-7b"


def test_models_can_be_found_by_their_age(shop):
    def aged(query: str) -> list[str]:
        now = DAY_ZERO + 30 * 86_400
        return [model.id for model in find(catalog.current(), parse(QueryDict(query)), now=now).models]

    assert aged("max_age_days=10") == ["umbra/reader-7b", "acme/large:free"]
    assert aged("min_age_days=20") == ["acme/large", "acme/small"]
    assert aged("min_age_days=10&max_age_days=20") == ["acme/large:free", "acme/large"]


def test_a_search_puts_the_best_match_first(bundled):
    assert ids("q=gpt-4o")[0].startswith("openai/gpt-4o")
    assert ids("q=gpt4omini")[0] == "openai/gpt-4o-mini"
    assert ids("q=o3")[0] == "openai/o3"


def test_models_that_an_order_holds_equal_stay_newest_first(bundled):
    for sort in SORTS:
        models = find(bundled, Query(sort=sort)).models
        assert len({model.id for model in models}) == 422
        assert models == find(bundled, Query(sort=sort)).models
    cheapest = find(bundled, Query(sort="pricing-low-to-high")).models
    free = [model for model in cheapest if model.is_free]
    assert list(cheapest[: len(free)]) == free
    assert free == sorted(free, key=lambda model: (-model.created, model.id))


def test_an_order_without_figures_keeps_the_default(bundled):
    assert find(bundled, Query(sort="throughput-high-to-low")).models == find(bundled, Query()).models


@pytest.mark.parametrize(
    "state",
    [
        "",
        "q=gpt",
        "input_modalities=image,file&providers=azure",
        "max_price=2&context=200000",
        "model_authors=google,qwen",
        "output_modalities=embeddings",
        "output_modalities=rerank,embeddings",
    ],
)
def test_each_count_is_what_choosing_the_option_brings(bundled, state):
    query = parse(QueryDict(state))
    found = find(bundled, query)
    checked = 0
    for facet in facets(bundled, query, found):
        for option in facet.options:
            chosen: Query
            match facet.name:
                case "context":
                    chosen = replace(query, context=int(option.value or 0))
                case "max_price":
                    chosen = replace(query, max_price=Decimal(option.value) if option.value else None)
                case "output_modalities":
                    outputs = () if option.value == "all" else tuple((option.value or "text").split(","))
                    chosen = replace(query, output_modalities=outputs)
                case "max_age_days":
                    chosen = replace(query, max_age_days=int(option.value) if option.value else None)
                case "zdr" | "distillable":
                    chosen = with_filter(query, facet.name, value=True)
                case "input_modalities" | "supported_parameters":
                    chosen = with_filter(query, facet.name, (*getattr(query, facet.name), option.value))
                case name:  # one more author adds to those chosen: the count is the author's own share
                    chosen = with_filter(query, name, (option.value,))
            assert option.count == len(find(bundled, chosen).models), (facet.name, option.value)
            checked += 1
    assert checked > 120


def test_an_empty_result_names_the_filter_to_drop(bundled):
    query = parse(QueryDict("q=claude&model_authors=anthropic&max_price=0"))
    found = find(bundled, query)
    assert not found.models
    (offer,) = suggestions(bundled, query, found)
    assert offer.label == "Free"
    assert offer.count == len(ids(offer.without)) > 0


def test_where_no_filter_alone_is_in_the_way_the_fewest_are_named(shop):
    query = parse(QueryDict("q=small&context=500000&max_price=0&model_authors=acme"))
    found = find(catalog.current(), query)
    offers = suggestions(catalog.current(), query, found)
    assert {(offer.label, offer.count, offer.several) for offer in offers} == {
        ("“small”, Context 500K or more", 1, True),
        ("Context 500K or more, Free", 1, True),
    }
    assert all(len(ids(offer.without)) == offer.count for offer in offers)


def test_models_of_another_task_are_offered_where_none_writes_text(bundled):
    query = parse(QueryDict("q=text-embedding-3-small"))
    *_, offer = suggestions(bundled, query, find(bundled, query))
    assert (offer.label, offer.several) == ("Output: text", False)
    assert ids(offer.without) == ["openai/text-embedding-3-small"]


def test_an_order_and_a_view_survive_dropping_a_filter(bundled):
    query = parse(QueryDict("max_price=0&q=claude&sort=newest"))
    offers = suggestions(bundled, query, find(bundled, query), view="table")
    assert all("sort=newest" in offer.without and offer.without.endswith("view=table") for offer in offers)


@pytest.mark.parametrize(
    "query",
    [
        "q=a+b&input_modalities=image,text&output_modalities=all&supported_parameters=tools&context=1000&min_price=0.5"
        "&max_price=10&arch=GPT&model_authors=a,b&providers=c&variant=free&zdr=true&min_age_days=1&max_age_days=2&sort=newest&category=programming,marketing/seo&distillable=false&region=eu"
        "&min_tool_success_rate=0.9&max_tool_success_rate=1&min_intelligence_index=1&max_intelligence_index=50.5"
        "&min_coding_index=2&max_coding_index=3&min_agentic_index=4&max_agentic_index=5",
        "q=%22%3Cscript%3E%26",
        "",
    ],
)
def test_a_query_survives_being_written_down(query):
    parsed = parse(QueryDict(query))
    assert parse(QueryDict(parsed.encoded())) == parsed
    if query.startswith("q=a"):
        given = {field.name for field in fields(Query) if getattr(parsed, field.name) != getattr(Query(), field.name)}
        assert given == {field.name for field in fields(Query)} - {"min_output_price", "max_output_price"}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("context=-1", "context"),
        ("context=1e9", "context"),
        ("context=１２", "context"),
        ("max_price=NaN", "max_price"),
        ("max_price=Infinity", "max_price"),
        ("max_price=1e400", "max_price"),
        ("max_price=-0.5", "max_price"),
        ("max_price=1.2.3", "max_price"),
        ("min_output_price=" + "9" * 30, "min_output_price"),
        ("input_modalities=smell", "input_modalities"),
        ("output_modalities=text,smell", "output_modalities"),
        ("variant=beta", "variant"),
        ("zdr=perhaps", "zdr"),
        ("sort=random", "sort"),
        ("q=" + "x" * 201, "q"),
        ("providers=" + ",".join(map(str, range(101))), "providers"),
        ("model_authors=" + "x" * 10_000, "model_authors"),
        ("category=knitting", "category"),
        ("min_tool_success_rate=1.1", "min_tool_success_rate"),
        ("max_coding_index=101", "max_coding_index"),
        ("min_intelligence_index=high", "min_intelligence_index"),
        ("distillable=perhaps", "distillable"),
        ("region=moon", "region"),
    ],
)
def test_a_bad_value_is_refused_by_name(query, name):
    with pytest.raises(BadParameter) as refused:
        parse(QueryDict(query))
    assert refused.value.name == name
    assert str(refused.value).startswith(f"{name}: ")


def test_a_page_leaves_out_what_is_bad_and_keeps_the_rest():
    query, complaints = parse_leniently(QueryDict("context=many&max_price=2&sort=random"))
    assert query == Query(max_price=Decimal(2))
    assert [complaint.partition(":")[0] for complaint in complaints] == ["context", "sort"]


@pytest.mark.parametrize("hostile", ["%", "_", "%25%25%25", "'--", "\\", "%00", "a%00b", "😀", "()[]*+?", "{{7*7}}"])
def test_a_hostile_search_matches_letters_and_nothing_else(bundled, hostile):
    assert len(ids(f"q=gpt+{hostile}")) <= len(ids("q=gpt"))
    if not any(letter.isalnum() for letter in QueryDict(f"q={hostile}")["q"]):
        assert all(
            QueryDict(f"q={hostile}")["q"] in f"{each} {bundled.models[each].name}" for each in ids(f"q={hostile}")
        )
