"""How commands find what their arguments name."""

from django.core.management.base import CommandError

from accounts.models import Organisation, User

__all__ = ["organisation_of", "user_of"]


def user_of(email: str) -> User:
    """Return the user with this primary address. Raises CommandError."""
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is None:
        raise CommandError("No account has this email address.")
    return user


def organisation_of(public_id: str) -> Organisation:
    """Return the shared organization with this ID. Raises CommandError."""
    found = Organisation.objects.filter(public_id=public_id.strip(), personal_of=None, deleted_at=None).first()
    if found is None:
        raise CommandError("No organization has this ID. The admin shows it: org_...")
    return found
