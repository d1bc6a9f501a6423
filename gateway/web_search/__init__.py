"""Web search, for `:online` and `plugins: [{"id": "web"}]`: one search per request, before the model is called.

The results go to the model in a system message before the last user message, and to the caller as `annotations`.

- The query is the text of the last user message, shortened. A request without such text is served without a search.
- The search is made once, however many providers are tried afterwards.
- A failed search fails the request (502, or 400 when the engine rejects the options) at no cost, because a response
  without the requested sources would mislead. A search without results is not a failure: the prompt then says so.
- A successful search is charged even when the model is free, returns nothing or fails.
- The engine receives the query and nothing about the caller. Neither query nor results are logged or stored. Privacy
  settings about model providers do not apply to it: to keep a prompt from the engine, leave out `:online`.
"""

from .citations import announced, with_citations
from .engines import Engine, Result
from .options import Options
from .prompt import with_results
from .searching import Search, requested_search

__all__ = ["Engine", "Options", "Result", "Search", "announced", "requested_search", "with_citations", "with_results"]
