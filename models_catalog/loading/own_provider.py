"""Providers of the operator's own: Ollama, vLLM, LM Studio, any OpenAI-compatible server.

`add` reads the server's list of models and makes a provider, models and endpoints of it; for a known name it updates
them. Names cannot collide: the provider's slug is an author of its own (`my-ollama/llama3.2-3b`), which neither the
bundled catalog nor a page of the site has. Fields that an operator has edited keep their values, as everywhere in the
catalog. Loading the bundled catalog leaves all of this alone.
"""

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import Resolver404, resolve
from django.utils.text import slugify

from common import encryption
from models_catalog import catalog
from models_catalog.models import OWN, Author, Endpoint, Model, Provider, ProviderKey
from models_catalog.prices.stored import check_pricing

from .bundled import bundled_slugs
from .served_models import ServedModel, UnreadableServer, read

__all__ = ["FREE", "OwnProviderError", "Result", "Terms", "UnreadableServer", "add", "pricing_of", "read_again"]

FREE = {"prompt": "0", "completion": "0"}
#: The context of models whose server does not tell it, in tokens.
DEFAULT_CONTEXT = 8192

#: Names with a meaning in requests or addresses.
_RESERVED = frozenset({"openrouter", "models", "providers", "auto", "free"})

#: Parameters that such servers take or ignore.
_PARAMETERS = frozenset(
    {
        "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "min_p", "presence_penalty", "repetition_penalty",
        "response_format", "seed", "stop", "structured_outputs", "temperature", "top_k", "top_logprobs", "top_p",
    }
)  # fmt: skip
_TOOLS = frozenset({"tools", "tool_choice", "parallel_tool_calls"})
_REASONING = frozenset({"reasoning", "include_reasoning"})


class OwnProviderError(Exception):
    """The provider cannot be added. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The operator's answers to what a server does not tell. None: as before, or the default."""

    pricing: dict[str, str] | None = None
    context_length: int | None = None
    tools: bool | None = None
    images: bool | None = None

    def stored(self) -> dict[str, Any]:
        """The terms that are given, to be stored with the provider."""
        given = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(slots=True)
class Result:
    """The models of a provider after reading its list, by ID."""

    provider: Provider
    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    without_context: list[str] = field(default_factory=list)  # those whose server does not tell it

    def __str__(self) -> str:
        parts = [
            f"{what} {', '.join(ids[:10])}{f' and {len(ids) - 10} more' if len(ids) > 10 else ''}"
            for what, ids in (("added", self.added), ("updated", self.updated), ("no longer served:", self.removed))
            if ids
        ]
        text = f"{self.provider.name}: {'; '.join(parts)}."
        if self.without_context:
            count = len(self.without_context)
            text += f" The server doesn't tell the context length of {count} of them, so {DEFAULT_CONTEXT} is assumed."
        return text


def pricing_of(prompt: Decimal | None, completion: Decimal | None, *, free: bool) -> dict[str, str] | None:
    """The prices per token from USD per million tokens; None if nothing is given. Raises OwnProviderError."""
    if free and (prompt or completion):
        raise OwnProviderError("Free models have no prices. Give prices, or choose free.")
    if free:
        return dict(FREE)
    if prompt is None and completion is None:
        return None
    if not prompt or not completion or prompt < 0 or completion < 0:
        raise OwnProviderError("Give both prices, above 0, in dollars per million tokens, or choose free.")
    pricing = {
        "prompt": format((prompt / 1_000_000).normalize(), "f"),
        "completion": format((completion / 1_000_000).normalize(), "f"),
    }
    try:
        check_pricing(pricing)
    except ValidationError:
        raise OwnProviderError(
            "A price has too many digits. Use dollars per million tokens, for example 0.15."
        ) from None
    return pricing


def add(name: str, url: str, *, key: str = "", terms: Terms = Terms()) -> Result:
    """Add the server, or update the one that has this name. Raises OwnProviderError and UnreadableServer."""
    name = " ".join(name.split())
    known = _known(name)
    if terms.pricing is None and (known is None or "pricing" not in known.own_terms):
        raise OwnProviderError("Give its prices in dollars per million tokens, or say that its models are free.")
    base_url, models = read(url, key or (_key_of(known) if known else ""))
    with transaction.atomic():
        provider = known or Provider(slug=slugify(name), name=name, kind=OWN, requires_key=bool(key), trains=False)
        if known is None:
            # On the operator's own machine: nothing is kept beyond what the operator says.
            provider.retains = False
            provider.supports_cancel = True
        provider.base_url = base_url
        provider.own_terms = {**provider.own_terms, **terms.stored()}
        provider.requires_key = provider.requires_key or bool(key)
        provider.save()
        if key and key not in _secrets(provider):
            row = ProviderKey(provider=provider)
            row.set_secret(key)
            row.save()
        result = _write(provider, models)
        catalog.touch()
    return result


def read_again(provider: Provider) -> Result:
    """Read the list of models again, on the same terms. Raises UnreadableServer."""
    return add(provider.name, provider.base_url)


def _known(name: str) -> Provider | None:
    """The provider of the operator's own that has this name. Raises OwnProviderError if the name cannot be used."""
    slug = slugify(name)
    if not slug or len(slug) > 50 or len(name) > 100:
        raise OwnProviderError("Choose a name with letters or digits, of at most 50 characters.")
    known = Provider.objects.filter(slug=slug).first()
    if known and known.is_own:
        return known
    taken = known or slug in bundled_slugs() or Author.objects.filter(slug=slug).exists()
    if taken or Provider.objects.filter(name__iexact=name).exists():
        raise OwnProviderError(f'The catalog already has a provider or author "{slug}". Choose another name.')
    if slug in _RESERVED or not _is_free_path(slug):
        raise OwnProviderError(f'"{slug}" is an address of this site. Choose another name.')
    return None


def _is_free_path(slug: str) -> bool:
    """Whether `/<slug>/<model>` would be the page of a model."""
    try:
        return resolve(f"/{slug}/model").view_name == "models_catalog:model"
    except Resolver404:
        return False


def _secrets(provider: Provider) -> list[str]:
    found = []
    for row in provider.keys.order_by("-enabled", "pk"):
        try:
            found.append(encryption.decrypt(row.secret))
        except encryption.Undecryptable:
            continue
    return found


def _key_of(provider: Provider) -> str:
    variable = f"PROVIDER_{provider.slug.upper().replace('-', '_')}_API_KEY"
    return next(iter(_secrets(provider)), "") or os.environ.get(variable, "")


# --- The rows ----------------------------------------------------------------------------------------


def _write(provider: Provider, served: list[ServedModel]) -> Result:
    Author.objects.update_or_create(slug=provider.slug, defaults={"name": provider.name})
    result = Result(provider)
    endpoints = {row.provider_model_id: row for row in provider.endpoints.select_related("model")}
    ids = _model_ids(provider, served, endpoints)
    for one in served:
        endpoint = endpoints.pop(one.id, None)
        (result.updated if endpoint else result.added).append(ids[one.id])
        if one.context_length is None and "context_length" not in provider.own_terms:
            result.without_context.append(ids[one.id])
        model = (
            endpoint.model if endpoint else Model(id=ids[one.id], canonical_slug=ids[one.id], author_id=provider.slug)
        )
        _update(model, _model_fields(provider, model, one))
        _update(
            endpoint or Endpoint(model=model, provider=provider, tag=provider.slug), _endpoint_fields(provider, one)
        )
    for gone in endpoints.values():
        if gone.enabled:
            result.removed.append(gone.model_id)
        _update(gone, {"enabled": False})
        _update(gone.model, {"hidden": True})
    return result


def _update(row: Model | Endpoint, fields: dict[str, Any]) -> None:
    """Save the row with these fields, except for those that an operator has edited."""
    for name, value in fields.items():
        if name not in row.edited_fields:
            setattr(row, name, value)
    row.save()


def _model_fields(provider: Provider, model: Model, served: ServedModel) -> dict[str, Any]:
    title = _title(served.id)
    return {
        "name": f"{provider.name}: {title}"[:200],
        "description": f"{title}, served by {provider.name}, a server of this site's own.",
        "created": served.created or model.created or int(time.time()),
        "context_length": _context(provider, served),
        "max_completion_tokens": served.max_completion_tokens,
        "input_modalities": ["text", "image"] if _told(provider, served, "images") else ["text"],
        "output_modalities": ["embeddings" if served.task == "embeddings" else "text"],
        "tokenizer": "Other",
        "reasoning": bool(served.reasoning),
        "hidden": False,
    }


def _endpoint_fields(provider: Provider, served: ServedModel) -> dict[str, Any]:
    return {
        "provider_model_id": served.id,
        "context_length": _context(provider, served),
        "max_completion_tokens": served.max_completion_tokens,
        "quantization": served.quantization,
        "pricing": provider.own_terms["pricing"],
        "supported_parameters": [] if served.task == "embeddings" else sorted(_parameters(provider, served)),
        "enabled": True,
    }


def _parameters(provider: Provider, served: ServedModel) -> frozenset[str]:
    parameters = served.parameters or _PARAMETERS
    if _told(provider, served, "tools"):
        parameters |= _TOOLS
    if served.reasoning:
        parameters |= _REASONING
    return parameters | {"max_tokens"}


def _context(provider: Provider, served: ServedModel) -> int:
    return served.context_length or int(provider.own_terms.get("context_length", DEFAULT_CONTEXT))


def _told(provider: Provider, served: ServedModel, ability: str) -> bool:
    told = getattr(served, ability)
    return bool(provider.own_terms.get(ability) if told is None else told)


def _title(name: str) -> str:
    """The server's name of a model without its folders: some servers name the path of a file."""
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1].removesuffix(".gguf")


def _model_ids(provider: Provider, served: Iterable[ServedModel], known: dict[str, Endpoint]) -> dict[str, str]:
    """The catalog's ID of each model, by the server's name. A known model keeps its ID."""
    ids = {one.id: known[one.id].model_id for one in served if one.id in known}
    taken = {*Model.objects.filter(author=provider.slug).values_list("id", flat=True)}
    for one in served:
        if one.id in ids:
            continue
        short, whole = _slug(_title(one.id)), _slug(one.id)
        numbered = (f"{whole}-{number}" for number in range(2, 10_000))
        candidates = (f"{provider.slug}/{slug}" for slug in (short, whole, *numbered) if slug)
        ids[one.id] = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(ids[one.id])
    return ids


def _slug(name: str) -> str:
    # A colon begins a variant (`:free`, `:online`), so no ID of a model may have one.
    return re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-._")[:150]
