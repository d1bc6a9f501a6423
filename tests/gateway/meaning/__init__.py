"""A conversation, what it means, and how callers write it and providers read it: for tests over every pair of both."""
