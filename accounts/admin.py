"""The admin of people, organizations and second factors: to look up, to disable, to remove what was lost."""

from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from common.admin import ReadOnlyAdmin
from common.clock import utc_now
from common.money import PicoUsd, format_exact_usd

from .models import AccountDeletion, Invitation, Membership, Organisation, User
from .organisations import invitations
from .organisations.signals import Refused
from .sessions import admin as _of_sessions  # noqa: F401  registers theirs

if TYPE_CHECKING:
    Inline = admin.TabularInline[Membership, Organisation]  # generic for the type checker only
else:
    Inline = admin.TabularInline


admin.site.unregister(Authenticator)  # allauth's admin shows and edits the secrets


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "name", "public_id", "is_active", "is_staff", "created_at", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name", "public_id")
    actions = ("disable", "enable")
    readonly_fields = (
        "public_id",
        "email",
        "name",
        "is_active",
        "is_staff",
        "is_superuser",
        "created_at",
        "last_login",
        "belongs_to",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # A complete address or ID uses an index.
        text = search_term.strip()
        if "@" in text and (found := queryset.filter(email=text.lower())):
            return found, False
        if text.startswith("user_"):
            return queryset.filter(public_id=text), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="organizations")
    def belongs_to(self, user: User) -> str:
        organisations = Organisation.objects.filter(memberships__user=user).order_by("name")
        return ", ".join(f"{organisation.name} ({organisation.public_id})" for organisation in organisations) or "-"

    @admin.action(
        description="Disable (signs them out everywhere; freeze the account to stop its keys)", permissions=["change"]
    )
    def disable(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._switch(request, queryset, is_active=False)

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._switch(request, queryset, is_active=True)

    def _switch(self, request: HttpRequest, queryset: QuerySet[User], *, is_active: bool) -> None:
        done = 0
        for user in queryset.exclude(is_active=is_active).filter(deletion=None):
            if user.pk == request.user.pk:
                self.message_user(request, "You can't disable yourself.", messages.ERROR)
                continue
            if user.is_superuser and not (isinstance(request.user, User) and request.user.is_superuser):
                self.message_user(request, f"Only a superuser can change {user}.", messages.ERROR)
                continue
            user.is_active = is_active
            user.save(update_fields=["is_active"])  # tells the user's open chats at once
            self.log_action(request, user, "Enabled." if is_active else "Disabled.")
            done += 1
        self.report(request, done, "Users enabled" if is_active else "Users disabled")


class MembershipInline(Inline):
    model = Membership
    fields = readonly_fields = ("user", "role", "limit", "created_at")
    extra = 0
    can_delete = False

    @admin.display(description="spend limit")
    def limit(self, membership: Membership) -> str:
        if membership.spend_limit is None:
            return "-"
        amount = format_exact_usd(PicoUsd(membership.spend_limit))
        return f"{amount} {membership.get_limit_reset_display().lower()}".strip()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Organisation)
class OrganisationAdmin(ReadOnlyAdmin):
    list_display = ("name", "public_id", "personal_of", "created_at", "account", "keys")
    list_select_related = ("personal_of",)
    search_fields = ("name", "public_id", "members__email")
    inlines = (MembershipInline,)
    readonly_fields = (
        "name",
        "public_id",
        "personal_of",
        "default_model",
        "default_sort",
        "created_by",
        "created_at",
        "deleted_at",
        "account",
        "keys",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if text.startswith("org_"):
            return queryset.filter(public_id=text), False
        if "@" in text and (user := User.objects.filter(email=text.lower()).first()):
            return queryset.filter(memberships__user=user), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="account (freeze it there)")
    def account(self, organisation: Organisation) -> str:
        return _link("billing_creditaccount", organisation, f"Account of {organisation.name}")

    def keys(self, organisation: Organisation) -> str:
        return _link("keys_apikey", organisation, f"Keys of {organisation.name}")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Open and expired invitations, without their tokens. A revoked one is gone."""

    list_display = ("email", "organisation", "role", "invited_by", "sent_at", "expires_at", "state")
    list_select_related = ("organisation", "invited_by")
    list_filter = ("role", ("due_at", admin.EmptyFieldListFilter))
    search_fields = ("email", "organisation__name", "organisation__public_id")
    readonly_fields = (
        "email", "organisation", "role", "invited_by", "created_at", "sent_at", "expires_at", "state", "tries",
    )  # fmt: skip
    actions = ("revoke",)

    @admin.display()
    def state(self, invitation: Invitation) -> str:
        if invitation.expires_at <= utc_now():
            return "Expired"
        return "Email sent" if invitation.due_at is None else "Email waits"

    @admin.action(description="Revoke (its link stops working at once)", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        done = 0
        for invitation in queryset.select_related("organisation"):
            try:
                done += invitations.revoke(invitation.organisation, None, invitation.pk)
            except Refused as refused:
                self.message_user(request, str(refused), messages.ERROR)
                continue
            self.log_action(request, invitation.organisation, f"Revoked the invitation of {invitation.email}.")
        self.report(request, done, "Invitations revoked")


@admin.register(AccountDeletion)
class AccountDeletionAdmin(ReadOnlyAdmin):
    """Deleted accounts: when, and what is left to do. Nothing here tells who it was."""

    list_display = ("tombstone", "requested_at", "state", "waits_for", "by_operator", "finished_at")
    list_filter = (("finished_at", admin.EmptyFieldListFilter), "by_operator")
    list_select_related = ("user",)
    search_fields = ("user__public_id",)
    readonly_fields = (
        "tombstone",
        "requested_at",
        "state",
        "waits_for",
        "tries",
        "due_at",
        "by_operator",
        "finished_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("farewell_to")

    @admin.display(description="user")
    def tombstone(self, deletion: AccountDeletion) -> str:
        return deletion.user.public_id

    @admin.display()
    def state(self, deletion: AccountDeletion) -> str:
        return "Finished" if deletion.finished_at else "Closed, finishing"


@admin.register(Authenticator)
class AuthenticatorAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Rows without their secrets. They can be deleted, and nothing else."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__email",)
    fields = readonly_fields = ("user", "type", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return False


def _link(what: str, organisation: Organisation, text: str) -> str:
    return format_html('<a href="{}?q={}">{}</a>', reverse(f"admin:{what}_changelist"), organisation.public_id, text)
