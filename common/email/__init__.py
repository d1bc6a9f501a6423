"""Emails: how they are written, and where they go without a mail server."""
