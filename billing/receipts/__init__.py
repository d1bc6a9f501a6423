"""Receipts of purchases, and the tax IDs that they show."""
