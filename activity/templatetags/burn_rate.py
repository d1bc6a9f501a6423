"""The burn rate, for pages of apps below this one."""

from django import template

from activity import burn_rate as rates
from billing.models import CreditAccount
from common.clock import utc_now

register = template.Library()


@register.inclusion_tag("activity/partials/burn_rate.html")
def burn_rate(account: CreditAccount) -> dict[str, object]:
    """How fast the account spends, and how long its balance lasts."""
    return {"rate": rates.burn_rate(account, utc_now()), "days": rates.DAYS}
