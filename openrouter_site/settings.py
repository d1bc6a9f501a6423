"""Settings: the embedded default works with nothing configured; each service has its own variable.

Sections: Core, Apps, Storage, Async, Sign-in, Pages, Security, Money, Providers, Logging.
The table in README.md lists every variable.
"""

import re
import sys
from pathlib import Path
from typing import Any

from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF

from . import env
from .production import refuse_unsafe_settings

# --- Core -----------------------------------------------------------------------------------------

BASE_DIR = Path(__file__).resolve().parent.parent
env.read_file(BASE_DIR)
VERSION = re.search(r"^## v(\S+)", (BASE_DIR / "CHANGELOG.md").read_text(), re.M).group(1)  # type: ignore[union-attr]

DEBUG = env.boolean("DEBUG", True)
INSECURE_SECRET_KEY = "development-only: every machine has this key"  # noqa: S105 refused in production
SECRET_KEY = env.text("SECRET_KEY", INSECURE_SECRET_KEY)
# Provider keys are encrypted with the first, and read with any; without one, with a key derived from SECRET_KEY.
ENCRYPTION_KEYS = env.words("ENCRYPTION_KEY")

SITE_NAME = env.text("SITE_NAME", "OpenRouter")
SITE_URL = env.text("SITE_URL", f"http://127.0.0.1:{env.integer('PORT', 8000)}").rstrip("/")
SUPPORT_EMAIL = env.text("SUPPORT_EMAIL", "support@example.com")
COMMUNITY_URL = env.text("COMMUNITY_URL", "https://discord.gg/openrouter")

# All files of the embedded default: database, broker files, sandbox state.
DATA_DIR = (BASE_DIR / (env.text("DATA_DIR") or "var")).resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
ROOT_URLCONF = "openrouter_site.urls"
ASGI_APPLICATION = "openrouter_site.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True

# --- Apps -----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    # First: gives runserver its ASGI server. Others would import Twisted for nothing, a tenth of the time to start.
    *(["daphne"] if "runserver" in sys.argv else []),
    "openrouter_site.apps.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "channels",
    "csp",
    "django_htmx",
    "common",
    "accounts",
    "keys",
    "billing",
    "models_catalog",
    "presets",
    "gateway",
    "chat",
    "activity",
    "operations",
    "openrouter_site",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "openrouter_site.serving.requests.AnswerHead",
    "openrouter_site.pages.compression.Compression",
    "openrouter_site.pages.headers.PageHeaders",
    "csp.middleware.CSPMiddleware",
    "openrouter_site.pages.errors.OutagePages",
    "openrouter_site.pages.errors.ErrorPagesInDevelopment",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "openrouter_site.serving.requests.LinkToSiteUrl",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "openrouter_site.pages.context.site",
            ],
        },
    }
]

# --- Storage --------------------------------------------------------------------------------------

DATABASE_URL = env.text("DATABASE_URL")
# The most connections to PostgreSQL that one process opens; 0: one for each use, without a bound.
DATABASE_POOL_SIZE = env.integer("DATABASE_POOL_SIZE", 10)
DATABASES = {
    "default": env.database(DATABASE_URL, DATABASE_POOL_SIZE) if DATABASE_URL else env.sqlite(DATA_DIR / "site.sqlite3")
}
# Behind a pooler that lends connections by the transaction, session state is lost after each transaction.
DATABASE_POOLER = env.boolean("DATABASE_POOLER", default=False)
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = DATABASE_POOLER

REDIS_URL = env.text("REDIS_URL")
CACHES: dict[str, dict[str, Any]]
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
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

# --- Async ----------------------------------------------------------------------------------------

CHANNEL_LAYERS: dict[str, dict[str, Any]]
if REDIS_URL:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}}
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}  # per process

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outlives any outage of its broker
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "beat-heart": {"task": "operations.tasks.beat_heart", "schedule": 30.0},
    "watch": {"task": "operations.tasks.watch", "schedule": 60.0},
    "recheck-ledger": {"task": "operations.tasks.recheck_ledger", "schedule": crontab(minute=50)},
    "reap-dead-requests": {"task": "gateway.tasks.reap_dead_requests", "schedule": 30.0},
    "roll-up-usage": {"task": "gateway.tasks.roll_up_usage", "schedule": 60.0},
    "compare-listed-models": {"task": "gateway.tasks.compare_listed_models", "schedule": 3600.0},
    "sweep-purchases": {"task": "billing.tasks.sweep_purchases", "schedule": 60.0},
    "charge-auto-top-ups": {"task": "billing.tasks.charge_auto_top_ups", "schedule": 60.0},
    "alert-low-balances": {"task": "billing.tasks.alert_low_balances", "schedule": 60.0},
    "deliver-notices": {"task": "billing.tasks.deliver_notices", "schedule": 60.0},
    "recover-missed-payments": {"task": "billing.tasks.recover_missed_payments", "schedule": 600.0},
    "expire-credits": {"task": "billing.tasks.expire_credits", "schedule": crontab(hour=2, minute=40)},
    "reconcile-ledger": {"task": "billing.tasks.reconcile_ledger", "schedule": crontab(hour=3, minute=20)},
}
CELERY_BROKER_URL: str
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
else:
    CELERY_BROKER_URL = "filesystem://localhost//"  # with a host, or the worker warns that it has none
    _broker = DATA_DIR / "broker"
    for _folder in ("queue", "processed", "control"):
        (_broker / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker / "queue"),
        "data_folder_out": str(_broker / "queue"),
        "control_folder": str(_broker / "control"),
        "processed_folder": str(_broker / "processed"),
        "store_processed": False,
    }

# --- Sign-in --------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "accounts.signup.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm", "change_password": "accounts.forms.ChangePasswordForm"}
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, not in others
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
# Attempts per time and "ip" (address) or "key": see `accounts/guessing.py` for those about guesses.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "",
    "guess": "10/m/ip,100/h/ip",
    "password_guess": "5/5m/key,15/h/key,30/d/key",
    "code_guess": "5/5m/key,15/h/key,30/d/key",
    "code_guess_everywhere": "30/h/key,100/d/key",
    "guess_while_attacked": "1/m/key,5/h/key,10/d/key",
    "reauthenticate": "20/m/ip",
    "change_password": "20/m/ip",
    "reset_password": "20/m/ip",
    "unasked_mail": "5/h/key",
}

# Two-factor authentication. The admin is closed to staff who have not used it in their session.
MFA_ADAPTER = "accounts.second_factor.MFAAdapter"
MFA_FORMS = {"authenticate": "accounts.forms.AuthenticateForm", "reauthenticate": "accounts.forms.ReauthenticateForm"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
ADMIN_REQUIRES_SECOND_FACTOR = env.boolean("ADMIN_REQUIRES_SECOND_FACTOR", not DEBUG)

EMAIL_HOST = env.text("EMAIL_HOST")
# "mandatory": a new user enters after verifying the address, so sign-up can answer alike for a taken address.
# "optional": a new user enters at once, for a trial without a mail server; sign-up then tells taken addresses.
ACCOUNT_EMAIL_VERIFICATION = env.choice(
    "EMAIL_VERIFICATION", ("mandatory", "optional"), "optional" if DEBUG and not EMAIL_HOST else "mandatory"
)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
EMAIL_PORT = env.integer("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_TIMEOUT = 20  # seconds for each step; without one, a silent mail server would keep a worker for ever
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", True)
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"{SITE_NAME} <{SUPPORT_EMAIL}>")

# --- Pages ----------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
NODE_MODULES = BASE_DIR / "node_modules"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "openrouter_site.browser_libraries.BrowserLibraryFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "openrouter_site.browser_libraries.HashedStaticFiles"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# --- Security -------------------------------------------------------------------------------------

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else "")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
CSRF_FAILURE_VIEW = "openrouter_site.pages.errors.csrf_failure"
# The proxies whose X-Forwarded-For and X-Forwarded-Proto count (`common/web/client_address.py`).
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
if not DEBUG:
    SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", True)
    SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31_536_000)
    # Off: they bind every host of the operator's domain, not only this one.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.boolean("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
    SECURE_HSTS_PRELOAD = env.boolean("SECURE_HSTS_PRELOAD", False)
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# --- Money ----------------------------------------------------------------------------------------

# Without a secret key, purchases go to the sandbox: a separate process that speaks Stripe's API.
SANDBOX_STRIPE_URL = f"http://127.0.0.1:{env.integer('SANDBOX_STRIPE_PORT', 8020)}"
STRIPE_SECRET_KEY = env.text("STRIPE_SECRET_KEY")
STRIPE_IS_SANDBOX = not STRIPE_SECRET_KEY
# Production takes a test key only if told so: it takes test cards, and sells credits for no money.
STRIPE_TEST_MODE = env.boolean("STRIPE_TEST_MODE", False)
STRIPE_KEY_IS_TEST = re.match(r"(sk|rk)_(org_)?test_", STRIPE_SECRET_KEY) is not None
STRIPE_API_BASE = SANDBOX_STRIPE_URL if STRIPE_IS_SANDBOX else "https://api.stripe.com"
SANDBOX_STRIPE_KEY = "sk_test_local_sandbox"
SANDBOX_STRIPE_WEBHOOK_SECRET = "whsec_local_sandbox"  # noqa: S105 not a secret, like the key above
STRIPE_WEBHOOK_SECRETS = env.words("STRIPE_WEBHOOK_SECRET", SANDBOX_STRIPE_WEBHOOK_SECRET if STRIPE_IS_SANDBOX else "")
CHECKOUT_ORIGINS = [SANDBOX_STRIPE_URL if STRIPE_IS_SANDBOX else "https://checkout.stripe.com"]

# Purchases in USDC: with a key of Coinbase Business, or simulated by a sandbox while cards are simulated too.
# In test mode the provider accepts test coins.
SANDBOX_COINBASE_URL = f"http://127.0.0.1:{env.integer('SANDBOX_COINBASE_PORT', 8021)}"
COINBASE_API_KEY_ID = env.text("COINBASE_API_KEY_ID")
COINBASE_API_KEY_SECRET = env.text("COINBASE_API_KEY_SECRET")
COINBASE_TEST_MODE = env.boolean("COINBASE_TEST_MODE", False)
COINBASE_IS_SANDBOX = STRIPE_IS_SANDBOX and not COINBASE_API_KEY_ID
if COINBASE_IS_SANDBOX:
    COINBASE_API_BASE = f"{SANDBOX_COINBASE_URL}/api/v1"
    CHECKOUT_ORIGINS += [SANDBOX_COINBASE_URL]
else:
    COINBASE_API_BASE = f"https://business.coinbase.com{'/sandbox' if COINBASE_TEST_MODE else ''}/api/v1"
    CHECKOUT_ORIGINS += ["https://*.coinbase.com"] if COINBASE_API_KEY_ID else []
# Test cards or test coins buy credits here; every page says so.
PAYMENTS_ARE_TESTS = STRIPE_KEY_IS_TEST or bool(COINBASE_API_KEY_ID and COINBASE_TEST_MODE)
SANDBOX_COINBASE_KEY_ID = "organizations/sandbox/apiKeys/development"
SANDBOX_COINBASE_KEY_SECRET = (
    # Not a secret: every installation has this key.
    "efsmQVEdgKSUG0yoq+xjnGZzf+OvUhj/5oUd12FQzaJbyWpOOwOJAM7kjScyJlGsnXiLmp9F7bh5DhjpurMfKw=="  # noqa: S105
)
SANDBOX_COINBASE_WEBHOOK_SECRET = "local_sandbox"  # noqa: S105
COINBASE_WEBHOOK_SECRETS = env.words(
    "COINBASE_WEBHOOK_SECRET", SANDBOX_COINBASE_WEBHOOK_SECRET if COINBASE_IS_SANDBOX else ""
)

PURCHASE_MINIMUM_CENTS = env.integer("PURCHASE_MINIMUM_CENTS", 500)
PURCHASE_MAXIMUM_CENTS = env.integer("PURCHASE_MAXIMUM_CENTS", 2_500_000)
# Per payment provider: (rate in basis points, minimum in cents). Half a cent rounds up.
PURCHASE_FEES = {"stripe": (550, 80), "coinbase": (500, 0)}
REFUND_WINDOW_HOURS = 24
# Whether unspent credits expire a year after they were bought. The owner is warned 30 and 7 days before.
CREDITS_EXPIRE = env.boolean("CREDITS_EXPIRE", False)
# The seller on receipts: name, address and tax ID; "\n" starts a new line.
RECEIPT_ISSUER = env.text("RECEIPT_ISSUER", f"{SITE_NAME}\n{SUPPORT_EMAIL}").replace("\\n", "\n")
# Free credit for each verified email address, once, in cents.
FREE_ALLOWANCE_CENTS = env.integer("FREE_ALLOWANCE_CENTS", 10)

# --- Providers ------------------------------------------------------------------------------------

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

# Whether visitors see the models of the catalog that no configured provider serves, marked as not available here.
SHOW_UNAVAILABLE_MODELS = env.boolean("SHOW_UNAVAILABLE_MODELS", False)

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

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": ["blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        # The browser applies form-action to the redirect that follows the form as well.
        "form-action": [SELF, *CHECKOUT_ORIGINS],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# --- Operations -------------------------------------------------------------------------------------

# The bearer token of `/metrics`; without one, metrics are off in production and open in development.
METRICS_TOKEN = env.text("METRICS_TOKEN")
# Addresses that are emailed when an incident begins and ends.
OPERATOR_EMAILS = env.words("OPERATOR_EMAILS")
# Where errors are reported to: Sentry's or a compatible server. Needs requirements/sentry.txt.
SENTRY_DSN = env.text("SENTRY_DSN")

# --- Logging --------------------------------------------------------------------------------------

LOG_FORMAT = env.choice("LOG_FORMAT", ("text", "json"), "text" if DEBUG else "json")
# Nothing below INFO, and no request bodies anywhere: prompts must never reach a log.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "common.telemetry.logs.TextFormatter"},
        "json": {"()": "common.telemetry.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        # During an outage it would write two lines for each attempt to connect. Refused requests are logged anyway.
        "psycopg.pool": {"level": "ERROR"},
        # The server's lines look like all others; its own `--log-level` sets their level.
        "uvicorn": {"propagate": True},
        "uvicorn.access": {"propagate": True},
    },
}

# HSTS for sub-domains and preloading are the operator's choice.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

refuse_unsafe_settings(globals())
