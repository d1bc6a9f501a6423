"""Embeddings and rerank at providers: request bodies in each protocol, and odd responses."""

import base64
import struct
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gateway.callers import Caller, Policy
from gateway.events import Delta, Usage
from gateway.protocols.embeddings.request import parse as parse_embeddings
from gateway.protocols.rerank.request import parse as parse_rerank
from gateway.providers.failures import ProviderFailure
from gateway.providers.request_context import ProviderRequest
from gateway.providers.retrieval import cohere, gemini, openai, rerank
from gateway.providers.retrieval.cohere import address
from gateway.providers.stream import ProviderStream
from gateway.routing.plan import Attempt
from gateway.routing.upstreams import Upstream
from models_catalog.catalog import Prices
from tests.gateway.routing.examples import endpoint, model

ALL = frozenset({"dimensions", "input_type"})


def asked(body: dict[str, Any], provider: str = "host", *, supported: frozenset[str] = ALL) -> Any:
    parse = parse_rerank if "query" in body else parse_embeddings
    served = endpoint(provider, "1", provider_model_id="vectors-1", supported_parameters=supported)
    attempt = Attempt(model("acme/one", served), served, Upstream("https://x.test/v1", "key", simulated=False), "")
    caller = Caller(account_id=1, key_id=1, user_id=1, source="api", default_model="", policy=Policy())
    return ProviderRequest(parse({"model": "acme/one", **body}), attempt, caller, None)


class Response:
    """A response with this body, in one piece."""

    def __init__(self, body: Any) -> None:
        self._chunks = [body if isinstance(body, bytes) else msgspec.json.encode(body)]

    async def read_chunk(self) -> bytes:
        return self._chunks.pop() if self._chunks else b""

    async def close(self) -> None:
        pass


async def read(stream: type[ProviderStream], request: ProviderRequest, body: Any) -> tuple[Delta, ProviderStream]:
    argument = request if stream is rerank._RankingResponse else request.chat
    response: Any = Response(body)
    made: Any = stream(response, argument)  # type: ignore[call-arg]
    events = [event async for batch in made.batches() for event in batch]
    assert isinstance(events[0], Delta)
    return events[0], made


# --- Request bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "body", "expected"),
    [
        ("host", {"input": "x"}, {"input": ["x"]}),
        ("host", {"input": "x", "encoding_format": "base64", "dimensions": 9}, {"input": ["x"], "dimensions": 9}),
        ("openai", {"input": "x", "encoding_format": "base64"}, {"input": ["x"], "encoding_format": "base64"}),
        ("openai", {"input": [1, 2]}, {"input": [[1, 2]]}),
        ("mistral", {"input": "x", "dimensions": 9}, {"input": ["x"], "output_dimension": 9}),
        ("mistral", {"input": "x", "encoding_format": "base64"}, {"input": ["x"], "encoding_format": "base64"}),
        ("host", {"input": "x", "input_type": "query"}, {"input": ["x"], "input_type": "query"}),
        ("host", {"input": "x", "truncate": "END", "tools": [1]}, {"input": ["x"], "truncate": "END"}),
    ],
)
def test_openais_protocol(provider: str, body: dict[str, Any], expected: dict[str, Any]):
    assert openai.request_body(asked(body, provider)) == {"model": "vectors-1", **expected}


def test_parameters_that_an_endpoint_does_not_list_are_left_out():
    request = asked({"input": "x", "dimensions": 9, "input_type": "query"}, supported=frozenset())
    assert openai.request_body(request) == {"model": "vectors-1", "input": ["x"]}


def test_an_end_user_is_sent_as_a_pseudonym():
    body = openai.request_body(asked({"input": "x", "user": "alice@example.com"}))
    assert len(body["user"]) == 32 and "alice" not in body["user"]


def test_geminis_protocol():
    body = gemini.request_body(asked({"input": ["x", "y"], "dimensions": 9, "input_type": "search_query"}))
    shared = {"model": "models/vectors-1", "outputDimensionality": 9, "taskType": "RETRIEVAL_QUERY"}
    assert body == {"requests": [shared | {"content": {"parts": [{"text": text}]}} for text in ("x", "y")]}
    own = gemini.request_body(asked({"input": "x", "input_type": "semantic_similarity"}))
    assert own["requests"][0]["taskType"] == "SEMANTIC_SIMILARITY"


@pytest.mark.parametrize(
    ("input_type", "sent"), [("", "search_document"), ("query", "search_query"), ("clustering", "clustering")]
)
def test_coheres_protocol(input_type: str, sent: str):
    body = cohere.request_body(asked({"input": "x", "dimensions": 9, "input_type": input_type}, "cohere"))
    assert body == {
        "model": "vectors-1",
        "texts": ["x"],
        "input_type": sent,
        "embedding_types": ["float"],
        "output_dimension": 9,
    }


def test_coheres_own_api_stands_beside_its_compatible_one():
    for base in ("https://api.cohere.ai/compatibility/v1", "https://api.cohere.ai/v2", "https://api.cohere.ai"):
        assert address(base) == "https://api.cohere.ai/v2"


@pytest.mark.parametrize(
    ("write", "given", "says"),
    [
        (openai.request_body, [1, 2], "takes texts, not token IDs. Send a string - at `$.input`"),
        (openai.request_body, ["a", [1, 2]], "at `$.input[1]`"),
        (gemini.request_body, [[1], [2]], "at `$.input[0]`"),
        (cohere.request_body, [[1], [2]], "at `$.input[0]`"),
        (openai.request_body, [{"content": [{"type": "image_url", "image_url": {"url": "x"}}]}], "not media"),
    ],
)
def test_inputs_that_a_provider_does_not_take(write: Any, given: Any, says: str):
    with pytest.raises(ProviderFailure) as refused:
        write(asked({"input": given}))
    assert refused.value.status == 400 and says in refused.value.message


def test_the_rerank_protocol():
    body = rerank.request_body(
        asked({"query": "q", "documents": ["a", {"text": "b"}], "top_n": 9, "rank_fields": ["x"]})
    )
    assert body == {"model": "vectors-1", "query": "q", "documents": ["a", "b"], "top_n": 2, "rank_fields": ["x"]}


# --- Responses ------------------------------------------------------------------------------------------


def item(index: int, vector: Any) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": vector}


PACKED = base64.b64encode(struct.pack("<2f", 0.5, -1.0)).decode()


@pytest.mark.parametrize(("wanted", "expected"), [("float", b"[0.5,-1.0]"), ("base64", f'"{PACKED}"'.encode())])
@pytest.mark.parametrize("sent", [[0.5, -1.0], PACKED])
async def test_vectors_come_in_the_format_that_was_asked_for(wanted: str, expected: bytes, sent: Any):
    request = asked({"input": "x", "encoding_format": wanted})
    delta, stream = await read(openai._OpenAiVectors, request, {"data": [item(0, sent)], "usage": {"total_tokens": 3}})
    assert delta.vectors is not None and bytes(delta.vectors[0]) == expected
    assert stream.usage == Usage(prompt_tokens=3)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([item(1, [2]), item(0, [1])], [b"[1]", b"[2]"]),
        ([{"embedding": [1]}, {"embedding": [2]}], [b"[1]", b"[2]"]),  # without indexes
    ],
)
async def test_vectors_are_in_the_order_of_the_inputs(data: Any, expected: list[bytes]):
    delta, _ = await read(openai._OpenAiVectors, asked({"input": ["x", "y"]}), {"data": data})
    assert delta.vectors is not None and [bytes(each) for each in delta.vectors] == expected


@pytest.mark.parametrize(
    ("stream", "body", "status"),
    [
        (openai._OpenAiVectors, {"data": []}, 502),
        (openai._OpenAiVectors, {"data": [item(0, [1]), item(1, [2])]}, 502),
        (openai._OpenAiVectors, {"data": "x"}, 502),
        (openai._OpenAiVectors, {"data": [item(0, "not base64!")]}, 502),
        (openai._OpenAiVectors, {"data": [item(0, "AAA=")]}, 502),
        (openai._OpenAiVectors, {"data": [item(0, None)]}, 502),
        (openai._OpenAiVectors, b"<html>", 502),
        (openai._OpenAiVectors, {"error": {"message": "Busy", "code": 529}}, 529),
        (gemini._GeminiVectors, {"embeddings": []}, 502),
        (gemini._GeminiVectors, {"error": {"code": 503, "message": "Busy", "status": "UNAVAILABLE"}}, 503),
        (cohere._CohereVectors, {"embeddings": {"float": []}}, 502),
        (cohere._CohereVectors, {}, 502),
    ],
)
async def test_an_odd_response_is_a_failure(stream: Any, body: Any, status: int):
    with pytest.raises(ProviderFailure) as failed:
        await read(stream, asked({"input": "x"}), body)
    assert failed.value.status == status


ODD_NUMBERS = [
    b"[1,NaN]", b"[1,Infinity]", b"[1,-Infinity]", b"[1,null]", b"[1,true]", b"[1,false]", b'[1,"2"]', b"[1,[2]]",
    b'[1,{"a":2}]', b"[]", b"[1,2", b"1,2]", b"[1,,2]", b"[1 2]",
]  # fmt: skip


@pytest.mark.parametrize("wanted", ["float", "base64"])
@pytest.mark.parametrize("sent", ODD_NUMBERS)
async def test_a_vector_that_has_other_things_than_numbers_is_a_failure(wanted: str, sent: bytes):
    body = b'{"data": [{"index": 0, "embedding": %b}], "usage": {"total_tokens": 3}}' % sent
    with pytest.raises(ProviderFailure) as failed:
        await read(openai._OpenAiVectors, asked({"input": "x", "encoding_format": wanted}), body)
    assert failed.value.status == 502


@pytest.mark.parametrize("sent", ODD_NUMBERS[:9])
async def test_so_is_one_among_good_ones(sent: bytes):
    body = b'{"data": [{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": %b}]}' % sent
    with pytest.raises(ProviderFailure):
        await read(openai._OpenAiVectors, asked({"input": ["x", "y"]}), body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"embedding":[1,-2.5e-3]},{"embedding":[3,4]}],"usage":{"total_tokens":3},"id":"a"}',
        b'{"usage":{"total_tokens":3},"id":"a","data":[{"embedding":[1,-2.5e-3]},{"embedding":[3,4]}]}',
        b'{"id":"a", "data":\n[ {"embedding":[1,-2.5e-3],"index":0},\n{"index":1,"embedding":[3,4]}\n],'
        b'"usage":{"total_tokens":3}}\n',
        # Lists and brackets in other places than vectors.
        b'{"id":"a","shape":[2,2],"data":[{"embedding":[1,-2.5e-3]},{"embedding":[3,4]}],"usage":{"total_tokens":3}}',
        b'{"id":"a","data":[{"embedding":[1,-2.5e-3]},{"embedding":[3,4]}],"no":[],"usage":{"total_tokens":3}}',
        b'{"id":"a","model":"m[0]","data":[{"embedding":[1,-2.5e-3]},{"embedding":[3,4]}],"usage":{"total_tokens":3}}',
        b'{"id":"a","model":"]m[","data":[{"embedding":[1,-2.5e-3]},{"embedding":[3,4]}],"usage":{"total_tokens":3}}',
    ],
)
async def test_vectors_pass_as_the_provider_wrote_them(body: bytes):
    delta, stream = await read(openai._OpenAiVectors, asked({"input": ["x", "y"]}), body)
    assert delta.vectors is not None and [bytes(each) for each in delta.vectors] == [b"[1,-2.5e-3]", b"[3,4]"]
    assert (stream.usage, stream.upstream_id) == (Usage(prompt_tokens=3), "a")


@pytest.mark.parametrize("end", range(1, 76, 5))
async def test_a_response_that_is_cut_off_is_a_failure(end: int):
    body = b'{"data":[{"embedding":[1,2]},{"embedding":[3,4]}],"usage":{"total_tokens":3}}'
    with pytest.raises(ProviderFailure):
        await read(openai._OpenAiVectors, asked({"input": ["x", "y"]}), body[:end])


async def test_an_id_with_a_list_in_it_stays_what_it_is():
    body = b'{"id":"a[7]","data":[{"embedding":[1]}]}'
    _, stream = await read(openai._OpenAiVectors, asked({"input": "x"}), body)
    assert stream.upstream_id == "a[7]"


async def test_what_is_no_vector_is_a_failure_in_either_format():
    for wanted, sent in (("base64", ["a"]), ("base64", {"a": 1}), ("float", {"a": 1}), ("float", 5)):
        with pytest.raises(ProviderFailure):
            request = asked({"input": "x", "encoding_format": wanted})
            await read(openai._OpenAiVectors, request, {"data": [item(0, sent)]})


async def test_gemini_and_cohere_name_vectors_and_usage_in_their_own_way():
    delta, stream = await read(gemini._GeminiVectors, asked({"input": "x"}), {"embeddings": [{"values": [1]}]})
    assert delta.vectors is not None and (bytes(delta.vectors[0]), stream.usage) == (b"[1]", None)
    body = {"id": "e-1", "embeddings": {"float": [[1]]}, "meta": {"billed_units": {"input_tokens": 4.0}}}
    delta, stream = await read(cohere._CohereVectors, asked({"input": "x"}), body)
    assert delta.vectors is not None and bytes(delta.vectors[0]) == b"[1]"
    assert (stream.usage, stream.upstream_id) == (Usage(prompt_tokens=4), "e-1")
    packed = asked({"input": "x", "encoding_format": "base64"})
    delta, _ = await read(cohere._CohereVectors, packed, {"embeddings": {"base64": [PACKED]}})
    assert delta.vectors is not None and bytes(delta.vectors[0]) == f'"{PACKED}"'.encode()
    assert cohere.request_body(packed)["embedding_types"] == ["base64"]


RANK = {"query": "q", "documents": ["a", "b", "c"]}


@pytest.mark.parametrize(
    "body",
    [
        {"results": [{"index": 2, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]},
        {"data": [{"index": 0, "score": 0.1, "document": "a"}, {"index": 2, "score": 0.9}]},
    ],
)
async def test_rankings_have_two_names_and_are_sorted(body: dict[str, Any]):
    delta, _ = await read(rerank._RankingResponse, asked(RANK), body)
    assert delta.ranking == [(2, 0.9), (0, 0.1)]
    delta, _ = await read(rerank._RankingResponse, asked({**RANK, "top_n": 1}), body)
    assert delta.ranking == [(2, 0.9)]


@pytest.mark.parametrize("results", [[], [{"index": 3, "relevance_score": 1}], [{"index": -1, "relevance_score": 1}]])
async def test_a_ranking_of_unknown_documents_is_a_failure(results: Any):
    with pytest.raises(ProviderFailure):
        await read(rerank._RankingResponse, asked(RANK), {"results": results})


@pytest.mark.parametrize(
    ("units", "counted"), [(1, 1), (1e9, 1), (0, 1)], ids=["as reported", "at most what is held", "missing"]
)
async def test_search_units_stay_within_the_hold(units: float, counted: int):
    request = asked(RANK)
    prices = Prices(Decimal(0), Decimal(0), Decimal("0.002"))
    priced = msgspec.structs.replace(request.attempt, endpoint=endpoint("cohere", "0", prices=prices))
    body = {"results": [{"index": 0, "relevance_score": 1}], "meta": {"billed_units": {"search_units": units}}}
    _, stream = await read(rerank._RankingResponse, ProviderRequest(request.chat, priced, request.caller, None), body)
    assert stream.usage is not None and (stream.usage.search_units, stream.usage.estimated) == (counted, units == 0)
