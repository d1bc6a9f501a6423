"""Model names: `author/slug`, with variants behind colons, and the routers that choose a model themselves.

Static variants (`:free`, `:extended`, `:thinking`) are models of their own in the catalogue. Dynamic ones change
how any model is routed: `:nitro` (fastest first), `:floor` (cheapest first), `:exacto` (only endpoints of
proven quality), `:beta` (only endpoints that the platform does not moderate), `:online` (with a web search).
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

import msgspec

from common.errors import ModelNotFound, NoEndpoints
from models_catalog.catalog import Catalogue, ModelEntry

from .availability import MODELS_PAGE, availability, page_of

__all__ = ["DYNAMIC", "ROUTERS", "Named", "is_online", "resolve"]

DYNAMIC: Mapping[str, str] = {
    "nitro": "fastest first",
    "floor": "cheapest first",
    "exacto": "endpoints of proven quality only",
    "beta": "unmoderated endpoints only",
    "online": "with a web search",
}

#: Ids that stand for a choice among models.
ROUTERS = ("openrouter/auto", "openrouter/free")


class Named(msgspec.Struct, frozen=True):
    """One model to try, and the dynamic variants that its name carried."""

    model: ModelEntry
    variants: frozenset[str] = frozenset()
    router: str = ""  # the router that chose it


def resolve(
    catalogue: Catalogue, name: str, *, auto_models: list[str], needs: frozenset[str], lot: Callable[[str], float]
) -> list[Named]:
    """What `name` stands for: one model, or a router's choice in the order to try.

    `needs` are the parameters and input modalities that the request uses; routers choose among models that have
    them, in an order that `lot` draws (a number for each name) where they have no other. Raises ModelNotFound, with
    what is wrong about the name, and NoEndpoints for what is known and not to be had.
    """
    base, *suffixes = name.strip().lower().split(":")
    if base in ROUTERS:
        chosen = _choice(catalogue, base, auto_models, needs, lot)
        variants = _dynamic(name, suffixes, catalogue)
        return [Named(model, variants, base) for model in chosen]
    model = catalogue.find(base)
    rest: list[str] = []
    for suffix in suffixes:
        static = catalogue.models.get(f"{model.id if model else base}:{suffix}")
        if static is not None:
            model = static
        else:
            rest.append(suffix)
    for unserved in (base, *(f"{base}:{suffix}" for suffix in rest)):
        if unserved in catalogue.unserved:
            raise _unserved(unserved, model)
    if model is None:
        raise _unknown(name, "", catalogue)
    return [Named(model, _dynamic(name, rest, catalogue))]


def is_online(name: str) -> bool:
    """Whether the name asks for a web search."""
    return "online" in name.strip().lower().split(":")[1:]


def _dynamic(name: str, suffixes: list[str], catalogue: Catalogue) -> frozenset[str]:
    for suffix in suffixes:
        if suffix not in DYNAMIC:
            known = ", ".join(f":{variant}" for variant in DYNAMIC)
            raise _unknown(name, f" There is no :{suffix} of it; every model has {known}.", catalogue)
    return frozenset(suffixes)


def _choice(
    catalogue: Catalogue, router: str, auto_models: list[str], needs: frozenset[str], lot: Callable[[str], float]
) -> list[ModelEntry]:
    if router == "openrouter/free":
        free = [model for model in catalogue.models.values() if model.is_free and _has(model, needs)]
        chosen = sorted(free, key=lambda model: lot(model.id))[:5]
    else:
        ranked = [model for name in auto_models if (model := catalogue.find(name)) is not None]
        chosen = [model for model in ranked if _has(model, needs)]
    if not chosen:
        raise NoEndpoints(
            f"No models match your request and model restrictions: {router} found none with "
            f"{', '.join(sorted(needs)) or 'a price'}.",
            availability=availability("no_endpoints", [router], MODELS_PAGE),
        )
    return chosen


def _has(model: ModelEntry, needs: frozenset[str]) -> bool:
    return needs <= model.supported_parameters | set(model.input_modalities)


def _unserved(model_id: str, without: ModelEntry | None) -> NoEndpoints:
    """The error for a model that is known and that nobody serves; `without` is the same without its variant."""
    others = [without.id] if without else []
    ended = model_id.endswith(":free")
    return NoEndpoints(
        f"Nobody serves {model_id} {'any more' if ended else 'here'}."
        + (f" {without.id} is still served{', for a price' if ended else ''}." if without else " Browse /models."),
        availability=availability(
            "free_variant_ended" if ended else "no_endpoints", [model_id], page_of(others), fallback_models=others
        ),
    )


def _unknown(name: str, hint: str, catalogue: Catalogue) -> ModelNotFound:
    likely = [model_id for model_id in catalogue.models if model_id.startswith(name.partition("/")[0] + "/")]
    shown = name if len(name) <= 100 else name[:100] + "..."
    return ModelNotFound(
        f"{shown} is not a valid model ID.{hint} Browse /models, or list them with GET /api/v1/models.",
        availability=availability(
            "model_not_found",
            [shown],
            MODELS_PAGE,
            fallback_models=get_close_matches(shown, likely or catalogue.models, cutoff=0.7),
        ),
    )
