"""The settings area: the list of its pages, which their common navigation shows."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts import access
from accounts.models import Organisation, User
from common.web.http import AuthedRequest

__all__ = ["ENTRIES", "GROUPS", "Entry", "entry_of", "groups_for", "settings"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the settings. `sections` are prefixes of the names of routes that belong to it, beside its own.

    Of several entries with a prefix of a route, the longest prefix counts. Other members of an organization than its
    admins don't see what is `for_admins`.
    """

    label: str
    icon: str
    route: str
    summary: str
    sections: tuple[str, ...] = ()
    for_admins: bool = False

    @property
    def url(self) -> str:
        return reverse(self.route)


#: In the order of the navigation.
GROUPS = {
    "API": (
        Entry("API keys", "key", "keys:keys", "Keys for your apps, with limits", ("keys:",)),
        Entry("Provider keys", "server", "keys:provider-keys", "Your own accounts at providers (BYOK)",
              ("keys:add-provider-key", "keys:provider-key", "keys:delete-provider-key")),
        Entry("Presets", "tag", "presets:presets", "Saved models, prompts and parameters", ("presets:",)),
        Entry("Guardrails", "filter", "guardrails:guardrails", "Budgets and allowed models for keys and members",
              ("guardrails:",), for_admins=True),
        Entry("Privacy", "shield", "accounts:privacy", "Which providers may receive your prompts",
              ("privacy-", "logging:")),
        Entry("Observability", "send", "broadcast:observability", "Events of your requests for your own servers",
              ("broadcast:",)),
        Entry("Connected apps", "link", "keys:connected-apps", "Apps that pay with your credits",
              ("keys:disconnect-app",)),
    ),
    "Billing and team": (
        Entry("Credits", "wallet", "billing:credits", "Balance, purchases and receipts", ("billing:",)),
        Entry("Organization", "users", "accounts:organization", "Members, roles and invitations",
              ("accounts:leave-organization", "accounts:delete-organization", "accounts:hand-over",
               "accounts:remove-member", "accounts:member-limit")),
    ),
    "Personal": (
        Entry("Profile", "user", "accounts:profile", "Your name and email addresses", ("account_email",)),
        Entry("Preferences", "settings", "preferences", "Time zone, theme, default model", ("display-preferences",)),
        Entry("Notifications", "bell", "billing:notifications", "Summaries and alerts by email"),
        Entry("Security", "lock", "accounts:security", "Password, passkeys, sessions, connected accounts",
              ("account_change_password", "account_set_password", "mfa_", "socialaccount_connections",
               "accounts:sessions", "accounts:end-", "accounts:manage-account", "accounts:delete")),
    ),
}  # fmt: skip
ENTRIES = tuple(entry for entries in GROUPS.values() for entry in entries)


def groups_for(user: User, organisation: Organisation) -> dict[str, list[Entry]]:
    """Return the entries that the user sees in the organization, by their group's name."""
    everything = not organisation.is_shared or access.is_admin(user, organisation)
    return {
        name: [entry for entry in entries if everything or not entry.for_admins] for name, entries in GROUPS.items()
    }


def entry_of(route: str) -> Entry | None:
    """Return the entry that a page belongs to, by the name of its route; None outside the settings."""
    prefixes = [(prefix, entry) for entry in ENTRIES for prefix in (entry.route, *entry.sections)]
    found = [(len(prefix), entry) for prefix, entry in prefixes if route.startswith(prefix)]
    return max(found, key=lambda each: each[0])[1] if found else None


@login_required
@require_GET
def settings(request: AuthedRequest) -> HttpResponse:
    """The list of all settings pages."""
    return render(request, "settings/settings.html", {"groups": groups_for(request.user, access.for_member(request))})
