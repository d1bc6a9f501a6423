"""Makes the raster icons of the site from its mark: `python -m scripts.icons`. Needs Chromium and Playwright.

Run it after a change of `static/img/mark.svg` and commit what it writes. Home screens take no SVG.
"""

from playwright.sync_api import sync_playwright

from scripts.checks import chromium
from scripts.environment import ROOT

__all__ = ["ICONS", "main"]

IMAGES = ROOT / "static/img"
ACCENT = "#4f46e5"  # the mark's own ground
#: file name -> (size in pixels, share of the picture that the mark fills). Below 1 the ground reaches the edges:
#: systems cut such icons into shapes of their own, and only the inner 80 % is safe.
ICONS = {
    "icon-192.png": (192, 1.0),
    "icon-512.png": (512, 1.0),
    "icon-maskable-512.png": (512, 0.8),
    "icon-apple-180.png": (180, 0.9),
}


def main() -> None:
    """Write every icon of `ICONS` to `static/img`."""
    mark = (IMAGES / "mark.svg").read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name, (size, share) in ICONS.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            ground = "transparent" if share == 1 else ACCENT
            page.set_content(
                f"<style>body {{ margin: 0; background: {ground}; display: grid; place-items: center; height: 100vh }}"
                f"svg {{ width: {share * 100}vw; display: block }}</style>{mark}"
            )
            page.screenshot(path=IMAGES / name, omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
