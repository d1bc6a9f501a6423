"""Deleting an account: the person goes, the money rows stay without them.

`closing` ends the account in one transaction. Each app removes what it holds of the person in its receivers of the
signals in `leaving`. `finishing` does the rest after the commit, and again until nothing is left to do.
"""
