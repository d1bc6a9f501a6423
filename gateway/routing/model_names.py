"""Model names: `author/slug`, with variants behind colons, and the routers that choose a model themselves.

Static variants (`:free`, `:extended`, `:thinking`) are models of their own in the catalog. Dynamic ones change how any
model is routed: `:nitro` (fastest first), `:floor` (cheapest first), `:exacto` (only endpoints of proven quality),
`:beta` (only endpoints that the platform does not moderate), `:online` (with a web search).

`~author/family-latest` stands for the newest model of a family.
"""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches

import msgspec

from common.errors import ModelNotFound, NoEndpoints
from models_catalog.catalog import Catalogue, ModelEntry
from models_catalog.reference.families import is_alias

from .affinity import Draw
from .availability import MODELS_PAGE, availability, page_of

__all__ = ["ResolvedModel", "is_online", "resolve"]

DYNAMIC_VARIANTS = ("nitro", "floor", "exacto", "beta", "online")
#: IDs that stand for a choice among models.
ROUTERS = ("openrouter/auto", "openrouter/free")
#: The date at the end of a name such as `claude-sonnet-4-5-20250929`.
_DATE = re.compile(r"-20\d{6}$")
#: Models that `openrouter/free` tries at most.
FREE_CHOICES = 5


class ResolvedModel(msgspec.Struct, frozen=True):
    """A model to try, and the dynamic variants of the name that led to it."""

    model: ModelEntry
    variants: frozenset[str] = frozenset()
    strategy: str = ""  # how it was chosen, if not by its own name: auto, free, latest


def resolve(
    catalogue: Catalogue,
    name: str,
    *,
    auto_models: Sequence[str],
    needs: frozenset[str],
    draw: Draw,
    allows: Callable[[ModelEntry], bool] = lambda model: True,
) -> list[ResolvedModel]:
    """The models that `name` stands for, in the order to try them: one, or those that a router chooses.

    Routers choose among models that have every parameter and input modality of `needs`; `openrouter/free` orders them
    by `draw`, those that `allows` first. Raises ModelNotFound, saying what is wrong with the name, or NoEndpoints when
    no provider here serves the model.
    """
    base, *suffixes = name.strip().lower().split(":")
    if base in ROUTERS:
        chosen = _choose(catalogue, base, auto_models, needs, draw, allows)
        variants = _dynamic(name, suffixes, catalogue)
        return [ResolvedModel(model, variants, base.partition("/")[2]) for model in chosen]
    model = catalogue.find(base) or _native(catalogue, base)
    rest: list[str] = []
    for suffix in suffixes:
        static = catalogue.models.get(f"{model.id if model else base}:{suffix}")
        if static is not None:
            model = static
        else:
            rest.append(suffix)
    for unserved in (base, *(f"{base}:{suffix}" for suffix in rest)):
        if unserved in catalogue.unserved:
            raise _unserved(unserved, model, catalogue.complete.find(unserved))
    if model is None:
        if known := catalogue.complete.aliases.get(base):
            raise _unserved(base, None, known)
        raise _unknown(name, "", catalogue)
    return [ResolvedModel(model, _dynamic(name, rest, catalogue), "latest" if is_alias(base) else "")]


def is_online(name: str) -> bool:
    """Whether the name asks for a web search."""
    return "online" in name.strip().lower().split(":")[1:]


def _native(catalogue: Catalogue, name: str) -> ModelEntry | None:
    """The model that its author's own API calls by this name, with or without a date: what SDKs have built in."""
    if "/" in name:
        return None
    found = catalogue.complete.find_native(name) or catalogue.complete.find_native(_DATE.sub("", name))
    return catalogue.find(found.id) if found else None


def _dynamic(name: str, suffixes: list[str], catalogue: Catalogue) -> frozenset[str]:
    for suffix in suffixes:
        if suffix not in DYNAMIC_VARIANTS:
            known = ", ".join(f":{variant}" for variant in DYNAMIC_VARIANTS)
            raise _unknown(name, f" Unknown variant :{suffix}. All models support {known}.", catalogue)
    return frozenset(suffixes)


def _choose(
    catalogue: Catalogue,
    router: str,
    auto_models: Sequence[str],
    needs: frozenset[str],
    draw: Draw,
    allows: Callable[[ModelEntry], bool],
) -> list[ModelEntry]:
    if router == "openrouter/free":
        models = catalogue.models.values()
        free = [model for model in models if model.is_free and model.task == "chat" and _has(model, needs)]
        chosen = sorted(free, key=lambda model: (not allows(model), draw(model.id)))[:FREE_CHOICES]
    else:
        ranked = [model for name in auto_models if (model := catalogue.find(name)) is not None]
        chosen = [model for model in ranked if _has(model, needs)]
    if not chosen:
        raise NoEndpoints(
            f"No models match your request and model restrictions: {router} found none"
            f"{' that supports ' + ', '.join(sorted(needs)) if needs else ''}.",
            availability=availability("no_endpoints", [router], MODELS_PAGE),
        )
    return chosen


def _has(model: ModelEntry, needs: frozenset[str]) -> bool:
    return needs <= model.supported_parameters | set(model.input_modalities)


def _unserved(model_id: str, alternative: ModelEntry | None, elsewhere: ModelEntry | None) -> NoEndpoints:
    """The error for a model of the catalog that no provider serves.

    `alternative` is the model without its variant, `elsewhere` the model with its providers, which lack a key here.
    """
    others = [alternative.id] if alternative else []
    ended = model_id.endswith(":free") and elsewhere is None
    message = (
        f"{model_id} {'is no longer available' if ended else 'is not available here: no provider of it is set up'}."
    )
    if alternative:
        message += f" {alternative.id} is available{' as a paid model' if ended else ''}."
    else:
        message += " Browse /models."
    providers = sorted({endpoint.provider_name for endpoint in elsewhere.endpoints}) if elsewhere else []
    code = "free_variant_ended" if ended else "no_endpoints"
    page = page_of(others)
    return NoEndpoints(
        message,
        availability=availability(code, [model_id], page, fallback_models=others, affected_providers=providers),
    )


def _unknown(name: str, hint: str, catalogue: Catalogue) -> ModelNotFound:
    names = catalogue.aliases if is_alias(name) else catalogue.models
    likely = [model_id for model_id in names if model_id.startswith(name.partition("/")[0] + "/")]
    shown = name if len(name) <= 100 else name[:100] + "..."
    return ModelNotFound(
        f"{shown} is not a valid model ID.{hint} Browse /models or call GET /api/v1/models.",
        availability=availability(
            "model_not_found",
            [shown],
            MODELS_PAGE,
            fallback_models=get_close_matches(shown, likely or catalogue.models, cutoff=0.7),
        ),
    )
