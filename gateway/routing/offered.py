"""The catalog as a caller sees it: provider keys of its own make more models available."""

from collections import OrderedDict

from keys.provider_keys.using import OwnKey
from models_catalog.catalog import Catalogue, EndpointEntry

from .upstreams import own_upstream

__all__ = ["offered_to"]

#: The catalogs for the keys asked about last, with the catalog that each is made of.
_known: OrderedDict[tuple[OwnKey, ...], tuple[Catalogue, Catalogue]] = OrderedDict()
_MOST_KNOWN = 50


def offered_to(own_keys: tuple[OwnKey, ...], catalogue: Catalogue) -> Catalogue:
    """The catalog with the endpoints that one of the keys serves beside those that this site serves.

    Made once for each set of keys and catalog; the catalog itself where the keys add nothing.
    """
    if not own_keys or catalogue.with_unconfigured is None:
        return catalogue
    known = _known.get(own_keys)
    if known is None or known[0] is not catalogue:
        known = _known[own_keys] = catalogue, catalogue.extended(lambda each: _is_served(each, own_keys))
        while len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return known[1]


def _is_served(endpoint: EndpointEntry, own_keys: tuple[OwnKey, ...]) -> bool:
    return any(
        key.provider == endpoint.provider
        and key.allows_model(endpoint.model_id)
        and own_upstream(endpoint, key) is not None
        for key in own_keys
    )
