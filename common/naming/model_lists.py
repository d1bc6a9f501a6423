"""Lists of models in settings: by ID, or `author/*` for all models of an author."""

import re
from collections.abc import Callable, Container, Iterable

__all__ = ["is_entry", "is_listed", "problem_with"]

#: The ID of a model, with or without a variant, or `author/*`.
_ENTRY = re.compile(r"~?[a-z0-9][\w.-]{0,99}/(\*|[\w.-]{1,200}(:[\w.-]{1,40})?)", re.ASCII)
#: The author of the routers, which stand for a choice among models.
_ROUTERS = "openrouter"
#: Unknown entries that a message names.
_NAMED = 5


def is_listed(model_id: str, names: Container[str], *, with_variants: bool = False) -> bool:
    """Return whether the model, or all models of its author, is among the names.

    With `with_variants`, a name without a variant lists the model's variants (`:free`) as well.
    """
    return (
        model_id in names
        or f"{model_id.partition('/')[0]}/*" in names
        or (with_variants and model_id.partition(":")[0] in names)
    )


def is_entry(text: str) -> bool:
    """Return whether the text, in lower case, has the form of an entry. The model need not exist."""
    return _ENTRY.fullmatch(text) is not None


def problem_with(names: Iterable[str], exists: Callable[[str], bool]) -> str:
    """Return what is wrong with entries in lower case, and the remedy; empty if all of them exist in the catalog."""
    unknown = [name for name in names if not exists(name)]
    for name in unknown:
        if name in {"*", "*/*"}:
            return f"“{name}” isn't an author. An empty list restricts nothing; author/* lists all models of an author."
        if name.partition("/")[0] == _ROUTERS:
            return f"“{name[:100]}” is no model: routers choose among models. List those, or their authors as author/*."
        if not is_entry(name):
            return f"“{name[:100]}” isn't a model ID. Enter author/model, or author/* for all models of an author."
    if not unknown:
        return ""
    shown = ", ".join(f"“{name[:100]}”" for name in unknown[:_NAMED])
    more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
    return f"The catalog doesn't have {shown}{more}. The Models page and GET /api/v1/models list the IDs."
