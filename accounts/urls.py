"""URLs of `accounts`. Sign-in and sign-out belong to django-allauth, under /account/."""

from django.urls import path
from django.views.generic import RedirectView

from .deletion import pages as deletion
from .organisations import invitation_pages
from .organisations import pages as organisations
from .pages import manage, privacy, profile, sessions

app_name = "accounts"

urlpatterns = [
    # /settings/
    path("settings/profile", profile.profile, name="profile"),
    path("settings/privacy", privacy.privacy, name="privacy"),
    path("settings/security", profile.security, name="security"),
    path("settings/account", manage.account, name="manage-account"),
    path("settings/security/sessions", sessions.sessions, name="sessions"),
    path("settings/security/sessions/end-others", sessions.end_others, name="end-other-sessions"),
    path("settings/security/sessions/<int:pk>/end", sessions.end, name="end-session"),
    path("settings/delete-account", deletion.delete, name="delete"),
    path("account-deleted", deletion.deleted, name="deleted"),
    # /settings/organization
    path("settings/organization", organisations.organisation, name="organization"),
    path("settings/organization/create", organisations.create, name="create-organization"),
    path("settings/organization/switch", organisations.switch, name="switch-organization"),
    path("settings/organization/rename", organisations.rename, name="rename-organization"),
    path("settings/organization/leave", organisations.leave, name="leave-organization"),
    path("settings/organization/delete", organisations.delete, name="delete-organization"),
    path("settings/organization/members/<str:user_id>/role", organisations.set_role, name="set-role"),
    path("settings/organization/members/<str:user_id>/limit", organisations.set_limit, name="member-limit"),
    path("settings/organization/members/<str:user_id>/hand-over", organisations.hand_over, name="hand-over"),
    path("settings/organization/members/<str:user_id>/remove", organisations.remove, name="remove-member"),
    path("settings/organization/invite", invitation_pages.invite, name="invite"),
    path("settings/organization/invitations/<int:invitation_id>/accept", invitation_pages.accept, name="accept"),
    path("settings/organization/invitations/<int:invitation_id>/resend", invitation_pages.resend, name="resend"),
    path("settings/organization/invitations/<int:invitation_id>/revoke", invitation_pages.revoke, name="revoke"),
    path("settings/organization-members", RedirectView.as_view(pattern_name="accounts:organization")),
    path("settings/members", RedirectView.as_view(pattern_name="accounts:organization")),
    # /invitations
    path("invitations/<str:token>", invitation_pages.invitation, name="invitation"),
]
