"""The insights of the dashboard."""

from django import template

from activity.filters import Filter
from activity.insights.overview import Insights, insights_of

register = template.Library()


@register.simple_tag
def insights(view: Filter) -> Insights | None:
    """Return the insights of the view's account; None for a view with filters."""
    return insights_of(view)
