"""Saved views: which a member may see and edit, what is kept of an address, and how it is opened again."""

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from accounts import access
from accounts.models import Organisation, User
from activity.filters import filter_from
from activity.logs.filters import log_filter_from
from activity.models import SavedView
from common.clock import utc_now
from common.errors import Conflict, InvalidRequest
from keys.models import ApiKey

__all__ = ["MOST", "address_of", "editable", "normalized", "rename", "save", "visible"]

#: Views of one user, in all organizations.
MOST = 50


def visible(user: User, organisation_id: int) -> QuerySet[SavedView]:
    """Return the user's views of the organization and those that are shared with its members, by name."""
    views = SavedView.objects.filter(Q(user=user) | Q(shared=True), organisation=organisation_id)
    return views.select_related("user").order_by("page", "name", "pk")


def editable(user: User, organisation: Organisation) -> QuerySet[SavedView]:
    """Return the views that the user may rename, share and delete: their own, and for admins the shared ones."""
    views = visible(user, organisation.pk)
    return views if access.is_admin(user, organisation) else views.filter(user=user)


def normalized(page: str, query: str, organisation: Organisation, user: User) -> str:
    """Return the query string as the page's own filters write it for the user: nothing else of the text is kept.

    Raises InvalidRequest if it is too long, and Http404 if it names a key of another organization.
    """
    if len(query) > SavedView.LONGEST_QUERY:
        raise InvalidRequest(f"This view is longer than {SavedView.LONGEST_QUERY:,} characters. Remove some filters.")
    read = log_filter_from if page == SavedView.Page.LOGS else filter_from
    result = read(QueryDict(query), organisation, utc_now(), user).query()
    if len(result) > SavedView.LONGEST_QUERY:
        raise InvalidRequest(f"This view is longer than {SavedView.LONGEST_QUERY:,} characters. Remove some filters.")
    return result


@transaction.atomic
def save(user: User, organisation: Organisation, view: SavedView, *, replace: bool) -> SavedView:
    """Save a new view of the user. With `replace` it takes the place of the one with its name.

    Raises Conflict if there is one and it should not be replaced, and InvalidRequest beyond `MOST`.
    """
    User.objects.select_for_update().get(pk=user.pk)  # so that two at once are counted one after the other
    mine = SavedView.objects.filter(user=user)
    same = mine.filter(organisation=organisation, page=view.page, name=view.name).first()
    if same is not None and not replace:
        raise Conflict(f"You have a view named “{view.name}” already.")
    if same is None and mine.count() >= MOST:
        raise InvalidRequest(f"You have {MOST} saved views, which is the limit. Delete one to save another.")
    if same is not None:
        same.query, same.shared = view.query, view.shared
        view = same
    view.user, view.organisation = user, organisation
    view.save()
    return view


@transaction.atomic
def rename(view: SavedView, name: str, *, shared: bool) -> None:
    """Give a view another name and share it or not. Raises Conflict if its user has another view with that name."""
    User.objects.select_for_update().get(pk=view.user_id)
    same = SavedView.objects.filter(user=view.user_id, organisation=view.organisation_id, page=view.page, name=name)
    if same.exclude(pk=view.pk).exists():
        raise Conflict(f"There is a view named “{name}” already.")
    view.name, view.shared = name, shared
    view.save(update_fields=["name", "shared"])


def address_of(view: SavedView) -> tuple[str, str]:
    """Return the path of a view, and a notice if a key of it was deleted since it was saved, else an empty text."""
    query, notices = QueryDict(view.query, mutable=True), []
    for name in ("key", "not_key"):
        hashes = query.getlist(name)
        known = ApiKey.objects.filter(organisation=view.organisation_id, hash__in=hashes).in_bulk(field_name="hash")
        if len(known) < len(hashes):
            query.setlist(name, [each for each in hashes if each in known])
            notices.append("An API key of this view no longer exists. The view is shown without it.")
        gone = [known[each].name for each in hashes if each in known and known[each].deleted_at]
        notices += [f"The API key “{key}” was deleted. Its past requests are still there." for key in gone]
    path = reverse(f"activity:{view.page}")
    return f"{path}?{query.urlencode()}" if query else path, " ".join(notices)
