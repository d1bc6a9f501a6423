"""Middle-out compression: which messages are removed, and which are kept."""

import pytest

from gateway.tokens.compression import compress, is_enabled, preference


def message(role: str, text: str, **fields) -> dict:
    return {"role": role, "content": text} | fields


def conversation(turns: int) -> list[dict]:
    talk = [message("user" if turn % 2 == 0 else "assistant", f"turn {turn} " + "x" * 400) for turn in range(turns)]
    return [message("system", "Be kind."), *talk, message("user", "last question")]


def test_messages_that_fit_are_unchanged():
    talk = conversation(4)
    assert compress(talk, 10_000) is talk


def test_the_middle_is_removed_and_both_ends_are_kept():
    talk = conversation(20)
    kept = compress(talk, 1200)
    assert kept[0] == talk[0]
    assert kept[1] == talk[1]
    assert kept[-1] == talk[-1]
    assert kept[-2] == talk[-2]
    assert len(kept) < len(talk)
    assert [one for one in talk if one in kept] == kept


def test_the_result_of_a_tool_is_removed_with_its_call():
    talk = [
        message("user", "x" * 800),
        message("assistant", "", tool_calls=[{"id": "1", "function": {"name": "f", "arguments": "{}"}}]),
        message("tool", "y" * 800, tool_call_id="1"),
        message("user", "z"),
    ]
    kept = compress(talk, 230)
    assert [one["role"] for one in kept] in (["user", "user"], ["user"])


def test_one_long_message_loses_its_middle():
    kept = compress([message("user", "begin" + "x" * 100_000 + "end")], 1000)
    assert kept[0]["content"].startswith("begin")
    assert kept[0]["content"].endswith("end")
    assert len(kept[0]["content"]) < 4100


def test_many_messages_keep_half_from_each_end():
    talk = [message("user", str(number)) for number in range(1500)]
    kept = compress(talk, 10**9, max_messages=1000)
    assert len(kept) == 1000
    assert kept[0]["content"] == "0"
    assert kept[-1]["content"] == "1499"


@pytest.mark.parametrize(
    ("body", "context", "enabled"),
    [
        ({}, 8192, True),
        ({}, 8193, False),
        ({"transforms": []}, 4096, False),
        ({"transforms": ["middle-out"]}, 200_000, True),
        ({"plugins": [{"id": "context-compression", "enabled": False}]}, 4096, False),
        ({"plugins": [{"id": "context-compression"}]}, 200_000, True),
    ],
)
def test_when_it_is_enabled(body, context, enabled):
    assert is_enabled(preference(body), context) is enabled
