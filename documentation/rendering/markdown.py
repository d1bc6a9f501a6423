"""Markdown as HTML: headings with anchors, callouts, code in tabs, and questions that open.

::: tabs          code fences side by side, one tab per language
::: tip           a callout; also `note` and `warning`
```python         code; everything after the language is ignored by readers (`tests/documentation`)
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.container import container_plugin

from .highlighting import highlighted

__all__ = ["Heading", "Rendered", "Section", "language_of", "rendered"]

CALLOUTS = {"tip": "Tip", "note": "Note", "warning": "Warning"}
#: (the title, the name under which the choice of a tab is remembered), by language.
LANGUAGES = {
    "shell": ("curl", "curl"),
    "python": ("Python", "python"),
    "typescript": ("TypeScript", "javascript"),
    "json": ("JSON", "json"),
    "http": ("HTTP", "http"),
    "text": ("Text", "text"),
}
#: Headings of these levels have anchors, and are in the contents of the page.
_LEVELS = (2, 3)


@dataclass(frozen=True)
class Heading:
    """A heading of a page, and where to find it."""

    level: int
    anchor: str
    title: str


@dataclass(frozen=True)
class Section:
    """The text below a heading, without markup; the part above the first heading has no anchor."""

    anchor: str
    title: str
    text: str


@dataclass(frozen=True)
class Rendered:
    """A page as HTML, its headings, and its text by heading."""

    html: str
    headings: tuple[Heading, ...]
    sections: tuple[Section, ...]


def rendered(source: str, *, questions: bool = False) -> Rendered:
    """Return the page. With `questions`, what follows a heading of level 3 opens when the heading is chosen."""
    env: dict[str, Any] = {}
    tokens = _PARSER.parse(source, env)
    sections = tuple(_sections(tokens))
    shown = tuple(_without_copies(tokens))
    if questions:
        shown = tuple(_with_answers(shown))
    html = _PARSER.renderer.render(shown, _PARSER.options, env)
    return Rendered(html=html, headings=tuple(_headings(tokens)), sections=sections)


def language_of(info: str) -> str:
    """Return the language of a code fence; `text` without one."""
    return info.split()[0] if info.strip() else "text"


def slug_of(title: str) -> str:
    """Return the anchor of a heading, by the rule of GitHub's."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def _heading_tokens(tokens: Sequence[Token]) -> Iterator[tuple[int, Token, Token]]:
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and int(token.tag[1]) in _LEVELS:
            yield index, token, tokens[index + 1]


def _headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    for _, opening, inline in _heading_tokens(tokens):
        yield Heading(int(opening.tag[1]), str(opening.attrs["id"]), _text_of(inline))


def _text_of(inline: Token) -> str:
    parts = (child for child in inline.children or () if child.type in {"text", "code_inline", "softbreak"})
    return "".join(" " if child.type == "softbreak" else child.content for child in parts)


def _sections(tokens: Sequence[Token]) -> Iterator[Section]:
    anchor, title = "", ""
    texts: list[str] = []
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and int(token.tag[1]) in _LEVELS:
            yield Section(anchor, title, " ".join(texts))
            anchor, title, texts = str(token.attrs["id"]), _text_of(tokens[index + 1]), []
        elif token.type == "inline" and tokens[index - 1].type != "heading_open":
            texts.append(_text_of(token))
        elif token.type == "fence":
            texts.append(" ".join(token.content.split()))
    yield Section(anchor, title, " ".join(texts))


def _without_copies(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens, with each group of tabs as one token that holds its fences."""
    fences: list[Token] | None = None
    for index, token in enumerate(tokens):
        if token.type == "container_tabs_open":
            fences = []
        elif token.type == "container_tabs_close" and fences is not None:
            yield _html(_tabs(fences, f"code-{index}"))
            fences = None
        elif fences is None:
            yield token
        else:
            fences.append(token)


def _with_answers(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens with `<details>` around each heading of level 3 and what follows it.

    The anchor is inside what is hidden, because browsers open what a link leads into.
    """
    is_open = False
    heading: Token | None = None
    for token in tokens:
        if token.type == "heading_open" and token.tag in {"h2", "h3"} and is_open:
            yield _html("</div></details>\n")
            is_open = False
        if token.type == "heading_open" and token.tag == "h3":
            heading = token
            yield _html('<details class="question"><summary><h3>')
        elif heading is not None and token.type == "inline":
            yield _html(escape(_text_of(token)))
        elif heading is not None and token.type == "heading_close":
            yield _html(f'</h3></summary><div class="answer prose" id="{escape(str(heading.attrs["id"]))}">\n')
            heading, is_open = None, True
        else:
            yield token
    if is_open:
        yield _html("</div></details>\n")


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)


def _fence(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: EnvType) -> str:
    return _tabs([tokens[index]], f"code-{index}")


def _tabs(fences: Sequence[Token], name: str) -> str:
    """Return a block of code, with a tab for each fence if there are several."""
    samples = []
    for fence in fences:
        language = language_of(fence.info)
        title, key = LANGUAGES.get(language, (language, language))
        code = highlighted(fence.content.removesuffix("\n"), language)
        samples.append({"title": title, "key": key, "id": f"{name}-{key}", "code": code})
    return render_to_string("documentation/partials/code.html", {"samples": samples, "tabbed": len(samples) > 1})


def _callout(self: RendererHTML, tokens: Sequence[Token], index: int, _: OptionsDict, __: EnvType) -> str:
    token = tokens[index]
    if token.nesting < 0:
        return "</div></aside>\n"
    kind = token.info.strip()
    return f'<aside class="callout {kind}"><p class="callout-title">{CALLOUTS[kind]}</p><div>\n'


def _table_open(*_: object) -> str:
    return '<div class="tablewrap" tabindex="0"><table class="t">\n'


def _table_close(*_: object) -> str:
    return "</table></div>\n"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.use(anchors_plugin, min_level=min(_LEVELS), max_level=max(_LEVELS), slug_func=slug_of, permalink=False)
    parser.use(container_plugin, "tabs")
    for kind in CALLOUTS:
        parser.use(container_plugin, kind, render=_callout)
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    return parser


_PARSER = _parser()
