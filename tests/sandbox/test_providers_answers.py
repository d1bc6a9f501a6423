"""What the writer says: it does what a first visitor or a test tries, and never hides what it is."""

import base64
import json
import re
import struct

import pytest

from sandbox.providers.writer import closing_line


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def system(text):
    return {"role": "system", "content": text}


QUESTIONS = [
    "Hello", "Tell me about tea", "What is 2 + 2?", "List three ideas for a party", "Write a haiku about rain",
    "Who are you?", "Write a Python function that sorts names", "Compare cats and dogs", "Show me Markdown", "?", "",
    "Explique-moi le thé", "Write an e-mail to my landlord", "Tell me a story about a fox", "Tell me a joke",
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_says_in_its_last_line_that_it_is_simulated_and_for_which_model(providers, question):
    last = providers.say(question, model="acme/clever-1").rstrip().splitlines()[-1]
    assert re.search("sandbox", last, re.IGNORECASE) and "`acme/clever-1`" in last
    assert re.search("simul", last, re.IGNORECASE)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Say exactly: pong", "pong"),
        ('Reply with exactly "Hello, World!" and nothing else.', "Hello, World!"),
        ("Reply with only the word OK", "OK"),
        ("Answer only yes or no: is water wet?", "yes"),
        ("Repeat after me: one, two", "one, two"),
        ("What is 6*7? Answer with just the number.", "42"),
        ("Please say exactly this: ünïcödé – 日本語", "ünïcödé – 日本語"),
        ('Respond with just: {"ok": true}', '{"ok": true}'),
    ],
)
def test_exact_words_are_said_and_nothing_else(providers, question, words):
    assert providers.say(question) == words


@pytest.mark.parametrize(
    "question",
    ["Answer only in French: what is tea?", "Write exactly 100 words about tea", "Explain tea, just in brief"],
)
def test_a_manner_is_not_taken_for_exact_words(providers, question):
    assert closing_line("openai/gpt-4o", "fr" if "French" in question else "en") in providers.say(question)


@pytest.mark.parametrize(
    ("question", "result"),
    [
        ("What is 2 + 2?", "= 4"),
        ("12 * (7 + 3) / 4", "= 30"),
        ("What's 17% of 250?", "= 42.5"),
        ("What is 2^64", "= 18,446,744,073,709,551,616"),
        ("2 ** 10 - 24", "= 1,000"),
        ("Calculate 1,250.50 plus 49.5", "= 1,300"),
        ("what is 10 divided by 4", "= 2.5"),
        ("What is 1/3?", "≈ 0.3333333333"),
        ("square root of 144", "= 12"),
        ("What is the square root of 2?", "≈ 1.4142135624"),
        ("What is 20!", "= 2,432,902,008,176,640,000"),
        ("What is -3 squared?", "= −9"),
        ("17 mod 5", "= 2"),
        ("0.1 + 0.2", "= 0.3"),
    ],
)
def test_sums_are_done_exactly(providers, question, result):
    text = providers.say(question).replace("-", "−")
    assert f"**{result}**" in text


def test_a_longer_sum_is_done_step_by_step(providers):
    assert "1. 7 + 3 = 10\n2. 12 × 10 = 120\n3. 120 ÷ 4 = 30" in providers.say("What is 12 * (7 + 3) / 4?")


@pytest.mark.parametrize(
    "question",
    [
        "What is 1/0?",
        "What is 9^9^9?",
        "I was born on 1990-05-12",
        "What is 200000!",
        "Call 555-1234-777",
        "What is 2 +",
    ],
)
def test_what_is_no_sum_is_not_done(providers, question):
    assert "**=" not in providers.say(question) and "≈" not in providers.say(question)


@pytest.mark.parametrize(("count", "expected"), [("4", 4), ("ten", 10), ("25", 25), ("1", 1)])
def test_a_list_has_as_many_items_as_asked_for(providers, count, expected):
    text = providers.say(f"List {count} tips for better sleep")
    numbers = re.findall(r"^(\d+)\. \*\*", text, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, expected + 1)]


@pytest.mark.parametrize("words", [1, 40, 500, 2000])
def test_an_essay_has_as_many_words_as_asked_for(providers, words):
    text = providers.say(f"Write {words} words about rivers")
    body = text.removesuffix(closing_line("openai/gpt-4o"))
    counted = " ".join(line for line in body.splitlines() if not line.startswith("#"))
    assert len(counted.split()) == words
    assert text.startswith("# Rivers\n")


def test_a_letter_is_counted_in_a_word(providers):
    assert "There are **3** “r” in “strawberry” (place 3, 8, 9)." in providers.say("How many r's are in strawberry?")


def test_it_counts(providers):
    assert providers.say("Count to 12").startswith("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.\n")


@pytest.mark.parametrize(
    ("question", "language", "part"),
    [
        ("Write a Python function to reverse a string", "python", "def reverse"),
        ("Write a function in Go that parses CSV files", "go", "package main"),
        ("Show me hello world in Rust", "rust", 'println!("Hello, world!")'),
        ("fibonacci in javascript", "javascript", "function* fibonacci"),
        ("Give me a C program", "c", "#include <stdio.h>"),
        ("SQL query for the newest customers", "sql", "SELECT"),
        ("A bash script please", "bash", "#!/usr/bin/env bash"),
        ("Write code that sorts", "python", "def "),
    ],
)
def test_a_program_comes_in_the_language_asked_for(providers, question, language, part):
    block = re.search(r"```(\w+)\n(.*?)\n```", providers.say(question), re.DOTALL)
    assert block[1] == language and part in block[2]


@pytest.mark.parametrize(
    ("problem", "printed"),
    [
        ("fibonacci", "34]"),
        ("factorial", "3628800"),
        ("the primes", "29]"),
        ("fizzbuzz", "FizzBuzz"),
        ("sort names", "'tea': 2"),
    ],
)
def test_a_python_program_runs(providers, capsys, problem, printed):
    source = re.search(r"```python\n(.*?)\n```", providers.say(f"Write {problem} in Python"), re.DOTALL)[1]
    exec(compile(source, "answer", "exec"), {"__name__": "__main__"})
    assert printed in capsys.readouterr().out


def test_a_comparison_is_a_table_of_both(providers):
    text = providers.say("Compare PostgreSQL and SQLite in a table")
    assert "| Aspect | PostgreSQL | SQLite |\n| --- | --- | --- |\n" in text


def test_formulas_are_tex_and_markdown_is_shown_whole(providers):
    assert "$$\nx = \\frac{-b \\pm" in providers.say("Show me the quadratic formula")
    sampler = providers.say("Show me what Markdown can do")
    assert all(part in sampler for part in ("# ", "```", "| --", "- [x]", "> ", "$$", "~~", "🙂"))


def test_a_question_it_happens_to_know_is_answered(providers):
    assert "**Paris**" in providers.say("What is the capital of France?")


def test_an_ordinary_question_is_answered_about_its_topic(providers):
    text = providers.say("Could you please explain how black holes work?")
    assert text.startswith("## Black holes\n") and text.count("\n- **") >= 3


def test_earlier_turns_are_remembered(providers):
    talk = [user("My name is Grace. Tell me about volcanoes"), assistant("They are hot.")]
    assert "*volcanoes*" in providers.say([*talk, user("What about geysers?")])
    assert "**Grace**" in providers.say([*talk, user("What is my name?")])
    assert "> My name is Grace. Tell me about volcanoes" in providers.say([*talk, user("What did I ask before?")])
    assert "volcanoes" in providers.say([*talk, user("Make it shorter")]).lower()
    assert "You have not told me" in providers.say([user("What is my name?")])
    assert "first thing" in providers.say([user("What did I ask before?")])
    assert "```python" in providers.say([user("Write quicksort in Rust"), assistant("..."), user("now in Python")])


def test_the_system_prompt_is_heeded_in_small_ways(providers):
    def say(instruction, question="Tell me about tea"):
        return providers.say([system(instruction), user(question)])

    assert say("Start every answer with 'Ahoy!'").startswith("Ahoy!")
    assert "\n\nCheers\n\n" in say("End every reply with “Cheers”.")
    assert "I am **Max**." in say("Your name is Max.", "Who are you?")
    assert say("You are a pirate.").startswith("Arr, matey!")
    assert "TEA" in say("Answer in uppercase.") and "tea" not in say("Answer in uppercase.").split("*Simulated")[0]
    assert len(say("Be concise.")) < len(say("You are helpful."))
    assert not re.search(r"[*`#]", say("No markdown, plain text only."))
    assert say("Always answer in German.").startswith("## Tea\n\nHier ist")


def test_a_developer_message_counts_as_one_of_the_system(providers):
    assert providers.say([{"role": "developer", "content": "Start every answer with 'Ahoy!'"}, user("Hi")]).startswith(
        "Ahoy!"
    )


def test_a_prefilled_answer_is_continued(providers):
    text = providers.say([user("Tell me about tea"), assistant("Tea is")])
    assert text.startswith(" ") and not text.startswith(" #")


def png(width, height):
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0) + b"\0\0\0\0"
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def gif(width, height):
    return (
        f"data:image/gif;base64,{base64.b64encode(b'GIF89a' + struct.pack('<HH', width, height) + bytes(3)).decode()}"
    )


def jpeg(width, height):
    data = b"\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(12)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def test_images_and_files_are_acknowledged(providers):
    parts = [{"type": "text", "text": "What is this?"}]
    parts += [{"type": "image_url", "image_url": {"url": url}} for url in (png(640, 480), gif(32, 16), jpeg(1024, 768))]
    parts += [
        {"type": "image_url", "image_url": {"url": "https://pictures.example/cat.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,????"}},
        {"type": "file", "file": {"filename": "report.pdf", "file_data": "data:application/pdf;base64," + "A" * 4096}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    text = providers.say([user(parts)])
    for words in (
        "a PNG image of 640 × 480 pixels", "a GIF image of 32 × 16 pixels", "a JPEG image of 1024 × 768 pixels",
        "an image at pictures.example", "report.pdf (3.0 KiB)", "a recording (wav, 3 bytes)",
    ):  # fmt: skip
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
def test_it_thinks_when_asked_to(providers, fields, thinks):
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
    for prompt in (
        "and, or between " * 20_000,
        "((((" * 5000,
        "1 + " * 5000,
        "a" * 100_000,
        "x, " * 30_000,
        "\n" * 50_000,
        "=" * 9000,
    ):
        response = providers.post("openai", prompt, {"X-Sandbox-Delay": "0"}, max_tokens=5)
        assert response.status_code == 200
        assert response.elapsed.total_seconds() < 3


def test_parts_and_tools_that_make_no_sense_do_not_disturb_it(providers):
    odd = [{"type": "image_url"}, {"type": "image_url", "image_url": 7}, {"type": "hologram"}, {"type": "text"}, 5, {}]
    tools = [
        {"type": "function"},
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"x": True}}}},
    ]
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": None}]},
        {"role": "tool", "content": "[]", "tool_call_id": "9"},
        user(odd),
    ]
    assert providers.post("openai", messages, tools=tools, tool_choice="required").status_code == 200
    assert providers.post("openai", messages, response_format={"type": "json_schema"}).status_code == 200


def test_json_answers_hold_nothing_but_json(providers):
    text = providers.say("A person, please", response_format={"type": "json_object"})
    assert set(json.loads(text)) == {"topic", "summary", "points"}
