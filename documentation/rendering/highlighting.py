"""Code in color: the five classes that `components.css` has for light and dark, instead of Pygments' style sheet."""

from functools import cache
from itertools import groupby

from django.utils.html import escape
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, String, Token

__all__ = ["highlighted"]

#: The first that contains a token gives its class.
_CLASSES = (
    (Comment, "hc"),
    (Keyword.Constant, "hn"),
    (Keyword, "hk"),
    (Operator.Word, "hk"),
    (Name.Tag, "hf"),
    (Name.Attribute, "hf"),
    (Name.Function, "hf"),
    (Name.Class, "hf"),
    (Name.Builtin, "hf"),
    (Name.Variable, "hn"),
    (String, "hs"),
    (Number, "hn"),
    (Literal, "hs"),
)


def highlighted(code: str, language: str) -> str:
    """Return the code as HTML. A language that Pygments does not know raises its ClassNotFound."""
    tokens = _lexer(language).get_tokens(code)
    parts = ((_class_of(kind), text) for kind, text in tokens)
    runs = ((name, escape("".join(text for _, text in run))) for name, run in groupby(parts, key=lambda each: each[0]))
    return "".join(f'<span class="{name}">{text}</span>' if name else text for name, text in runs)


@cache
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


@cache
def _class_of(kind: type[Token]) -> str:
    return next((name for group, name in _CLASSES if kind in group), "")
