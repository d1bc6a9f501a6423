"""CORS: pages of any site may call the API, where only a key in a header authenticates a request, never a cookie."""

__all__ = ["HEADERS", "preflight"]

#: The headers of every response.
HEADERS: dict[str, str] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Allow, ETag, Retry-After, X-Generation-Id, X-RateLimit-Limit, "
    "X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, X-OpenRouter-Cache-Status, X-OpenRouter-Cache-Age, "
    "X-OpenRouter-Cache-TTL, X-OpenRouter-Cache-Source-Id",
}


def preflight(methods: str) -> dict[str, str]:
    """Return the headers of the response to a preflight request, for a path with these methods: "GET, HEAD, OPTIONS".

    The wildcard stands for every header but Authorization. Older browsers know no wildcard.
    """
    return {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": "*, Authorization, Content-Type, HTTP-Referer, If-None-Match, X-Api-Key, "
        "X-Title, X-OpenRouter-Title, X-OpenRouter-Categories",
        "Access-Control-Max-Age": "86400",
    }
