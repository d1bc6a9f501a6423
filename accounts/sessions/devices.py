"""The device that a user agent names, as far as it says: browsers shorten it, and programs may send anything."""

import re

__all__ = ["describe"]

#: Marks of browsers, in an order in which none comes after one that it pretends to be.
_BROWSERS = (
    (r"\b(?:Edg|EdgA|EdgiOS)/", "Edge"),
    (r"\b(?:OPR|OPiOS)/", "Opera"),
    (r"\bSamsungBrowser/", "Samsung Internet"),
    (r"\b(?:Firefox|FxiOS)/", "Firefox"),
    (r"\b(?:HeadlessChrome|Chrome|CriOS|Chromium)/", "Chrome"),
    (r"\bVersion/[\d.]+ .*\bSafari/", "Safari"),
)
_SYSTEMS = (
    (r"\biPhone\b", "iPhone"),
    (r"\biPad\b", "iPad"),
    (r"\bAndroid\b", "Android"),
    (r"\bCrOS\b", "ChromeOS"),
    (r"\bWindows\b", "Windows"),
    (r"\bMac OS X\b|\bMacintosh\b", "macOS"),
    (r"\bLinux\b|\bX11\b", "Linux"),
)


def describe(user_agent: str) -> str:
    """Return "Firefox on Windows", "Safari on iPhone", "Chrome", or "Unknown device" for anything else."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown device"


def _first(marks: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in marks if re.search(mark, user_agent)), "")
