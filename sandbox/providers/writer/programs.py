"""Programs that run: a few known problems, and an honest skeleton for the rest, in the language asked for."""

import re

from sandbox.providers.writer.program_texts import KNOWN, SKELETONS
from sandbox.providers.writer.topic import slug_of

__all__ = ["NOT_PROGRAMS", "language_of", "program"]

# Asked for like programs, but they do not run.
NOT_PROGRAMS = {"sql", "html", "css", "yaml", "json", "dockerfile", "regex"}


def _word(name: str) -> str:
    """A language that is also a plain word counts only beside words about programs."""
    return rf"\bin {name}\b|\b{name} (?:program|code|function|script|example|class|struct|snippet)s?\b"


_LANGUAGES = (
    ("typescript", r"typescript|\bts\b"),
    ("javascript", r"javascript|\bjs\b|node(?:\.js)?\b"),
    ("python", r"python"),
    ("rust", _word("rust")),
    ("go", r"\bgolang\b|" + _word("go")),
    ("java", r"\bjava\b"),
    ("csharp", r"c#|\bcsharp\b"),
    ("cpp", r"c\+\+|\bcpp\b"),
    ("c", _word("c")),
    ("kotlin", r"\bkotlin\b"),
    ("swift", _word("swift")),
    ("ruby", _word("ruby")),
    ("php", r"\bphp\b"),
    ("sql", r"\bsql\b|\bquery the\b|\bselect statement\b"),
    ("bash", r"\bbash\b|\bshell\b|\bcommand line\b"),
    ("html", r"\bhtml\b|\bweb ?page\b"),
    ("css", r"\bcss\b|\bstyle ?sheet\b"),
    ("yaml", r"\byaml\b"),
    ("json", r"\bjson\b"),
    ("dockerfile", r"\bdockerfile\b"),
    ("regex", r"\bregex\b|\bregular expression\b"),
)

_ASKED = re.compile(
    r"\b(?:code|function|program|script|implement|class|method|snippet|algorithm|query|regex|regular expression)\b",
    re.IGNORECASE,
)


def language_of(question: str) -> str:
    """The programming language that `question` asks for; empty when it does not ask for a program."""
    for language, words in _LANGUAGES:
        if re.search(words, question, re.IGNORECASE):
            return language
    if _ASKED.search(question) or any(re.search(words, question, re.IGNORECASE) for words, _ in KNOWN[:1]):
        return "python"
    return ""


def program(question: str, topic: str, language: str) -> tuple[str, bool]:
    """(source, whether it does what was asked) in `language`."""
    for words, sources in KNOWN:
        if re.search(words, question, re.IGNORECASE) and language in sources:
            return sources[language], True
    name = slug_of(topic)
    first, *rest = name.split("_")
    camel = first + "".join(word.capitalize() for word in rest)
    return SKELETONS[language].format(name=name, camel=camel, title=topic or "Hello"), False
