"""Removing a person from the tables: what belongs to them goes, and their own row becomes a tombstone without them.

The rows of the person and of their closed organizations stay, because money refers to them. Everything else that
refers to them is treated as if they were deleted: rows that would go with them go, and links that would be emptied are
emptied. So a new table is covered from its first day. An app that must `keep` rows clears them itself.
"""

from collections.abc import Iterable

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import CASCADE, SET_NULL, Model

from accounts.models import AccountDeletion, Invitation, Organisation, User, new_organisation_id, new_user_id
from common.clock import utc_now

from .leaving import Leaving

__all__ = ["NAME", "end_sessions", "erase", "erase_again", "forget_in_log", "keep"]

#: The name of closed organizations, on what is kept of their money.
NAME = "Deleted account"

# What operators did stays on record, and the closed organization stays the person's.
_kept: set[type[Model]] = {LogEntry, AccountDeletion, AccountDeletion.organisations.through, Organisation}


def keep(*models: type[Model]) -> None:
    """Leave the rows of these models to the app's own receivers."""
    _kept.update(models)


def erase(leaving: Leaving) -> None:
    """Remove what refers to the person and their closed organizations, and make tombstones of the two."""
    _forget_addresses_in_log(leaving.addresses)
    forget_in_log(User, [leaving.user.pk])
    forget_in_log(Organisation, [each.pk for each in leaving.organisations])
    Invitation.objects.filter(email__in=leaving.addresses).delete()  # nothing but the address says whose they are
    _erase_related(leaving.user)
    _bury(leaving.user)
    for organisation in leaving.organisations:
        _erase_related(organisation)
        organisation.public_id = new_organisation_id()
        organisation.deleted_at = utc_now()
        organisation.save(update_fields=["public_id", "deleted_at"])
        _empty(organisation)


def erase_again(deletion: AccountDeletion) -> None:
    """Remove what a request of the person wrote that was already under way when the account was closed."""
    User.objects.filter(pk=deletion.user_id).update(name="", time_zone="", last_login=None)
    _erase_related(deletion.user)
    for organisation in deletion.organisations.all():
        _erase_related(organisation)
        _empty(organisation)


def _empty(organisation: Organisation) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(name=NAME, default_model="", default_sort="")


def _erase_related(row: Model) -> None:
    """Delete the rows that would go with this one, and empty the links that would be emptied, without deleting it."""
    for relation in row._meta.get_fields(include_hidden=True):
        if not relation.auto_created or relation.concrete or not (relation.one_to_many or relation.one_to_one):
            continue
        model = relation.related_model
        if model in _kept or not isinstance(model, type):
            continue
        name = relation.field.name  # type: ignore[union-attr]  # a relation of these two kinds has one
        rows = model._base_manager.filter(**{name: row.pk})
        if relation.on_delete is CASCADE:  # type: ignore[union-attr]
            rows.delete()
        elif relation.on_delete is SET_NULL:  # type: ignore[union-attr]
            rows.update(**{name: None})


def forget_in_log(model: type[Model], ids: Iterable[object]) -> None:
    """Remove the names of these rows from the admin's log of what operators did."""
    kind = ContentType.objects.get_for_model(model)
    LogEntry.objects.filter(content_type=kind, object_id__in=[str(each) for each in ids]).update(object_repr=NAME)


def end_sessions(user: User) -> None:
    """Delete the person's sessions. They are over before: the tombstone is inactive and has no password."""
    for session in Session.objects.iterator(chunk_size=500):
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


def _forget_addresses_in_log(addresses: Iterable[str]) -> None:
    for address in addresses:
        LogEntry.objects.filter(object_repr__icontains=address).update(object_repr=NAME)
        LogEntry.objects.filter(change_message__icontains=address).update(change_message="")


def _bury(user: User) -> None:
    """Make the row a tombstone: no name, no address, no password, no rights, and an ID that was never anyone's."""
    user.public_id = new_user_id()
    user.email = f"deleted-{user.public_id}@deleted.invalid".lower()
    user.name = user.time_zone = ""
    user.date_format = User.DateFormat.DAY_FIRST
    user.is_active = user.is_staff = user.is_superuser = False
    user.last_login = None
    user.set_unusable_password()
    user.save()  # tells the person's open sockets
