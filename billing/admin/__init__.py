"""The admin of billing: operators can see every row and edit none.

Operators change something only with named actions, which use the same functions as customers do: the ledger gets an
entry, the payment provider gets a request, and no row is overwritten. Promotional codes are the exception: operators
make them, and may end or extend them.
"""

from . import accounts, payments, promotions

__all__ = ["accounts", "payments", "promotions"]
