"""The dimensions that usage is divided and filtered by, and their filters in the query string."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from django.http import Http404, QueryDict

from accounts.models import Organisation, User
from billing.models import CreditAccount
from gateway.models import Generation
from keys.models import ApiKey

from . import rollups
from .picks import MOST_VALUES, Pick

__all__ = ["DIMENSIONS", "GROUPS", "picks_from", "text_of"]

#: Dimensions of the chart: value of `by` in the query string, column of usage, label.
GROUPS = {
    "model": ("model", "Model"),
    "provider": ("provider", "Provider"),
    "key": ("key_id", "API key"),
    "member": ("user_id", "Member"),
    "app": ("app", "App"),
    "source": ("source", "Source"),
}
#: Dimensions that a view is filtered by: name in the query string, which is a field of `Filter`, and column of usage.
DIMENSIONS = {name: column for name, (column, _) in GROUPS.items()}
#: Longest text that can match a column.
LONGEST = 200


def picks_from(
    query: QueryDict, organisation: Organisation, account: CreditAccount, problems: dict[str, str]
) -> Iterator[tuple[str, Pick]]:
    """Yield the filters of the query string by name. Writes to `problems`, by name, what is ignored and why.

    A key or member of another organization raises Http404.
    """
    for name in DIMENSIONS:
        texts, excluded = _texts(query, name), False
        others = _texts(query, f"not_{name}")
        if name in query.getlist("not"):  # the switch of a form that works without JavaScript
            texts, others = [], [*texts, *others]
        if texts and others:
            problems[name] = f"The address chooses and excludes values of {name}. The excluded ones are ignored."
        elif others:
            texts, excluded = others, True
        if len(texts) > MOST_VALUES:
            problems[name] = (
                f"A filter takes at most {MOST_VALUES} values, and this one of {name} has {len(texts):,}. It is"
                " ignored. Choose fewer, or everything but some."
            )
        elif texts:
            pick = _pick(name, texts, organisation, account)
            yield name, replace(pick, excluded=excluded)


def _pick(name: str, texts: list[str], organisation: Organisation, account: CreditAccount) -> Pick:
    match name:
        case "key":
            hashes = [text for text in texts if text.isalnum()]
            # Includes deleted keys: their history stays.
            found = ApiKey.objects.filter(organisation=organisation, hash__in=hashes)
            known = dict(found.values_list("hash", "pk"))
        case "member":
            ids = User.objects.filter(public_id__in=texts).values_list("public_id", "pk", "organisations")
            known = {text: pk for text, pk, of in ids if of == organisation.pk}
            for text, pk, _ in ids:  # usage stays when a member leaves
                if text not in known and rollups.exists(account, user_id=pk):
                    known[text] = pk
        case _:
            values = tuple(text for text in texts if name != "source" or text in Generation.Source.values)
            return Pick.of(*values)
    if len(known) < len(texts):
        raise Http404(f"No such {name}.")
    return Pick(tuple(known[text] for text in texts), tuple(texts))


def _texts(query: QueryDict, name: str) -> list[str]:
    """Return the different values of a parameter, those of a key as sent."""
    found = query.getlist(name) or (query.getlist("api_key_hash") if name == "key" else [])
    texts = (text.strip() for text in found)
    strict = name.endswith("key")  # an unknown key is a 404, whatever it looks like
    return [*dict.fromkeys(text for text in texts if text and (strict or _is_plain(text)))]


def text_of(query: Mapping[str, str], name: str) -> str:
    """Return a parameter's text, empty for one that can match no column."""
    text = query.get(name, "").strip()
    return text if _is_plain(text) else ""


def _is_plain(text: str) -> bool:
    return len(text) <= LONGEST and text.isprintable()
