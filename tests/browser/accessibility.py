"""Automatic accessibility checks of the page that the browser shows."""

from typing import Any

from playwright.sync_api import Page

from scripts.environment import ROOT

__all__ = ["check_axe", "widest_overflow"]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def check_axe(page: Page) -> None:
    """AssertionError naming each violated rule and the elements that violate it; call it in light and dark."""
    page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text())
    result: dict[str, Any] = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    faults = [
        f"{violation['id']}: {violation['help']}\n"
        + "\n".join(f"    {node['html'][:200]}\n    {node['failureSummary']}" for node in violation["nodes"])
        for violation in result["violations"]
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
