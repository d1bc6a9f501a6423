"""Vectors and rankings of the providers sandbox."""

import base64
import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest

from sandbox.providers.catalog import read_dimensions


def post(providers: Any, path: str, body: Any) -> Any:
    return providers.client.post(path, json=body, headers={"X-Sandbox-Dialect": "plain"})


def embed(providers: Any, given: Any, **body: Any) -> Any:
    return post(providers, "/openai/v1/embeddings", {"model": "m", "input": given, **body})


def vectors(response: Any) -> list[list[float]]:
    assert response.status_code == 200, response.text
    return [item["embedding"] for item in response.json()["data"]]


def cosine(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_the_same_text_always_has_the_same_unit_vector(providers: Any):
    first, second = (vectors(embed(providers, ["A text", "Another"])) for _ in range(2))
    assert first == second and first[0] != first[1]
    assert all(math.isclose(cosine(each, each), 1, abs_tol=1e-5) and 0 not in each for each in first)


@pytest.mark.parametrize("dimensions", [1, 3, 64, 1536])
def test_dimensions_are_respected(providers: Any, dimensions: int):
    (vector,) = vectors(embed(providers, "A text", dimensions=dimensions))
    assert len(vector) == dimensions


def test_known_models_have_their_own_dimensions(tmp_path: Path):
    facts = {
        "models": [{"id": "acme/vectors", "dimensions": 1024}, {"id": "acme/one"}],
        "endpoints": [
            {"model": "acme/vectors", "provider": "openai", "provider_model_id": "vectors-1"},
            {"model": "acme/one", "provider": "openai"},
        ],
    }
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    assert read_dimensions(tmp_path / "facts.json") == {("openai", "vectors-1"): 1024}


def test_similar_texts_are_near_each_other(providers: Any):
    texts = ["How do I reset my password?", "I forgot my password, how can I reset it?", "The soup needs more salt."]
    question, same, other = vectors(embed(providers, texts))
    assert cosine(question, same) > 0.4 > 0.2 > abs(cosine(question, other))


def test_base64_holds_the_same_numbers(providers: Any):
    (plain,), (packed,) = (vectors(embed(providers, "x", encoding_format=name)) for name in ("float", "base64"))
    assert list(struct.unpack("<256f", base64.b64decode(packed))) == pytest.approx(plain, abs=1e-7)  # type: ignore[arg-type]


def test_token_ids_are_counted_and_have_vectors(providers: Any):
    response = embed(providers, [[1, 2, 3], [4]])
    assert len(vectors(response)) == 2 and response.json()["usage"] == {"prompt_tokens": 4, "total_tokens": 4}


def test_cohere_and_gemini_give_the_same_vectors_in_their_own_shapes(providers: Any):
    (plain,) = vectors(embed(providers, "A text"))
    body = {"model": "m", "texts": ["A text"], "input_type": "search_query"}
    cohere = post(providers, "/cohere/v2/embed", body).json()
    assert cohere["embeddings"]["float"] == [plain] and cohere["meta"]["billed_units"]["input_tokens"] == 2
    asked = {"model": "models/m", "content": {"parts": [{"text": "A text"}]}}
    gemini = post(providers, "/google-native/v1beta/models/m:batchEmbedContents", {"requests": [asked]}).json()
    assert gemini == {"embeddings": [{"values": plain}]}


def test_documents_are_ranked_by_their_nearness_to_the_query(providers: Any):
    body = {"model": "m", "query": "red apples", "documents": ["blue sky", "green apples", "red apples"], "top_n": 2}
    for path in ("/cohere/v2/rerank", "/jina/v1/rerank"):
        reply = post(providers, path, body).json()
        assert [result["index"] for result in reply["results"]] == [2, 1]
        assert reply["results"][0]["relevance_score"] == 1 and reply["meta"]["billed_units"] == {"search_units": 1}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/openai/v1/embeddings", {"model": "m"}),
        ("/openai/v1/embeddings", {"input": "x"}),
        ("/openai/v1/embeddings", {"model": "m", "input": ""}),
        ("/openai/v1/embeddings", {"model": "m", "input": ["x", ""]}),
        ("/openai/v1/embeddings", {"model": "m", "input": ["x", 5]}),
        ("/openai/v1/embeddings", {"model": "m", "input": {"text": "x"}}),
        ("/openai/v1/embeddings", {"model": "m", "input": ["x"] * 2049}),
        ("/openai/v1/embeddings", {"model": "m", "input": "x", "dimensions": 0}),
        ("/openai/v1/embeddings", {"model": "m", "input": "x", "encoding_format": "hex"}),
        ("/cohere/v2/embed", {"model": "m", "texts": ["x"]}),
        ("/cohere/v2/embed", {"model": "m", "input_type": "search_query"}),
        ("/cohere/v2/embed", {"model": "m", "input_type": "search_query", "texts": ["x"] * 97}),
        ("/google-native/v1beta/models/m:batchEmbedContents", {"requests": []}),
        ("/google-native/v1beta/models/m:batchEmbedContents", {"requests": [{"model": "n"}]}),
        ("/cohere/v2/rerank", {"model": "m", "query": "", "documents": ["x"]}),
        ("/cohere/v2/rerank", {"model": "m", "query": "x", "documents": []}),
        ("/cohere/v2/rerank", {"model": "m", "query": "x", "documents": ["y"], "top_n": 0}),
    ],
)
def test_a_malformed_request_is_refused_by_the_provider(providers: Any, path: str, body: Any):
    response = post(providers, path, body)
    assert response.status_code == 400 and response.json()["error"]["message"]
