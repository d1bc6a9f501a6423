"""Line items: what a checkout session sells, each with a price made for it."""

from . import ids
from .errors import Json, missing
from .lists import as_list
from .parameters import PAGE, Rules
from .store import Store, public

LIST: Rules = PAGE


def new(store: Store, item: Json) -> Json:
    """A line item of the session that is being created. Its description is the product's name."""
    price, product = item["price_data"], item["price_data"]["product_data"]
    total = price["unit_amount"] * item["quantity"]
    return {
        "id": ids.new("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": {},
        "price": {
            "id": ids.new("price"),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": store.timestamp(),
            "currency": price["currency"],
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "product": ids.new("prod"),
            "recurring": None,
            "tax_behavior": price.get("tax_behavior", "unspecified"),
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": price["unit_amount"],
            "unit_amount_decimal": str(price["unit_amount"]),
        },
        "quantity": item["quantity"],
        "_details": product.get("description"),
    }


def first(session: Json, limit: int = 10) -> Json:
    """The session's line items as a list object."""
    items = [public(item) for item in session["_line_items"]]
    return as_list(f"/v1/checkout/sessions/{session['id']}/line_items", items[:limit], len(items) > limit)


def list_(store: Store, given: Json, identifier: str) -> Json:
    """A page of the session's line items, in the order they were given."""
    session = store.get(identifier, "checkout.session")
    items = [public(item) for item in session["_line_items"]]
    places = {item["id"]: place for place, item in enumerate(items)}
    for name in ("starting_after", "ending_before"):
        if name in given and given[name] not in places:
            raise missing("item", given[name], name)
    start = places[given["starting_after"]] + 1 if "starting_after" in given else 0
    end = places[given["ending_before"]] if "ending_before" in given else len(items)
    rows, limit = items[start:end], given.get("limit", 10)
    page = rows[-limit:] if "ending_before" in given else rows[:limit]
    return as_list(f"/v1/checkout/sessions/{identifier}/line_items", page, len(rows) > limit)
