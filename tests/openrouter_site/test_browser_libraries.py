"""Static files: the named files of browser libraries, and their hashed names in production."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.test import Client

from openrouter_site import browser_libraries
from openrouter_site.browser_libraries import BrowserLibraryFinder


def test_every_library_is_installed():
    assert BrowserLibraryFinder().check() == []


def test_a_missing_library_names_the_command_that_brings_it(settings, tmp_path: Path):
    settings.NODE_MODULES = tmp_path
    [error] = BrowserLibraryFinder().check()
    assert "make setup" in error.msg


@pytest.mark.parametrize("name", ["vendor/marked/package.json", "vendor/../package.json", "vendor/htmx.js", "vendor/"])
def test_what_is_not_listed_is_not_found(name: str):
    assert finders.find(name) is None


def test_what_may_be_imported_is_a_file():
    assert [name for name in browser_libraries.IMPORTS.values() if finders.find(name) is None] == []


def test_our_modules_import_each_other_by_name():
    # A relative import would ask for the file's plain name, which a browser may have kept from an older version.
    relative = re.compile(r"""(?:from|import)\s*\(?\s*["']\.{1,2}/""")
    static = Path(django_settings.BASE_DIR, "static")
    modules = set(static.rglob("js/**/*.js")) - set(static.glob(browser_libraries.WORKER_MODULES))
    assert [str(module) for module in modules if relative.search(module.read_text())] == []


def test_modules_of_a_worker_import_each_other_by_hashed_path(collected: dict[str, str], settings):
    names = [name for name in collected if fnmatch(name, browser_libraries.WORKER_MODULES)]
    assert "js/chat/files/office/worker.js" in names
    for name in names:
        text = (settings.STATIC_ROOT / collected[name]).read_text()
        for path in re.findall(r"""from\s*["']([^"']+)["']""", text):
            assert re.fullmatch(r"\./\w+\.[0-9a-f]{12}\.js", path), (name, path)
            assert (settings.STATIC_ROOT / Path(name).parent / path).is_file()


def test_names_in_production_carry_a_hash_of_the_content(collected: dict[str, str], settings):
    for name in ("css/base.css", "js/base.js", "vendor/inter.woff2", "vendor/marked.js", "vendor/katex/katex.css"):
        assert re.fullmatch(r".+\.[0-9a-f]{12}\.\w+", collected[name])
        assert (settings.STATIC_ROOT / collected[name]).is_file()


def test_character_maps_of_pdfs_stand_beside_their_library(collected: dict[str, str], settings):
    folder = (settings.STATIC_ROOT / collected["vendor/pdfjs/pdf.js"]).parent
    assert (folder / "cmaps/90ms-RKSJ-H.bcmap").is_file()


def test_style_sheets_in_production_name_hashed_fonts(collected: dict[str, str], settings):
    style = (settings.STATIC_ROOT / collected["css/base.css"]).read_text()
    named = re.findall(r'url\("([^"]+)"\)', style)
    assert len(named) == 2
    for font in named:
        assert (settings.STATIC_ROOT / "css" / font).resolve().is_file()
        assert re.search(r"\.[0-9a-f]{12}\.woff2", font)


def test_pages_in_production_name_hashed_files_and_modules(collected: dict[str, str], client: Client, db):
    html = client.get("/terms").content.decode()
    assert collected["css/base.css"] in html and collected["js/base.js"] in html
    imports = json.loads(re.search(r'<script type="importmap"[^>]*>(.*?)</script>', html).group(1))["imports"]
    assert imports["marked"] == "/static/" + collected["vendor/marked.js"]


def test_the_service_worker_in_production_keeps_hashed_files(collected: dict[str, str], settings, client: Client):
    kept = json.loads(re.match(r"const RELEASE = (.*);\n", client.get("/chat-worker.js").content.decode()).group(1))
    assert kept["hashed"] is True
    assert {f"/static/{collected[name]}" for name in browser_libraries.IMPORTS.values()} <= set(kept["files"])
    assert all(re.search(r"\.[0-9a-f]{12}\.\w+$", url) for url in kept["files"])
    for font in re.findall(r'url\("\.\./([^"]+)"\)', (settings.STATIC_ROOT / collected["css/base.css"]).read_text()):
        assert f"/static/{font}" in kept["files"]


def test_the_shared_style_sheets_stay_small(collected: dict[str, str], settings):
    compressed = [settings.STATIC_ROOT / (collected[name] + ".gz") for name in ("css/base.css", "css/components.css")]
    assert sum(file.stat().st_size for file in compressed) < 11_900  # two files compress a little worse than one
