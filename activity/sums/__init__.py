"""Sums of usage, and of requests by the minute: the tables they are read from, and what restricts them."""
