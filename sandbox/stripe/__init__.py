"""A payment provider in one process: Stripe's HTTP protocol, its hosted pages and its signed webhooks, without money.

Started with `python -m sandbox.stripe --port 8020`. It listens on the loopback address only and accepts
only keys that begin with `sk_test_local_`, so that neither a real key nor a real card can end up here.
"""

API_VERSION = "2026-10-28.endive"
