"""`{% rows value, label in choices %}…{% endrows %}`: a loop over many rows of texts.

It writes what `{% for %}` writes. Django takes fifteen calls of Python for each variable, which is most of the time of
a page with hundreds of rows. Here a text of the row takes two, and a variable from outside the loop is written once.
Tags, filters and values that are no texts cost as much as in `{% for %}`. No tag in the body may set a variable, and
there is no `forloop` and no `{% empty %}`.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from django import template
from django.template.base import FilterExpression, Node, NodeList, Parser, TextNode, Token, VariableNode
from django.template.context import Context
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_TAG = re.compile(r"rows (?P<names>\w+(?:, \w+)*) in (?P<rows>\S+)")


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
        parts = [(node, self._part(node, context)) for node in self.body]
        written: list[str] = []
        with context.push() as values:
            for row in self.found.resolve(context):
                values.update(zip(self.places, row, strict=True))
                for node, part in parts:
                    text = _escaped(row[part]) if isinstance(part, int) else part
                    written.append(node.render_annotated(context) if text is None else text)
        return mark_safe("".join(written))  # noqa: S308 escaped

    def _part(self, node: Node, context: Context) -> str | int | None:
        """Return the text of a node, its place in each row, or None if it has to be rendered for each."""
        if isinstance(node, TextNode):
            return node.s
        if not isinstance(node, VariableNode) or node.filter_expression.filters or not context.autoescape:
            return None
        name, *attributes = str(node.filter_expression.var).split(".")
        if name not in self.places:
            return node.render_annotated(context)
        return None if attributes else self.places[name]


def _escaped(value: Any) -> str | None:
    """Return a text as HTML has it; None for any other value."""
    if isinstance(value, SafeString):
        return value
    return escape(value) if type(value) is str else None
