"""`make bench-pages`: the cost of the site's pages, beside a bare Django view, and the time until a change is painted.

A member has sent requests to several models, so that the pages have content, and the rankings have the days of 10
million requests. Every page is loaded in a process of its own, on SQLite and on PostgreSQL; CPU is that process's. In
Chromium another period is chosen on the Activity page and another filter on that of the models, from the click until
the frame with the result; CPU is that of the page's main thread. BENCH_LOADS is how often each page is loaded,
BENCH_POSTGRESQL the server.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.inference.gateway import CHAT, POSTGRESQL
from bench.inference.load import Load, Server, run
from scripts.checks import chromium
from scripts.environment import ROOT
from tests.browser.people import Person, enter, new_person
from tests.support.processes import Site

LOADS = int(os.environ.get("BENCH_LOADS", "40"))
CHANGES = 12
SETTINGS = {"SANDBOX_PROVIDERS_SPEED": "0", "LOG_LEVEL": "WARNING"}
MODELS = ("openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "mistralai/mistral-nemo")
REQUESTS = 60  # to each model

#: Resolves with the milliseconds from a click to the second frame after the new part of the page was put in.
CLICK = """element => new Promise(painted => {
    const began = performance.now()
    document.body.addEventListener("htmx:afterSettle", () => {
        requestAnimationFrame(() => requestAnimationFrame(() => painted(performance.now() - began)))
    }, {once: true})
    element.click()
})"""


def fill(site: Site, person: Person) -> None:
    """Send requests to each model that the site has."""
    pid = site.processes["web"].pid
    for model in MODELS:
        load = Load(model, clients=4, requests=REQUESTS, stream=False, tokens=20)
        result = asyncio.run(run(Server(f"{site.url}{CHAT}", pid, person.key), load))
        if result.failed:
            sys.exit(f"{result.failed} of {result.requests} requests to {model} failed")


def pages(site: Site, person: Person, database: str) -> None:
    """Print the cost of each page."""
    command = [sys.executable, "-m", "bench.pages.page_loads", person.email, str(LOADS)]
    env = site.env | {"DJANGO_SETTINGS_MODULE": "bench.settings"}
    loaded = subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, dict[str, Any]] = json.loads(loaded.stdout)
    bare = found["bare view"]["cpu"]
    for name, page in found.items():
        p50, p95 = statistics.median(page["times"]), statistics.quantiles(page["times"], n=20)[18]
        costs = f"{p50:>8.2f} {p95:>7.2f} {page['cpu']:>7.2f} {page['cpu'] / bare:>7.0f}"
        print(f"{database:<12} {name:<19} {costs} {page['queries']:>8} {page['size'] / 1000:>8.1f}", flush=True)


def paintings(site: Site, person: Person) -> None:
    """Print the time from a click to the painted result."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        for path, name in (("/activity", "period"), ("/models", "input_modalities")):
            enter(page, site, person, path)
            times, cpu = _changes(page, name)
            p95 = statistics.quantiles(times, n=20)[18]
            painted = f"painted after {statistics.median(times):.0f} ms, p95 {p95:.0f} ms"
            print(f"{path}, another {name}: {painted}, CPU {statistics.median(cpu):.0f} ms")
        browser.close()


def _changes(page: Page, name: str) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each change, and those of CPU in the page's main thread."""
    page.wait_for_function("window.htmx !== undefined")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        return 1000 * float(metrics["TaskDuration"])

    fields = page.locator(f"input[name={name}]")
    times, cpu = [], []
    for at in range(1, CHANGES + 2):
        before = spent()
        times.append(float(fields.nth(at % fields.count()).evaluate(CLICK)))
        cpu.append(spent() - before)
    return times[1:], cpu[1:]  # the first one loads what later ones have


def main() -> None:
    columns = f"{'p50 ms':>8} {'p95':>7} {'CPU ms':>7} {'of bare':>7} {'queries':>8} {'kB':>8}"
    print(f"{'':<32} {columns}")
    for database, server in (("SQLite", ""), ("PostgreSQL", POSTGRESQL)):
        with (
            tempfile.TemporaryDirectory() as folder,
            Site(Path(folder), postgresql=server, processes=("providers", "web"), **SETTINGS) as site,
        ):
            person = new_person(site, cents=100_000)
            fill(site, person)
            pages(site, person, database)
            if server:
                paintings(site, person)


if __name__ == "__main__":
    main()
