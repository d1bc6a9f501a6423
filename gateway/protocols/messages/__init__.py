"""Anthropic's Messages protocol, for callers: any model answers it."""
