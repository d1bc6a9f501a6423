"""The payment methods that the account offers, as its dashboard says: one configuration, the default."""

from sandbox.stripe.calls.parameters import EXPAND, Rules, integer
from sandbox.stripe.errors import Json
from sandbox.stripe.store import Store

from . import payment_methods

LIST: Rules = EXPAND | {"limit": integer(least=1, most=100)}

_SETTING = "methods_off"


def list_(store: Store, given: Json) -> Json:
    """The configurations."""
    return {
        "object": "list",
        "url": "/v1/payment_method_configurations",
        "has_more": False,
        "data": [_default(store)],
    }


def switch(store: Store, wanted: dict[str, bool]) -> Json:
    """The default configuration with these methods on or off. ValueError for one that does not exist."""
    if unknown := set(wanted) - set(payment_methods.TYPES):
        raise ValueError(f"unknown payment methods: {', '.join(sorted(unknown))}")
    off = (set(store.setting(_SETTING, [])) | set(wanted)) - {name for name, is_on in wanted.items() if is_on}
    store.set_setting(_SETTING, sorted(off))
    return _default(store)


def _default(store: Store) -> Json:
    off = store.setting(_SETTING, [])
    return {
        "id": "pmc_sandbox",
        "object": "payment_method_configuration",
        "active": True,
        "application": None,
        "is_default": True,
        "livemode": False,
        "name": "Default",
        "parent": None,
        **{kind: _method(kind not in off) for kind in payment_methods.TYPES},
    }


def _method(is_on: bool) -> Json:
    word = "on" if is_on else "off"
    return {
        "available": is_on,
        "display_preference": {"overridable": None, "preference": word, "value": word},
    }
