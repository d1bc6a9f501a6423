"""`{% rows value, label in choices %}…{% endrows %}`: a loop over many rows of texts.

It writes what `{% for %}` writes. Django takes fifteen calls of Python for each variable, which is most of the time of
a page with hundreds of rows. Here a text of the row takes two, also within `{% if %}`, and a variable from outside the
loop is written once. Other tags, filters and values that are no texts cost as much as in `{% for %}`. No tag in the
body may set a variable, and there is no `forloop` and no `{% empty %}`.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from django import template
from django.template.base import (
    FilterExpression,
    Node,
    NodeList,
    Parser,
    TextNode,
    Token,
    VariableDoesNotExist,
    VariableNode,
)
from django.template.context import Context
from django.template.defaulttags import IfNode
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_TAG = re.compile(r"rows (?P<names>\w+(?:, \w+)*) in (?P<rows>\S+)")

#: Nodes, each with its text, its place in each row, its conditions with their own nodes, or None if it has to render.
_Parts = list[tuple[Node, Any]]


@register.tag
def rows(parser: Parser, token: Token) -> "RowsNode":
    """Return the node of `{% rows NAME, NAME in ROWS %}`: each row has a value for each name."""
    found = _TAG.fullmatch(token.contents)
    if found is None:
        raise template.TemplateSyntaxError(f"Write {{% rows name, name in rows %}}, not {token.contents}.")
    body = parser.parse(("endrows",))
    parser.delete_first_token()
    return RowsNode(found["names"].split(", "), parser.compile_filter(found["rows"]), body)


class RowsNode(Node):
    """The body, written for each row."""

    child_nodelists = ("body",)

    def __init__(self, names: Sequence[str], found: FilterExpression, body: NodeList) -> None:
        self.places = {name: place for place, name in enumerate(names)}
        self.found, self.body = found, body

    def render(self, context: Context) -> SafeString:
        parts = self._parts(self.body, context)
        written: list[str] = []
        with context.push() as values:
            for row in self.found.resolve(context):
                values.update(zip(self.places, row, strict=True))
                _write(parts, row, context, written)
        return mark_safe("".join(written))  # noqa: S308 escaped

    def _parts(self, nodes: NodeList, context: Context) -> _Parts:
        return [(node, self._part(node, context)) for node in nodes]

    def _part(self, node: Node, context: Context) -> Any:
        match node:
            case TextNode():
                return node.s
            case IfNode():
                return [(condition, self._parts(nodes, context)) for condition, nodes in node.conditions_nodelists]
            case VariableNode() if context.autoescape and not node.filter_expression.filters:
                name, *attributes = str(node.filter_expression.var).split(".")
                if name not in self.places:
                    return str(node.render_annotated(context))
                return None if attributes else self.places[name]
        return None


def _write(parts: _Parts, row: Sequence[Any], context: Context, written: list[str]) -> None:
    """Append what the parts are in one row, whose values are in the context."""
    for node, part in parts:
        if isinstance(part, list):
            if (chosen := _chosen(part, context)) is not None:
                _write(chosen, row, context, written)
            continue
        text = _escaped(row[part]) if isinstance(part, int) else part
        written.append(str(node.render_annotated(context)) if text is None else text)


def _chosen(branches: list[tuple[Any, _Parts]], context: Context) -> _Parts | None:
    """Return the parts of the first branch of an `{% if %}` whose condition holds; None if none does."""
    for condition, parts in branches:
        try:
            if condition is None or condition.eval(context):  # None is that of `{% else %}`
                return parts
        except VariableDoesNotExist:  # as in `{% if %}`
            continue
    return None


def _escaped(value: Any) -> str | None:
    """Return a text as HTML has it; None for any other value."""
    if isinstance(value, SafeString):
        return value
    return escape(value) if type(value) is str else None
