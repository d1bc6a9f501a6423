"""The pace of answers, clients that leave, and the record of requests."""

import os
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.providers.catalog import read_catalog
from sandbox.providers.wire.pace import pace_of
from sandbox.providers.wire.recorder import Record, Recorder
from tests.sandbox.provider import tokens
from tests.support.processes import provider_sandbox

#: Seconds by which a timer may fire too early.
EARLY = 0.002


def test_each_provider_has_a_pace_of_its_own_and_keeps_it():
    paces = [pace_of(f"provider-{number}", 1) for number in range(50)]
    assert len(set(paces)) == 50
    assert all(0.06 <= pace.first <= 0.9 and 1 / 900 <= pace.each <= 1 / 30 for pace in paces)
    assert pace_of("groq", 1).each < pace_of("openai", 1).each < pace_of("mancer", 1).each
    assert pace_of("groq", 10).first == pytest.approx(pace_of("groq", 1).first / 10)
    assert pace_of("groq", 0) == pace_of("mancer", 0) == type(paces[0])(0.0, 0.0)


def arrivals(providers, path="/mancer/v1/chat/completions", headers=None, **fields):
    """(seconds until the first token, seconds until the last)."""
    begun = time.monotonic()
    moments = []
    body = providers.body("Hi", stream=True, **fields)
    with providers.client.stream("POST", path, json=body, headers=providers.headers(headers)) as response:
        for line in response.iter_lines():
            if '"content":" ' in line:
                moments.append(time.monotonic())
    return moments[0] - begun, moments[-1] - begun


def test_a_stream_keeps_its_provider_s_pace(providers):
    """At fifty times the speed: 18 ms to the first token, 0.67 ms between tokens."""
    first, last = arrivals(providers, headers=tokens(301))
    assert first >= 0.018 - EARLY
    assert last >= 0.21 - EARLY


def test_a_reply_in_one_piece_takes_as_long_as_its_stream(providers):
    response = providers.post("mancer", headers=tokens(300))
    assert response.elapsed.total_seconds() >= 0.2 - EARLY


def test_a_delay_between_tokens_can_be_set(providers):
    first, last = arrivals(providers, headers={**tokens(11), "X-Sandbox-Delay": "0.03"})
    assert first >= 0.03 - EARLY
    assert last >= 0.32 - EARLY


def test_with_a_delay_of_zero_each_token_has_its_own_chunk(providers):
    headers = {**tokens(40), "X-Sandbox-Delay": "0", "X-Sandbox-Dialect": "plain"}
    assert len(providers.chunks("openai", "Hi", headers)) == 40 + 3  # tokens, role, finish, [DONE]


def test_a_client_that_goes_away_is_noticed_and_what_it_got_is_counted(providers):
    headers = providers.headers({**tokens(500), "X-Sandbox-Delay": "0.02"})
    with providers.client.stream(
        "POST", "/openai/v1/chat/completions", json=providers.body("Hi", stream=True), headers=headers
    ) as response:
        seen = b""
        for piece in response.iter_bytes():
            seen += piece
            if seen.count(b'"content":" ') >= 5:
                break
    record = providers.wait_for_record("disconnected")
    assert 5 <= record["tokens"] < 500
    assert not record["finished"]


def test_a_client_that_goes_away_during_a_stall_is_noticed_at_once(providers):
    headers = providers.headers({**tokens(10), "X-Sandbox-Fault": "*=stall:3,60", "X-Sandbox-Delay": "0"})
    with providers.client.stream(
        "POST", "/openai/v1/chat/completions", json=providers.body("Hi", stream=True), headers=headers
    ) as response:
        next(response.iter_bytes())
    assert providers.wait_for_record("disconnected")["tokens"] <= 3


def test_a_client_that_goes_away_before_a_reply_is_noticed(providers):
    headers = providers.headers({**tokens(100), "X-Sandbox-Delay": "0.1"})
    with pytest.raises(httpx.ReadTimeout):
        providers.client.post("/openai/v1/chat/completions", json=providers.body("Hi"), headers=headers, timeout=0.2)
    record = providers.wait_for_record("disconnected")
    assert (record["tokens"], record["finished"]) == (0, False)


def test_what_was_sent_is_recorded_as_it_came(providers):
    """Absent parameters stay absent, headers are those that were sent."""
    providers.post("groq", "Hi", {**tokens(3), "X-Title": "A shop"}, temperature=0.5)
    (record,) = providers.recorded()
    assert (record["method"], record["path"], record["provider"]) == ("POST", "/groq/v1/chat/completions", "groq")
    assert record["body"] == {
        "model": "openai/gpt-4o",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0.5,
    }
    assert record["headers"]["authorization"] == "Bearer any" and record["headers"]["x-title"] == "A shop"
    assert "http-referer" not in record["headers"]
    assert (record["status"], record["tokens"], record["finished"], record["disconnected"]) == (200, 3, True, False)


def test_a_session_can_be_cleared_and_is_apart_from_others(providers):
    providers.post("groq", headers=tokens(1))
    query = {"session": providers.session}
    assert len(providers.recorded()) == 1
    assert providers.client.get("/_test/requests", params={"session": "another"}).json() == []
    assert providers.client.delete("/_test/requests", params=query).status_code == 204
    assert providers.recorded() == []


def test_large_bodies_are_recorded_by_their_size_and_broken_ones_as_text(providers):
    providers.post("groq", "x" * 300_000, tokens(1))
    providers.client.post("/groq/v1/chat/completions", content=b"{not json", headers=providers.headers(None))
    large, broken = providers.recorded()
    assert large["body"].endswith(" bytes") and len(large["body"]) < 20
    assert (broken["body"], broken["status"]) == ("{not json", 400)


def test_only_the_latest_requests_are_kept(providers):
    for number in range(520):
        providers.client.post("/groq/v1/chat/completions", content=str(number), headers=providers.headers(None))
    assert [record["body"] for record in providers.recorded()] == list(range(20, 520))


def test_all_records_together_are_bounded():
    recorder = Recorder()
    for number in range(1000):
        recorder.add(f"session-{number}", Record("POST", "/", "groq", {}, str(number)), 150_000)
    kept = [number for number in range(1000) if recorder.of(f"session-{number}")]
    assert kept == list(range(1000 - 423, 1000))
    recorder.clear("session-999")
    assert recorder.of("session-999") == []


def test_health_reports_status_speed_and_recording(providers):
    assert providers.client.get("/health").json() == {"status": "ok", "speed": 50.0, "recording": True}


def test_an_address_that_does_not_exist_is_not_found(providers):
    assert providers.client.post("/openai/v1/audio/speech", json={}).status_code == 404
    assert providers.client.get("/openai/v1/chat/completions").status_code == 405


def test_it_listens_on_this_machine_only(provider_sandbox_url):
    port = urlsplit(provider_sandbox_url).port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        own_address = probe.getsockname()[0]
    if own_address.startswith("127."):
        pytest.skip("This machine has no other address.")
    with pytest.raises(OSError):
        socket.create_connection((own_address, port), timeout=2).close()


def test_without_record_it_keeps_nothing_and_without_speed_it_waits_for_nothing(tmp_path):
    with (
        provider_sandbox(tmp_path, "--speed", "0") as url,
        httpx.Client(base_url=url, trust_env=False, timeout=60) as client,
    ):
        refused = client.get("/_test/requests")
        assert (refused.status_code, "--record" in refused.json()["detail"]) == (404, True)
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "List 300 tips"}]}
        answer = client.post("/mancer/v1/chat/completions", json=body, timeout=50)  # its own pace would take longer
        assert answer.text.count("data:") > 2000


def test_it_names_the_free_port_that_it_took_and_needs_nothing_of_the_site(tmp_path):
    """Started from elsewhere, with nothing but itself on the path."""
    root = os.getcwd()
    code = (
        "import sys, runpy; sys.argv = ['sandbox.providers', '--port', '0'];"
        "import atexit; atexit.register(lambda: print(sorted(m for m in sys.modules if m.split('.')[0] in "
        "('django', 'gateway', 'openrouter_site', 'common', 'billing')), flush=True));"
        "runpy.run_module('sandbox.providers', run_name='__main__')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": root}, stdout=subprocess.PIPE, text=True
    )
    url = process.stdout.readline().split()[-1]
    assert httpx.get(f"{url}/health", trust_env=False, timeout=60).json()["speed"] == 1
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[0].strip().splitlines() == ["[]"]


def test_a_catalog_gives_models_and_the_limits_of_their_contexts(tmp_path):
    (tmp_path / "catalog.json").write_text(
        '{"endpoints": [{"provider": "groq", "model": "a/b", "provider_model_id": "b", "context_length": 50},'
        ' {"provider": "groq", "model": "a/c"}]}'
    )
    options = ("--speed", "0", "--catalog", str(tmp_path / "catalog.json"))
    with provider_sandbox(tmp_path, *options) as url, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        listed = client.get("/groq/v1/models").json()["data"]
        assert [(model["id"], model.get("context_length")) for model in listed] == [("b", 50), ("a/c", None)]

        def post(prompt, **fields):
            body = {"model": "b", "messages": [{"role": "user", "content": prompt}], **fields}
            return client.post("/groq/v1/chat/completions", json=body)

        assert post("Hi").status_code == 200
        assert post("Hi", max_tokens=46).status_code == 200
        refused = post("Hi", max_tokens=47)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "context_length_exceeded")
        assert post("one " * 60).status_code == 400


def test_names_remembered_without_a_catalog_are_bounded(tmp_path):
    (tmp_path / "empty.json").write_text('{"endpoints": []}')
    catalog = read_catalog(tmp_path / "empty.json")
    for number in range(3000):
        assert catalog.context_length("groq", f"model-{number}") is None
    assert len(catalog.listed("groq")) == 2000
