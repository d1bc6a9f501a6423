"""Answers whose shape was asked for: a sum, a list, a table, a program, a formula, so many words."""

import re

from sandbox.providers.writer import prose
from sandbox.providers.writer.brief import Brief
from sandbox.providers.writer.hints import Hints
from sandbox.providers.writer.programs import NOT_PROGRAMS, language_of, program
from sandbox.providers.writer.sums import find_sum
from sandbox.providers.writer.topic import is_follow_up, title_of

__all__ = [
    "arithmetic", "code", "counting", "length_asked", "letter", "letters", "listing", "markdown_sampler", "mathematics",
    "story", "table", "verse",
]  # fmt: skip

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {word: number for number, word in enumerate(_WORDS, start=1)}
_NUMBERS |= {"fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "a hundred": 100, "a thousand": 1000}
_NUMBER = rf"(\d[\d,]*|{'|'.join(_NUMBERS)})"
_MOST_WORDS = 20_000
_MOST_ITEMS = 200
_MOST_COUNTED = 5000

_LETTERS = re.compile(
    r"how many (?:times )?(?:the )?(?:letters? )?[\"'“]?([a-z])[\"'”]?(?:'?s)?\b.{0,40}?"
    r"\bin (?:the word )?[\"'“]?([\w-]+)",
    re.IGNORECASE,
)
_COUNT = re.compile(rf"\bcount (?:from (\d+) )?(?:up )?to {_NUMBER}\b", re.IGNORECASE)
_LENGTH = re.compile(rf"\b{_NUMBER}[- ](word|paragraph|sentence)s?\b", re.IGNORECASE)
_VERSUS = re.compile(
    r"(?:compare|comparison of|between)\s+(?P<a>.+?)\s+(?:and|with|to|vs\.?|versus)\s+(?P<b>[^?.,\n]+)"
    r"|\b(?P<c>[\w+#. -]{2,30}?)\s+(?:vs\.?|versus)\s+(?P<d>[\w+#. -]{2,30})",
    re.IGNORECASE,
)
_SHADES = ("simple", "flexible", "well known", "cheap to try", "fast to learn", "thorough", "forgiving", "precise")
_COUNTED_ITEMS = re.compile(
    rf"\b{_NUMBER}\s+(?:[\w-]+\s+){{0,2}}?(?:ideas?|tips?|reasons?|examples?|facts?|ways|steps?|points?|bullets?|items?"
    r"|things?|names?|questions?|benefits?|suggestions?)\b",
    re.IGNORECASE,
)
_ITEMS = re.compile(
    r"\b(?:list|bullet points?|bullets|steps|tips|ideas|reasons|pros and cons|checklist)\b", re.IGNORECASE
)
_MATHEMATICS = re.compile(
    r"\b(?:latex|katex|equations?|formulas?|integral|derivative|theorem|matrix|quadratic|math|maths|proof)\b",
    re.IGNORECASE,
)


def letters(brief: Brief) -> str:
    """How many times a letter is in a word: counted, not guessed."""
    asked = _LETTERS.search(brief.question)
    if not asked:
        return ""
    letter, word = asked[1].lower(), asked[2]
    places = [str(index) for index, sign in enumerate(word.lower(), start=1) if sign == letter]
    where = f" (place {', '.join(places)})" if places else ""
    return f"There {'is' if len(places) == 1 else 'are'} **{len(places)}** “{letter}” in “{word}”{where}."


def arithmetic(brief: Brief) -> str:
    """A sum with its result and, when there are several, its steps."""
    found = find_sum(brief.question)
    if not found:
        return ""
    result = found.result if found.result.startswith("≈") else f"= {found.result}"
    text = f"{found.asked} **{result}**"
    if len(found.steps) > 1:
        text += "\n\nStep by step:\n\n" + "\n".join(f"{n}. {step}" for n, step in enumerate(found.steps, start=1))
    return text


def counting(brief: Brief) -> str:
    asked = _COUNT.search(brief.question)
    if not asked:
        return ""
    first, last = int(asked[1] or 1), min(_number(asked[2]), _MOST_COUNTED)
    return ", ".join(str(number) for number in range(first, max(first, last) + 1)) + "."


def length_asked(brief: Brief) -> str:
    """Exactly so many words, paragraphs or sentences."""
    asked = _LENGTH.search(brief.question)
    if not asked:
        return ""
    count = max(1, _number(asked[1]))
    match asked[2].lower():
        case "word":
            return prose.essay(brief.topic, min(count, _MOST_WORDS), brief.chance)
        case "paragraph":
            return "\n\n".join(prose.paragraph(brief.topic, brief.chance, 4) for _ in range(min(count, _MOST_ITEMS)))
    return " ".join(prose.sentence(brief.topic, brief.chance) for _ in range(min(count, _MOST_ITEMS)))


def code(brief: Brief) -> str:
    """A program in the language asked for."""
    question = brief.question
    if is_follow_up(question) and brief.earlier:
        language = language_of(question) or language_of(brief.earlier[-1])
        question = f"{brief.earlier[-1]} {question}"
    else:
        language = language_of(question)
    if not language:
        return ""
    source, solved = program(question, brief.topic, language)
    if solved:
        before = f"Here is a short program: *{brief.topic}*."
        notes = ("It is complete: copy it into a file and run it.", "It needs nothing but the standard library.")
    elif language in NOT_PROGRAMS:
        before = f"Here is a beginning: *{brief.topic}*."
        notes = ("It is valid as it stands.", "Replace the names and values with yours.")
    else:
        before = f"Here is where a program could start: *{brief.topic}*."
        notes = (
            "It runs as it is, and counts items to have something to show.",
            "Replace the middle with what you need.",
        )
    listed = "\n".join(f"- {note}" for note in notes)
    return f"{before}\n\n```{language}\n{source}\n```\n\n{listed}"


def table(brief: Brief) -> str:
    """A comparison of two things, or a table about one."""
    if versus := _VERSUS.search(brief.question):
        left = re.sub(r"^(?:the|me)\s+", "", (versus["a"] or versus["c"]).strip())
        right = re.sub(r"\s+(?:in|as|with) a table.*$", "", (versus["b"] or versus["d"]).strip(), flags=re.IGNORECASE)
        return _comparison(left, right, brief)
    if not re.search(r"\btable\b", brief.question, re.IGNORECASE):
        return ""
    lines = ["| # | Aspect | What to look at |", "| ---: | --- | --- |"]
    for number, (name, text) in enumerate(prose.points(brief.topic, brief.chance, 6), start=1):
        lines.append(f"| {number} | **{name}** | {title_of(text)} |")
    return f"## {title_of(brief.topic)}\n\n" + "\n".join(lines)


def _comparison(left: str, right: str, brief: Brief) -> str:
    lines = [f"| Aspect | {title_of(left)} | {title_of(right)} |", "| --- | --- | --- |"]
    for name, _ in prose.points(brief.topic, brief.chance, 5):
        one, other = brief.chance.sample(_SHADES, 2)
        lines.append(f"| {name} | {one} | {other} |")
    after = f"Both have their place; {left} is listed first because you named it first."
    return f"## {title_of(left)} and {right}\n\n" + "\n".join(lines) + f"\n\n{after}"


def listing(brief: Brief) -> str:
    """As many items as asked for; numbered when they are steps or were counted."""
    asked = _COUNTED_ITEMS.search(brief.question)
    if not asked and not _ITEMS.search(brief.question):
        return ""
    count = min(max(1, _number(asked[1])), _MOST_ITEMS) if asked else 5
    numbered = asked is not None or bool(re.search(r"\bsteps|numbered\b", brief.question, re.IGNORECASE))
    ticked = "checklist" in brief.question.lower()
    given = Hints(brief.question).enumerated
    items = []
    for number, (name, text) in enumerate(prose.points(brief.topic, brief.chance, count), start=1):
        mark = f"{number}." if numbered else "- [ ]" if ticked else "-"
        items.append(f"{mark} **{title_of(given[number - 1]) if number <= len(given) else name}**: {text}")
    return f"{prose.opening(brief.topic, brief.chance)}\n\n" + "\n".join(items)


def mathematics(brief: Brief) -> str:
    """A formula or two, as TeX."""
    if not _MATHEMATICS.search(brief.question):
        return ""
    return rf"""## {title_of(brief.topic)}

Take $ax^2 + bx + c = 0$ with $a \neq 0$. Completing the square gives

$$
x = \frac{{-b \pm \sqrt{{b^2 - 4ac}}}}{{2a}}.
$$

The sign of $b^2 - 4ac$ decides how many real solutions there are. The area under the curve is an integral:

$$
\int_0^1 (ax^2 + bx + c)\,dx = \frac{{a}}{{3}} + \frac{{b}}{{2}} + c.
$$"""


def letter(brief: Brief) -> str:
    """A letter with its subject, ready to be filled in."""
    if not re.search(r"\b(?:e-?mail|letter|cover letter)\b", brief.question, re.IGNORECASE):
        return ""
    subject = (
        re.sub(r"^(?:e-?mail|letter)\s*(?:to|about|for)?\s*", "", brief.topic, flags=re.IGNORECASE) or "A short note"
    )
    return (
        f"**Subject:** {title_of(subject)}\n\nHello,\n\nI am writing about one thing: {subject}. "
        f"{prose.paragraph(subject, brief.chance, 2)}\n\nWould Thursday afternoon suit you for a short talk?\n\n"
        "Kind regards,\n[your name]"
    )


def story(brief: Brief) -> str:
    if not re.search(r"\b(?:story|tale|fable)\b", brief.question, re.IGNORECASE):
        return ""
    return (
        f"# {title_of(brief.topic)}\n\nOnce there was a small town where everybody talked about {brief.topic} and "
        "nobody had seen it. One evening a traveller came by, put down her bag and asked what all the talk was for.\n\n"
        "“We are waiting,” said the baker. “For what?” asked the traveller. The town fell silent, because that was "
        "the one question nobody had thought of.\n\nIn the morning they went to look for themselves. It was smaller "
        "than they had imagined, and much better."
    )


def verse(brief: Brief) -> str:
    if not re.search(r"\b(?:haiku|poem|verse|lyrics|song)\b", brief.question, re.IGNORECASE):
        return ""
    return prose.haiku(brief.topic, brief.chance)


def markdown_sampler(brief: Brief) -> str:
    """One of everything that Markdown has, to look at how it is shown."""
    return _SAMPLER if re.search(r"\bmarkdown\b", brief.question, re.IGNORECASE) else ""


def _number(text: str) -> int:
    return _NUMBERS.get(text.lower()) or int(text.replace(",", ""))


_SAMPLER = r"""# First heading

## Second heading

Text with **bold**, *italic*, ~~struck~~ and `code`, and a [link](https://example.com/).

- One
- Two
  - Two and a half

1. First
2. Second

- [x] Done
- [ ] Open

> A quotation,
> on two lines.

| Left | Centre | Right |
| :--- | :---: | ---: |
| a | b | 1 |
| c | d | 22 |

```python
print("Hello")
```

Inline $e^{i\pi} + 1 = 0$, and on its own line:

$$
\sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}
$$

Other scripts: naïve café, Ελληνικά, русский, 日本語, العربية, 🙂 👩‍🚀.

---

The end."""
