"""The outermost ASGI layer: request IDs and counts, probes, and stopping."""
