"""Databases, caches and the channels between processes."""

from typing import Any

from common.storage import redis_servers
from openrouter_site import env

from .core import DATA_DIR

DATABASE_URL = env.text("DATABASE_URL")
# The most connections to PostgreSQL that one process opens; 0: one for each use, without a bound.
DATABASE_POOL_SIZE = env.integer("DATABASE_POOL_SIZE", 10)
DATABASES = {
    "default": env.database(DATABASE_URL, DATABASE_POOL_SIZE) if DATABASE_URL else env.sqlite(DATA_DIR / "site.sqlite3")
}
# Behind a pooler that lends connections by the transaction, session state is lost after each transaction.
DATABASE_POOLER = env.boolean("DATABASE_POOLER", default=False)
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = DATABASE_POOLER

# A streaming replica that pages of usage read, and the seconds that it may lag behind (common/storage/replica.py).
DATABASE_REPLICA_URL = env.text("DATABASE_REPLICA_URL")
DATABASE_REPLICA_MAX_LAG = env.integer("DATABASE_REPLICA_MAX_LAG", 5)
if DATABASE_REPLICA_URL:
    if not DATABASE_URL.startswith("postgres") or not DATABASE_REPLICA_URL.startswith("postgres"):
        raise env.SettingsError("DATABASE_REPLICA_URL must be a replica of the PostgreSQL server of DATABASE_URL.")
    if not 1 <= DATABASE_REPLICA_MAX_LAG <= 60:
        raise env.SettingsError("DATABASE_REPLICA_MAX_LAG must be 1 to 60 seconds.")
    DATABASES["replica"] = env.database(DATABASE_REPLICA_URL, DATABASE_POOL_SIZE) | {
        "DISABLE_SERVER_SIDE_CURSORS": DATABASE_POOLER,
        "TEST": {"MIRROR": "default"},
    }
    if _pool := DATABASES["replica"]["OPTIONS"]["pool"]:
        _pool["timeout"] = 1.0  # seconds before the primary is asked instead
    DATABASE_ROUTERS = ["common.storage.replica.Router"]

# Months that requests are kept, 0 for ever, and the folder that they are exported to before they go.
KEEP_REQUESTS_MONTHS = env.integer("KEEP_REQUESTS_MONTHS", 0)
EXPORT_DIR = env.text("EXPORT_DIR")

# Logging of prompts and responses, for accounts that turn it on: days that they are kept, the largest file or image
# that is stored with them (larger ones are left out), and the discount on such requests in percent, to two decimals.
LOGGING_KEEP_DAYS = env.integer("LOGGING_KEEP_DAYS", 90)
LOGGING_MAX_FILE_BYTES = env.integer("LOGGING_MAX_FILE_BYTES", 256 * 1024)
LOGGING_DISCOUNT_PERCENT = env.price("LOGGING_DISCOUNT_PERCENT", "1")
if LOGGING_DISCOUNT_PERCENT > 100 or LOGGING_KEEP_DAYS < 1:
    raise env.SettingsError("LOGGING_DISCOUNT_PERCENT must be at most 100, and LOGGING_KEEP_DAYS at least 1.")

# One Redis for everything, or one for each purpose: common/storage/redis_servers.py has the forms of an address.
REDIS_URL = env.redis_url("REDIS_URL")
CACHE_REDIS_URL = env.redis_url("CACHE_REDIS_URL", REDIS_URL)
BROKER_REDIS_URL = env.redis_url("BROKER_REDIS_URL", REDIS_URL)
# Several, separated by spaces, share the groups and sockets among them.
CHANNELS_REDIS_URLS = env.redis_urls("CHANNELS_REDIS_URL", REDIS_URL)
if not REDIS_URL and (CACHE_REDIS_URL or BROKER_REDIS_URL or CHANNELS_REDIS_URLS):
    raise env.SettingsError("CACHE_REDIS_URL, BROKER_REDIS_URL and CHANNELS_REDIS_URL need REDIS_URL as well.")
CACHES: dict[str, dict[str, Any]]
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": [CACHE_REDIS_URL],  # a text would be divided at its commas
            "OPTIONS": {"pool_class": "common.storage.redis_servers.Pool"},
        }
    }
else:
    # Per process: enough for the single web process of the embedded default.
    # Django's 300 entries would forget the limits on sign-in of one account while others are guessed at.
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 50_000},
        }
    }

# Read by uvicorn for its number of processes; more than one needs Redis.
WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 1)

CHANNEL_LAYERS: dict[str, dict[str, Any]]
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [redis_servers.layer_host_of(url) for url in CHANNELS_REDIS_URLS]},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}  # per process
