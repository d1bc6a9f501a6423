"""A browser profile that tests have one after the other.

A page of the chat consists of a hundred files, and a new profile has none of them: to fetch them again takes a third of
the time that the page takes to open.
"""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Frame, Page, ViewportSize

__all__ = ["WINDOW", "Profile"]

WINDOW: ViewportSize = {"width": 1440, "height": 900}


class Profile:
    """A profile of which `clear` leaves nothing but Chromium's cache of files."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context = browser.new_context(viewport=WINDOW, **options)
        self.is_used = False
        self._origins: set[str] = set()
        self._blank = self.context.new_page()  # the others are closed when their storage is cleared
        self._session = self.context.new_cdp_session(self._blank)
        self.context.on("page", lambda page: page.on("framenavigated", self._visited))

    def open_page(self, *, extra_http_headers: dict[str, str] | None = None) -> Page:
        """Return a new page, the first since `clear`. All requests of the profile have these headers."""
        self.is_used = True
        self.context.set_extra_http_headers(extra_http_headers or {})
        return self.context.new_page()

    def clear(self) -> None:
        """Close its pages; remove cookies, storage, permissions and headers; be online."""
        for page in self.context.pages:
            if page != self._blank:
                page.close()
        for origin in self._origins:
            self._session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        self._origins.clear()
        self.context.clear_cookies()
        self.context.clear_permissions()
        self.context.set_offline(False)
        self.context.set_extra_http_headers({})
        self.is_used = False

    def _visited(self, frame: Frame) -> None:
        address = urlsplit(frame.url)
        if address.netloc:
            self._origins.add(f"{address.scheme}://{address.netloc}")
