"""Automatic accessibility checks of the page that the browser shows."""

from typing import Any, Literal

from playwright.sync_api import Page

from scripts.environment import ROOT

__all__ = ["check_axe", "check_looks", "check_schemes", "widest_overflow"]

LOOKS: list[tuple[int, Literal["light", "dark"]]] = [(1440, "light"), (390, "dark")]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: The rules that look at colors.
COLOR_RULES = ["color-contrast", "link-in-text-block"]


# What fades in must have arrived: colours in between have too little contrast. What is out of sight and not drawn
# (`content-visibility: auto`) never arrives.
SETTLE = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    await frame().then(frame);
    const ends = ({ playState, effect }) => playState === "running" && effect.getComputedTiming().endTime < Infinity;
    const arrived = Promise.allSettled(document.getAnimations().filter(ends).map(({ finished }) => finished));
    await Promise.race([arrived, new Promise((resolve) => setTimeout(resolve, 3000))]);
}"""
# Without `preload`, which writes style sheets into the page that its content security policy refuses; without
# `selectors`, which take long to find and are not shown.
RUN = """async (runOnly) => {
    const options = { runOnly, resultTypes: ['violations'], preload: false, selectors: false };
    return (await axe.run(document, options)).violations;
}"""


def check_looks(page: Page) -> None:
    """AssertionError unless the page is accessible and fits a screen, in light, and a phone, in dark."""
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        check_axe(page)
        assert widest_overflow(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def check_schemes(page: Page) -> None:
    """AssertionError unless the page is accessible in light and in dark, in the window as it is."""
    page.emulate_media(color_scheme="light")
    check_axe(page)
    page.emulate_media(color_scheme="dark")
    check_axe(page, COLOR_RULES)  # nothing but the colors is different


def check_axe(page: Page, rules: list[str] = RULES) -> None:
    """AssertionError naming each violated rule and the elements that violate it; call it in light and dark."""
    page.evaluate(SETTLE)
    if page.evaluate("!window.axe"):
        # `page.evaluate` would parse half a megabyte twice. The session ends with the page: its end would take the
        # virtual authenticators of other sessions along.
        session = page.context.new_cdp_session(page)
        session.send("Runtime.evaluate", {"expression": (ROOT / "node_modules/axe-core/axe.min.js").read_text()})
    violations: list[dict[str, Any]] = page.evaluate(RUN, rules)
    faults = [
        f"{violation['id']}: {violation['help']}\n"
        + "\n".join(f"    {node['html'][:200]}\n    {node['failureSummary']}" for node in violation["nodes"])
        for violation in violations
    ]
    assert not faults, f"{page.url}\n" + "\n".join(faults)


def widest_overflow(page: Page) -> list[str]:
    """The elements that reach past the right edge of the window and are not inside something that scrolls."""
    found: list[str] = page.evaluate(
        """() => [...document.body.querySelectorAll("*")].filter(element => {
            const box = element.getBoundingClientRect();
            if (!box.width || box.right <= innerWidth + 1 || getComputedStyle(element).visibility === "hidden") {
                return false;
            }
            for (let parent = element.parentElement; parent; parent = parent.parentElement) {
                if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(parent).overflowX)) return false;
            }
            return true;
        }).map(element => element.outerHTML.slice(0, 120))"""
    )
    return found
