"""The admin of open sessions: to look up and to end. Their keys, with which anyone could enter, are not shown."""

from typing import Any

from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.sign_in import notices, social
from common import clock
from common.admin import ReadOnlyAdmin

from . import devices

admin.site.unregister(UserSession)  # allauth's admin edits them, and searches for user names
for model in (SocialAccount, SocialApp, SocialToken):  # likewise; clients of other sites come from the environment
    admin.site.unregister(model)


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "device", "ip", "created_at", "last_seen_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "ip")
    readonly_fields = ("user", "device", "user_agent", "ip", "created_at", "last_seen_at")
    actions = ("end",)

    def device(self, session: UserSession) -> str:
        return devices.describe(session.user_agent)

    @admin.action(description="End (signs the user out there at once)", permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[UserSession]) -> None:
        done = 0
        for session in queryset.select_related("user"):
            self.log_action(request, session, "Ended.")
            session.end()
            ended = {"timestamp": clock.utc_now().isoformat(), "device": self.device(session), "ip": session.ip}
            notices.send(session.user, "account/email/session_ended_by_operator", ended)
            done += 1
        self.report(request, done, "Sessions ended")


@admin.register(SocialAccount)
class SocialAccountAdmin(ReadOnlyAdmin):
    list_display = ("user", "provider", "label", "date_joined", "last_login")
    list_select_related = ("user",)
    list_filter = ("provider",)
    search_fields = ("user__email",)
    readonly_fields = ("user", "provider", "label", "date_joined", "last_login")

    def label(self, account: SocialAccount) -> Any:
        return social.label_of(account)
