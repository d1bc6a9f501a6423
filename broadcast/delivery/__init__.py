"""Sending: the events that are due are read from the requests themselves, and sent with retries."""
