"""Pages of guardrails: the list, one guardrail with its assignments, the form."""
