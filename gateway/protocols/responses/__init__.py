"""OpenAI's Responses protocol, for callers: any model answers it. Nothing is stored between two requests."""
