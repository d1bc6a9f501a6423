"""Where to go when a question is refused."""

from django.urls import reverse

from common.errors import ApiError

__all__ = ["remedy_for"]


def remedy_for(error: ApiError) -> dict[str, str] | None:
    """The link that mends it, as `text` and `href`; None when there is nothing to mend but the question."""
    if error.status == 401:
        return {"text": "Sign in again", "href": f"{reverse('account_login')}?next={reverse('chat:chat')}"}
    if error.status == 402:
        return {"text": "Add credits", "href": reverse("billing:credits")}
    if (error.availability or {}).get("code") == "privacy_restricted":
        return {"text": "Privacy settings", "href": reverse("accounts:privacy")}
    return None
