"""`/api/v1/models`, `/model` and `/providers`: the catalogue as JSON, public and cached."""

from collections.abc import Callable, Collection, Sequence
from functools import wraps
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router

from common.errors import ApiError, InvalidRequest, NotFound
from models_catalog import catalog
from models_catalog.browser.browse import find
from models_catalog.browser.query import DESCRIPTIONS, BadParameter, Query, parse, read_flag, read_page
from models_catalog.entries import ModelEntry
from models_catalog.publishing.feed import rss
from models_catalog.publishing.listing import endpoint_json, endpoints_json, model_json, provider_json
from models_catalog.publishing.responses import PUBLIC_HEADERS, preflight, publish

router = Router(tags=["models"])

View = Callable[..., HttpResponse]
Value = TypeVar("Value")

_QUERY = {"parameters": [{"name": name, "in": "query", "description": text} for name, text in DESCRIPTIONS.items()]}


def public(path: str, **options: Any) -> Callable[[View], View]:
    """Serves a view on GET, HEAD and OPTIONS; its refusals can be read from other sites as well."""

    def register(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "OPTIONS":
                return preflight()
            try:
                return view(request, *args, **kwargs)
            except ApiError as error:
                error.headers |= PUBLIC_HEADERS
                raise

        router.get(path, **options)(answer)
        router.api_operation(["HEAD", "OPTIONS"], path, include_in_schema=False)(answer)
        return answer

    return register


@public("/models", summary="List models", openapi_extra=_QUERY)
def list_models(request: HttpRequest) -> HttpResponse:
    """The models that match, all of them unless `limit` or `offset` asks for a page."""
    query = _asked(request, parse)
    catalogue = catalog.current()
    if _asked(request, read_flag, "use_rss"):
        chat_links = _asked(request, read_flag, "use_rss_chat_links")
        return publish(
            request,
            catalogue.stamp,
            lambda: rss(find(catalogue, query).models, chat_links=chat_links),
            question=f"rss {chat_links} {query.encoded()}",
            content_type="application/rss+xml; charset=utf-8",
        )
    offset, limit = _asked(request, read_page)

    def make() -> bytes:
        return msgspec.json.encode(page_json("/api/v1/models", find(catalogue, query).models, query, offset, limit))

    return publish(request, catalogue.stamp, make, question=f"models {offset} {limit} {query.encoded()}")


@public("/models/count", summary="Count models", openapi_extra=_QUERY)
def count_models(request: HttpRequest) -> HttpResponse:
    """How many models match."""
    query = _asked(request, parse)
    return _publish(request, "count " + query.encoded(), lambda all_: {"count": len(find(all_, query).models)})


@public("/model/{author}/{slug}", summary="Get a model")
def get_model(request: HttpRequest, author: str, slug: str) -> HttpResponse:
    """One model, by its id or its permanent slug."""
    model = _model(author, slug)
    return _publish(request, f"model {model.id}", lambda _: model_json(model))


@public("/models/{author}/{slug}", summary="Get a model, the way OpenAI's clients ask for it")
def retrieve_model(request: HttpRequest, author: str, slug: str) -> HttpResponse:
    """One model, bare."""
    model = _model(author, slug)
    return publish(
        request,
        catalog.current().stamp,
        lambda: msgspec.json.encode(model_json(model)),
        question=f"bare model {model.id}",
    )


@public("/models/{author}/{slug}/endpoints", summary="List a model's endpoints")
def list_endpoints(request: HttpRequest, author: str, slug: str) -> HttpResponse:
    """One model with everyone who serves it: prices, limits and parameters of each."""
    model = _model(author, slug)
    return _publish(request, f"endpoints {model.id}", lambda _: endpoints_json(model))


@public("/endpoints/zdr", summary="List endpoints that keep nothing")
def list_zero_retention_endpoints(request: HttpRequest) -> HttpResponse:
    """The endpoints that neither keep prompts nor train on them nor publish them."""
    return _publish(
        request,
        "zero retention",
        lambda all_: [
            endpoint_json(model, endpoint)
            for model in all_.models.values()
            for endpoint in model.endpoints
            if endpoint.keeps_nothing
        ],
    )


@public("/providers", summary="List providers")
def list_providers(request: HttpRequest) -> HttpResponse:
    """Everyone who serves models, by name."""
    return _publish(request, "providers", lambda all_: [provider_json(each) for each in all_.providers.values()])


def _publish(request: HttpRequest, question: str, make: Callable[[catalog.Catalogue], Any]) -> HttpResponse:
    catalogue = catalog.current()
    return publish(request, catalogue.stamp, lambda: msgspec.json.encode({"data": make(catalogue)}), question=question)


def _model(author: str, slug: str) -> ModelEntry:
    """NotFound unless the catalogue has it."""
    model = catalog.current().find(f"{author}/{slug}")
    if model is None:
        raise NotFound(
            f"There is no model {author}/{slug}. The models are listed at {settings.SITE_URL}/api/v1/models."
        )
    return model


def models_for(request: HttpRequest, unavailable: Collection[str]) -> dict[str, Any]:
    """The answer to `/models/user`: what `/models` lists, without the models of these ids."""
    query = _asked(request, parse)
    offset, limit = _asked(request, read_page)
    models = [model for model in find(catalog.current(), query).models if model.id not in unavailable]
    return page_json("/api/v1/models/user", models, query, offset, limit)


def page_json(path: str, models: Sequence[ModelEntry], query: Query, offset: int, limit: int | None) -> dict[str, Any]:
    """One page of these models, and the address of the next."""
    last = len(models) if limit is None else offset + limit
    following = f"{settings.SITE_URL}{path}?{query.encoded(offset=last, limit=limit)}"
    return {
        "object": "list",
        "data": [model_json(model) for model in models[offset:last]],
        "total_count": len(models),
        "links": {"next": following if last < len(models) else None},
    }


def _asked(request: HttpRequest, read: Callable[..., Value], *names: str) -> Value:
    """What `read` finds in the query string; InvalidRequest, naming the parameter, when it is bad."""
    try:
        return read(request.GET, *names)
    except BadParameter as error:
        raise InvalidRequest(str(error), metadata={"parameter": error.name}) from error
