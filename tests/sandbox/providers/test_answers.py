"""The writer's answers: useful to a first visitor and to tests, and always marked as simulated."""

import base64
import io
import json
import re
import struct
import wave

import pytest

from sandbox.providers.writer import closing_line


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


QUESTIONS = [
    "Hello", "Tell me about tea", "What is 2 + 2?", "List three ideas for a party", "Who are you?", "?", "",
    "Write a Python function that sorts names", "Compare cats and dogs", "Show me Markdown", "Explique-moi le thé",
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_says_in_its_last_line_that_it_is_simulated_and_for_which_model(providers, question):
    last = providers.say(question, model="acme/clever-1").rstrip().splitlines()[-1]
    assert last == closing_line("acme/clever-1") and "Simulated" in last and "`acme/clever-1`" in last


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Say exactly: pong", "pong"),
        ('Reply with exactly "Hello, World!" and nothing else.', "Hello, World!"),
        ("Reply with only the word OK", "OK"),
        ("Please say exactly this: ünïcödé – 日本語", "ünïcödé – 日本語"),
        ("Say exactly: # A heading\n\n- one: two", "# A heading\n\n- one: two"),
        ('Respond with just: {"ok": true}', '{"ok": true}'),
    ],
)
def test_exact_words_are_said_and_nothing_else(providers, question, words):
    assert providers.say(question) == words


@pytest.mark.parametrize(
    "question",
    ["Answer only in French, what is tea?", "Write exactly 100 words about tea", "Explain tea, just briefly"],
)
def test_a_manner_is_not_taken_for_exact_words(providers, question):
    assert closing_line("openai/gpt-4o") in providers.say(question)


@pytest.mark.parametrize(("count", "expected"), [("4", 4), ("10", 10), ("25", 25), ("1", 1), ("0", 1)])
def test_a_list_has_the_number_of_items_requested(providers, count, expected):
    text = providers.say(f"List {count} tips for better sleep")
    names = re.findall(r"^(\d+)\. \*\*(.*?)\*\*", text, re.MULTILINE)
    assert [number for number, _ in names] == [str(number) for number in range(1, expected + 1)]
    assert len({name for _, name in names}) == expected


@pytest.mark.parametrize(
    ("question", "language", "part"),
    [
        ("Write a Python function to reverse a string", "python", "def "),
        ("Show me hello world in Rust", "rust", "fn main"),
        ("Write quicksort in javascript", "javascript", "const "),
        ("SQL query for the newest customers", "sql", "SELECT"),
        ("A bash script please", "bash", "#!/usr/bin/env bash"),
        ("Write code that sorts", "python", "def "),
    ],
)
def test_code_is_in_the_language_requested(providers, question, language, part):
    block = re.search(r"```(\w+)\n(.*?)\n```", providers.say(question), re.DOTALL)
    assert block[1] == language and part in block[2]


def test_a_comparison_is_a_table_of_the_things_named(providers):
    two = providers.say("Compare PostgreSQL and SQLite in a table")
    assert two.startswith("## PostgreSQL and SQLite\n")
    assert "| Aspect | PostgreSQL | SQLite |\n| --- | --- | --- |\n" in two
    assert "| Aspect | PostgreSQL | SQLite | DuckDB |\n" in providers.say(
        "Compare PostgreSQL, SQLite and DuckDB: cost?"
    )
    assert "| Aspect | What to look at |\n" in providers.say("A table about tea")


def test_markdown_is_shown_whole(providers):
    sampler = providers.say("Show me what Markdown can do")
    assert all(part in sampler for part in ("# ", "```", "| :--", "- [x]", "> ", "$$", "~~", "🙂"))


def test_an_ordinary_question_is_quoted_and_answered_about_its_topic(providers):
    question = "Could you please explain how black holes work?"
    text = providers.say(question)
    assert text.startswith(f"## Black holes\n\n> {question}\n") and text.count("\n- **") >= 3


def test_earlier_turns_are_remembered(providers):
    talk = [user("Tell me about volcanoes"), assistant("They are hot."), user("What about geysers?")]
    text = providers.say(talk)
    assert "geysers" in text and "message number 2" in text and "Tell me about volcanoes" in text


def test_a_prefilled_answer_is_continued(providers):
    text = providers.say([user("Tell me about tea"), assistant("Tea is")])
    assert text.startswith(" ") and not text.startswith(" #")


def png(width, height):
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0) + b"\0\0\0\0"
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def wav(seconds):
    target = io.BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 8000 * seconds))
    return base64.b64encode(target.getvalue()).decode()


def test_images_and_files_are_acknowledged(providers):
    parts = [{"type": "text", "text": "What is this?"}]
    urls = (png(640, 480), "data:image/gif;base64,R0lGODlh", "https://pictures.example/cat.png", "http://[",
            "data:image/png;base64,????")  # fmt: skip
    parts += [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    parts += [
        {"type": "file", "file": {"filename": "report.pdf", "file_data": "data:application/pdf;base64," + "A" * 4096}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": wav(3), "format": "wav"}},
    ]
    text = providers.say([user(parts)])
    for words in ("a PNG image of 640 × 480 pixels", "a GIF image", "an image at pictures.example",
                  "an image at an unknown address", "the file report.pdf", "a recording and",
                  "a recording of 3 s"):  # fmt: skip
        assert words in text


def test_a_seed_or_temperature_zero_gives_the_same_words_again(providers):
    def texts(**fields):
        return {providers.answer("Tell me about tea", **fields)["content"] for _ in range(3)}

    assert len(texts(seed=7)) == 1
    assert len(texts(temperature=0)) == 1
    assert len(texts(seed=7) | texts(seed=8)) == 2
    assert len(texts()) == 3
    assert len(texts(seed=7, temperature=0.5) | texts(seed=7, temperature=1.5)) == 2


@pytest.mark.parametrize(
    ("fields", "thinks"),
    [
        ({"reasoning_effort": "low"}, True),
        ({"reasoning": {"effort": "high"}}, True),
        ({"reasoning": {"enabled": True}}, True),
        ({"reasoning": {"max_tokens": 10}}, True),
        ({"include_reasoning": True}, True),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning": {"enabled": False}}, False),
        ({"include_reasoning": False}, False),
        ({}, False),
    ],
)
def test_it_thinks_on_request(providers, fields, thinks):
    message = providers.answer("Tell me about tea", **fields)
    assert ("tea" in message.get("reasoning_content", "")) == thinks


def test_harder_thinking_is_longer_and_a_budget_is_kept(providers):
    def reasoning(**fields):
        usage = providers.post("openai", "Tell me about tea", seed=1, **fields).json()["usage"]
        return usage["completion_tokens_details"]["reasoning_tokens"]

    efforts = [reasoning(reasoning_effort=effort) for effort in ("minimal", "low", "medium", "high", "xhigh", "max")]
    assert efforts == sorted(set(efforts))
    assert reasoning(reasoning={"max_tokens": 12}) == 12


def test_excluded_reasoning_is_counted_but_not_shown(providers):
    reply = providers.post("openai", "Tell me about tea", reasoning={"effort": "low", "exclude": True}).json()
    assert "reasoning_content" not in reply["choices"][0]["message"]
    assert reply["usage"]["completion_tokens_details"]["reasoning_tokens"] > 10


def test_a_long_or_strange_prompt_is_answered_quickly(providers):
    for prompt in ("and, or between " * 20_000, "((((" * 5000, "a" * 100_000, "x, " * 30_000, "\n" * 50_000,
                   "compare a and " * 9000, "say exactly the " * 9000, "1 a b " * 9000):  # fmt: skip
        response = providers.post("openai", prompt, {"X-Sandbox-Delay": "0"}, max_tokens=5)
        assert response.status_code == 200
        assert response.elapsed.total_seconds() < 3


def test_json_answers_hold_nothing_but_json(providers):
    text = providers.say("A person, please", response_format={"type": "json_object"})
    assert set(json.loads(text)) == {"topic", "summary"}


@pytest.mark.parametrize(
    ("prompt", "options"),
    [
        ("Describe Lisbon. Answer with JSON in this schema: {}", {}),
        ("Describe Lisbon. The tool: {{'parameters': {}}}", {"response_format": {"type": "json_object"}}),
    ],
)
def test_a_schema_in_the_prompt_is_followed_as_a_model_would(providers, prompt, options):
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "area": {"type": "integer"}}}
    schema["required"] = list(schema["properties"])
    written = json.loads(providers.say(prompt.format(json.dumps(schema)), **options))
    assert set(written) == {"city", "area"} and isinstance(written["area"], int)


def test_exact_words_and_malformed_schemas_are_no_schema_to_follow(providers):
    quoted = '{"properties": {"a": {"type": "string"}}}'
    assert providers.say(f"Say exactly: {quoted}") == quoted
    assert "Simulated" in providers.say('What is wrong with {"properties": {"a": {"type": "word"}}} here?')


def test_notes_that_an_agent_adds_are_not_the_question(providers):
    note = f"<system-reminder>\nTools: {'search, ' * 2000}\n</system-reminder>"
    content = [{"type": "text", "text": text} for text in (note, "Say exactly: pong", note)]
    assert providers.say([{"role": "user", "content": content}]) == "pong"
