"""The whole OpenAPI document, from the part that django-ninja generates."""

from typing import Any

from django.conf import settings
from ninja.openapi.schema import OpenAPISchema

from gateway import asgi

from . import errors, inference
from .components import reference, schemas_of

__all__ = ["completed"]

#: How keys are sent. Both headers take an API key or a management key.
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or a management key where it says so."},
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "The same, for some clients."},
}
_BY_KEY: list[dict[str, list[str]]] = [{name: []} for name in _SECURITY]


def completed(document: OpenAPISchema) -> OpenAPISchema:
    """Return the document with the operations of inference, the errors of every operation, and how keys are sent."""
    paths, components = inference.described(asgi.PATHS)
    [_], error = schemas_of("", errors.Error)
    known = document["components"]["schemas"]
    assert not known.keys() & (components | error).keys(), "two types with one name"
    known |= components | error
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "post" and "requestBody" not in operation and (body := inference.body_like(path, paths)):
                operation["requestBody"] = body
            _complete(operation, path)
    for item in paths.values():
        item["post"]["security"] = _BY_KEY
    document["paths"] |= paths
    document["components"]["securitySchemes"] = _SECURITY
    document["servers"] = [{"url": settings.SITE_URL}]
    document["info"] |= {
        "title": f"{settings.SITE_NAME} API",
        "description": "Amounts are in USD, moments in UTC. Fields may be added: ignore those that you do not know.",
    }
    return document


def _complete(operation: dict[str, Any], path: str) -> None:
    """Add the errors and the way to send a key to an operation of django-ninja's."""
    asked = operation.pop("security", None)
    managed = bool(asked) and "ByManagementKey" in asked[0]
    if asked:
        operation["security"] = _BY_KEY
    if managed:
        operation["description"] += " Needs a management key."
    answers = {str(status): answer for status, answer in operation["responses"].items() if int(status) < 400}
    statuses = {int(status) for status in operation["responses"]} - {int(status) for status in answers}
    if 410 not in statuses:
        statuses |= _statuses(operation, path, managed=managed)
    operation["responses"] = answers | {str(status): _error(status) for status in sorted(statuses)}
    if not operation.get("parameters"):
        operation.pop("parameters", None)


def _statuses(operation: dict[str, Any], path: str, *, managed: bool) -> set[int]:
    """Return the statuses of the errors that any operation of this form may return."""
    statuses = {500, 503}
    asked = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
    if operation.get("security"):
        statuses |= {401}
    if managed:
        statuses |= {403}
    if "{" in path or asked & {"id", "api_key_hash"}:
        statuses |= {404}
    if asked:
        statuses |= {400}
    if "requestBody" in operation:
        statuses |= {400, 408, 413, 415}
    return statuses


def _error(status: int) -> dict[str, Any]:
    return {
        "description": errors.meaning_of(status),
        "content": {"application/json": {"schema": reference("Error")}},
    }
