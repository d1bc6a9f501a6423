"""The management API of `/api/v1`: one router per resource. Inference is served by `gateway/asgi.py`."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from common.errors import ApiError, InvalidRequest, PayloadTooLarge
from common.storage.outages import STORE_ERRORS, outage_of
from common.web.bodies import as_size

from .account import (
    activity,
    analytics,
    authorization,
    byok,
    credits,
    current_key,
    datasets,
    generation,
    guardrail_assignments,
    guardrails,
    keys,
    observability,
    organization,
    presets,
)
from .authentication import by_key, by_management_key
from .catalog import models, providers
from .description.document import completed
from .paths import answering_in_json, unknown_paths


class DescribedApi(NinjaAPI):
    """The management API, whose OpenAPI document describes inference too."""

    _documents: ClassVar[dict[str, OpenAPISchema]] = {}

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the document of every operation below /api/v1. It is made once, which takes a quarter of a second."""
        key = f"{settings.SITE_NAME} {settings.SITE_URL} {options}"
        if key not in self._documents:
            self._documents[key] = completed(super().get_openapi_schema(**options))
        return self._documents[key]


api = DescribedApi(version="1", docs_url=None, urls_namespace="api")

for resource in (authorization, models, providers):
    api.add_router("", resource.router)
for resource in (credits, current_key, datasets, generation, presets):
    api.add_router("", resource.router, auth=by_key)
for resource in (keys, byok, activity, analytics, organization, guardrail_assignments, guardrails, observability):
    api.add_router("", resource.router, auth=by_management_key)


@api.exception_handler(ApiError)
def on_api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
    """Return the error in the same envelope as the inference API."""
    response = api.create_response(request, error.envelope(), status=error.status)
    for name, value in error.headers.items():
        response[name] = value
    return response


@api.exception_handler(ValidationError)
def on_invalid_parameters(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Return 400 that names each parameter or field that does not validate."""
    problems = (f"{_place(each['loc'])}: {each['msg']}" for each in error.errors)
    return on_api_error(request, InvalidRequest(f"Invalid request parameters. {'; '.join(problems)}"))


def _place(loc: Sequence[str | int]) -> str:
    """Return the place of a fault as callers know it, as in `limit` or `tags.0`; "body" for the whole body."""
    source, *names = loc
    if source == "body":
        names = names[1:]  # without what our function calls the body
    return ".".join(map(str, names)) or str(source)


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Return 400 for a body that is not JSON."""
    return on_api_error(request, InvalidRequest(str(error)))


def on_store_error(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """Return 503 while the database or Redis is away. Raises any other error of theirs."""
    if isinstance(error, type) or (outage := outage_of(error)) is None:
        raise error
    return on_api_error(request, outage)


for kind in STORE_ERRORS:
    api.add_exception_handler(kind, on_store_error)


@api.exception_handler(RequestDataTooBig)
def on_large_body(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    """Return 413, on servers that do not read bodies before Django does."""
    limit = as_size(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
    return on_api_error(request, PayloadTooLarge(f"The request body is larger than {limit}. Send a smaller one."))


_routes, _app_name, _namespace = api.urls

#: The routes below `/api`. Every path that none of them has is a 404 in JSON.
urlpatterns = [
    path("api/v1/", (answering_in_json(_routes), _app_name, _namespace)),
    *unknown_paths,
]
