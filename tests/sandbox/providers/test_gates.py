"""Answers that wait at a gate until a test opens it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from sandbox.providers.controls.gates import Gates
from tests.sandbox.provider import fault, tokens
from tests.support.gates import Gate

CHAT = "/openai/v1/chat/completions"


@pytest.fixture
def gate(provider_sandbox_url):
    """A gate that opens after three tokens. At the end of the test it is open, so that no answer stays behind."""
    gate = Gate(provider_sandbox_url, after=3)
    yield gate
    gate.open()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


@contextmanager
def streamed(providers, headers, prompt="Hi", path=CHAT, **fields):
    """The running stream of an answer, as (response, iterator of its pieces of text)."""
    body = providers.body(prompt, stream=True, **fields)
    with providers.client.stream("POST", path, json=body, headers=providers.headers(headers)) as response:
        yield response, (line for line in response.iter_lines() if '"content":' in line and '"content":""' not in line)


def test_an_answer_waits_after_its_first_tokens_and_goes_on_when_the_gate_opens(providers, gate):
    with streamed(providers, tokens(10, **gate.headers)) as (_, pieces):
        assert len([next(pieces) for _ in range(3)]) == 3
        gate.wait_for_an_answer()
        assert providers.recorded()[0]["tokens"] == 3
        assert not providers.recorded()[0]["finished"]
        gate.open()
        assert len(list(pieces)) == 7
    providers.wait_for_record("finished")
    assert gate.waiting == 0


def test_the_line_of_a_chat_message_names_a_gate_as_well(providers, gate):
    prompt = gate.command.replace("\n", " tokens=5\n") + "Hello"
    with streamed(providers, {}, prompt) as (_, pieces):
        gate.wait_for_an_answer()
        gate.open()
        assert len(list(pieces)) == 5


@pytest.mark.parametrize("headers", [{}, fault("503")], ids=["answer", "error"])
def test_a_response_in_one_piece_waits_before_anything_is_sent(providers, gate, pool, headers):
    running = pool.submit(providers.post, "openai", "Hi", tokens(10, **gate.headers, **headers))
    gate.wait_for_an_answer()
    assert not running.done()
    gate.open()
    assert running.result(30).status_code == (503 if headers else 200)


def test_without_a_number_the_gate_is_before_the_first_token(providers, gate):
    with streamed(providers, tokens(4, **{"X-Sandbox-Gate": gate.name})) as (response, pieces):
        assert response.status_code == 200
        gate.wait_for_an_answer()
        assert providers.recorded()[0]["tokens"] == 0
        gate.open()
        assert len(list(pieces)) == 4


def test_an_answer_shorter_than_its_gate_waits_before_its_end(providers, gate):
    with streamed(providers, tokens(2, **gate.headers)) as (_, pieces):
        gate.wait_for_an_answer()
        assert providers.recorded()[0]["tokens"] == 2
        gate.open()
        assert len(list(pieces)) == 2


@pytest.mark.parametrize("what", ["cut:3", "truncate:3", "error-in-stream:3,503", "stall:3,0.01"])
def test_a_gate_comes_before_a_fault_at_the_same_place(providers, gate, pool, what):
    running = pool.submit(providers.stream, "openai", "Hi", {**tokens(9), **gate.headers, **fault(what)})
    gate.wait_for_an_answer()
    assert providers.recorded()[0]["tokens"] == 3
    gate.open()
    assert len(running.result(30).pieces) == (9 if "stall" in what else 3)


def test_one_answer_may_wait_at_several_gates(providers, provider_sandbox_url):
    first, second = Gate(provider_sandbox_url, after=1), Gate(provider_sandbox_url, after=2)
    with streamed(providers, tokens(5, **{"X-Sandbox-Gate": f"{second.place}; {first.place}"})) as (_, pieces):
        first.wait_for_an_answer()
        assert second.waiting == 0
        first.open()
        second.wait_for_an_answer()
        second.open()
        assert len(list(pieces)) == 5


def test_an_open_gate_lets_later_answers_pass_until_it_is_closed(providers, gate, pool):
    gate.open()
    assert len(providers.stream("openai", "Hi", tokens(6, **gate.headers)).pieces) == 6
    gate.close()
    answers = [pool.submit(providers.post, "openai", "Hi", tokens(6, **gate.headers)) for _ in range(2)]
    gate.wait_for_an_answer(2)
    gate.open()
    assert [answer.result(30).status_code for answer in answers] == [200, 200]


def test_a_client_that_leaves_does_not_wait_at_the_gate_any_more(providers, gate):
    with pytest.raises(httpx.ReadTimeout):
        providers.client.post(CHAT, json=providers.body("Hi"), headers=providers.headers(gate.headers), timeout=0.3)
    providers.wait_for_record("disconnected")
    assert gate.waiting == 0


@pytest.mark.parametrize(
    "path,body",
    [
        (
            "/anthropic-native/v1/messages",
            {"model": "m", "max_tokens": 50, "stream": True, "messages": [{"role": "user", "content": "Hi"}]},
        ),
        ("/google-native/v1beta/models/m:streamGenerateContent?alt=sse", {"contents": [{"parts": [{"text": "Hi"}]}]}),
    ],
    ids=["anthropic", "gemini"],
)
def test_the_other_protocols_have_gates_too(providers, gate, pool, path, body):
    headers = {"anthropic-version": "2023-06-01", **tokens(9), **gate.headers}
    running = pool.submit(providers.read_stream, path, body, headers)
    gate.wait_for_an_answer()
    assert providers.recorded()[0]["tokens"] == 3
    gate.open()
    assert running.result(30).status == 200
    providers.wait_for_record("finished")


@pytest.mark.parametrize("value", [":3", "a/b", "name:", "name:-1", "name:x", "name:9999999"])
def test_a_gate_that_makes_no_sense_is_refused(providers, value):
    answer = providers.post("openai", headers={"X-Sandbox-Gate": value})
    assert answer.status_code == 400 and "gate" in answer.json()["error"]["message"]


def test_an_unopened_gate_lets_go_in_the_end():
    class Wire:
        is_lost = False
        lost = asyncio.Event()

    async def wait():
        gates = Gates(longest=0.05)
        await asyncio.wait_for(gates.wait("never-opened", Wire()), 5)
        return gates.state("never-opened")

    assert asyncio.run(wait()) == {"waiting": 0, "open": False}


def test_only_the_latest_gates_are_remembered():
    gates = Gates()
    for number in range(1200):
        gates.open(f"gate-{number}")
    assert not gates.state("gate-0")["open"] and gates.state("gate-1199")["open"]
