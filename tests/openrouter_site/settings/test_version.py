"""The version of the site is that of the changelog's newest section."""

import pytest
from django.conf import settings
from django.test import Client

from openrouter_site.version import version_in


@pytest.mark.parametrize(
    "newest, version",
    [("## v0.3.0 (unreleased)", "0.3.0-dev"), ("## v0.3.0 (2027-01-31)", "0.3.0"), ("## v1.0.0 (2028-02-29)", "1.0.0")],
)
def test_a_version_without_a_date_is_in_development(newest, version):
    assert version_in(f"# Changelog\n\nOne line.\n\n{newest}\n\n### Added\n\n## v0.2.0 (2026-11-30)\n") == version


def test_the_foot_of_pages_says_it(db):
    assert f"Version {settings.VERSION}<" in Client().get("/").content.decode()
