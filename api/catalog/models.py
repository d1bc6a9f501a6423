"""`/api/v1/models`, `/model` and `/endpoints`: the public catalog, and the models that a key can use."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from ninja import Router

from api.authentication import by_key
from api.public import public, publish_data
from api.responses import KeyRequest, json_response
from common.errors import InvalidRequest, NotFound
from gateway import completions
from gateway.steps import previews
from keys.authentication import KeyIdentity
from models_catalog import catalog
from models_catalog.browser.search.browse import find
from models_catalog.browser.search.query import DESCRIPTIONS, SORTS, BadParameter, Query, parse, read_flag, read_page
from models_catalog.entries import ModelEntry
from models_catalog.publishing.feed import rss
from models_catalog.publishing.listing import endpoint_json, endpoints_json, model_json
from models_catalog.publishing.responses import publish

from . import anthropic_models
from . import schemas as shapes

router = Router(tags=["models"])

Value = TypeVar("Value")

_NUMBER = {"type": "number"}
_INTEGER = {"type": "integer"}
_BOOLEAN = {"type": "boolean"}
#: The schemas of query parameters that are not just texts.
_SCHEMAS: dict[str, dict[str, Any]] = {
    "context": _INTEGER,
    "min_price": _NUMBER,
    "max_price": _NUMBER,
    "min_output_price": _NUMBER,
    "max_output_price": _NUMBER,
    "min_age_days": _INTEGER,
    "max_age_days": _INTEGER,
    "zdr": _BOOLEAN,
    "distillable": _BOOLEAN,
    **{name: _NUMBER for name in DESCRIPTIONS if name.endswith(("_index", "_tool_success_rate"))},
    "sort": {"type": "string", "enum": list(SORTS)},
    "offset": {"type": "integer", "minimum": 0},
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
    "use_rss": _BOOLEAN,
    "use_rss_chat_links": _BOOLEAN,
}
_QUERY: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "description": text, "schema": _SCHEMAS.get(name, {"type": "string"})}
        for name, text in DESCRIPTIONS.items()
    ]
}
#: How Anthropic's clients ask for their shape and its pages.
_VERSION: dict[str, Any] = {
    "name": anthropic_models.HEADER,
    "in": "header",
    "description": "Any value: the answer has Anthropic's shape.",
    "schema": {"type": "string"},
}
_PAGES = [
    {
        "name": name,
        "in": "query",
        "description": f"With {anthropic_models.HEADER}: {text}",
        "schema": {"type": "string"},
    }
    for name, text in {
        "after_id": "the ID of the model before the page",
        "before_id": "the ID of the model after the page",
    }.items()
]
_FEED = {"responses": {200: {"content": {"application/rss+xml": {"schema": {"type": "string"}}}}}}


@public(
    router,
    "/models",
    response=shapes.Models | shapes.AnthropicModels,
    operation_id="getModels",
    summary="List models",
    openapi_extra={"parameters": [*_QUERY["parameters"], _VERSION, *_PAGES]} | _FEED,
)
def list_models(request: HttpRequest) -> HttpResponse:
    """Return the models that match: all of them, or a page with `limit` or `offset`.

    Clients that send `anthropic-version` get Anthropic's shape and pages.
    """
    query = _read(request, parse)
    catalogue = catalog.current()
    if anthropic_models.is_asked_for(request):
        return _varied(
            publish(
                request,
                catalogue.stamp,
                lambda: msgspec.json.encode(anthropic_models.page_of(find(catalogue, query).models, request.GET)),
                question=f"models of Anthropic's clients {request.GET.urlencode()}",
                lasting=query.is_lasting,
            )
        )
    if _read(request, read_flag, "use_rss"):
        chat_links = _read(request, read_flag, "use_rss_chat_links")
        return publish(
            request,
            catalogue.stamp,
            lambda: rss([each for each in find(catalogue, query).models if not each.alias_of], chat_links=chat_links),
            question=f"rss {chat_links} {query.encoded()}",
            content_type="application/rss+xml; charset=utf-8",
            lasting=query.is_lasting,
        )
    offset, limit = _read(request, read_page)

    def make() -> bytes:
        return msgspec.json.encode(page_json("/api/v1/models", find(catalogue, query).models, query, offset, limit))

    question = f"models {offset} {limit} {query.encoded()}"
    return _varied(publish(request, catalogue.stamp, make, question=question, lasting=query.is_lasting))


@public(
    router,
    "/embeddings/models",
    response=shapes.Models,
    operation_id="listEmbeddingsModels",
    summary="List embedding models",
)
def list_embedding_models(request: HttpRequest) -> HttpResponse:
    """Return the models that give embeddings: all of them, or a page with `limit` or `offset`."""
    offset, limit = _read(request, read_page)
    catalogue = catalog.current()
    query = Query(output_modalities=("embeddings",))

    def make() -> bytes:
        models = find(catalogue, query).models
        return msgspec.json.encode(page_json("/api/v1/embeddings/models", models, Query(), offset, limit))

    return publish(request, catalogue.stamp, make, question=f"embedding models {offset} {limit}", lasting=True)


@public(
    router,
    "/models/count",
    response=shapes.ModelCount,
    operation_id="listModelsCount",
    summary="Count models",
    openapi_extra=_QUERY,
)
def count_models(request: HttpRequest) -> HttpResponse:
    """Return the number of models that match."""
    query = _read(request, parse)
    return publish_data(request, "count " + query.encoded(), lambda all_: {"count": len(find(all_, query).models)})


@public(router, "/model/{author}/{slug}", response=shapes.OneModel, operation_id="getModel", summary="Get a model")
def get_model(request: HttpRequest, author: str, slug: str) -> HttpResponse:
    """Return one model, by its id or its permanent slug."""
    model = _model(author, slug)
    return publish_data(request, f"model {model.id}", lambda _: model_json(model))


@public(
    router,
    "/models/{author}/{slug}",
    response=shapes.Model | shapes.AnthropicModel,
    operation_id="retrieveModel",
    summary="Get a model (OpenAI, Anthropic)",
    openapi_extra={"parameters": [_VERSION]},
)
def retrieve_model(request: HttpRequest, author: str, slug: str) -> HttpResponse:
    """Return one model without the `data` envelope, as the clients of OpenAI and Anthropic expect it."""
    model = _model(author, slug)
    shape = anthropic_models.model_info if anthropic_models.is_asked_for(request) else model_json
    return _varied(
        publish(
            request,
            catalog.current().stamp,
            lambda: msgspec.json.encode(shape(model)),
            question=f"bare {shape.__name__} {model.id}",
        )
    )


@public(
    router,
    "/models/{author}/{slug}/endpoints",
    response=shapes.ModelEndpoints,
    operation_id="listEndpoints",
    summary="List a model's endpoints",
)
def list_endpoints(request: HttpRequest, author: str, slug: str) -> HttpResponse:
    """Return one model and its endpoints, each with prices, limits and parameters."""
    model = _model(author, slug)
    return publish_data(request, f"endpoints {model.id}", lambda _: endpoints_json(model))


@public(
    router,
    "/endpoints/zdr",
    response=shapes.Endpoints,
    operation_id="listEndpointsZdr",
    summary="List endpoints with zero data retention",
)
def list_zero_retention_endpoints(request: HttpRequest) -> HttpResponse:
    """Return the endpoints that neither retain prompts, nor train on them, nor publish them."""
    return publish_data(
        request,
        "zero retention",
        lambda all_: [
            endpoint_json(model, endpoint)
            for model in all_.models.values()
            for endpoint in model.endpoints
            if endpoint.keeps_nothing
        ],
    )


@router.get(
    "/models/user",
    auth=by_key,
    response=shapes.Models,
    operation_id="listModelsUser",
    summary="List the models that your settings allow",
    openapi_extra={"parameters": [each for each in _QUERY["parameters"] if not each["name"].startswith("use_rss")]},
)
def list_allowed_models(request: KeyRequest) -> HttpResponse:
    """Return what `/models` lists, with the same parameters, without models that your settings or the key exclude.

    Models that only provider keys of your own make available are listed too.
    """
    query = _read(request, parse)
    offset, limit = _read(request, read_page)
    caller, unavailable = async_to_sync(_caller_and_unavailable_models)(request.auth)
    restrictions = request.auth.restrictions

    def is_allowed(model: ModelEntry) -> bool:
        model_id = (model.alias_of or model).id
        return model_id not in unavailable and (restrictions is None or restrictions.allows_model(model_id))

    models = [model for model in find(previews.catalogue_for(caller), query).models if is_allowed(model)]
    return json_response(page_json("/api/v1/models/user", models, query, offset, limit))


async def _caller_and_unavailable_models(identity: KeyIdentity) -> tuple[completions.Caller, frozenset[str]]:
    caller = await completions.key_caller(identity)
    return caller, frozenset(await completions.unavailable_models(caller))


def _varied(response: HttpResponse) -> HttpResponse:
    """Return the response, with a note for caches that Anthropic's clients get another one."""
    patch_vary_headers(response, [anthropic_models.HEADER])
    return response


def _model(author: str, slug: str) -> ModelEntry:
    """Return the model of this slug; NotFound if there is none."""
    catalogue, model_id = catalog.current(), f"{author}/{slug}"
    model = catalogue.aliases.get(model_id) or catalogue.find(model_id)
    if model is None:
        raise NotFound(f"No model {author}/{slug}. See {settings.SITE_URL}/api/v1/models for all models.")
    return model


def page_json(path: str, models: Sequence[ModelEntry], query: Query, offset: int, limit: int | None) -> dict[str, Any]:
    """Return one page of these models with the URL of the next."""
    last = len(models) if limit is None else offset + limit
    following = f"{settings.SITE_URL}{path}?{query.encoded(offset=last, limit=limit)}"
    return {
        "object": "list",
        "data": [model_json(model) for model in models[offset:last]],
        "total_count": len(models),
        "links": {"next": following if last < len(models) else None},
    }


def _read(request: HttpRequest, read: Callable[..., Value], *names: str) -> Value:
    """Return what `read` finds in the query string. InvalidRequest, naming the parameter, if it is malformed."""
    try:
        return read(request.GET, *names)
    except BadParameter as error:
        raise InvalidRequest(str(error), metadata={"parameter": error.name}) from error
