"""A summary of what protects an account, for the Security page and the Manage Account dialog."""

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount

from accounts.sessions import open_sessions
from accounts.sign_in import social
from common.web.http import AuthedRequest

__all__ = ["Protection", "of"]


@dataclass(frozen=True, slots=True)
class Protection:
    """The user's ways to sign in and open sessions. `sites`: names of connected accounts' sites."""

    has_app: bool
    passkeys: int
    sessions: int
    sites: tuple[str, ...]
    can_connect: bool

    @property
    def has_second_factor(self) -> bool:
        """Whether signing in with the password asks for more."""
        return self.has_app or self.passkeys > 0


def of(request: AuthedRequest) -> Protection:
    """Return what protects the account of the request's user."""
    user = request.user
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    connected = SocialAccount.objects.filter(user=user).order_by("provider").values_list("provider", flat=True)
    return Protection(
        has_app=Authenticator.Type.TOTP in kinds,
        passkeys=kinds.count(Authenticator.Type.WEBAUTHN),
        sessions=max(1, len(open_sessions.of(user, request.session.session_key))),  # this one may not be recorded yet
        sites=tuple(dict.fromkeys(social.NAMES.get(site, site) for site in connected)),
        can_connect=bool(social.offered()),
    )
