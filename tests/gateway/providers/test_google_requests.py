"""Request bodies in Google's protocol, without a network: for each kind of model, and what is left out."""

import pytest

from gateway.providers.google.models import MODELS, gemini_model
from tests.gateway.native import PNG, TOOL_CALL, TOOL_RESULT, WEATHER, for_google, image, user


def test_the_third_generation_gets_a_placeholder_for_a_missing_signature():
    calls = [TOOL_CALL, {**TOOL_CALL, "id": "call_2"}]
    calling = {"role": "assistant", "content": "Let me see.", "tool_calls": calls}
    results = [TOOL_RESULT, {**TOOL_RESULT, "tool_call_id": "call_2", "content": '{"degrees": 18}'}]
    for name, signature in (("gemini-2.5-flash", None), ("gemini-3-flash", "skip_thought_signature_validator")):
        contents = for_google(user("Weather?"), calling, *results, name=name, tools=[WEATHER])["contents"]
        first, second = contents[1]["parts"][1:]
        assert first.get("thoughtSignature") == signature
        assert "thoughtSignature" not in second
        assert [part["functionResponse"]["response"] for part in contents[2]["parts"]] == [
            {"result": "17 degrees"},
            {"degrees": 18},
        ]


def test_a_signature_goes_back_with_its_part():
    details = [
        {"type": "reasoning.text", "text": "Hm", "format": "google-gemini-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "forText", "id": None, "format": "google-gemini-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "forCall", "id": "call_1", "format": "google-gemini-v1", "index": 1},
        {"type": "reasoning.text", "text": "x", "signature": "claudes", "format": "anthropic-claude-v1"},
    ]
    reply = {"role": "assistant", "content": "Looking.", "tool_calls": [TOOL_CALL], "reasoning_details": details}
    text, call = for_google(user("Weather?"), reply, TOOL_RESULT, name="gemini-3-flash")["contents"][1]["parts"]
    assert text == {"text": "Looking.", "thoughtSignature": "forText"}
    assert call["thoughtSignature"] == "forCall"
    without_text = {"role": "assistant", "content": None, "reasoning_details": details[:2]}
    assert for_google(user("a"), without_text, user("b"))["contents"][1]["parts"] == [
        {"text": "", "thoughtSignature": "forText"}
    ]


def test_an_image_in_a_tool_result_follows_the_result():
    result = {**TOOL_RESULT, "content": [{"type": "text", "text": "a map"}, image(f"data:image/png;base64,{PNG}")]}
    calling = {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}
    parts = for_google(user("Map?"), calling, result)["contents"][2]["parts"]
    assert parts[0]["functionResponse"]["response"] == {"result": "a map"}
    assert parts[1]["inlineData"]["mimeType"] == "image/png"


def test_unsupported_parameters_are_left_out():
    body = for_google(fields={"supported_parameters": frozenset()}, temperature=1, tools=[WEATHER], top_k=3)
    assert body == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    system_only = for_google({"role": "system", "content": "Say hi."}, fields={"supported_parameters": frozenset()})
    assert system_only == {"contents": [{"role": "user", "parts": [{"text": "Say hi."}]}]}


def test_models_other_than_gemini_get_no_reasoning_parameters():
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
def test_an_effort_becomes_the_nearest_level_of_the_model(name, effort, level):
    config = for_google(name=name, reasoning={"effort": effort})["generationConfig"]
    assert config["thinkingConfig"]["thinkingLevel"] == level


def test_the_budget_of_a_pro_model_has_other_limits():
    fields = {"max_completion_tokens": 65_536}
    config = for_google(name="gemini-2.5-pro", reasoning={"effort": "high"}, fields=fields)["generationConfig"]
    assert config["thinkingConfig"]["thinkingBudget"] == 32_768
    config = for_google(name="gemini-2.5-pro", reasoning={"effort": "minimal"}, max_tokens=500)["generationConfig"]
    assert config["thinkingConfig"]["thinkingBudget"] == 128


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("gemma-4-31b-it", 0),
        ("gemini-2.5-pro", 1),
        ("gemini-2.0-flash-lite", 2),
        ("gemini-3.1-pro-preview", 3),
        ("gemini-3-flash", 4),
        ("gemini-3.1-flash-lite", 4),
        ("gemini-10-pro", 3),
        ("gemini-4-argon", 5),
    ],
)
def test_a_models_entry_is_found_by_its_name(name, entry):
    assert gemini_model(name) is MODELS[entry][1]
