"""What the payment stand-ins have in common: a store, webhooks that arrive, pages, faults on request."""
