"""The page with an organization's privacy settings."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import access
from accounts.models import PrivacySettings
from common.web.http import AuthedRequest


class PrivacyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """The privacy settings, each with a sentence on its effect."""

    class Meta:
        model = PrivacySettings
        fields = (
            "allow_paid_training",
            "allow_free_training",
            "allow_free_publication",
            "zero_data_retention",
            "show_apps_in_rankings",
            "classify_requests",
        )
        labels = {  # noqa: RUF012
            "allow_paid_training": "Allow paid models to use providers that train on prompts",
            "allow_free_training": "Allow free models to use providers that train on prompts",
            "allow_free_publication": "Allow free models to use providers that publish prompts",
            "zero_data_retention": "Require zero data retention",
            "show_apps_in_rankings": "Show my apps in rankings",
            "classify_requests": "Classify my requests by use",
        }
        help_texts = {  # noqa: RUF012
            "allow_paid_training": (
                "If off, paid models use only providers whose policy rules out training. An unverified policy counts "
                "as training."
            ),
            "allow_free_training": (
                "Many free models are free because their providers train on your prompts. If off, free models use only "
                "providers that don't."
            ),
            "allow_free_publication": "Paid models never use such providers. If off, free models don't either.",
            "zero_data_retention": (
                "If on, providers that retain prompts, even for a day, are never used. Fewer models are available."
            ),
            "show_apps_in_rankings": (
                "If on, apps that name their address in your requests appear in the public rankings with their models "
                "and tokens. Your account and your prompts never do. If off, their tokens are left out, also those of "
                "past days, and so are your classified requests."
            ),
            "classify_requests": (
                "If on, when a request has ended, our server compares the words of its prompt with lists of typical "
                "words, in memory and without an AI model. It stores the name of one use with the request, such as "
                "Programming or Legal, or none if the text isn't clear. It doesn't store the text. You see the use in "
                "your logs, and it counts in the public rankings by use, without your account. Requests that require "
                "zero data retention or deny data collection aren't classified. If off, prompts aren't read for this, "
                "and past requests leave the rankings by use."
            ),
        }


@login_required
@require_http_methods(["GET", "POST"])
def privacy(request: AuthedRequest) -> HttpResponse:
    """Show the privacy settings; admins can change them."""
    organisation = access.for_admin(request) if request.method == "POST" else access.for_member(request)
    form = PrivacyForm(request.POST if request.method == "POST" else None, instance=access.privacy_of(organisation))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Privacy settings saved. They apply to the next request.")
        return redirect("accounts:privacy")
    may_change = access.is_admin(request.user, organisation)
    if not may_change:
        for field in form.fields.values():
            field.disabled = True
    return render(request, "accounts/privacy.html", {"form": form, "may_change": may_change})
