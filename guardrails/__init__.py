"""Guardrails: budgets and restrictions that an organization assigns to its keys and members."""
