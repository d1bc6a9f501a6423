"""Requests in Google's protocol, without a network: what is written for which model, and what is left out."""

import pytest

from tests.gateway.native import CALL, PNG, RESULT, WEATHER, for_google, image, user


def test_the_third_generation_gets_signatures_for_calls_that_have_none():
    calls = [CALL, {**CALL, "id": "call_2"}]
    asked = {"role": "assistant", "content": "Let me see.", "tool_calls": calls}
    results = [RESULT, {**RESULT, "tool_call_id": "call_2", "content": '{"degrees": 18}'}]
    for name, signature in (("gemini-2.5-flash", None), ("gemini-3-flash", "skip_thought_signature_validator")):
        contents = for_google(user("Weather?"), asked, *results, name=name, tools=[WEATHER])["contents"]
        first, second = contents[1]["parts"][1:]
        assert first.get("thoughtSignature") == signature
        assert "thoughtSignature" not in second
        assert [part["functionResponse"]["response"] for part in contents[2]["parts"]] == [
            {"result": "17 degrees"},
            {"degrees": 18},
        ]


def test_a_signature_goes_back_to_the_part_it_came_with():
    details = [
        {"type": "reasoning.text", "text": "Hm", "format": "google-gemini-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "forText", "id": None, "format": "google-gemini-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "forCall", "id": "call_1", "format": "google-gemini-v1", "index": 1},
        {"type": "reasoning.text", "text": "x", "signature": "claudes", "format": "anthropic-claude-v1"},
    ]
    said = {"role": "assistant", "content": "Looking.", "tool_calls": [CALL], "reasoning_details": details}
    text, call = for_google(user("Weather?"), said, RESULT, name="gemini-3-flash")["contents"][1]["parts"]
    assert text == {"text": "Looking.", "thoughtSignature": "forText"}
    assert call["thoughtSignature"] == "forCall"
    silent = {"role": "assistant", "content": None, "reasoning_details": details[:2]}
    assert for_google(user("a"), silent, user("b"))["contents"][1]["parts"] == [
        {"text": "", "thoughtSignature": "forText"}
    ]


def test_a_tools_picture_goes_beside_its_result():
    result = {**RESULT, "content": [{"type": "text", "text": "a map"}, image(f"data:image/png;base64,{PNG}")]}
    asked = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    parts = for_google(user("Map?"), asked, result)["contents"][2]["parts"]
    assert parts[0]["functionResponse"]["response"] == {"result": "a map"}
    assert parts[1]["inlineData"]["mimeType"] == "image/png"


def test_google_gets_no_more_than_it_was_asked():
    body = for_google(fields={"supported_parameters": frozenset()}, temperature=1, tools=[WEATHER], top_k=3)
    assert body == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    only = for_google({"role": "system", "content": "Say hi."}, fields={"supported_parameters": frozenset()})
    assert only == {"contents": [{"role": "user", "parts": [{"text": "Say hi."}]}]}


def test_other_models_of_googles_are_not_told_how_to_think():
    assert "generationConfig" not in for_google(name="gemma-4-31b-it", reasoning={"effort": "high"})


@pytest.mark.parametrize(
    ("name", "effort", "level"),
    [
        ("gemini-3-flash-preview", "minimal", "minimal"),
        ("gemini-3.1-flash-lite", "minimal", "minimal"),
        ("gemini-3.8-flash", "minimal", "low"),
        ("gemini-4-argon", "max", "high"),
        ("gemini-nano-banana-2.1", "medium", "medium"),
    ],
)
def test_a_level_is_the_nearest_that_the_model_has(name, effort, level):
    config = for_google(name=name, reasoning={"effort": effort})["generationConfig"]
    assert config["thinkingConfig"]["thinkingLevel"] == level


def test_the_budget_of_the_largest_model_has_other_limits():
    fields = {"max_completion_tokens": 65_536}
    config = for_google(name="gemini-2.5-pro", reasoning={"effort": "high"}, fields=fields)["generationConfig"]
    assert config["thinkingConfig"]["thinkingBudget"] == 32_768
    config = for_google(name="gemini-2.5-pro", reasoning={"effort": "minimal"}, max_tokens=500)["generationConfig"]
    assert config["thinkingConfig"]["thinkingBudget"] == 128
