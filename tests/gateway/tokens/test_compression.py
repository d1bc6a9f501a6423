"""Middle-out: what goes, and what stays."""

import pytest

from gateway.tokens.compression import asked_for, compressed, is_wanted


def said(role: str, text: str, **fields) -> dict:
    return {"role": role, "content": text} | fields


def conversation(turns: int) -> list[dict]:
    talk = [said("user" if turn % 2 == 0 else "assistant", f"turn {turn} " + "x" * 400) for turn in range(turns)]
    return [said("system", "Be kind."), *talk, said("user", "last question")]


def test_what_fits_is_untouched():
    talk = conversation(4)
    assert compressed(talk, 10_000) is talk


def test_the_middle_goes_and_both_ends_stay():
    talk = conversation(20)
    kept = compressed(talk, 1200)
    assert kept[0] == talk[0]
    assert kept[1] == talk[1]
    assert kept[-1] == talk[-1]
    assert kept[-2] == talk[-2]
    assert len(kept) < len(talk)
    assert [message for message in talk if message in kept] == kept


def test_a_tools_answer_goes_with_its_call():
    talk = [
        said("user", "x" * 800),
        said("assistant", "", tool_calls=[{"id": "1", "function": {"name": "f", "arguments": "{}"}}]),
        said("tool", "y" * 800, tool_call_id="1"),
        said("user", "z"),
    ]
    kept = compressed(talk, 230)
    assert [message["role"] for message in kept] in (["user", "user"], ["user"])


def test_one_long_message_loses_its_middle():
    kept = compressed([said("user", "begin" + "x" * 100_000 + "end")], 1000)
    assert kept[0]["content"].startswith("begin")
    assert kept[0]["content"].endswith("end")
    assert len(kept[0]["content"]) < 4100


def test_many_messages_keep_half_from_each_end():
    talk = [said("user", str(number)) for number in range(1500)]
    kept = compressed(talk, 10**9, most_messages=1000)
    assert len(kept) == 1000
    assert kept[0]["content"] == "0"
    assert kept[-1]["content"] == "1499"


@pytest.mark.parametrize(
    ("body", "context", "wanted"),
    [
        ({}, 8192, True),
        ({}, 8193, False),
        ({"transforms": []}, 4096, False),
        ({"transforms": ["middle-out"]}, 200_000, True),
        ({"plugins": [{"id": "context-compression", "enabled": False}]}, 4096, False),
        ({"plugins": [{"id": "context-compression"}]}, 200_000, True),
    ],
)
def test_who_wants_it(body, context, wanted):
    assert is_wanted(asked_for(body), context) is wanted
