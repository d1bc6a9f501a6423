"""The profile that tests have one after the other is clean for each, but need not load the site's files again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.profiles import Profile
from tests.support.processes import Site

LEAVE = """async () => {
    document.cookie = "left=1; path=/";
    localStorage.setItem("left", "1");
    sessionStorage.setItem("left", "1");
    await caches.open("left");
    await new Promise((resolve) => { indexedDB.open("left").onsuccess = resolve; });  // and stays open
    await (await navigator.storage.getDirectory()).getFileHandle("left", { create: true });
}"""
FIND = """async () => ({
    cookies: document.cookie.split("; ").map((cookie) => cookie.split("=")[0]).sort(),
    stored: [Object.keys(localStorage), Object.keys(sessionStorage)],
    caches: await caches.keys(),
    databases: (await indexedDB.databases()).map(({ name }) => name),
    files: await Array.fromAsync((await navigator.storage.getDirectory()).keys()),
    location: (await navigator.permissions.query({ name: "geolocation" })).state,
})"""
LEFT = {"caches": ["left"], "databases": ["left"], "files": ["left"], "location": "granted"}
FETCHED = """() => performance.getEntriesByType("resource")
    .filter(({ name, transferSize }) => name.includes("/static/") && transferSize > 0).length"""


@pytest.fixture
def profile(browser: Browser) -> Iterator[Profile]:
    profile = Profile(browser)
    yield profile
    profile.context.close()


def opened(profile: Profile, site: Site) -> Page:
    page = profile.open_page()
    page.goto(f"{site.url}/privacy", wait_until="load")
    return page


def test_nothing_of_a_test_is_left_for_the_next(profile: Profile, site: Site):
    page = opened(profile, site)
    before = page.evaluate(FIND)
    tab = profile.context.new_page()
    tab.goto(f"{site.url}/terms")
    profile.context.grant_permissions(["geolocation"])
    profile.context.set_extra_http_headers({"X-Left": "1"})
    for one in (page, tab):
        one.evaluate(LEAVE)
    found = page.evaluate(FIND)
    assert {name: found[name] for name in LEFT} == LEFT
    assert all("left" in names for names in (found["cookies"], *found["stored"]))
    profile.context.set_offline(True)

    profile.clear()

    assert page.is_closed() and tab.is_closed()
    page = profile.open_page()
    answer = page.goto(f"{site.url}/privacy")
    assert answer and "x-left" not in answer.request.all_headers()
    assert page.evaluate(FIND) == before
    assert not before["caches"] + before["databases"] + before["files"]


def test_files_of_the_site_are_loaded_once(profile: Profile, site: Site):
    assert opened(profile, site).evaluate(FETCHED) > 0
    profile.clear()
    assert opened(profile, site).evaluate(FETCHED) == 0
