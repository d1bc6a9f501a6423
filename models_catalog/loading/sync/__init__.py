"""Keeping the catalog up to date with published documents about models and their prices.

`sources` reads the settings and runs a sync from end to end; `download` fetches, an adapter for each kind of source
(`models_dev`, `openrouter`) stages the document as `offers`, `comparison` finds what it would change as `differences`,
`plausibility` what of it needs an operator, and `writing` applies it.
"""
