"""Providers, models and web search, and the limits of requests and of the chat."""

from openrouter_site import env

from .core import DEBUG

# A provider with PROVIDER_<SLUG>_BASE_URL or a key in its own variable (catalogue field `env`) is
# called for real. The sandbox simulates every other one, and its responses are marked.
SANDBOX_PROVIDERS_URL = env.text(
    "SANDBOX_PROVIDERS_URL",
    f"http://127.0.0.1:{env.integer('SANDBOX_PROVIDERS_PORT', 8010)}" if DEBUG else "",
)

# Timeouts for providers, in seconds: to connect, to the first token, to an unstreamed response of the last endpoint or
# of one that thinks unseen (after each of these the next endpoint is tried), between two chunks of a stream, and for a
# whole stream.
PROVIDER_CONNECT_SECONDS = env.integer("PROVIDER_CONNECT_SECONDS", 10)
PROVIDER_FIRST_TOKEN_SECONDS = env.integer("PROVIDER_FIRST_TOKEN_SECONDS", 60)
PROVIDER_WHOLE_SECONDS = env.integer("PROVIDER_WHOLE_SECONDS", 300)
PROVIDER_IDLE_SECONDS = env.integer("PROVIDER_IDLE_SECONDS", 60)
PROVIDER_TOTAL_SECONDS = env.integer("PROVIDER_TOTAL_SECONDS", 900)

# Seconds after which an unstreamed response whose provider has begun sends white space; 0 for never.
SIGN_OF_LIFE_SECONDS = env.integer("SIGN_OF_LIFE_SECONDS", 3)

# Responses that callers ask to be cached, in bytes: all of those in Redis, or in the memory of a process without it.
RESPONSE_CACHE_BYTES = env.integer("RESPONSE_CACHE_BYTES", 64 * 1024 * 1024)

# Seconds that a stopping process may take to settle abandoned requests.
SHUTDOWN_SECONDS = env.integer("SHUTDOWN_SECONDS", 30)

# Images and PDFs given by URL are fetched from public addresses and from these networks only, for example
# "10.1.2.0/24".
FETCH_ALLOWED_NETWORKS = env.words("FETCH_ALLOWED_NETWORKS")

# Documents of models and prices that the catalog follows, first come first followed, for example
# "models.dev:https://models.dev/api.json,openrouter:https://openrouter.ai/api/v1", and the minutes between two syncs.
CATALOG_SYNC_SOURCES = env.words("CATALOG_SYNC_SOURCES")
CATALOG_SYNC_MINUTES = env.integer("CATALOG_SYNC_MINUTES", 360)

# Whether visitors see the models of the catalog that no configured provider serves, marked as not available here.
SHOW_UNAVAILABLE_MODELS = env.boolean("SHOW_UNAVAILABLE_MODELS", False)

# The model of requests without one, unless the account has a default.
DEFAULT_MODEL = env.text("DEFAULT_MODEL", "openai/gpt-4o-mini")
# The choices of `openrouter/auto`, best first.
AUTO_MODELS = env.words(
    "AUTO_MODELS",
    "anthropic/claude-sonnet-4.5,openai/gpt-4o,google/gemini-2.5-flash,openai/gpt-4o-mini,deepseek/deepseek-chat-v3.1",
)

# The search engine of `:online` and the `web` plugin: "exa" (with its key), "sandbox", or "off".
EXA_API_KEY = env.text("EXA_API_KEY")
EXA_BASE_URL = env.text("EXA_BASE_URL", "https://api.exa.ai").rstrip("/")
WEB_SEARCH_ENGINE = env.choice(
    "WEB_SEARCH_ENGINE",
    ("exa", "sandbox", "off"),
    "exa" if EXA_API_KEY else "sandbox" if SANDBOX_PROVIDERS_URL else "off",
)
# Timeout of a search in seconds, and its prices in USD: a request with up to ten results, and each further result.
WEB_SEARCH_SECONDS = env.integer("WEB_SEARCH_SECONDS", 15)
WEB_SEARCH_REQUEST_PRICE = env.price("WEB_SEARCH_REQUEST_PRICE", "0.007")
WEB_SEARCH_RESULT_PRICE = env.price("WEB_SEARCH_RESULT_PRICE", "0.001")

# Requests on customers' own provider keys: our fee in percent of the list price, beyond a free share per account and
# UTC month. The share is a number of requests, or a sum of list prices in USD.
BYOK_FEE_PERCENT = env.price("BYOK_FEE_PERCENT", "5")
BYOK_FREE_SHARE = env.choice("BYOK_FREE_SHARE", ("requests", "list_price"), "requests")
BYOK_FREE_REQUESTS = env.integer("BYOK_FREE_REQUESTS", 1_000_000)
BYOK_FREE_USD = env.price("BYOK_FREE_USD", "25000")

# Larger request bodies and chat messages, in bytes, get 413. Forms and the management API need less.
MAX_REQUEST_BYTES = env.integer("MAX_REQUEST_BYTES", 20 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = min(MAX_REQUEST_BYTES, 2_621_440)
# Seconds that a client may take to send a request's headers, and its body (plus the time that its size explains).
CLIENT_TIMEOUT_SECONDS = env.integer("CLIENT_TIMEOUT_SECONDS", 20)

# Chat: concurrent answers of one user in all web processes together. For each process: open sockets of one user and of
# all, concurrent answers of all, and messages of one user.
CHAT_ANSWERS_PER_USER = env.integer("CHAT_ANSWERS_PER_USER", 12)
CHAT_SOCKETS_PER_USER = env.integer("CHAT_SOCKETS_PER_USER", 20)
CHAT_SOCKETS = env.integer("CHAT_SOCKETS", 2000)
CHAT_ANSWERS = env.integer("CHAT_ANSWERS", 500)
CHAT_MESSAGES_PER_MINUTE = env.integer("CHAT_MESSAGES_PER_MINUTE", 120)

# Live dashboards and logs in each process: of one user and of all. Further ones are updated every 10 seconds.
ACTIVITY_SOCKETS_PER_USER = env.integer("ACTIVITY_SOCKETS_PER_USER", 20)
ACTIVITY_SOCKETS = env.integer("ACTIVITY_SOCKETS", 2000)
