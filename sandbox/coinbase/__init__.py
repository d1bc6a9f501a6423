"""A crypto payment provider in one process: the Checkouts API of Coinbase Business, its page and its webhooks.

Started with `python -m sandbox.coinbase --port 8021`. It listens on the loopback address only and accepts only
tokens signed with the development key, which is no secret: see `tokens.py`.
"""
