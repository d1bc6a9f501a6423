"""The check of answers against their documented shapes, `tests/wire`."""

import pytest

from tests.wire import check, operations, problems

USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
CHUNK = {
    "id": "gen-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "a/b",
    "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}],
}
TEXT_BLOCK = {"type": "text", "text": "x", "citations": None}


def test_every_operation_has_the_shapes_of_success_and_errors():
    for operation, shapes in operations().items():
        assert "error" in shapes, operation
        assert operation == "POST /credits/coinbase" or {"200", "201"} & shapes.keys(), operation


def test_an_answer_of_its_shape_passes_with_fields_beyond_it():
    check("POST /chat/completions", "stream", CHUNK | {"provider": "OpenAI", "usage": USAGE})
    check("GET /models/count", 200, {"data": {"count": 3}})
    check("DELETE /keys/{hash}", 200, {"deleted": True})


@pytest.mark.parametrize("status", [400, 404, 503])
def test_errors_share_one_shape(status):
    check("GET /models/count", status, {"error": {"code": status, "message": "x", "metadata": None}})
    assert problems("GET /models/count", status, {"error": "x"}) == ['$.error: "x" is not an object']


@pytest.mark.parametrize(
    "answer, problem",
    [
        ({}, "$.data: missing"),
        ({"data": {"total_credits": 1, "total_usage": "2"}}, '$.data.total_usage: "2" is not number'),
        ({"data": {"total_credits": True, "total_usage": 2}}, "$.data.total_credits: true is not number"),
        ({"data": []}, "$.data: [] is not an object"),
    ],
)
def test_a_problem_is_named_by_its_path(answer, problem):
    with pytest.raises(AssertionError) as failed:
        check("GET /credits", 200, answer)
    assert problem in str(failed.value)


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"object": "list"}, """$.object: "list" is none of ['chat.completion.chunk']"""),
        ({"choices": [{"index": 0, "delta": {}}]}, "$.choices[0].finish_reason: missing"),
        ({"choices": {}}, "$.choices: {} is not a list"),
        ({"usage": USAGE | {"cost": "0.1"}}, '$.usage.cost: "0.1" is not number|null'),
    ],
)
def test_lists_enumerations_and_named_shapes_are_followed(change, problem):
    assert problem in problems("POST /chat/completions", "stream", CHUNK | change)


def test_a_member_of_a_union_is_found_by_its_type():
    event = {"type": "content_block_start", "index": 0, "content_block": TEXT_BLOCK | {"text": 1}}
    assert problems("POST /messages", "stream", event) == ["$.content_block.text: 1 is not string"]
    assert problems("POST /messages", "stream", event | {"content_block": TEXT_BLOCK}) == []
