"""The server that is called for an endpoint: its address, key and protocol."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from gateway.routing import upstreams
from gateway.routing.upstreams import Upstream, upstream_of
from tests.gateway.routing.examples import endpoint

SANDBOX = "http://127.0.0.1:8010"
ANTHROPIC = endpoint("anthropic", "1", base_url="https://api.anthropic.com/v1", key_variable="ANTHROPIC_API_KEY")
GOOGLE = endpoint(
    "google-ai-studio",
    "1",
    base_url="https://generativelanguage.googleapis.com/v1beta/openai",
    key_variable="GEMINI_API_KEY",
)
GROQ = endpoint("groq", "1", base_url="https://api.groq.com/openai/v1", key_variable="GROQ_API_KEY")


@pytest.fixture(autouse=True)
def nothing_configured(settings, monkeypatch):
    settings.SANDBOX_PROVIDERS_URL = SANDBOX
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "GROQ_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    upstreams.clear()
    yield
    upstreams.clear()


def test_without_keys_the_sandbox_simulates_every_provider_in_openais_protocol(settings):
    for one in (ANTHROPIC, GOOGLE, GROQ):
        assert upstream_of(one) == Upstream(f"{SANDBOX}/{one.provider}/v1", "sandbox", True, "openai_chat")
    settings.SANDBOX_PROVIDERS_URL = ""
    upstreams.clear()
    assert upstream_of(ANTHROPIC) is None


@pytest.mark.parametrize(
    ("one", "variable", "address", "protocol"),
    [
        (ANTHROPIC, "ANTHROPIC_API_KEY", "https://api.anthropic.com/v1", "anthropic"),
        (GOOGLE, "GEMINI_API_KEY", "https://generativelanguage.googleapis.com/v1beta", "google"),
        (GOOGLE, "GOOGLE_API_KEY", "https://generativelanguage.googleapis.com/v1beta", "google"),
        (GROQ, "GROQ_API_KEY", "https://api.groq.com/openai/v1", "openai_chat"),
        (endpoint("anthropic", "1"), "PROVIDER_ANTHROPIC_API_KEY", "https://api.anthropic.com/v1", "anthropic"),
    ],
)
def test_a_key_reaches_the_provider_itself_in_its_own_protocol(monkeypatch, one, variable, address, protocol):
    monkeypatch.setenv(variable, "key")
    assert upstream_of(one) == Upstream(address, "key", False, protocol)


def test_a_configured_address_and_protocol_override_the_providers_own(monkeypatch):
    monkeypatch.setenv("PROVIDER_ANTHROPIC_BASE_URL", "https://proxy.example/v1/")
    assert upstream_of(ANTHROPIC) == Upstream("https://proxy.example/v1", "", False, "anthropic")
    upstreams.clear()
    monkeypatch.setenv("PROVIDER_ANTHROPIC_PROTOCOL", "openai_chat")
    monkeypatch.setenv("PROVIDER_ANTHROPIC_API_KEY", "mine")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "ours")
    assert upstream_of(ANTHROPIC) == Upstream("https://proxy.example/v1", "mine", False, "openai_chat")


def test_googles_openai_compatible_api_is_used_when_configured(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "key")
    monkeypatch.setenv("PROVIDER_GOOGLE_AI_STUDIO_PROTOCOL", "openai_chat")
    assert upstream_of(GOOGLE) == Upstream(GOOGLE.base_url, "key", False, "openai_chat")


def test_another_provider_may_speak_anthropics_protocol(monkeypatch):
    monkeypatch.setenv("PROVIDER_GROQ_PROTOCOL", "anthropic")
    monkeypatch.setenv("GROQ_API_KEY", "key")
    assert upstream_of(GROQ) == Upstream("https://api.groq.com/openai/v1", "key", False, "anthropic")


def test_a_provider_that_is_pointed_at_the_sandbox_is_simulated(monkeypatch):
    monkeypatch.setenv("PROVIDER_ANTHROPIC_BASE_URL", f"{SANDBOX}/anthropic-native/v1")
    assert upstream_of(ANTHROPIC) == Upstream(f"{SANDBOX}/anthropic-native/v1", "", True, "anthropic")


def test_an_unknown_protocol_is_named(monkeypatch):
    monkeypatch.setenv("PROVIDER_GROQ_PROTOCOL", "smoke_signals")
    with pytest.raises(ImproperlyConfigured, match=r"PROVIDER_GROQ_PROTOCOL must be one of .* not 'smoke_signals'"):
        upstream_of(GROQ)


def test_a_provider_without_a_name_for_the_model_is_not_called(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    nameless = endpoint("anthropic", "1", provider_model_id="", key_variable="ANTHROPIC_API_KEY")
    assert upstream_of(nameless) == Upstream(f"{SANDBOX}/anthropic/v1", "sandbox", True)
