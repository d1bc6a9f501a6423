"""Web search, for `:online` and `plugins: [{"id": "web"}]`: one search per request, before a model is asked.

What is found goes to the model in a system message, right before the last user message, and to the caller as
`annotations`. What to expect:

- The query is the text of the last user message, shortened. A request without such text is answered without a search.
- The search is made once, whichever and however many providers are tried afterwards.
- When the search fails the request fails with it (502, or 400 when the engine refused the options) and costs nothing:
  whoever asked for sources had better know that there are none. A search that finds nothing is no failure: the model
  is told.
- Once a search has been made it is paid, also when the model is free, answers nothing or fails: its work is done.
- The engine sees the query and nothing of the caller. Neither query nor results are logged or stored. Settings that
  keep prompts from model providers do not concern it: who must not search the web leaves `:online` out.
"""

from .citations import cited
from .engines import Engine, Result
from .options import Options
from .prompt import with_results
from .searching import Search, wanted

__all__ = ["Engine", "Options", "Result", "Search", "cited", "wanted", "with_results"]
