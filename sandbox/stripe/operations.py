"""The operations of the API that the shop uses, one line each, with the parameters they take."""

from collections.abc import Callable
from dataclasses import dataclass

from . import events, webhooks
from .calls.parameters import EXPAND, Rules
from .customers import configurations, customers, payment_methods
from .errors import Json
from .payments import checkout, disputes, payments, refunds


@dataclass(frozen=True)
class Operation:
    """One method of one address, and the parameters it takes."""

    method: str
    path: str
    handler: Callable[..., Json]
    rules: Rules


OPERATIONS = (
    Operation("GET", "/v1/checkout/sessions", checkout.list_, checkout.LIST),
    Operation("POST", "/v1/checkout/sessions", checkout.create, checkout.CREATE),
    Operation("GET", "/v1/checkout/sessions/{identifier}", checkout.retrieve, EXPAND),
    Operation("POST", "/v1/checkout/sessions/{identifier}/expire", checkout.expire, EXPAND),
    Operation("GET", "/v1/customers", customers.list_, customers.LIST),
    Operation("POST", "/v1/customers", customers.create, customers.CREATE),
    Operation("GET", "/v1/customers/{identifier}", customers.retrieve, EXPAND),
    Operation("POST", "/v1/customers/{identifier}", customers.update, customers.UPDATE),
    Operation("DELETE", "/v1/customers/{identifier}", customers.delete, {}),
    Operation("GET", "/v1/disputes", disputes.list_, disputes.LIST),
    Operation("GET", "/v1/disputes/{identifier}", disputes.retrieve, EXPAND),
    Operation("GET", "/v1/events", events.list_, events.LIST),
    Operation("GET", "/v1/payment_intents", payments.list_, payments.LIST),
    Operation("POST", "/v1/payment_intents", payments.create, payments.CREATE),
    Operation("GET", "/v1/payment_intents/{identifier}", payments.retrieve, EXPAND),
    Operation("GET", "/v1/payment_method_configurations", configurations.list_, configurations.LIST),
    Operation("GET", "/v1/payment_methods/{identifier}", payment_methods.retrieve, EXPAND),
    Operation("POST", "/v1/payment_methods/{identifier}/detach", payment_methods.detach, EXPAND),
    Operation("GET", "/v1/refunds", refunds.list_, refunds.LIST),
    Operation("POST", "/v1/refunds", refunds.create, refunds.CREATE),
    Operation("POST", "/v1/webhook_endpoints", webhooks.create, webhooks.CREATE),
    Operation("DELETE", "/v1/webhook_endpoints/{identifier}", webhooks.delete, {}),
)
