"""The parameters of a tool as one object: several providers refuse or drop other schemas. Pure."""

from collections.abc import Mapping
from typing import Any

__all__ = ["as_object"]

Schema = Mapping[str, Any]

_COMBINED = ("allOf", "anyOf", "oneOf")
#: Keywords with a schema for each of several names.
_NAMED = frozenset({"properties", "$defs", "definitions"})
_MAX_DEPTH = 8  # of references and alternatives at the root
_MAX_FOLDS = 500  # of both together: references to one another would multiply them


def as_object(schema: Schema) -> dict[str, Any]:
    """The schema with `type: object` and its properties at its root, and no reference or alternatives there.

    What one of several alternatives requires is required only if all do; the description names the alternatives, so
    that the model still knows them. A schema that is an object already is returned with the same keywords.
    """
    root = _folded(schema, schema, _MAX_DEPTH, [_MAX_FOLDS])
    if "type" not in root:
        root["type"] = "object"
    if root["type"] == "object":
        root.setdefault("properties", {})
    return root


def _folded(schema: Schema, document: Schema, depth: int, left: list[int]) -> dict[str, Any]:
    """The schema without references and alternatives, to this depth; `left` counts down to no more."""
    folded = {name: value for name, value in schema.items() if name not in _COMBINED}
    left[0] -= 1
    if depth == 0 or left[0] < 0:
        return folded
    if isinstance(reference := folded.get("$ref"), str):
        del folded["$ref"]
        target = _folded(_resolved(reference, document), document, depth - 1, left)
        folded = _merged([target, folded])
    if every := _branches(schema, "allOf"):
        folded = _merged([folded, *(_folded(branch, document, depth - 1, left) for branch in every)])
    for name in ("anyOf", "oneOf"):
        if branches := _branches(schema, name):
            folded = _with_alternatives(folded, [_folded(branch, document, depth - 1, left) for branch in branches])
    return folded


def _branches(schema: Schema, name: str) -> list[Schema]:
    return [branch for branch in _listed(schema, name) if isinstance(branch, Mapping)]


def _listed(schema: Schema, name: str) -> list[Any]:
    value = schema.get(name)
    return value if isinstance(value, list) else []


def _resolved(reference: str, document: Schema) -> Schema:
    """The schema at a reference within the document; an empty one, which allows anything, when there is none."""
    found: Any = document
    for step in reference.removeprefix("#").strip("/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) and reference.startswith("#/") else {}


def _merged(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """One schema that demands what all of these do."""
    merged: dict[str, Any] = {}
    for schema in schemas:
        for name, value in schema.items():
            known = merged.get(name)
            if (
                name in {"properties", "$defs", "definitions"}
                and isinstance(known, Mapping)
                and isinstance(value, Mapping)
            ):
                merged[name] = {**known, **value}
            elif name == "required" and isinstance(known, list) and isinstance(value, list):
                merged[name] = [*known, *(each for each in value if each not in known)]
            else:
                merged[name] = value
    return merged


def _with_alternatives(root: dict[str, Any], branches: list[dict[str, Any]]) -> dict[str, Any]:
    """The root with the properties of all alternatives."""
    objects = [branch for branch in branches if isinstance(branch.get("properties"), Mapping)]
    if not objects:
        return root
    variants: dict[str, list[Any]] = {}
    for branch in objects:
        for name, schema in branch["properties"].items():
            known = variants.setdefault(name, [])
            if schema not in known:
                known.append(schema)
    properties = {name: found[0] if len(found) == 1 else {"anyOf": found} for name, found in variants.items()}
    required = [set(map(str, _listed(branch, "required"))) for branch in objects]
    folded = _merged([root, {"properties": properties}])
    if in_all := sorted(set.intersection(*required)):
        folded = _merged([folded, {"required": in_all}])
    if len(objects) > 1:
        choices = "; or ".join(", ".join(branch["properties"]) for branch in objects)
        folded["description"] = f"{folded.get('description', '')} Give one of these sets: {choices}.".strip()
    return folded
