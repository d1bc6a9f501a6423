"""Own provider keys (BYOK): a customer's keys of providers, which requests use before or after shared capacity."""
