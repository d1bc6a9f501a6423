"""The common parts of the payment stand-ins: store, webhooks, pages, idempotency keys, faults on request."""
