"""OpenRouter's own packages, unmodified, against the running site: `openrouter` in Python, `@openrouter/sdk` in Node.

They check each answer against the types of their version, and throw when a field is missing. The calls of operations
that are not served here are left out until they are.
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from openrouter import OpenRouter, errors
from openrouter.operations import ListModelsUserSecurity

from tests.api.paths import is_served
from tests.clients.test_openai import run_javascript
from tests.support.processes import Site, wait_until

MODEL = "openai/gpt-4o-mini"
QUESTION: list[Any] = [{"role": "user", "content": "What is the meaning of life?"}]
#: Moves what the account has used to two days ago: its activity covers completed days.
TWO_DAYS_LATER = """
from datetime import timedelta
from accounts.models import User
from gateway.models import UsageHour
hours = UsageHour.objects.filter(account__organisation__personal_of__email="{email}")
for hour in hours:
    hour.hour -= timedelta(days=2)
    hour.save()
"""
TURN_LOGGING_ON = """
from accounts.models import User
from accounts.organisations import logging_consent
user = User.objects.get(email="{email}")
logging_consent.turn_on(user.personal_organisation, user, 10_000, [])
"""


@pytest.fixture(scope="module")
def accounts() -> dict[str, dict[str, str]]:
    return {}


@pytest.fixture
def account(site: Site, accounts: dict[str, dict[str, str]]) -> dict[str, str]:
    """An account of this module with $25: its email, an API key and a management key."""
    if site.url not in accounts:
        accounts[site.url] = new_account(site)
    return accounts[site.url]


def new_account(site: Site) -> dict[str, str]:
    email = f"sdk-{uuid.uuid4().hex[:12]}@example.com"
    account: dict[str, str] = json.loads(site.manage("demo_account", "--email", email, "--json"))
    return account


@pytest.fixture
def client(site: Site, account: dict[str, str]) -> Iterator[OpenRouter]:
    with OpenRouter(api_key=account["api_key"], server_url=f"{site.url}/api/v1", retry_config=None) as client:
        yield client


@pytest.fixture
def manager(site: Site, account: dict[str, str]) -> Iterator[OpenRouter]:
    with OpenRouter(api_key=account["management_key"], server_url=f"{site.url}/api/v1") as client:
        yield client


# --- Python ----------------------------------------------------------------------------------------


def test_a_chat_is_answered_whole_and_streamed(client: OpenRouter):
    whole = client.chat.send(model=MODEL, messages=QUESTION)
    assert whole.choices[0].message.content and whole.usage
    details = whole.usage.cost_details
    assert whole.usage.cost and details
    halves = details.upstream_inference_prompt_cost + details.upstream_inference_completions_cost
    assert halves == pytest.approx(whole.usage.cost)
    with client.chat.send(model=MODEL, messages=QUESTION, stream=True) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].usage and chunks[-1].usage.cost


def test_a_chat_with_reasoning_tools_and_a_schema(client: OpenRouter):
    tool: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    called = client.chat.send(model=MODEL, messages=QUESTION, tools=[tool], tool_choice="required")
    assert called.choices[0].message.tool_calls
    thought = client.chat.send(
        model="anthropic/claude-sonnet-4.5", messages=QUESTION, reasoning={"effort": "high"}, max_tokens=5000
    )
    assert thought.choices[0].message.reasoning
    shaped = client.chat.send(model=MODEL, messages=QUESTION, response_format={"type": "json_object"})
    assert isinstance(json.loads(str(shaped.choices[0].message.content)), dict)


def test_errors_are_the_packages_own(site: Site, client: OpenRouter):
    with pytest.raises(errors.BadRequestResponseError, match="unknown/model"):
        client.chat.send(model="unknown/model", messages=QUESTION)
    with (
        OpenRouter(api_key="sk-or-v1-none", server_url=f"{site.url}/api/v1") as nameless,
        pytest.raises(errors.UnauthorizedResponseError),
    ):
        nameless.api_keys.get_current_key_metadata()
    with pytest.raises(errors.NotFoundResponseError, match="not found"):
        client.generations.get_generation(id="gen-0-none")
    with pytest.raises(errors.NotFoundResponseError, match="logging was not on"):
        made = client.chat.send(model=MODEL, messages=QUESTION)
        client.generations.list_generation_content(id=made.id)


def test_the_catalog(client: OpenRouter, account: dict[str, str]):
    listed = client.models.list()
    assert listed is not None and listed.result.total_count == len(listed.result.data) > 100
    assert client.models.count().data.count == listed.result.total_count
    paged = client.models.list(limit=60, offset=0)
    assert paged is not None and len(paged.result.data) == 60
    following = paged.next()
    assert following is not None and following.result.data[0].id != paged.result.data[0].id
    assert client.models.get(author="openai", slug="gpt-4o-mini").data.id == MODEL
    allowed = client.models.list_for_user(security=ListModelsUserSecurity(bearer=account["api_key"]))
    assert allowed is not None and allowed.result.data
    served = client.endpoints.list(author="openai", slug="gpt-4o-mini").data
    assert served.endpoints[0].supports_tool_choice.required
    assert client.endpoints.list_zdr_endpoints().data
    assert client.providers.list().data


def test_keys_and_their_secrets(site: Site, manager: OpenRouter):
    made = manager.api_keys.create(name="Notes", limit=5, limit_reset="monthly")
    assert made.key.startswith("sk-or-v1-") and made.data.workspace_id
    with OpenRouter(api_key=made.key, server_url=f"{site.url}/api/v1") as owner:
        current = owner.api_keys.get_current_key_metadata().data
    assert (current.limit, current.effective_budget and current.effective_budget.limit_usd) == (5, 5)
    assert made.data.hash in {key.hash for key in manager.api_keys.list().data}
    changed = manager.api_keys.update(hash=made.data.hash, name="Old notes", disabled=True)
    assert manager.api_keys.get(hash=made.data.hash).data.name == changed.data.name == "Old notes"
    manager.api_keys.delete(hash=made.data.hash)
    with pytest.raises(errors.NotFoundResponseError):
        manager.api_keys.get(hash=made.data.hash)


def test_what_was_used(site: Site, client: OpenRouter, manager: OpenRouter, account: dict[str, str]):
    made = client.chat.send(model=MODEL, messages=QUESTION)
    described = client.generations.get_generation(id=made.id).data
    assert described.total_cost == (made.usage and made.usage.cost)
    assert described.provider_responses and described.provider_responses[0].status == 200
    manager.generations.submit_feedback(generation_id=made.id, category="formatting", comment="Too many commas")
    assert 0 < manager.credits.get_credits().data.total_usage < 25
    site.manage("shell", "--no-imports", "-c", TWO_DAYS_LATER.format(email=account["email"]))
    rows = manager.analytics.get_user_activity().data
    assert MODEL in {row.model for row in rows}
    names = [metric.name for metric in manager.analytics.get_analytics_meta().data.metrics]
    filters: Any = [{"field": "model", "operator": "in", "value": [MODEL]}]
    used = manager.analytics.query_analytics(
        metrics=names, dimensions=["model", "api_key_id"], granularity="day", filters=filters
    )
    assert used.data.metadata.row_count == len(used.data.data) > 0 and not used.data.metadata.truncated


@pytest.mark.skipif(not is_served("/embeddings"), reason="not served")
def test_embeddings(client: OpenRouter):
    listed = client.embeddings.list_models()
    assert listed is not None
    made = client.embeddings.generate(model=listed.result.data[0].id, input=["a lighthouse", "a ship"])
    assert not isinstance(made, str) and len(made.data) == 2


@pytest.mark.skipif(not is_served("/rerank"), reason="not served")
def test_rerank(client: OpenRouter):
    models = client.models.list(output_modalities="rerank")
    if models is None or not models.result.data:
        pytest.skip("no model ranks")
    ranked = client.rerank.rerank(model=models.result.data[0].id, query="light", documents=["a ship", "a lamp"])
    assert not isinstance(ranked, str) and len(ranked.results) == 2


@pytest.mark.skipif(not is_served("/responses"), reason="not served")
def test_responses(client: OpenRouter):
    whole = client.responses.send(model=MODEL, input="What is the meaning of life?")
    assert whole.status == "completed" and whole.output
    with client.responses.send(model=MODEL, input="What is the meaning of life?", stream=True) as stream:
        assert [event.type for event in stream][-1] == "response.completed"


def test_own_provider_keys(manager: OpenRouter):
    made = manager.byok.create(key=f"sk-own-{uuid.uuid4().hex}", provider="openai", name="Ours").data
    assert made.provider == "openai" and made.name == "Ours"
    listed = manager.byok.list(provider="openai")
    assert listed is not None and made.id in {key.id for key in listed.result.data}
    changed = manager.byok.update(id=made.id, name="Our own", disabled=True, is_required=True).data
    assert manager.byok.get(id=made.id).data == changed
    assert (changed.name, changed.is_required, changed.is_byok_only) == ("Our own", True, True)
    manager.byok.delete(id=made.id)
    with pytest.raises(errors.NotFoundResponseError):
        manager.byok.get(id=made.id)


def test_a_code_of_an_app_is_exchanged_for_a_key_once(site: Site, client: OpenRouter):
    verifier = uuid.uuid4().hex * 2
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    code = client.o_auth.create_auth_code(
        callback_url="https://app.example.com/back", code_challenge=challenge, code_challenge_method="S256", limit=5
    ).data.id
    key = client.o_auth.exchange_auth_code_for_api_key(code=code, code_verifier=verifier, code_challenge_method="S256")
    with OpenRouter(api_key=key.key, server_url=f"{site.url}/api/v1") as app:
        assert app.api_keys.get_current_key_metadata().data.limit == 5
    with pytest.raises(errors.ForbiddenResponseError):
        client.o_auth.exchange_auth_code_for_api_key(code=code, code_verifier=verifier, code_challenge_method="S256")


def test_guardrails_of_keys(manager: OpenRouter):
    key = manager.api_keys.create(name="Watched").data
    made = manager.guardrails.create(name="Small budget", limit_usd=3, reset_interval="daily").data
    assert manager.guardrails.bulk_assign_keys(id=made.id, key_hashes=[key.hash]).assigned_count == 1
    assigned = manager.guardrails.list_guardrail_key_assignments(id=made.id)
    assert assigned is not None and [each.key_hash for each in assigned.result.data] == [key.hash]
    assert manager.guardrails.update(id=made.id, limit_usd=4).data.limit_usd == 4
    assert manager.guardrails.bulk_unassign_keys(id=made.id, key_hashes=[key.hash]).unassigned_count == 1
    manager.guardrails.delete(id=made.id)
    with pytest.raises(errors.NotFoundResponseError):
        manager.guardrails.get(id=made.id)


def test_rankings_as_data(client: OpenRouter):
    assert client.datasets.get_rankings_daily().meta.version == "v1"
    apps = client.datasets.get_app_rankings(limit=10)
    assert apps is not None and apps.result.meta.version == "v1"


def test_what_is_logged_with_consent_is_read_back(site: Site):
    account = new_account(site)  # requests of logged accounts have a discount
    site.manage("shell", "--no-imports", "-c", TURN_LOGGING_ON.format(email=account["email"]))
    with OpenRouter(api_key=account["api_key"], server_url=f"{site.url}/api/v1", retry_config=None) as client:

        def is_stored() -> bool:  # it is stored beside the response
            made = client.chat.send(model=MODEL, messages=QUESTION)
            time.sleep(0.5)
            try:
                content = client.generations.list_generation_content(id=made.id).data
            except errors.NotFoundResponseError:
                return False
            return content.output.completion == made.choices[0].message.content

        wait_until(is_stored, "the content to be stored")


@pytest.mark.skipif(not is_served("/presets"), reason="not served")
def test_presets(client: OpenRouter):
    client.presets.create_presets_chat_completions(slug="short-answers", model=MODEL, messages=QUESTION)
    listed = client.presets.list()
    assert listed is not None and "short-answers" in {preset.slug for preset in listed.result.data}
    assert client.presets.get(slug="short-answers").data.slug == "short-answers"
    versions = client.presets.list_versions(slug="short-answers")
    assert versions is not None and versions.result.data
    assert client.presets.get_version(slug="short-answers", version="1").data


# --- Node ------------------------------------------------------------------------------------------

OPEN = """
import { OpenRouter } from "@openrouter/sdk";
const connect = (apiKey) => new OpenRouter({ apiKey, serverURL: process.env.BASE_URL });
const [key, managementKey] = process.env.KEY.split(" ");
const client = connect(key);
const manager = connect(managementKey);
const question = { model: process.env.MODEL, messages: [{ role: "user", content: "What is the meaning of life?" }] };
const seen = {};
"""
CLOSE = """
console.log(JSON.stringify(seen));
"""

CHATS = """
const whole = await client.chat.send({ chatRequest: question });
seen.text = whole.choices[0].message.content;
seen.cost = whole.usage.cost;
const details = whole.usage.costDetails;
seen.halves = details.upstreamInferencePromptCost + details.upstreamInferenceCompletionsCost;
seen.streamed = "";
for await (const chunk of await client.chat.send({ chatRequest: { ...question, stream: true } })) {
  seen.streamed += chunk.choices[0]?.delta.content ?? "";
  seen.usage = chunk.usage ?? seen.usage;
}
try {
  await client.chat.send({ chatRequest: { ...question, model: "unknown/model" } });
} catch (error) {
  seen.status = error.statusCode;
}
const described = await client.generations.getGeneration({ id: whole.id });
seen.described = described.data.totalCost;
const feedback = { generationId: whole.id, category: "formatting", comment: "Too many commas" };
await manager.generations.submitFeedback({ submitGenerationFeedbackRequest: feedback });
try {
  await client.generations.listGenerationContent({ id: whole.id });
} catch (error) {
  seen.content = error.statusCode;
}
seen.used = (await manager.credits.getCredits()).data.totalUsage;
seen.activity = Array.isArray((await manager.analytics.getUserActivity()).data);
const meta = (await manager.analytics.getAnalyticsMeta()).data;
const metrics = meta.metrics.map((metric) => metric.name);
const timeRange = { start: new Date(Date.now() - 86400e3 * 5), end: new Date(Date.now() + 3600e3) };
const query = { metrics, dimensions: ["model"], granularity: "day", timeRange };
seen.rows = (await manager.analytics.queryAnalytics({ requestBody: query })).data.metadata.rowCount;
"""

CATALOG = """
const pages = await client.models.list({ limit: 300 });
seen.listed = 0;
for await (const page of pages) seen.listed += page.result.data.length;
seen.count = (await client.models.count()).data.count;
seen.one = (await client.models.get({ author: "openai", slug: "gpt-4o-mini" })).data.id;
for await (const page of await client.models.listForUser({ bearer: key })) seen.allowed = page.result.data.length;
seen.endpoints = (await client.endpoints.list({ author: "openai", slug: "gpt-4o-mini" })).data.endpoints.length;
seen.zdr = (await client.endpoints.listZdrEndpoints()).data.length;
seen.providers = (await client.providers.list()).data.length;
"""

KEYS = """
const made = await manager.apiKeys.create({ requestBody: { name: "Notes", limit: 5, limitReset: "monthly" } });
seen.key = made.key;
seen.limit = (await connect(made.key).apiKeys.getCurrentKeyMetadata()).data.limit;
const { hash } = made.data;
seen.found = (await manager.apiKeys.list()).data.some((each) => each.hash === hash);
await manager.apiKeys.update({ hash, requestBody: { name: "Old notes", disabled: true } });
seen.name = (await manager.apiKeys.get({ hash })).data.name;
seen.deleted = (await manager.apiKeys.delete({ hash })).deleted;
"""


@pytest.fixture
def run(site: Site, account: dict[str, str]) -> Any:
    """Runs a program in Node with an API key's and a management key's client, and returns what it has seen."""
    keys = f"{account['api_key']} {account['management_key']}"
    return lambda program: run_javascript(OPEN + program + CLOSE, site, keys)


def test_node_chats_and_what_they_used(run):
    seen = run(CHATS)
    assert seen["text"] and seen["streamed"] and seen["usage"]["cost"] > 0
    assert seen["cost"] == seen["described"] == pytest.approx(seen["halves"])
    assert 0 < seen["used"] < 25
    assert (seen["status"], seen["content"], seen["activity"]) == (400, 404, True)
    assert seen["rows"] > 0


def test_node_the_catalog_and_keys_with_their_secrets(run):
    seen = run(CATALOG + KEYS)
    assert seen["listed"] == seen["count"] > 100
    assert min(seen[name] for name in ("allowed", "endpoints", "zdr", "providers")) > 0
    assert seen["key"].startswith("sk-or-v1-")
    kept = ("one", "limit", "found", "name", "deleted")
    assert [seen[name] for name in kept] == [MODEL, 5, True, "Old notes", True]
