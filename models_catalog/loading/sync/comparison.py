"""Comparing the offers of a source with the catalog: `compare(staged, source, others)`.

- An endpoint follows the first source that lists it, while that one is configured.
- A field that an operator has set keeps its value.
- New endpoints and models come only at providers, and from authors, that the catalog knows.
- An endpoint that its source no longer lists is turned off, if its model has another. Else the model retires in
  RETIRES_AFTER: it is served until then, and those who use it are told.
- Servers of the operator's own, and what an aggregator would serve beside a model's own providers, stay as they are.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from common.clock import utc_now
from models_catalog.browser.descriptions import describe
from models_catalog.models import OWN, Author, Endpoint, Model, Provider
from models_catalog.prices.stored import servable

from . import plausibility
from .differences import Difference, Line, line_of, same, shown_prices
from .offers import Offer, Staged

__all__ = ["compare"]

RETIRES_AFTER = timedelta(days=30)

_SERVED_OUTPUTS = frozenset({"text", "image", "audio", "embeddings"})


def compare(staged: Staged, source: str, others: Collection[str] = ()) -> Difference:
    """Return what the source would change. Endpoints that follow one of the `others` are left alone.

    Reads the database, writes nothing.
    """
    return _Comparison(staged, source, frozenset(others) - {source}).run()


class _Comparison:
    def __init__(self, staged: Staged, source: str, others: frozenset[str]) -> None:
        self.offers, self.source, self.others = staged.offers, source, others
        self.found = Difference(source, staged.etag)
        self.providers = {row.slug: row for row in Provider.objects.all()}
        self.authors = dict(Author.objects.values_list("slug", "name"))
        self.models = {row.id: row for row in Model.objects.all()}
        self.endpoints = list(Endpoint.objects.order_by("model_id", "tag"))
        self.prices = {row.pk: row.pricing for row in self.endpoints}
        self.by_tag = {(row.model_id, row.tag): row for row in self.endpoints}
        self.by_name: dict[tuple[str, str], list[Endpoint]] = defaultdict(list)
        self.of: dict[tuple[str, str], list[Endpoint]] = defaultdict(list)  # by model and provider
        authors: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self.endpoints:
            self.by_name[row.provider_id, row.provider_model_id].append(row)
            self.of[row.model_id, row.provider_id].append(row)
            authors[row.provider_id][row.model_id.partition("/")[0]] += 1
        #: The author whose models a lab serves.
        self.author_of = {
            slug: counted.most_common(1)[0][0]
            for slug, counted in authors.items()
            if self.providers[slug].kind == "lab"
        }
        self.alike = {_alike(model_id): model_id for model_id in self.models}
        offered = Counter((offer.model_id, offer.provider) for offer in self.offers)
        self.once = {key for key, number in offered.items() if number == 1}

    def run(self) -> Difference:
        listed: set[int] = set()
        taken: set[tuple[str, str]] = set()
        for offer in self.offers:
            provider = self.providers.get(offer.provider)
            if provider is None:
                self.found.skip("at providers that the catalog doesn't know", str(offer))
            elif provider.kind == OWN:
                self.found.skip("at servers of your own", str(offer))
            elif (row := self._endpoint(offer)) is not None:
                if row.pk in listed:
                    self.found.skip("for an endpoint that another one names", str(offer))
                    continue
                listed.add(row.pk)
                self._update(row, offer, provider)
            elif reason := self._add(offer, provider, taken):
                self.found.skip(reason, str(offer))
        self._leave_aggregators_out()
        self._drop(listed)
        return self.found

    # --- Known endpoints ---------------------------------------------------------------------------

    def _endpoint(self, offer: Offer) -> Endpoint | None:
        """The endpoint that the offer is about."""
        if offer.model_id:
            if (row := self.by_tag.get((offer.model_id, offer.tag))) is not None:
                return row
            # The only one at the provider, on both sides, is the same under another tag.
            rows = self.of[offer.model_id, offer.provider]
            only = len(rows) == 1 and (offer.model_id, offer.provider) in self.once
            return rows[0] if only else None
        rows = [row for row in self.by_name[offer.provider, offer.provider_model_id] if row.tag == offer.tag]
        plain = [row for row in rows if ":" not in row.model_id]
        return rows[0] if len(rows) == 1 else plain[0] if len(plain) == 1 else None

    def _update(self, row: Endpoint, offer: Offer, provider: Provider) -> None:
        model = self.models[row.model_id]
        if row.listed_by in self.others:
            self.found.skip("that follow another source", str(row))
            return
        terms = {"free": row.model_id.endswith(":free"), "outputs": model.output_modalities}
        pricing = row.pricing
        if servable(dict(offer.pricing), **terms) is None:
            self.found.skip("whose price is missing or zero", str(row))
        else:
            pricing = servable(self._merged(row, offer), **terms) or pricing
        values: dict[str, Any] = {"pricing": pricing, "tiers": _tiers(offer, row.model_id) or row.tiers}
        values["context_length"] = offer.context_length or row.context_length
        values["max_completion_tokens"] = offer.max_completion_tokens or row.max_completion_tokens
        if offer.model_id:  # a source that tells these of each endpoint
            values["quantization"] = offer.quantization or row.quantization
            values["supported_parameters"] = sorted(offer.supported_parameters) or row.supported_parameters
        if row.listed_by == self.source and provider.kind != "aggregator":
            values["enabled"] = True
        self._set(row, values)
        self.found.implausible += plausibility.reasons(row, before=self.prices[row.pk])
        if row.listed_by != self.source:
            self.found.claimed.append(row.pk)
        if model.expires_on != offer.expires_on and (offer.expires_on or row.listed_by == self.source):
            self._expire(model, offer.expires_on)

    def _merged(self, row: Endpoint, offer: Offer) -> dict[str, str]:
        """The offered prices, with those that the source does not tell; without any that are dearer than the prompt."""
        kept = {key: value for key, value in row.pricing.items() if key not in offer.pricing}
        if (cached := kept.get("input_cache_read")) and Decimal(cached) > Decimal(offer.pricing.get("prompt", cached)):
            del kept["input_cache_read"]
        return {**kept, **offer.pricing}

    def _set(self, row: Endpoint, values: Mapping[str, Any]) -> None:
        """Set the fields that differ, except for those that an operator has set."""
        for name, value in values.items():
            before = getattr(row, name)
            if same(before, value):
                continue
            line = line_of(row, name, before, value)
            if name in row.edited_fields:
                self.found.locked.append(line)
                continue
            setattr(row, name, value)
            self.found.lines.append(line)
            self.found.changed_endpoints[row.pk] = row

    def _expire(self, model: Model, day: Any) -> None:
        line = Line("retires" if day else "back", model.id, str(model.expires_on or ""), str(day or "listed again"))
        if "expires_on" in model.edited_fields:
            if line not in self.found.locked:
                self.found.locked.append(line)
            return
        model.expires_on = day
        self.found.lines.append(line)
        self.found.changed_models[model.id] = model

    # --- New ones --------------------------------------------------------------------------------

    def _add(self, offer: Offer, provider: Provider, taken: set[tuple[str, str]]) -> str:
        """Add a new endpoint, and its model if that is new. Return the reason if it isn't taken, else an empty text."""
        model_id = offer.model_id or self._model_id(offer, provider)
        if not model_id:
            return "whose model the catalog can't tell"
        model_id = self.alike.get(_alike(model_id), model_id)
        if (model_id, offer.tag) in self.by_tag or (model_id, offer.tag) in taken:
            return "that the catalog has under another name"
        if offer.not_new:
            return offer.not_new
        author = model_id.partition("/")[0]
        if author not in self.authors or (author in self.providers and self.providers[author].kind == OWN):
            return "from authors that the catalog doesn't know"
        if not set(offer.output_modalities) <= _SERVED_OUTPUTS:
            return "that give what the site doesn't serve"
        free = model_id.endswith(":free")
        pricing = servable(dict(offer.pricing), free=free, outputs=offer.output_modalities)
        known = self.models.get(model_id)
        context = offer.context_length or (known.context_length if known else 0)
        if pricing is None or not context:
            return "without a price or a context length"
        if known is None:
            if offer.model_id == "" and provider.kind != "lab":
                return "whose model the catalog can't tell"
            known = self._new_model(offer, model_id, author, context)
        elif known.hidden and "hidden" not in known.edited_fields:
            # It was hidden for want of a price.
            known.hidden, known.context_length = False, known.context_length or context
            self.found.changed_models[model_id] = known
        endpoint = Endpoint(
            model=known,
            provider=provider,
            tag=offer.tag,
            provider_model_id=offer.provider_model_id,
            context_length=context,
            max_completion_tokens=offer.max_completion_tokens,
            quantization=offer.quantization or "unknown",
            pricing=pricing,
            tiers=_tiers(offer, model_id),
            supported_parameters=sorted(offer.supported_parameters),
            listed_by=self.source,
        )
        taken.add((model_id, offer.tag))
        self.found.new_endpoints.append(endpoint)
        self.found.lines.append(Line("new endpoint", str(endpoint), "", shown_prices(pricing, endpoint.tiers)))
        return ""

    def _leave_aggregators_out(self) -> None:
        """Turn off an aggregator's new endpoints beside others, as in the bundled catalog: fewer hands get prompts."""
        direct = {row.model_id for row in self._servable() if self.providers[row.provider_id].kind != "aggregator"}
        for row in self.found.new_endpoints:
            row.enabled = self.providers[row.provider_id].kind != "aggregator" or row.model_id not in direct

    def _model_id(self, offer: Offer, provider: Provider) -> str:
        """The ID that the catalog would give the model: a lab's own name, or one that begins with its author."""
        name = re.sub(r"[^a-z0-9._/-]+", "-", offer.provider_model_id.lower()).strip("-._/")
        if "/" not in name and (author := self.author_of.get(provider.slug)):
            return f"{author}/{name}"
        return name if name.count("/") == 1 else ""

    def _new_model(self, offer: Offer, model_id: str, author: str, context: int) -> Model:
        relative = max(
            (row for row in self.models.values() if row.author_id == author), key=lambda row: row.created, default=None
        )
        name = f"{self.authors[author]}: {offer.name}"[:200]
        model = Model(
            id=model_id,
            canonical_slug=model_id.partition(":")[0],
            author_id=author,
            name=name,
            created=offer.created or int(utc_now().timestamp()),
            context_length=context,
            max_completion_tokens=offer.max_completion_tokens,
            input_modalities=list(offer.input_modalities),
            output_modalities=list(offer.output_modalities),
            tokenizer=offer.tokenizer or (relative.tokenizer if relative else "Other"),
            reasoning=offer.reasoning,
            open_weights=offer.open_weights,
            knowledge_cutoff=offer.knowledge_cutoff,
            expires_on=offer.expires_on,
        )
        model.description = describe(model, self.authors[author], offer.name, offer.supported_parameters)
        self.models[model_id] = model
        self.alike[_alike(model_id)] = model_id
        self.found.new_models.append(model)
        self.found.lines.append(Line("new model", model_id, "", name))
        return model

    # --- Gone ones -------------------------------------------------------------------------------

    def _drop(self, listed: Collection[int]) -> None:
        """Turn off the endpoints that are gone, and retire the models that have no other."""
        following = [
            row
            for row in self.endpoints
            if row.listed_by == self.source and row.enabled and self.models[row.model_id].expires_on is None
        ]
        gone = [row for row in following if row.pk not in listed]
        lost = {row.pk for row in gone}
        if reason := plausibility.loss(len(gone), len(following)):
            self.found.implausible.insert(0, reason)
        staying = {row.model_id for row in self._servable() if row.pk not in lost}
        today = utc_now().date()
        for row in gone:
            if row.model_id in staying:
                self._set(row, {"enabled": False})
            elif (model := self.models[row.model_id]).expires_on is None:
                self._expire(model, today + RETIRES_AFTER)

    def _servable(self) -> Iterable[Endpoint]:
        rows = [*(row for row in self.endpoints if row.enabled), *self.found.new_endpoints]
        return (row for row in rows if self.providers[row.provider_id].enabled)


def _tiers(offer: Offer, model_id: str) -> list[dict[str, Any]]:
    """The tiers without prices of zero, which mean that the source does not know them. A free model has none."""
    known = [{key: price for key, price in tier.items() if price != "0"} for tier in offer.tiers]
    return [] if model_id.endswith(":free") else [tier for tier in known if len(tier) > 1]


def _alike(model_id: str) -> str:
    """IDs that differ in punctuation only are one model's: `claude-opus-4-5` is `claude-opus-4.5`."""
    return re.sub(r"[._]", "-", model_id)
