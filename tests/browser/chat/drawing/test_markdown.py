"""Answers on their way into the page: never anything active, and the same however they were cut into pieces."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat.chatroom import Room, chatroom, people
from tests.browser.chat.drawing.markdown_generator import cut, document
from tests.browser.chat.drawing.markdown_texts import ADVERSARIAL, HOSTILE, LONG, UNCLOSED
from tests.browser.people import Person, enter
from tests.support.processes import Site

__all__ = ["chatroom", "people"]

HARNESS = """async ({ texts, ways, long }) => {
    const { StreamingMarkdown, renderMarkdown } = await import("chat/drawing/blocks");
    const shape = (root) => {
        const copy = root.cloneNode(true);
        for (const list of copy.querySelectorAll("[role=list]")) {
            const [first, ...others] = list.children;
            for (const other of others) first.append(...other.childNodes);
            list.replaceWith(first);
            for (const element of [first, ...first.children]) element.removeAttribute("role");
        }
        for (const table of copy.querySelectorAll("table.long")) {
            const [first, ...others] = table.tBodies;
            for (const other of others) { first.append(...other.childNodes); other.remove(); }
            table.classList.remove("long");
            table.removeAttribute("style");
            for (const element of [table, ...table.querySelectorAll("[role]")]) element.removeAttribute("role");
        }
        for (const box of copy.querySelectorAll(".blk, span.part, .run")) box.replaceWith(...box.childNodes);
        for (const code of copy.querySelectorAll("pre code")) code.textContent = code.textContent;
        for (const math of copy.querySelectorAll(".math")) {
            math.textContent = math.dataset.source ?? math.textContent;
            math.removeAttribute("data-set");
            math.removeAttribute("data-source");
        }
        for (const element of copy.querySelectorAll(".whole, .part")) {
            element.classList.remove("whole", "part", "new");
            if (!element.className) element.removeAttribute("class");
        }
        copy.normalize();
        const isBetweenBlocks = (node) => node.nodeType === Node.TEXT_NODE && !node.data.trim();
        for (const node of [...copy.childNodes].filter(isBetweenBlocks)) node.remove();
        return copy.innerHTML;
    };
    const differing = [];
    for (const [number, text] of texts.entries()) {
        const whole = document.createElement("div");
        whole.append(renderMarkdown(text));
        const expected = shape(whole);
        for (const [way, pieces] of ways[number].entries()) {
            const root = document.createElement("div");
            const live = new StreamingMarkdown(root, long ? { long } : {});
            for (const piece of pieces) {
                live.push(piece);
                live.flush();
            }
            await live.end();
            const got = shape(root);
            if (got === expected) continue;
            let at = 0;
            while (got[at] === expected[at]) at += 1;
            const near = (html) => html.slice(Math.max(0, at - 60), at + 90);
            differing.push({ number, way, text: text.slice(0, 40), got: near(got), expected: near(expected) });
        }
    }
    return differing;
}"""
RENDER = """async (text) => {
    const { renderMarkdown, StreamingMarkdown } = await import("chat/drawing/blocks");
    const box = document.createElement("div");
    box.id = "hostile";
    document.querySelector("#hostile")?.remove();
    document.body.append(box);
    const live = new StreamingMarkdown(box);
    for (let at = 0; at < text.length; at += 7) { live.push(text.slice(at, at + 7)); live.flush(); }
    live.end();
    box.append(renderMarkdown(text));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const all = [...box.querySelectorAll("*")];
    const links = all.filter((element) => element.localName === "a").map((element) => new URL(element.href));
    const images = all.filter((element) => element.localName === "img");
    return {
        tags: [...new Set(all.map((element) => element.localName))],
        attributes: [...new Set(all.flatMap((element) => element.getAttributeNames()))],
        links: [...new Set(links.map(({ protocol }) => protocol))],
        internal: links.some(({ host }) => host === location.host),
        images: images.map((element) => element.getAttribute("src").slice(0, 5)),
        text: box.textContent,
        touched: window.touched ?? null,
    };
}"""


@pytest.fixture(scope="module")
def page(chatroom: Site, people: dict[str, Person], browser: Browser) -> Iterator[Page]:
    """One page for all of it: these tests use its modules, not its conversation."""
    context = browser.new_context()
    page = context.new_page()
    enter(page, chatroom, people["alice"], "/chat")
    Room(page).expect_ready()
    page.evaluate(
        """() => { window.violations = [];
        document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
            window.violations.push(`${violatedDirective} ${blockedURI}`)); }"""
    )
    yield page
    context.close()


def differences(page: Page, texts: list[str], steps: list[int]) -> list[dict[str, Any]]:
    """Where texts that arrive in pieces of these sizes end up different from the texts rendered as a whole."""
    ways = [[[text[at : at + step] for at in range(0, len(text), step)] for step in steps] for text in texts]
    found: list[dict[str, Any]] = page.evaluate(HARNESS, {"texts": texts, "ways": ways})
    return found


@pytest.mark.parametrize("steps", [[1, 2, 3], [5, 7, 11, 13], [17, 29, 40, 64, 111, 1000]], ids=str)
def test_text_in_pieces_becomes_what_the_whole_text_is(page: Page, steps: list[int]):
    assert differences(page, [ADVERSARIAL, *UNCLOSED], steps) == []


def test_a_long_text_in_pieces_becomes_what_the_whole_text_is(page: Page):
    assert differences(page, [LONG], [3, 7, 23, 111]) == []


def test_a_long_fence_is_appended_to_and_ends_as_the_whole_text_does(page: Page):
    code = "\n".join(f"line {number} " + "x" * (number % 60) for number in range(400))
    texts = [
        f"Before\n\n```\n{code}\n```\n\nafter **this**",
        f"````md\n{code}\n```\ninner\n```\n{code}\n````\nright after",
        f"  ~~~text\n{code}\n  ~~~\n\n- list",
        f"```\n{code}",
        f"```\n{code}\n``` not closed\nmore\n```   \nend",
    ]
    assert differences(page, texts, [13, 64, 997]) == []


def test_a_long_paragraph_list_or_table_has_parts_of_bounded_size_and_ends_as_the_whole_text_does(page: Page):
    words = " ".join(f"word {number} of a *long* text." for number in range(900))
    items = "\n".join(f"{number}. Item {number} of a list with `code`" for number in range(7, 500))
    rows = "\n".join(f"| {number} | A row of a **table** that goes on |" for number in range(400))
    texts = [f"{words}\n\nend", f"{items}\n\nend", f"| a | b |\n|--:|---|\n{rows}\n\nend"]
    assert differences(page, texts, [97, 997]) == []
    for text in texts:
        found: dict[str, Any] = page.evaluate(
            """async (text) => {
                const { renderMarkdown } = await import("chat/drawing/blocks");
                const box = document.createElement("div");
                box.append(renderMarkdown(text));
                const parts = [...box.querySelectorAll(".part")];
                return {
                    sizes: parts.map((part) => part.textContent.length),
                    starts: parts.map((part) => [part.start, parseInt(part.textContent.match(/\\d+/)[0])]),
                };
            }""",
            text,
        )
        assert len(found["sizes"]) > 5
        assert max(found["sizes"]) < 3000
        assert all(start in (None, first) for start, first in found["starts"])  # the numbers go on
    assert page.evaluate("window.violations") == []


def test_random_texts_in_random_pieces_become_what_the_whole_texts_are(page: Page):
    first = int(os.environ.get("FUZZ_SEED", "1"))
    seeds = range(first, first + int(os.environ.get("FUZZ_DOCUMENTS", "300")))
    texts, ways = [document(seed) for seed in seeds], [[cut(document(seed), seed)] for seed in seeds]
    # Blocks are treated as long ones, which are rendered part by part, in every second document.
    for start, long in ((0, None), (1, 60)):
        found = page.evaluate(HARNESS, {"texts": texts[start::2], "ways": ways[start::2], "long": long})
        assert not found, [{"seed": seeds[start::2][each["number"]]} | each for each in found[:5]]
    assert page.evaluate("window.touched ?? null") is None
    assert page.evaluate("window.violations") == []


def test_the_last_line_of_a_paragraph_that_is_rendered_part_by_part_may_become_a_table(page: Page):
    text = "Plain words that go on. " * 4 + "\nfirst | second, third and fourth\n| :-: | - |\n| 1 | 2 |\n"
    pieces = [text[at : at + 3] for at in range(0, len(text), 3)]
    assert page.evaluate(HARNESS, {"texts": [text], "ways": [[pieces]], "long": 60}) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_active_comes_out_of_a_hostile_answer(page: Page, text: str):
    for case in (text, f"- {text}", f"> {text}", f"Words before {text} and after"):
        found: dict[str, Any] = page.evaluate(RENDER, case)
        assert found["touched"] is None
        bad = {"script", "iframe", "object", "embed", "style", "form", "input", "base", "meta", "link", "svg"}
        assert not bad & set(found["tags"]) - ({"svg"} if "code" in found["tags"] else set()), found
        assert not [name for name in found["attributes"] if name.startswith("on") or name in {"srcdoc", "formaction"}]
        assert set(found["links"]) <= {"https:", "http:", "mailto:"}
        assert not found["internal"], "a link of an answer must not point into this site"
        assert set(found["images"]) <= {"data:"}
    assert page.evaluate("window.violations") == []


def test_raw_html_is_shown_as_it_was_written(page: Page):
    found = page.evaluate(RENDER, "Use <b>bold</b> and <custom-tag attr='1'> here")
    assert "<b>bold</b> and <custom-tag attr='1'> here" in found["text"]


def test_an_image_of_another_site_becomes_a_link_that_says_so(page: Page):
    page.evaluate(RENDER, "![A chart](https://evil.example/chart.png)")
    link = page.locator("#hostile a.remote-image").first
    assert link.inner_text() == "Open image: A chart (evil.example)"
    assert link.get_attribute("rel") == "noopener noreferrer nofollow"
    assert link.get_attribute("target") == "_blank"


def test_formulas_are_set_and_prices_are_not(page: Page):
    page.evaluate(RENDER, "It costs $5 or $6.\n\n$$E = mc^2$$\n\nand \\(a_1\\) and `$$x$$`, wrong: \\(\\frac{\\)")
    expect(page.locator("#hostile .math .katex")).to_have_count(4)  # rendered twice: in pieces and whole
    assert "It costs $5 or $6." in page.locator("#hostile").inner_text()
    assert page.locator("#hostile code", has_text="$$x$$").count() == 2
    assert page.locator("#hostile .math", has_text="\\frac{").count() == 2
    assert page.evaluate("window.violations") == []


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("so $x^2$ and $x$, ($y$): **$z$** is $a_1$.", ["x^2", "x", "y", "z", "a_1"]),
        ("$5$ apples, $2x + 3y = 7$ and", ["5", "2x + 3y = 7"]),
        ("$v = 2 \\text{ metres per second}$", ["v = 2 \\text{ metres per second}"]),
        ("$\\frac{a}{b} \\leq c$-th, $\\sin x \\cos y$", ["\\frac{a}{b} \\leq c", "\\sin x \\cos y"]),
        ("| a |\n|---|\n| $n!$ |", ["n!"]),
        ("$a < b$ and $p \\$ q$", ["a < b", "p \\$ q"]),
        ("It costs $x$ dollars, so $5 or $6.", ["x"]),
        ("$5 and $10", []),
        ("from $5–$10, $20-$30, $5/$6, ($5), $3.50, US$5 and CA$6.", []),
        ("$5 now, then 6$ later", []),
        ("It was $5 million, now 7$.", []),
        ("$20/month or 10$", []),
        ("5$ and 6$ and $ 7 $", []),
        ("$HOME and $PATH, $HOME:$PATH", []),
        ("\\$5 and \\$6$", []),
        ("`$x$` and $x\ny$", []),
    ],
)  # fmt: skip
def test_single_dollars_are_formulas_or_money(page: Page, text: str, formulas: list[str]):
    found = page.evaluate(
        """async (text) => {
            const { toFragment, tokenize } = await import("chat/drawing/markdown");
            return [...toFragment(tokenize(text)).querySelectorAll(".math")].map((formula) => formula.textContent);
        }""",
        text,
    )
    assert found == formulas
    assert differences(page, [text], [1, 3]) == []


def test_code_is_coloured_once_its_fence_is_closed(page: Page):
    page.evaluate(
        """async () => {
            const { StreamingMarkdown } = await import("chat/drawing/blocks");
            const box = document.createElement("div");
            box.id = "growing";
            document.body.append(box);
            window.growing = new StreamingMarkdown(box);
            growing.push("```py\\ndef f():\\n    return 1\\n");
            growing.flush();
        }"""
    )
    code = page.locator("#growing code")
    assert (code.text_content() or "").startswith("def f():")
    assert code.locator(".hljs-keyword").count() == 0
    page.evaluate("() => { growing.push('```\\n'); growing.end(); }")
    code.locator(".hljs-keyword").first.wait_for()
    assert (code.text_content() or "").startswith("def f():")


@pytest.fixture
def processor_seconds(page: Page) -> Callable[[], float]:
    """Seconds that the page's main thread has worked so far: other programs on the machine do not count."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def seconds() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    return seconds


def test_200_kilobytes_in_5000_pieces_hold_nothing_up(page: Page, processor_seconds: Callable[[], float]):
    before = processor_seconds()
    blocks = page.evaluate(
        """async (part) => {
            const { StreamingMarkdown } = await import("chat/drawing/blocks");
            const text = part.repeat(Math.ceil(200_000 / part.length)).slice(0, 200_000);
            const box = document.createElement("div");
            box.className = "answer-text";
            document.querySelector("#thread").replaceChildren(box);
            const live = new StreamingMarkdown(box);
            // Ten pieces arrive in the time of a frame.
            for (let at = 0, frame = 0; at < text.length; frame += 1) {
                for (let piece = 0; piece < 10 && at < text.length; piece += 1, at += 40) {
                    live.push(text.slice(at, at + 40));
                }
                live.flush();
                box.offsetHeight;
                if (frame % 25 === 0) await new Promise(requestAnimationFrame);
            }
            live.end();
            box.offsetHeight;
            return box.children.length;
        }""",
        LONG + "\n\n",
    )
    took = processor_seconds() - before
    print(f"200 kB in 5,000 pieces: {took:.2f} s of processor time")
    assert blocks > 200
    assert took < 30  # on a slow machine; rendering everything again for each piece takes minutes


def test_ten_thousand_lines_of_code_hold_nothing_up(page: Page, processor_seconds: Callable[[], float]):
    before = processor_seconds()
    lines = page.evaluate(
        """async () => {
            const { StreamingMarkdown } = await import("chat/drawing/blocks");
            const box = document.createElement("div");
            box.className = "answer-text";
            document.querySelector("#thread").replaceChildren(box);
            const live = new StreamingMarkdown(box);
            live.push("```text\\n");
            for (let line = 0; line < 10_000; line += 20) {
                for (let more = 0; more < 20; more += 1) live.push(`line ${line + more} of a very long listing\\n`);
                live.flush();
                box.offsetHeight;
            }
            live.push("```\\n");
            live.end();
            box.offsetHeight;
            return box.querySelector("code").textContent.trimEnd().split("\\n").length;
        }"""
    )
    took = processor_seconds() - before
    print(f"10,000 lines: {took:.2f} s of processor time")
    assert lines == 10_000
    assert took < 30
