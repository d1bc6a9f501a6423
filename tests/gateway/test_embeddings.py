"""`POST /api/v1/embeddings`: one plan, one hold and one bill with every other request."""

import base64
import math
import struct
from typing import Any

import pytest

from . import factory
from .conftest import Api
from .factory import usd

pytestmark = pytest.mark.django_db(transaction=True)

PRICE = "0.00000002"  # at `cheap`, per token
DEAR = "0.00000005"


@pytest.fixture(autouse=True)
def vectors_catalogue(small_catalogue: None) -> None:
    """`acme/vectors` at two providers, cheap and dear."""
    served = factory.embedding_model()
    factory.embedding_endpoint(served, "cheap", PRICE)
    factory.embedding_endpoint(served, "dear", DEAR)


async def embed(api: Api, given: Any = "Hello there", *, fault: str = "", **body: Any) -> Any:
    headers = {"X-Sandbox-Fault": fault} if fault else {}
    request = {"model": "acme/vectors", "input": given, "provider": {"sort": "price"}, **body}
    return await api.post("/embeddings", json=request, headers=headers)


def numbers(text: str) -> list[float]:
    packed = base64.b64decode(text)
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))


def cosine(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


async def test_a_response_has_a_unit_vector_for_each_input_and_is_charged_by_the_prompt_price(api: Api):
    response = await embed(api, ["The cat sat on the mat", "A cat sat on a mat", "Quarterly revenue rose"])
    reply = response.json()
    assert response.status_code == 200, reply
    assert response.headers["X-Generation-Id"] == reply["id"] and response.headers["Access-Control-Allow-Origin"] == "*"
    assert (reply["object"], reply["model"], reply["provider"]) == ("list", "acme/vectors", "Cheap")
    assert [(item["object"], item["index"]) for item in reply["data"]] == [("embedding", at) for at in range(3)]
    first, near, far = (item["embedding"] for item in reply["data"])
    assert len(first) == 256 and math.isclose(cosine(first, first), 1, abs_tol=1e-5)
    assert cosine(first, near) > 0.5 > 0.2 > cosine(first, far)
    usage = reply["usage"]
    assert usage["prompt_tokens"] == usage["total_tokens"] > 0 and "completion_tokens" not in usage

    row = await api.generation(reply["id"])
    assert row.cost == usd(PRICE) * usage["prompt_tokens"] == round(usage["cost"] * 10**12)
    assert (row.api_type, row.prompt_tokens, row.completion_tokens) == ("embeddings", usage["prompt_tokens"], 0)
    assert row.hold >= row.cost > 0 and row.finish_reason == "stop"
    await api.assert_books_balance()
