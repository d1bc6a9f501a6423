"""The burn rate, for pages of lower apps."""

from django import template

from activity import burn_rate as rates
from billing.models import CreditAccount
from common.clock import utc_now

register = template.Library()


@register.inclusion_tag("activity/partials/dashboard/burn_rate.html")
def burn_rate(account: CreditAccount) -> dict[str, object]:
    """Return the account's burn rate."""
    return {"rate": rates.burn_rate(account, utc_now()), "days": rates.DAYS}
