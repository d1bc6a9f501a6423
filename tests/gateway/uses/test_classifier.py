"""The classifier: clear texts have their use, others none, and hostile ones do no harm."""

import pytest

from gateway.models import USES
from gateway.uses.classifier import LEAST, classify, scores
from gateway.uses.requests import MOST_CHARACTERS, text_of
from gateway.uses.terms import PATTERNS, TERMS

CLEAR = {
    "programming": (
        "Why does this Python function raise a TypeError?",
        "```\nfor (int i = 0; i < n; i++) total += a[i];\n```\nMake this code faster.",
        "def area(r):\n    return 3.14 * r * r\n\nWrite a unit test for it.",
        "Refactor the SQL query so that it uses an index.",
        "You are a coding assistant. Fix the bug in my React app.",
    ),
    "roleplay": (
        "Let's roleplay: you are a dragon that guards a kingdom.",
        "*smiles and opens the door* Welcome to my tavern, stranger.",
        "Write {{char}}'s next reply in a chat with {{user}}. Stay in character.",
    ),
    "marketing": (
        "Write a catchy tagline and ad copy for our new running shoes.",
        "Draft an email campaign for the product launch of a coffee brand.",
    ),
    "marketing/seo": (
        "Suggest a meta description and long tail keywords so that the page ranks better for SEO.",
        "How do I get backlinks and more organic traffic?",
    ),
    "technology": (
        "My laptop loses its wifi connection after every firmware update.",
        "Which graphics card fits this motherboard?",
    ),
    "science": (
        "Explain how enzymes speed up a chemical reaction.",
        "Solve the integral of x squared and prove the theorem behind it. I study calculus.",
    ),
    "translation": (
        "Translate into French: Good morning, how are you?",
        "Übersetze den Text bitte into English.",
        "把下面的句子翻译成英文：今天天气很好。",
    ),
    "legal": (
        "Does this clause of the lease let my landlord terminate the contract?",
        "Summarize the case law on liability of the defendant.",
    ),
    "finance": (
        "What does the balance sheet say about the dividend?",
        "Should I invest in an ETF or pay back my mortgage when inflation is high?",
    ),
    "health": (
        "I have a headache and a fever. Which medication helps?",
        "Is this dosage safe for a patient with high blood pressure?",
    ),
    "trivia": (
        "What is the capital of Australia?",
        "Write ten questions for a pub quiz about famous painters.",
    ),
    "academia": (
        "Outline a literature review for my dissertation.",
        "Check the citations in this essay. They must be in APA style.",
    ),
}
UNCLEAR = (
    "",
    "Hello there",
    "Say exactly: heron lantern quartz",
    "What should I cook tonight?",
    "Write a birthday poem for my sister.",
    "Translate this Python function to JavaScript.",  # programming and translation
    "Write Python code that finds the clauses of a contract.",  # programming and legal
    "Помоги мне выбрать подарок",
    "lawyer",
)


@pytest.mark.parametrize(("use", "text"), [(use, text) for use, texts in CLEAR.items() for text in texts])
def test_a_clear_text_has_its_use(use, text):
    assert classify(text) == use, scores(text)


@pytest.mark.parametrize("text", UNCLEAR)
def test_an_unclear_text_has_none(text):
    assert classify(text) == "", scores(text)


def test_every_use_of_the_rankings_can_be_found():
    assert list(TERMS) == list(USES) == list(CLEAR)
    assert {use for _, use, _ in PATTERNS} <= set(USES)


def test_terms_are_one_or_two_words_and_stand_once():
    for use, by_weight in TERMS.items():
        terms = [term.strip() for terms in by_weight.values() for term in terms.split(",")]
        assert len(terms) == len(set(terms)), use
        assert [term for term in terms if not 1 <= len(term.split()) <= 2 or term != term.casefold()] == []


def test_a_word_counts_once_however_often_it_occurs():
    assert scores("lawyer " * 500) == scores("Lawyers") == {"legal": 3}
    assert LEAST > 3


HOSTILE = (
    "\0" * 4000,
    "\ud800\udfff" * 2000,
    "‮﷽" * 2000,
    "```" * 1300,
    "def " * 1000,
    "\n" * 4000,
    " \t" * 2000,
    "return " + "x" * 3990,
    "\n\tat " + "a." * 1990,
    "{{" * 2000,
    "*smiles" * 570,
    "a+#" * 1300,
    "ß" * 4000,
    "İ" * 4000,
    "e" + "\u0301" * 3999,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_read_like_any_other(text):
    assert classify(text) in {"", *USES}
    assert classify(text) == classify(text)


def message(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}


def test_the_system_prompt_and_the_last_three_messages_of_the_user_are_read():
    said = [message("user", f"question {number}") for number in range(5)]
    said.insert(0, message("system", "rules"))
    said += [message("assistant", "answer"), message("tool", "result")]
    assert text_of(said).split("\n") == ["rules", "question 4", "question 3", "question 2"]


def test_a_system_message_in_the_middle_is_not_read():
    said = [message("user", "one"), message("user", "two"), message("assistant", "three"), message("system", "found")]
    assert text_of(said) == "two\none"


def test_only_the_text_of_content_parts_is_read():
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "text", "text": None},
        {"type": "text", "text": "closely"},
    ]
    assert text_of([message("user", parts)]) == "Look\nclosely"
    assert text_of([message("user", None), message("user", 5), {}]) == "\n"


class Counted(str):
    """A text that counts how much of it is copied."""

    copied = 0

    def __getitem__(self, at):
        piece = super().__getitem__(at)
        Counted.copied += len(piece)
        return piece


@pytest.mark.parametrize("parts", [False, True])
def test_of_a_huge_conversation_only_a_bounded_part_is_read(parts):
    huge = Counted("begin " + "x" * 5_000_000 + " end")
    content = [{"type": "text", "text": huge}] * 100 if parts else huge
    Counted.copied = 0
    said = [message("system", content), *([message("user", content)] * 2_000)]
    text = text_of(said)
    assert len(text) <= MOST_CHARACTERS
    assert Counted.copied <= 10 * MOST_CHARACTERS
    assert text.startswith("begin ") and text.endswith(" end")
    assert text.count("begin ") >= 2  # of the system prompt, and of the last message
