"""Operators that commands act for."""

from django.core.management.base import CommandError

from accounts.models import User

__all__ = ["operator_with"]


def operator_with(permission: str, email: str, *, to: str) -> User:
    """Return the operator with this email address and permission. CommandError, naming what it allows, if none."""
    operator = User.objects.filter(email__iexact=email, is_staff=True, is_active=True).first()
    if operator is None or not operator.has_perm(permission):
        raise CommandError(f"{email} is not an operator with permission to {to}.")
    return operator
