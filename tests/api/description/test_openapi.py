"""`/api/v1/openapi.json`: a valid OpenAPI 3.1 document of every operation that is served, and of no other."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from api.description.errors import meaning_of
from api.description.inference import OPERATIONS, body_like, described
from gateway import asgi
from tests.api.described import problems
from tests.api.paths import django_paths

METHODS = {"get", "put", "post", "patch", "delete"}
TYPES = {"string", "integer", "number", "boolean", "null", "array", "object"}
#: Paths that describe the API or are kept for answering that there is nothing.
UNDESCRIBED = {"/api/v1/openapi.json"}
#: Paths that need a management key.
MANAGEMENT = "v1/keys|/activity$|/analytics/|/organiz|/guardrails|/byok|/observability"


@pytest.fixture
def document(db) -> dict[str, Any]:
    response = Client().get("/api/v1/openapi.json")
    assert response.status_code == 200
    return json.loads(response.content)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_the_frame_of_the_document(document, settings):
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] and document["info"]["version"]
    assert document["servers"] == [{"url": settings.SITE_URL}]
    assert set(document) <= {"openapi", "info", "servers", "paths", "components", "tags", "security"}
    for name in document["components"]["schemas"]:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)


def test_every_operation_is_whole(document):
    ids = Counter(operation["operationId"] for _, _, operation in operations(document))
    assert set(ids.values()) == {1}
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert method in METHODS and operation["summary"] and operation["tags"], where
        in_path = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
        assert sorted(in_path) == sorted(re.findall(r"{(\w+)}", path)), where
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] in {"path", "query", "header"} and "schema" in parameter, where
            assert parameter["in"] != "path" or parameter["required"], where
        is_bare = "410" in operation["responses"] or path.endswith("/test")
        takes_body = method in {"post", "patch", "put"} and not is_bare
        assert ("requestBody" in operation) == takes_body, where
        for status, answer in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status) and answer["description"], where
            assert all("schema" in media for media in answer.get("content", {}).values()), where
        for schemes in operation.get("security", ()):
            assert schemes.keys() <= document["components"]["securitySchemes"].keys(), where


def test_every_schema_is_one(document):
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    used = {node["$ref"] for node in walk(document) if isinstance(node.get("$ref"), str)}
    assert used <= known
    reached = {f"#/components/schemas/{name}" for name in ("Error",)} | used
    assert known == reached, "components that no operation uses"
    for node in walk(document["components"]["schemas"]):
        if isinstance(kinds := node.get("type"), str | list):
            assert set([kinds] if isinstance(kinds, str) else kinds) <= TYPES
        if isinstance(required := node.get("required"), list) and "properties" in node:
            assert set(required) <= node["properties"].keys()


def test_what_is_served_is_described_and_nothing_else(document):
    client = Client()
    served = {("POST", path) for path in asgi.PATHS}
    for path in django_paths() - UNDESCRIBED:
        allowed = client.options(re.sub(r"<[^>]*>", "x", path)).headers["Access-Control-Allow-Methods"].split(", ")
        template = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
        served |= {(method, template) for method in allowed if method not in {"HEAD", "OPTIONS"}}
    assert {(method.upper(), path) for path, method, _ in operations(document)} == served


def test_every_way_in_of_inference_has_its_description():
    assert {operation.full_path for operation in OPERATIONS} >= asgi.PATHS


def test_every_operation_that_may_come_is_whole():
    """Also those that are not served yet: their schemas are generated and named without a clash."""
    paths, components = described([operation.full_path for operation in OPERATIONS])
    assert len(paths) == len(OPERATIONS)
    used = {node["$ref"].rpartition("/")[2] for node in walk([paths, components]) if isinstance(node.get("$ref"), str)}
    assert used == components.keys()


def test_errors_are_described_with_what_they_mean(document):
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                schema = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                assert schema == ("MessagesError" if path.startswith("/api/v1/messages") else "Error"), (method, path)
                assert answer["description"] == meaning_of(int(status))
        needs_key = "401" in operation["responses"]
        assert needs_key == bool(operation.get("security"))
        needs_management = operation["description"].endswith("Needs a management key.")
        assert needs_management == bool(re.search(MANAGEMENT, path)), (
            method,
            path,
        )


def test_paths_that_end_like_one_of_inference_take_its_body(document):
    paths = document["paths"]
    chat = paths["/api/v1/chat/completions"]["post"]["requestBody"]
    assert body_like("/api/v1/presets/{slug}/chat/completions", paths) == chat
    assert body_like("/api/v1/presets/{slug}/messages", paths) == paths["/api/v1/messages"]["post"]["requestBody"]
    assert body_like("/api/v1/credits/coinbase", paths) is None


def test_bodies_are_those_that_the_parsers_check(document):
    schemas = document["components"]["schemas"]
    body = schemas["ChatRequestBody"]["properties"]
    assert {"messages", "model", "provider", "reasoning", "tools", "stream"} <= body.keys()
    chat = document["paths"]["/api/v1/chat/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert chat["required"] == ["messages"]
    assert {"system", "thinking", "stop_sequences"} <= schemas["MessagesRequestBody"]["properties"].keys()


def test_the_headers_of_the_response_cache_are_described_where_it_is(document):
    names = {"X-OpenRouter-Cache-Status", "X-OpenRouter-Cache-TTL", "X-OpenRouter-Cache-Age"}
    for path in asgi.PATHS:
        operation = document["paths"][path]["post"]
        asks = {each["name"] for each in operation.get("parameters", ())}
        tells = operation["responses"]["200"].get("headers", {}).keys()
        if path.endswith(("/rerank", "/count_tokens")):
            assert not asks and not names & tells, path
        else:
            assert {"X-OpenRouter-Cache", "X-OpenRouter-Cache-TTL", "X-OpenRouter-Cache-Clear"} <= asks, path
            assert names <= tells, path


@pytest.mark.parametrize("path", ["/api/v1/models", "/api/v1/models/{author}/{slug}"])
def test_models_have_the_shape_of_anthropics_api_too(document, path):
    operation = document["paths"][path]["get"]
    assert "anthropic-version" in {each["name"] for each in operation["parameters"] if each["in"] == "header"}
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    kinds = {each["$ref"].rpartition("/")[2] for each in schema["anyOf"]}
    assert kinds in ({"Models", "AnthropicModels"}, {"Model", "AnthropicModel"})


@pytest.mark.parametrize(
    "schema, value, found",
    [
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {}, ["$.a: missing"]),
        ({"type": "object", "properties": {}}, {"b": 1}, ["$.b: not described"]),
        ({"type": ["integer", "null"]}, True, ["$: True is not ['integer', 'null']"]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, ["$: 1 is not string"]),
        ({"type": "array", "items": {"enum": ["a"]}}, ["a", "b"], ["$[1]: 'b' is none of ['a']"]),
    ],
)
def test_the_check_of_answers_finds_what_is_not_described(schema, value, found):
    assert list(problems(schema, value)) == found
