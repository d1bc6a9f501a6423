"""The base of all settings: names, folders, apps and middleware."""

import sys
from pathlib import Path

from openrouter_site import env
from openrouter_site.version import version_in

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env.read_file(BASE_DIR)
VERSION = version_in((BASE_DIR / "CHANGELOG.md").read_text())

DEBUG = env.boolean("DEBUG", True)
INSECURE_SECRET_KEY = "development-only: every machine has this key"  # noqa: S105 refused in production
SECRET_KEY = env.text("SECRET_KEY", INSECURE_SECRET_KEY)
# Former keys while one is replaced: what they signed or encrypted stays valid.
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# Provider keys are encrypted with the first, and read with any; without one, with a key derived from SECRET_KEY.
ENCRYPTION_KEYS = env.words("ENCRYPTION_KEY")

SITE_NAME = env.text("SITE_NAME", "OpenRouter")
SITE_URL = env.text("SITE_URL", f"http://127.0.0.1:{env.integer('PORT', 8000)}").rstrip("/")
SUPPORT_EMAIL = env.text("SUPPORT_EMAIL", "support@example.com")
COMMUNITY_URL = env.text("COMMUNITY_URL", "https://discord.gg/openrouter")
# The address of the repository on GitHub: pages of the documentation link to where they are edited.
REPOSITORY_URL = env.text("REPOSITORY_URL").rstrip("/")

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

INSTALLED_APPS = [
    # First: gives runserver its ASGI server. Others would import Twisted for nothing, a tenth of the time to start.
    *(["daphne"] if "runserver" in sys.argv else []),
    "openrouter_site.apps.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "channels",
    "csp",
    "django_htmx",
    "common",
    "accounts",
    "keys",
    "billing",
    "models_catalog",
    "presets",
    "guardrails",
    "gateway",
    "chat",
    "activity",
    "broadcast",
    "request_builder",
    "operations",
    "documentation",
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
    "openrouter_site.serving.requests.LinkToSiteUrl",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.reader.ReaderOfPages",
    "accounts.sessions.seen.SessionsSeen",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
