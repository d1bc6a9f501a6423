"""Whatever a client sends to /embeddings or /rerank is prepared, or refused with a place; bounds hold for any text."""

import asyncio
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import ApiError
from gateway.callers import Caller, Policy
from gateway.protocols.embeddings.request import EmbeddingsRequest
from gateway.protocols.embeddings.request import parse as parse_embeddings
from gateway.protocols.rerank.request import parse as parse_rerank
from gateway.providers.failures import ProviderFailure
from gateway.providers.request_context import ProviderRequest
from gateway.providers.retrieval import cohere, gemini, openai, rerank
from gateway.routing.attempts import Attempt
from gateway.routing.health import Health
from gateway.routing.upstreams import Upstream
from gateway.steps.preparation import prepare
from gateway.tokens import tokenizers
from gateway.tokens.parts import estimate_prompt
from models_catalog.catalog import Prices
from tests.gateway.protocols.test_fuzzing import JSON, PROVIDER, TEXT
from tests.gateway.routing.examples import catalogue, endpoint, model

PART = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}),
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": st.fixed_dictionaries({"url": TEXT})}),
    st.dictionaries(st.sampled_from(["type", "text", "image_url", "file", "input_audio"]), JSON, max_size=3),
)
CONTENT = st.fixed_dictionaries({"content": st.lists(PART, max_size=3) | JSON})
INPUT = TEXT | st.lists(st.integers(-1, 10**9), max_size=4) | CONTENT | JSON
SHARED: dict[str, Any] = {
    "model": st.sampled_from(["acme/vectors", "acme/ranks", "acme/one", "openrouter/auto", "acme/vectors:nitro", ""])
    | TEXT,
    "models": st.lists(TEXT, max_size=3) | JSON,
    "provider": PROVIDER | JSON,
    "user": TEXT | JSON,
    "session_id": JSON,
    "stream": st.booleans() | JSON,
    # Fields of a chat, which mean nothing here.
    "messages": JSON,
    "tools": JSON,
    "plugins": JSON,
    "response_format": JSON,
    "transforms": JSON,
    "modalities": JSON,
    "route": JSON,
    "prompt_cache_key": JSON,
}
EMBEDDINGS = st.fixed_dictionaries(
    {"input": INPUT | st.lists(INPUT, max_size=4)},
    optional={
        **SHARED,
        "encoding_format": st.sampled_from(["float", "base64"]) | JSON,
        "dimensions": st.integers(-1, 5000) | JSON,
        "input_type": TEXT | JSON,
    },
)
DOCUMENT = TEXT | st.dictionaries(st.sampled_from(["text", "image", "title"]), TEXT, max_size=2) | JSON
RERANK = st.fixed_dictionaries(
    {"query": TEXT | JSON, "documents": st.lists(DOCUMENT, max_size=4) | JSON},
    optional={**SHARED, "top_n": st.integers(-1, 10) | JSON},
)

KNOWN = catalogue(
    model("acme/one", endpoint("a", "1")),
    model(
        "acme/vectors",
        endpoint("a", "1", model_id="acme/vectors", prices=Prices(Decimal("0.000001"), Decimal(0))),
        endpoint("openai", "2", model_id="acme/vectors", prices=Prices(Decimal("0.000002"), Decimal(0))),
        output_modalities=("embeddings",),
        input_modalities=("text", "image"),
        dimensions=64,
    ),
    model("acme/ranks", endpoint("cohere", "1", model_id="acme/ranks"), output_modalities=("rerank",)),
)
CALLER = Caller(account_id=1, key_id=1, user_id=1, source="api", default_model="", policy=Policy())
HOST = Upstream("https://x.test/v1", "key", simulated=False)


def prepared_or_refused(parse: Any, body: dict[str, Any]) -> None:
    """Everything up to the request to a provider."""
    try:
        request = parse(body)
        if not body.get("model"):
            raise AssertionError("a model is required")
        served = KNOWN.models["acme/vectors" if isinstance(request, EmbeddingsRequest) else "acme/ranks"]
        for each in served.endpoints:
            asked = ProviderRequest(request, Attempt(served, each, HOST, ""), CALLER, None)
            writers = (openai, gemini, cohere) if isinstance(request, EmbeddingsRequest) else (rerank,)
            for writer in writers:
                try:
                    writer.request_body(asked)
                except ProviderFailure as failure:
                    assert failure.status == 400 and "$.input" in failure.message
        found = asyncio.run(prepare(CALLER, request, KNOWN, Health()))
        assert found.prompt_tokens >= 0 and found.search is None
    except ApiError as error:
        assert 400 <= error.status < 500 and error.message


@given(EMBEDDINGS)
@settings(max_examples=300, deadline=None)
def test_embeddings(body):
    prepared_or_refused(parse_embeddings, body)


@given(RERANK)
@settings(max_examples=200, deadline=None)
def test_rerank(body):
    prepared_or_refused(parse_rerank, body)


@given(st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_the_bound_covers_every_token_of_the_inputs(texts):
    bound = estimate_prompt(parse_embeddings({"model": "acme/vectors", "input": texts})).bound
    for vocabulary in ("cl100k_base", "o200k_base"):
        assert tokenizers.count(texts, vocabulary)[0] <= bound
