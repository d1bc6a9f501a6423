"""Whatever a client sends to the management API, it gets no 500, and every refusal in the envelope."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import asgi
from gateway.models import Feedback
from tests.activity.factory import make_request
from tests.gateway.protocols.test_fuzzing import JSON
from tests.wire import problems

from .described import document

OPERATIONS = [
    (method, path, operation)
    for path, item in document()["paths"].items()
    for method, operation in item.items()
    if path not in asgi.PATHS
]
#: Operations of this site alone, each with the one whose refusals it shares.
OWN = {
    "POST /keys/{hash}/rotate": "PATCH /keys/{hash}",
    "POST /observability/destinations/{id}/test": "GET /observability/destinations/{id}",
}
#: Any text, also with the characters that databases and URLs do not take.
TEXT = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["", "\x00", "\ud800", "'", "gen-1", "a" * 2000, "-1", "NaN"]
)


def fields_of(operation: dict[str, Any]) -> list[str]:
    """The names of the body's fields."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if not content:
        return []
    schema = content["schema"].get("allOf", [content["schema"]])[0]
    return list(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"])


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request to an operation: its parameters by name, with any values."""
    method, path, operation = draw(st.sampled_from(OPERATIONS))
    names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
    piece = draw(TEXT).encode("utf-8", "replace").hex() if draw(st.booleans()) else "acme"
    body = st.dictionaries(st.sampled_from([*fields_of(operation), "x"]), JSON | TEXT, max_size=4) | JSON
    return {
        "operation": f"{method.upper()} {path.removeprefix('/api/v1')}",
        "path": re.sub(r"{\w+}", piece, path),
        "query": draw(st.dictionaries(st.sampled_from([*names, "x"]), TEXT, max_size=4)),
        "body": draw(st.binary(max_size=50) | body.map(lambda value: json.dumps(value).encode())),
    }


def answer_of(client: Any, request: dict[str, Any]) -> None:
    query = {name: value.encode("utf-8", "surrogatepass") for name, value in request["query"].items()}
    method, _ = request["operation"].split()
    sent = client.generic(method, request["path"], request["body"], content_type="application/json", query_params=query)
    assert sent.status_code < 500, sent.content
    if sent.status_code >= 400:
        operation = OWN.get(request["operation"], request["operation"])
        assert problems(operation, sent.status_code, sent.json()) == []


@pytest.mark.parametrize("who", ["api", "manager"])
@given(request_=requests())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_parameters_and_any_body(shop, account, request, who, request_):
    answer_of(request.getfixturevalue(who), request_)


@given(category=st.sampled_from(Feedback.Category.values) | TEXT, comment=TEXT | st.text(max_size=1200) | JSON)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_feedback_is_stored_as_it_was_written_or_refused(api, account, category, comment):
    made = make_request(account)
    body = {"generation_id": made.pk, "category": category, "comment": comment}
    sent = api.post("/api/v1/generation/feedback", json.dumps(body), content_type="application/json")
    stored = Feedback.objects.filter(generation=made).first()
    assert sent.status_code in {200, 400}, sent.content
    assert (stored is not None) == (sent.status_code == 200)
    if stored:
        assert (stored.category, stored.comment) == (category, comment or "")
