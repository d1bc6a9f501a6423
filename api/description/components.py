"""Schemas of msgspec types as components of an OpenAPI document."""

from typing import Any

import msgspec

__all__ = ["reference", "schemas_of"]

_PLACE = "#/components/schemas/"


def schemas_of(prefix: str, *types: Any) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return (the schema of each type, the components that they refer to).

    A component is named after its type, with `prefix` before it and without leading underscores.
    """
    schemas, components = msgspec.json.schema_components(types, ref_template=_PLACE + "{name}")
    names = {name: prefix + name.rpartition(".")[2].lstrip("_") for name in components}
    assert len(set(names.values())) == len(names), f"two types with one name: {sorted(names)}"
    renamed = _renamed({"schemas": list(schemas), "components": components}, names)
    return renamed["schemas"], {names[name]: schema for name, schema in renamed["components"].items()}


def reference(name: str) -> dict[str, str]:
    """Return a reference to the component of this name."""
    return {"$ref": _PLACE + name}


def _renamed(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _renamed(value, names) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_renamed(value, names) for value in node]
    if isinstance(node, str) and node.startswith(_PLACE):
        return _PLACE + names[node.removeprefix(_PLACE)]
    return node
