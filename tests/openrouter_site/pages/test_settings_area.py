"""The list of settings pages and their common navigation."""

import re

import pytest

from openrouter_site.pages.settings_area import ENTRIES

#: A page, the entry that it belongs to, and whether it is that entry's own page.
PAGES = [
    ("/settings/profile", "Profile", True),
    ("/account/email/", "Profile", False),
    ("/settings/preferences", "Preferences", True),
    ("/settings/credits", "Credits", True),
    ("/settings/credits/auto-top-up", "Credits", False),
    ("/settings/credits/billing-details", "Credits", False),
    ("/settings/keys", "API keys", True),
    ("/settings/keys/create", "API keys", False),
    ("/settings/management-keys", "API keys", False),
    ("/settings/provider-keys/add", "Provider keys", False),
    ("/settings/privacy", "Privacy", True),
    ("/settings/guardrails/create", "Guardrails", False),
    ("/settings/notifications", "Notifications", True),
    ("/settings/presets", "Presets", True),
    ("/settings/presets/create", "Presets", False),
    ("/settings/security", "Security", True),
    ("/account/password/change/", "Security", False),
    ("/account/two-factor/", "Security", False),
    ("/account/two-factor/webauthn/", "Security", False),
]


@pytest.mark.parametrize(("address", "label", "is_own"), PAGES)
def test_every_settings_page_has_the_list_with_itself_marked(alice_client, address, label, is_own):
    page = alice_client.get(address).content.decode()
    listed = page[page.index('<nav class="settings-nav"') :]
    listed = listed[: listed.index("</nav>")]
    assert re.findall(r"</svg>([^<]+)</a>", listed) == [entry.label for entry in ENTRIES]
    current = re.findall(r'href="([^"]+)" aria-current="(\w+)">.*?</svg>([^<]+)</a>', listed)
    assert [(kind, name) for _, kind, name in current] == [("page" if is_own else "true", label)]
    back = re.search(r'<nav class="settings-back"[^>]*><a href="([^"]+)">', page)
    assert back is not None and back[1] == ("/settings" if is_own else current[0][0])


def test_the_list_is_a_page_too(alice_client):
    page = alice_client.get("/settings").content.decode()
    for entry in ENTRIES:
        assert f'href="{entry.url}"' in page and entry.summary in page
