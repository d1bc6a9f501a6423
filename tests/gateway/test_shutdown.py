"""A web process that is told to stop: answers that are nearly done end as they should, the others are settled."""

import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.gateway.test_crash import POSTGRESQL, ask
from tests.processes import Process, Site, wait_until

SHORT, LONG = 30, 2_000  # tokens, twenty a second
#: Of these two, the first stops when it is left, the second goes on and bills everything.
MODELS = ("openai/gpt-4o-mini", "google/gemini-2.5-flash")


def read(site: Site, key: str, model: str, tokens: int, begun: threading.Semaphore) -> str:
    """Everything that came of an answer."""
    text = ""
    with httpx.Client(timeout=60) as client:
        request = ask(site, key, model, **{"X-Sandbox-Tokens": str(tokens), "X-Sandbox-Delay": "0.05"})
        answer = client.send(request, stream=True)
        try:
            for piece in answer.iter_text():
                if not text:
                    begun.release()
                text += piece
        except httpx.HTTPError:
            pass
    return text


def has_ended(process: Process) -> bool:
    """Whether everything that it started has: the shell in front ends before the web process."""
    try:
        process.is_alive()  # lets the shell go
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_process_told_to_stop_ends_short_answers_and_settles_long_ones(tmp_path):
    web = ("providers", "web")
    with Site(tmp_path, postgresql=POSTGRESQL, processes=web, SHUTDOWN_SECONDS="8") as site:
        key = json.loads(site.manage("demo_account", "--credits", "5", "--json"))["api_key"]
        begun = threading.Semaphore(0)
        asked = [(model, tokens) for model in MODELS for tokens in (SHORT, LONG, LONG)]
        with ThreadPoolExecutor(len(asked)) as pool:
            answers = [pool.submit(read, site, key, model, tokens, begun) for model, tokens in asked]
            for _ in asked:
                assert begun.acquire(timeout=60)
            told = time.monotonic()
            os.killpg(site.processes["web"].pid, signal.SIGTERM)
            wait_until(lambda: has_ended(site.processes["web"]), "the web process to end")
            assert time.monotonic() - told < 40
            texts = [answer.result() for answer in answers]
        ended = [text.endswith("data: [DONE]\n\n") for text in texts]
        assert ended == [tokens == SHORT for _, tokens in asked]
        rows = site.rows("SELECT state, cancelled, completion_tokens > 0, cost > 0 FROM gateway_generation")
        assert len(rows) == len(asked)
        assert {row[0] for row in rows} == {"settled"}
        assert sum(bool(row[1]) for row in rows) == 4
        assert all(row[2] and row[3] for row in rows)
        assert site.rows("SELECT held FROM billing_creditaccount") == [(0,)]
        assert "every sum agrees" in site.manage("reconcile_ledger")
