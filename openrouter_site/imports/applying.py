"""Carrying out a plan, in one transaction. What is there already stays as it is: a plan may be applied again."""

from collections import Counter
from collections.abc import Iterator

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Q

from accounts import access
from accounts.models import Membership, Organisation, User
from billing import spending
from billing.credits import ledger
from billing.models import LedgerEntry
from common.money import format_exact_usd
from keys.models import ApiKey

from .plan import Credit, Key, Person, Plan, Team

__all__ = ["Line", "apply", "preview", "totals"]

#: What happens ("create", "there", "refused"), to what ("user", "team", "key", "credits", ""), its name, a detail.
Line = tuple[str, str, str, str]


def preview(plan: Plan) -> list[Line]:
    """Return a line for each thing, without creating any."""
    with transaction.atomic():
        lines = apply(plan)
        transaction.set_rollback(True)
    return lines


@transaction.atomic
def apply(plan: Plan) -> list[Line]:
    """Create what is not there yet; return a line for each thing."""
    lines = [_person(each) for each in plan.people]
    owners = {each.email: access.open_personal_organisation(_user(each.email)) for each in plan.people}
    for team in plan.teams:
        owners[team.id], line = _team(team)
        lines.append(line)
    lines += [_key(each, owners[each.owner]) for each in plan.keys]
    lines += [_credit(each, owners[each.owner], plan.source) for each in plan.credits]
    lines += [("refused", "", thing, reason) for thing, reason in plan.refused]
    return lines


def totals(lines: list[Line]) -> Iterator[str]:
    """Yield a summary of the lines, such as "create 2 users"."""
    for (action, kind), count in sorted(Counter((line[0], line[1]) for line in lines).items()):
        yield f"{action} {count} {kind}".rstrip()


def _find_user(email: str) -> User | None:
    """Return the user with this address, or the one that has it as a verified further address."""
    verified = Q(emailaddress__email__iexact=email, emailaddress__verified=True)
    return User.objects.filter(Q(email__iexact=email) | verified).order_by("pk").first()


def _user(email: str) -> User:
    found = _find_user(email)
    assert found is not None, "people are created first"
    return found


def _person(person: Person) -> Line:
    if _find_user(person.email):
        return ("there", "user", person.email, "")
    user = User.objects.create_user(person.email, name=person.name, is_active=person.active)
    # Not verified: the link for a forgotten password, by which they sign in first, does that.
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
    return ("create", "user", person.email, "" if person.active else "disabled")


def _team(team: Team) -> tuple[Organisation, Line]:
    admin = _user(team.admins[0])
    known = Organisation.objects.filter(name=team.name, created_by=admin, personal_of=None, deleted_at=None).first()
    organisation = known or Organisation.objects.create(name=team.name, created_by=admin)
    roles = dict.fromkeys(team.members, Membership.Role.MEMBER) | dict.fromkeys(team.admins, Membership.Role.ADMIN)
    if not known:
        for email, role in roles.items():
            Membership.objects.create(organisation=organisation, user=_user(email), role=role)
    return organisation, ("there" if known else "create", "team", team.name, f"{len(roles)} members")


def _key(key: Key, organisation: Organisation) -> Line:
    detail = f"of {organisation}" + (", disabled" if key.disabled else "")
    if ApiKey.objects.with_hash(key.hash).exists():
        return ("there", "key", key.name, detail)
    ApiKey.objects.create(
        organisation=organisation,
        created_by=_user(key.creator) if key.creator else None,
        name=key.name,
        hash=key.hash,
        label=key.label,
        disabled=key.disabled,
        **key.settings,
    )
    if (limit := key.settings.get("limit")) is not None:
        detail += f", limit {format_exact_usd(limit)} {key.settings.get('limit_reset', '')}".rstrip()
    return ("create", "key", key.name, detail)


def _credit(credit: Credit, organisation: Organisation, source: str) -> Line:
    reference = f"import:{credit.reference}"
    line = ("credits", f"{organisation}", format_exact_usd(credit.amount))
    if LedgerEntry.objects.filter(kind=LedgerEntry.Kind.GRANT, reference=reference).exists():
        return ("there", *line)
    ledger.add(
        spending.account_of(organisation),
        credit.amount,
        kind=LedgerEntry.Kind.GRANT,
        reference=reference,
        note=f"Opening balance from {source}",
    )
    return ("create", *line)
