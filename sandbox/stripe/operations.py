"""What the API can do: one line per operation, with the parameters it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from . import (
    balance,
    charges,
    checkout,
    customers,
    disputes,
    early_fraud_warnings,
    events,
    line_items,
    payment_methods,
    payments,
    refunds,
    setup,
    webhooks,
)
from .errors import Json
from .parameters import Rules


@dataclass(frozen=True)
class Operation:
    """What one method of one address does, and the parameters it takes."""

    method: str
    path: str
    handler: Callable[..., Json]
    rules: Rules


OPERATIONS = (
    Operation("GET", "/v1/balance_transactions", balance.list_, balance.LIST),
    Operation("GET", "/v1/balance_transactions/{identifier}", balance.retrieve, balance.RETRIEVE),
    Operation("GET", "/v1/charges", charges.list_, charges.LIST),
    Operation("GET", "/v1/charges/{identifier}", charges.retrieve, charges.RETRIEVE),
    Operation("GET", "/v1/checkout/sessions", checkout.list_, checkout.LIST),
    Operation("POST", "/v1/checkout/sessions", checkout.create, checkout.CREATE),
    Operation("GET", "/v1/checkout/sessions/{identifier}", checkout.retrieve, checkout.RETRIEVE),
    Operation("POST", "/v1/checkout/sessions/{identifier}", checkout.update, checkout.UPDATE),
    Operation("POST", "/v1/checkout/sessions/{identifier}/expire", checkout.expire, checkout.EXPIRE),
    Operation("GET", "/v1/checkout/sessions/{identifier}/line_items", line_items.list_, line_items.LIST),
    Operation("GET", "/v1/customers", customers.list_, customers.LIST),
    Operation("POST", "/v1/customers", customers.create, customers.CREATE),
    Operation("GET", "/v1/customers/{identifier}", customers.retrieve, customers.RETRIEVE),
    Operation("POST", "/v1/customers/{identifier}", customers.update, customers.UPDATE),
    Operation("DELETE", "/v1/customers/{identifier}", customers.delete, customers.DELETE),
    Operation(
        "GET",
        "/v1/customers/{customer}/payment_methods",
        payment_methods.list_of_customer,
        payment_methods.LIST_OF_CUSTOMER,
    ),
    Operation(
        "GET",
        "/v1/customers/{customer}/payment_methods/{identifier}",
        payment_methods.retrieve_of_customer,
        payment_methods.RETRIEVE,
    ),
    Operation("GET", "/v1/disputes", disputes.list_, disputes.LIST),
    Operation("GET", "/v1/disputes/{identifier}", disputes.retrieve, disputes.RETRIEVE),
    Operation("POST", "/v1/disputes/{identifier}", disputes.update, disputes.UPDATE),
    Operation("POST", "/v1/disputes/{identifier}/close", disputes.close, disputes.CLOSE),
    Operation("GET", "/v1/events", events.list_, events.LIST),
    Operation("GET", "/v1/events/{identifier}", events.retrieve, events.RETRIEVE),
    Operation("GET", "/v1/payment_intents", payments.list_, payments.LIST),
    Operation("POST", "/v1/payment_intents", payments.create, payments.CREATE),
    Operation("GET", "/v1/payment_intents/{identifier}", payments.retrieve, payments.RETRIEVE),
    Operation("POST", "/v1/payment_intents/{identifier}", payments.update, payments.UPDATE),
    Operation("POST", "/v1/payment_intents/{identifier}/cancel", payments.cancel, payments.CANCEL),
    Operation("POST", "/v1/payment_intents/{identifier}/confirm", payments.confirm, payments.CONFIRM),
    Operation("GET", "/v1/payment_methods", payment_methods.list_, payment_methods.LIST),
    Operation("POST", "/v1/payment_methods", payment_methods.create, payment_methods.CREATE),
    Operation("GET", "/v1/payment_methods/{identifier}", payment_methods.retrieve, payment_methods.RETRIEVE),
    Operation("POST", "/v1/payment_methods/{identifier}", payment_methods.update, payment_methods.UPDATE),
    Operation("POST", "/v1/payment_methods/{identifier}/attach", payment_methods.attach, payment_methods.ATTACH),
    Operation("POST", "/v1/payment_methods/{identifier}/detach", payment_methods.detach, payment_methods.DETACH),
    Operation("GET", "/v1/radar/early_fraud_warnings", early_fraud_warnings.list_, early_fraud_warnings.LIST),
    Operation(
        "GET",
        "/v1/radar/early_fraud_warnings/{identifier}",
        early_fraud_warnings.retrieve,
        early_fraud_warnings.RETRIEVE,
    ),
    Operation("GET", "/v1/refunds", refunds.list_, refunds.LIST),
    Operation("POST", "/v1/refunds", refunds.create, refunds.CREATE),
    Operation("GET", "/v1/refunds/{identifier}", refunds.retrieve, refunds.RETRIEVE),
    Operation("POST", "/v1/refunds/{identifier}", refunds.update, refunds.UPDATE),
    Operation("GET", "/v1/setup_intents", setup.list_, setup.LIST),
    Operation("GET", "/v1/setup_intents/{identifier}", setup.retrieve, setup.RETRIEVE),
    Operation("GET", "/v1/webhook_endpoints", webhooks.list_, webhooks.LIST),
    Operation("POST", "/v1/webhook_endpoints", webhooks.create, webhooks.CREATE),
    Operation("GET", "/v1/webhook_endpoints/{identifier}", webhooks.retrieve, webhooks.RETRIEVE),
    Operation("DELETE", "/v1/webhook_endpoints/{identifier}", webhooks.delete, webhooks.DELETE),
)
