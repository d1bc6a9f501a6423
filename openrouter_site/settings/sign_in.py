"""Accounts, guessing, two-factor authentication, other sites' accounts, and mail."""

from typing import Any
from urllib.parse import urlsplit

from openrouter_site import env

from .core import DEBUG, SITE_NAME, SUPPORT_EMAIL

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
ACCOUNT_ADAPTER = "accounts.sign_in.signup.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_FORMS = {
    "signup": "accounts.sign_in.forms.SignupForm",
    "change_password": "accounts.sign_in.forms.ChangePasswordForm",
}
# Days for which the links in emails work that verify an address or choose a new password.
EMAIL_LINK_DAYS = 3
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = EMAIL_LINK_DAYS
PASSWORD_RESET_TIMEOUT = EMAIL_LINK_DAYS * 24 * 3600
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, not in others
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
# Changing addresses, second factors and connected accounts asks for the password, a code or a passkey once more.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# Attempts per time and "ip" (address) or "key": see `accounts/sign_in/guessing.py` for those about guesses.
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

# Members of an organization, open invitations included.
ORGANISATION_MAX_MEMBERS = env.integer("ORGANISATION_MAX_MEMBERS", 10)

# Two-factor authentication. The admin is closed to staff who have not used it in their session.
MFA_ADAPTER = "accounts.sign_in.second_factor.MFAAdapter"
MFA_FORMS = {
    "add_webauthn": "accounts.sign_in.forms.AddPasskeyForm",
    "authenticate": "accounts.sign_in.forms.AuthenticateForm",
    "reauthenticate": "accounts.sign_in.forms.ReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
ADMIN_REQUIRES_SECOND_FACTOR = env.boolean("ADMIN_REQUIRES_SECOND_FACTOR", not DEBUG)

# Signing in with an account of another site: offered for each of them whose client ID and secret are both set.
# GITHUB_URL is that of a GitHub Enterprise Server.
SOCIAL_VARIABLES = {
    "GITHUB_CLIENT_ID": env.text("GITHUB_CLIENT_ID"),
    "GITHUB_CLIENT_SECRET": env.text("GITHUB_CLIENT_SECRET"),
    "GITHUB_URL": env.text("GITHUB_URL"),
    "GOOGLE_CLIENT_ID": env.text("GOOGLE_CLIENT_ID"),
    "GOOGLE_CLIENT_SECRET": env.text("GOOGLE_CLIENT_SECRET"),
}
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "github": {"OAUTH_PKCE_ENABLED": True},
    "google": {"OAUTH_PKCE_ENABLED": True, "provider_class": "accounts.sign_in.social.Google"},
}
if SOCIAL_VARIABLES["GITHUB_URL"]:
    SOCIALACCOUNT_PROVIDERS["github"]["GITHUB_URL"] = SOCIAL_VARIABLES["GITHUB_URL"]
#: Where the forms that begin such a sign-in lead to.
SOCIAL_ORIGINS = []
for _site, _url in (
    ("github", SOCIAL_VARIABLES["GITHUB_URL"] or "https://github.com"),
    ("google", "https://accounts.google.com"),
):
    _client_id, _secret = (SOCIAL_VARIABLES[f"{_site.upper()}_CLIENT_{part}"] for part in ("ID", "SECRET"))
    if _client_id and _secret:
        SOCIALACCOUNT_PROVIDERS[_site]["APPS"] = [{"client_id": _client_id, "secret": _secret}]
        SOCIAL_ORIGINS.append("://".join(urlsplit(_url)[:2]))
SOCIALACCOUNT_ADAPTER = "accounts.sign_in.social.SocialAccountAdapter"
SOCIALACCOUNT_FORMS = {"signup": "accounts.sign_in.social.SignupForm"}
# A newcomer sees and confirms that an account is created; an address never opens the account that has it.
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10  # seconds

EMAIL_HOST = env.text("EMAIL_HOST")
# "mandatory": a new user enters after verifying the address, so sign-up can answer alike for a taken address.
# "optional": a new user enters at once, for a trial without a mail server; sign-up then tells taken addresses.
ACCOUNT_EMAIL_VERIFICATION = env.choice(
    "EMAIL_VERIFICATION", ("mandatory", "optional"), "optional" if DEBUG and not EMAIL_HOST else "mandatory"
)
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST else "common.email.console.EmailBackend"
EMAIL_PORT = env.integer("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_TIMEOUT = 20  # seconds for each step; without one, a silent mail server would keep a worker for ever
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", True)
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"{SITE_NAME} <{SUPPORT_EMAIL}>")
