"""`make bench-painting`: the main thread of the chat's page while an answer streams into it.

A real page of the running site in Chromium. The page asks as a person would; its socket leads to a server of this
benchmark, which gathers the pieces of an answer into frames as the site does, or sends a frame for each. Beside it, on
the same pieces, a page that only appends their text to paragraphs as it arrives.

Times are the thread's own processor time, so that other load on the machine does not count. BENCH_PAINTING names the
runs wanted, for example "mixed:20 code:20"; CHROMIUM is the browser's path.
"""

import asyncio
import json
import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright
from websockets.asyncio.server import ServerConnection, serve

from bench.chat.answers import pieces
from chat.answers.delta_buffer import DeltaBuffer
from gateway.events import Delta
from scripts.checks import chromium
from tests.browser.fixtures import ARGUMENTS
from tests.browser.people import Person, new_person
from tests.support.processes import Site

KILOBYTES_200 = 200_000
PIECES = 5_000
#: A token has about four characters; an ordinary answer has about sixty tokens a second.
ORDINARY = {"length": 20 * 60 * 4, "many": 20 * 60}


@dataclass(frozen=True)
class Run:
    """A text that arrives within so many seconds, 0 for as fast as it goes; `above` is the messages before it."""

    text: str
    seconds: float
    length: int = KILOBYTES_200
    many: int = PIECES
    above: int = 0
    gathered: bool = True

    @property
    def name(self) -> str:
        pace = f"{self.seconds:g} s" if self.seconds else "at once"
        size = f"{self.length // 1000} kB"
        more = (f", {self.above} messages above" if self.above else "") + ("" if self.gathered else ", a frame each")
        return f"{self.text}, {size}, {pace}{more}"


RUNS = {
    "mixed:20": Run("mixed", 20),
    "mixed:52": Run("mixed", 52),
    "mixed:0": Run("mixed", 0),
    "frames:20": Run("mixed", 20, gathered=False),
    "code:20": Run("code", 20),
    "paragraph:20": Run("paragraph", 20),
    "table:20": Run("table", 20),
    "list:20": Run("list", 20),
    "long:20": Run("mixed", 20, above=200),
    "ordinary": Run("mixed", 20, **ORDINARY),
    "ordinary-long": Run("mixed", 20, **ORDINARY, above=200),
}

#: The page's socket leads to this benchmark, with the user whom the page shows.
REDIRECT = """
const Real = WebSocket;
window.WebSocket = class extends Real {
    constructor() {
        const { user } = JSON.parse(document.querySelector("#chat-setup").textContent);
        super(`%s?user=${encodeURIComponent(user)}`);
    }
};
"""
#: The floor: the same frames, their text appended to paragraphs.
BARE = """() => {
document.body.innerHTML = '<div id="scroll"></div>';
const scroll = document.querySelector("#scroll");
let last = scroll.appendChild(document.createElement("p"));
const socket = new WebSocket("%s?user=none");
socket.onopen = () => socket.send(JSON.stringify({ type: "ask", id: "bare", key: "" }));
socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.type === "ended") document.body.dataset.ended = "";
    if (frame.type !== "delta") return;
    const [text, ...paragraphs] = frame.text.split("\\n\\n");
    last.append(text);
    for (const paragraph of paragraphs) {
        last = scroll.appendChild(document.createElement("p"));
        last.append(paragraph);
    }
    requestAnimationFrame(() => scroll.scrollTo(0, 1e9));
};
}"""
BARE_PAGE = """<!doctype html><style>
#scroll { height: 100vh; overflow: auto; max-width: 46rem; font: 16px/1.65 sans-serif; }
p { white-space: pre-wrap; overflow-wrap: anywhere; }
</style><body></body>"""
#: Many messages of an earlier conversation, in the page's own store.
FILL = """async ({ texts, model }) => {
    const { Store } = await import("chat/device/store");
    const { user } = JSON.parse(document.querySelector("#chat-setup").textContent);
    const store = await Store.open(user);
    const messages = [];
    let parent = null;
    texts.forEach((text, at) => {
        const role = at % 2 ? "assistant" : "user";
        const more = at % 2 ? { slot: 0, model, status: "done", error: null, meta: {} } : { files: [] };
        messages.push({ id: `m${at}`, conversation: "long", parent, role, created: at, text, ...more });
        parent = `m${at}`;
    });
    await store.write({ messages, conversations: [{
        id: "long", title: "Long", titled: "user", created: 1, updated: 1, pinned: false, models: [model], system: "",
        params: {}, web: false, leaf: parent }] });
    store.db.close();
}"""
#: Resolve at the end of the answer. To ask the page again and again would cost its main thread up to a second.
ENDED = """(before) => new Promise((resolve) => {
    const thread = document.querySelector("#thread");
    const look = () => {
        const answers = thread.querySelectorAll(".answer");
        if (answers.length > before && answers[answers.length - 1].getAttribute("aria-busy") === "false") resolve();
    };
    new MutationObserver(look).observe(thread, { childList: true });
    new MutationObserver(look).observe(thread, { attributeFilter: ["aria-busy"], subtree: true });
})"""
BARE_ENDED = """() => new Promise((resolve) => {
    const look = () => "ended" in document.body.dataset && resolve();
    new MutationObserver(look).observe(document.body, { attributeFilter: ["data-ended"] });
})"""


class Feed:
    """A server that speaks the chat's protocol and answers every question with the text of the current run."""

    def __init__(self) -> None:
        self.run = RUNS["mixed:20"]
        self.url = ""

    async def handle(self, socket: ServerConnection) -> None:
        assert socket.request
        [user] = parse_qs(urlsplit(socket.request.path).query)["user"]
        await socket.send(json.dumps({"type": "ready", "user": user, "unavailable": [], **BALANCE}))
        async for message in socket:
            asked = json.loads(message)
            if asked["type"] == "ask":
                await self.answer(socket, asked["id"])

    async def answer(self, socket: ServerConnection, answer: str) -> None:
        async def send(kind: str, **fields: Any) -> None:
            await socket.send(json.dumps({"type": kind, "id": answer, **fields}))

        await send("accepted")
        await send("started", generation_id="gen-1", model="bench/model", provider="Bench", simulated=False)
        clock = asyncio.get_running_loop()
        began = clock.time()
        buffer = DeltaBuffer(answer, socket.send)
        run = self.run
        for number, text in enumerate(pieces(run.text, run.length, run.many), 1):
            if run.gathered:
                await buffer.put(Delta(text=text))
            else:
                await send("delta", text=text)
            due = began + run.seconds * number / run.many
            if run.seconds and (early := due - clock.time()) > 0:
                await asyncio.sleep(early)
        await buffer.flush()
        await send("finished", reason="stop")
        await send("billed", usage={"prompt_tokens": 1, "completion_tokens": 1}, cost="0", latency_ms=1, duration_ms=1)
        await send("ended")


BALANCE = {"balance": "$25.00", "balance_usd": "25", "can_spend": True}


@dataclass(frozen=True)
class Figures:
    """Milliseconds of the main thread: in all, in scripts, style and layout, and its longest task."""

    seconds: float
    total: float
    script: float
    style: float
    layout: float
    longest: float
    over_50: int

    @classmethod
    def header(cls) -> str:
        return f"{'':44}   all ms  script   style  layout | longest  >50 ms | core"

    def line(self, name: str) -> str:
        core = self.total / self.seconds / 10
        return (
            f"{name:44} {self.total:8.0f} {self.script:7.0f} {self.style:7.0f} {self.layout:7.0f}"
            f" | {self.longest:7.1f} {self.over_50:7} | {core:3.1f}%"
        )


async def counters(session: CDPSession) -> Counter[str]:
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    return Counter({metric["name"]: metric["value"] for metric in metrics})


def tasks_of(trace: list[dict[str, Any]]) -> list[float]:
    """Processor time of each task of a page's main thread, in milliseconds."""
    mains = {
        (event["pid"], event["tid"])
        for event in trace
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    return [
        event["tdur"] / 1000
        for event in trace
        if event["name"] == "ThreadControllerImpl::RunTask"
        and "tdur" in event
        and (event["pid"], event["tid"]) in mains
    ]


class Bench:
    """The browser, the running site, and the feed."""

    def __init__(self, browser: Browser, site: Site, person: Person, feed: Feed) -> None:
        self.browser, self.site, self.person, self.feed = browser, site, person, feed

    async def context(self) -> BrowserContext:
        context = await self.browser.new_context(
            viewport={"width": 1440, "height": 900}, bypass_csp=True, service_workers="block"
        )
        context.set_default_timeout(180_000)
        await context.add_cookies([{"name": "sessionid", "value": self.person.session, "url": self.site.url}])
        return context

    async def chat(self, run: Run) -> Figures:
        context = await self.context()
        page = await context.new_page()
        await page.add_init_script(REDIRECT % self.feed.url)
        await page.goto(f"{self.site.url}/chat")
        await page.wait_for_selector("#chat[data-ready]")
        if run.above:
            model = await page.evaluate("JSON.parse(document.querySelector('#chat-setup').textContent).default_model")
            texts = pieces("mixed", run.above * 900, run.above)
            await page.evaluate(FILL, {"texts": texts, "model": model})
            await page.goto(f"{self.site.url}/chat?long#long")
            await page.wait_for_selector("#chat[data-ready]")
        before = await page.locator("#thread .answer").count()
        await page.fill("#message", "Say a lot")
        ended = page.evaluate(ENDED, before)
        figures = await self.measure(page, run, page.press("#message", "Enter"), ended)
        shown = len(await page.locator("#thread .answer .answer-text").last.text_content() or "")
        assert shown > run.length / 2, shown
        await context.close()
        return figures

    async def bare(self, run: Run) -> Figures:
        context = await self.context()
        page = await context.new_page()
        await page.set_content(BARE_PAGE)
        figures = await self.measure(page, run, page.evaluate(BARE % self.feed.url), page.evaluate(BARE_ENDED))
        await context.close()
        return figures

    async def measure(self, page: Page, run: Run, start: Any, ended: Any) -> Figures:
        self.feed.run = run
        session = await page.context.new_cdp_session(page)
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})
        await page.wait_for_timeout(500)
        await self.browser.start_tracing(page=page, categories=["toplevel", "__metadata"])
        clock = asyncio.get_running_loop()
        before, began = await counters(session), clock.time()
        end = asyncio.ensure_future(ended)
        await start
        await end
        await page.wait_for_timeout(1000)  # highlighting and formulas of the last blocks
        seconds, after = clock.time() - began, await counters(session)
        tasks = tasks_of(json.loads(await self.browser.stop_tracing())["traceEvents"])

        def spent(name: str) -> float:
            return float((after[f"{name}Duration"] - before[f"{name}Duration"]) * 1000)

        return Figures(
            seconds=seconds,
            total=spent("Task"),
            script=spent("Script"),
            style=spent("RecalcStyle"),
            layout=spent("Layout"),
            longest=max(tasks),
            over_50=sum(task > 50 for task in tasks),
        )


async def main() -> None:
    wanted = os.environ.get("BENCH_PAINTING", "").split() or list(RUNS)
    feed = Feed()
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), processes=("providers", "web")) as site:
        person = new_person(site)
        async with async_playwright() as playwright, serve(feed.handle, "127.0.0.1", 0) as server:
            feed.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            bench = Bench(browser, site, person, feed)
            print(Figures.header())
            for run in (RUNS[name] for name in wanted):
                print((await bench.chat(run)).line(run.name), flush=True)
                if not run.above:
                    print((await bench.bare(run)).line("  text alone"), flush=True)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
