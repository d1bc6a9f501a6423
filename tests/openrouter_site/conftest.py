"""The static files of production."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from common.templatetags import page
from openrouter_site.pages import offline
from tests.settings import RUN_DIR
from tests.support.databases import one_at_a_time

HASHED = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "openrouter_site.browser_libraries.HashedStaticFiles"},
}


@pytest.fixture(scope="module")
def static_root() -> Path:
    """The folder that `collectstatic` fills in production; the first process of a run does."""
    folder = RUN_DIR / "collected"
    with one_at_a_time(folder.name):
        if not (folder / "staticfiles.json").exists():
            with override_settings(STATIC_ROOT=folder, STORAGES=HASHED):
                call_command("collectstatic", interactive=False, verbosity=0)
    return folder


@pytest.fixture
def collected(static_root: Path, settings) -> Iterator[dict[str, str]]:
    """name -> hashed name, with the settings of production."""
    settings.STATIC_ROOT = static_root
    settings.STORAGES = HASHED
    _forget_names()
    yield json.loads((static_root / "staticfiles.json").read_text())["paths"]
    _forget_names()


def _forget_names() -> None:
    """Forget the names of static files that a process keeps, because they do not change while it runs."""
    offline._worker.cache_clear()
    page._import_map.cache_clear()
