"""Payment providers, purchases and the free allowance."""

import re

from openrouter_site import env

from .core import SITE_NAME, SUPPORT_EMAIL

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
