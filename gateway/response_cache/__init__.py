"""The response cache: for callers that ask for it, a response is kept encrypted and replayed to an identical request.

`requested` reads the headers, `CachedExchange` is the part of one request. Nothing here decides
whether a request may be served: a hit goes through planning and admission like any other request.
"""

from .exchange import CachedExchange
from .options import CACHED_PATHS, CacheOptions, requested
from .stored import StoredResponse

__all__ = ["CACHED_PATHS", "CacheOptions", "CachedExchange", "StoredResponse", "requested"]
