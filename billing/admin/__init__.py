"""The operator's view of money: everything can be seen, nothing can be edited.

What an operator may do is a named action, and goes the same way as everybody else's: the ledger gets an
entry, the provider is asked, nothing is overwritten.
"""

from . import accounts, payments

__all__ = ["accounts", "payments"]
