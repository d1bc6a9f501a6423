"""Feedback on an answer of the chat: an opinion of its request. The text of the chat is not part of it."""

from typing import TYPE_CHECKING, cast

from django import forms
from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

from accounts import access
from billing import spending
from common.naming.ids import generation_id_of
from common.web.http import AuthedRequest, PageRequest
from gateway.models import Feedback, Generation

__all__ = ["feedback"]


if TYPE_CHECKING:
    _Form = forms.ModelForm[Feedback]  # generic for the type checker only
else:
    _Form = forms.ModelForm


class FeedbackForm(_Form):
    class Meta:
        model = Feedback
        fields = ("rating", "category", "comment")

    def clean(self) -> None:
        if self.cleaned_data.get("rating") == Feedback.Rating.GOOD and self.cleaned_data.get("category"):
            self.add_error("category", "Only a bad answer has a category.")


@require_http_methods(["POST", "DELETE"])
def feedback(request: PageRequest, generation_id: str) -> HttpResponse:
    """Store an opinion of a request (`rating`, `category`, `comment`) in place of an earlier one, or delete it.

    204; 401 without a session, 404 for a request that is not the organization's, 400 with the reason.
    """
    if not request.user.is_authenticated:  # a redirect to the sign-in page would look like a success to the script
        return JsonResponse({"error": "You're signed out. Sign in, then send your feedback again."}, status=401)
    generation = _generation_of(cast(AuthedRequest, request), generation_id)
    if request.method == "DELETE":
        Feedback.objects.filter(generation=generation).delete()
        return HttpResponse(status=204)
    form = FeedbackForm(request.POST)
    if not form.is_valid():
        [problem, *_] = [text for texts in form.errors.values() for text in texts]
        return JsonResponse({"error": problem}, status=400)
    Feedback.give(generation, **form.cleaned_data)
    return HttpResponse(status=204)


def _generation_of(request: AuthedRequest, name: str) -> Generation:
    """Return the organization's finished request with this ID. Raises Http404."""
    known = spending.account_of(access.for_member(request)).generations
    name = generation_id_of(name)
    found: Generation | None = known.filter(pk=name[:40]).first() if name.isprintable() else None
    if found is None:
        raise Http404
    return found
