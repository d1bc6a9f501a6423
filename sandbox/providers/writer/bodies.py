"""The Markdown of an answer, before its closing line: the first kind of answer that fits the question."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from sandbox.providers.writer import prose
from sandbox.providers.writer.brief import Brief
from sandbox.providers.writer.samples import CODE, MARKDOWN
from sandbox.providers.writer.tools import results_text
from sandbox.providers.writer.topic import title_of

__all__ = ["body_of"]

_GREETING = re.compile(r"\W*(?:hi|hello|hey|good (?:morning|evening|day)|(?:who|what) are you)\b[\w\s]{0,12}\W*", re.I)
_LANGUAGES = "|".join(map(re.escape, CODE))
_CODE = re.compile(
    r"\b(?:code|function|program|script|snippet|implement|algorithm|query)\b"
    rf"|^\W*(?:write|show|give|create|build)\b.*\b(?:{_LANGUAGES})\b",
    re.IGNORECASE | re.DOTALL,
)
_LANGUAGE = re.compile(rf"\b({_LANGUAGES})\b", re.IGNORECASE)
_COMPARED = re.compile(r"\b(?:compare|between)\s+(.+?)(?:\s+(?:in|as)\s+a\s+table|[:.?\n]|$)", re.IGNORECASE)
_COUNTED = re.compile(
    r"\b(\d{1,3})\s+(?:\w+\s+){0,2}?(?:ideas|tips|reasons|examples|facts|ways|steps|points|items|things|names|words)\b",
    re.IGNORECASE,
)
_LIST = re.compile(r"\b(?:list|bullet points?|checklist|steps|tips|ideas)\b", re.IGNORECASE)


def body_of(brief: Brief) -> str:
    """The answer to the last question, whatever it is."""
    body = next(text for kind in _KINDS if (text := kind(brief)))
    if brief.attachments:
        body = f"You attached {' and '.join(brief.attachments)}.\n\n{body}"
    if brief.sources:
        links = (f"[{urlsplit(address).hostname}]({address})" for address in brief.sources[:3])
        body = f"{body}\n\nSources: {', '.join(links)}."
    return body


def _tool_results(brief: Brief) -> str:
    if brief.request.messages[-1].get("role") != "tool":
        return ""
    return f"{results_text(brief.request)}\n\nThat answers your question about {brief.topic}."


def _greeting(brief: Brief) -> str:
    if not _GREETING.fullmatch(brief.question):
        return ""
    return (
        f"Hello! I answer in place of `{brief.request.model}`: a small program, not a language model.\n\n"
        "Ask me for a *list*, a *table*, some *code* or a *Markdown* sample, or tell me to `say exactly: ...`."
    )


def _markdown(brief: Brief) -> str:
    return MARKDOWN if re.search(r"\bmarkdown\b", brief.question, re.IGNORECASE) else ""


def _table(brief: Brief) -> str:
    """A comparison of the things named, or a table about one thing."""
    compared = _COMPARED.search(brief.question)
    names = re.split(r",\s*(?:and\s+)?|\s+(?:and|with|to|or)\s+", compared[1])[:5] if compared else []
    if len(names) < 2 and not re.search(r"\btable\b", brief.question, re.IGNORECASE):
        return ""
    columns = ["Aspect", *map(title_of, names)] if len(names) > 1 else ["Aspect", "What to look at"]
    lines = [columns, ["---"] * len(columns)]
    for name, text in prose.points(brief.chance, 5):
        lines.append(
            [f"**{name}**", *(brief.chance.choice(_GRADES) for _ in names)] if len(names) > 1 else [name, text]
        )
    heading = " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else brief.topic
    return f"## {title_of(heading)}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


_GRADES = ("simple", "flexible", "cheap to try", "fast to learn", "thorough", "forgiving", "precise")


def _code(brief: Brief) -> str:
    """A short program in the language named, else in Python."""
    if not _CODE.search(brief.question):
        return ""
    named = _LANGUAGE.search(brief.question)
    language = named[1].lower() if named else "python"
    return f"Here is a short sample:\n\n```{language}\n{CODE[language]}\n```\n\nIt is the same for every question."


def _list(brief: Brief) -> str:
    """A list: numbered with the count named, else of five items."""
    counted = _COUNTED.search(brief.question)
    if not counted and not _LIST.search(brief.question):
        return ""
    items = prose.points(brief.chance, max(1, int(counted[1]))) if counted else prose.points(brief.chance, 5)
    marks = (f"{number}." if counted else "-" for number in range(1, len(items) + 1))
    lines = [f"{mark} **{name}**: {text}" for mark, (name, text) in zip(marks, items, strict=True)]
    return f"## {title_of(brief.topic)}\n\n" + "\n".join(lines)


def _overview(brief: Brief) -> str:
    """The question itself, a few points and a paragraph."""
    quoted = brief.question[:300].replace("\n", "\n> ")
    blocks = [f"## {title_of(brief.topic)}", f"> {quoted}"] if quoted else [f"## {title_of(brief.topic)}"]
    if len(brief.questions) > 1:
        before = " ".join(brief.questions[-2].split())[:80]
        blocks.append(f"This is your message number {len(brief.questions)} here. The one before it was: “{before}”")
    claims = prose.sentences(brief.topic, brief.chance, 4)
    blocks.append(" ".join(claims[:2]))
    listed = prose.points(brief.chance, brief.chance.randint(3, 5))
    blocks.append("\n".join(f"- **{name}**: {text}" for name, text in listed))
    blocks.append(" ".join(claims[2:]))
    return "\n\n".join(blocks)


# Each returns an empty text when the question is not for it; the last one answers anything.
_KINDS: tuple[Callable[[Brief], str], ...] = (_tool_results, _greeting, _markdown, _table, _code, _list, _overview)
