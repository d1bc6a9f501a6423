"""Links to the page where a refused request can be fixed."""

from django.urls import reverse

from common.errors import ApiError

__all__ = ["remedy_for"]


def remedy_for(error: ApiError, *, uses_key: bool = False) -> dict[str, str] | None:
    """Return a link (`text`, `href`) to the page that fixes the error; None if only the message itself can.

    `uses_key` says that the request was made with an API key.
    """
    if error.status == 401 and uses_key:
        return {"text": "API keys", "href": reverse("keys:keys")}
    if error.status == 401:
        return {"text": "Sign in again", "href": f"{reverse('account_login')}?next={reverse('chat:chat')}"}
    if error.status == 402:
        return {"text": "Buy credits", "href": reverse("billing:credits")}
    why = error.availability or {}
    privacy = reverse("accounts:privacy")
    if why.get("code") == "privacy_restricted" and why["docs_url"].endswith(privacy):  # a guardrail is for admins
        return {"text": "Privacy settings", "href": privacy}
    return None
