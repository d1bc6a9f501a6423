"""Pages of presets. Every member of an organization uses and edits all of them."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from common.errors import ApiError
from common.web.http import AuthedRequest
from models_catalog import catalog
from presets import saving
from presets.content import Content, Undecryptable, opened
from presets.models import Preset

from . import history
from .forms import PresetForm

PAGE_SIZE = 50
VERSIONS_PER_PAGE = 20

_DONE = {
    Preset.Status.ACTIVE: "“{}” is active. Requests can use it.",
    Preset.Status.DISABLED: "“{}” is disabled. Requests with it fail until you enable it.",
}


@login_required
@require_GET
def presets(request: AuthedRequest) -> HttpResponse:
    """The list of presets, by name; `?status=archived` lists the archived ones."""
    everything = Preset.objects.of(access.for_member(request))
    archived = request.GET.get("status") == "archived"
    shown = everything.filter(status=Preset.Status.ARCHIVED) if archived else everything.listed()
    page = Paginator(shown.select_related("designated_version").order_by("name", "pk"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": page,
        "rows": [(preset, content_of(preset)) for preset in page],
        "archived": archived,
        "has_archived": archived or everything.filter(status=Preset.Status.ARCHIVED).exists(),
        "undo": everything.filter(status=Preset.Status.ARCHIVED, slug=request.GET.get("archived", "")[:64]).first()
        if request.GET.get("archived", "").isprintable()
        else None,
    }
    return render(request, "presets/presets.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def create_preset(request: AuthedRequest) -> HttpResponse:
    """The form of a new preset."""
    organisation = access.for_member(request)
    form = PresetForm(request.POST or None)
    if form.is_valid():
        details = {name: form.cleaned_data[name] for name in ("name", "slug", "description")}
        try:
            created = saving.create(organisation, request.user, content=form.content, **details)
        except ApiError as error:
            form.add_error("slug" if "slug" in error.message else None, error.message)
        else:
            messages.success(request, f"Created “{created.name}”. Use it as @preset/{created.slug}.")
            return redirect("presets:preset", created.slug)
    return _form(request, "presets/create_preset.html", form)


@login_required
@require_GET
def preset(request: AuthedRequest, slug: str) -> HttpResponse:
    """The page of a preset: how to use it, its settings, and its versions."""
    preset = _preset_of(request, slug)
    versions = preset.versions.select_related("created_by").order_by("-number")
    page = Paginator(versions, VERSIONS_PER_PAGE).get_page(request.GET.get("page"))
    start = page.start_index() - 1
    newest_first = list(versions[start : start + VERSIONS_PER_PAGE + 1])
    context = {
        "preset": preset,
        "content": (content := content_of(preset)),
        "settings": history.settings_of(content) if content else [],
        "page": page,
        "entries": history.entries(newest_first, VERSIONS_PER_PAGE),
    }
    return render(request, "presets/preset.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def edit_preset(request: AuthedRequest, slug: str) -> HttpResponse:
    """The form to edit a preset. Each save is a new version."""
    preset = _preset_of(request, slug)
    content = content_of(preset)
    form = PresetForm(request.POST or None, preset=preset, content=content)
    if form.is_valid():
        details = {name: form.cleaned_data[name] for name in ("name", "description")}
        try:
            saved = saving.save(preset, request.user, form.content, **details)
        except ApiError as error:
            form.add_error(None, error.message)
        else:
            assert saved.designated_version is not None
            messages.success(request, f"Saved “{saved.name}”. Requests use version {saved.designated_version.number}.")
            return redirect("presets:preset", saved.slug)
    return _form(request, "presets/edit_preset.html", form, preset=preset, unreadable=content is None)


@login_required
@require_POST
def switch_preset(request: AuthedRequest, slug: str) -> HttpResponse:
    """Enable, disable, archive or restore a preset, as the posted `status` says."""
    preset = _preset_of(request, slug)
    if (status := request.POST.get("status")) not in Preset.Status.values:
        return HttpResponse(status=400)
    try:
        saving.switch(preset, Preset.Status(status))
    except ApiError as error:
        messages.error(request, error.message)
        return redirect("presets:presets")
    if status == Preset.Status.ARCHIVED:
        return redirect(f"{reverse('presets:presets')}?archived={preset.slug}")
    messages.success(request, _DONE[Preset.Status(status)].format(preset.name))
    return redirect("presets:presets") if request.POST.get("from") == "list" else redirect("presets:preset", slug)


@login_required
@require_POST
def duplicate_preset(request: AuthedRequest, slug: str) -> HttpResponse:
    """Copy a preset and open the form of the copy."""
    preset = _preset_of(request, slug)
    try:
        copy = saving.duplicate(preset, request.user)
    except ApiError as error:
        messages.error(request, error.message)
        return redirect("presets:preset", slug)
    messages.success(request, f"Created “{copy.name}”. Requests use it as @preset/{copy.slug}.")
    return redirect("presets:edit-preset", copy.slug)


@login_required
@require_POST
def use_version(request: AuthedRequest, slug: str, number: int) -> HttpResponse:
    """Let requests use an earlier or later version."""
    preset = _preset_of(request, slug)
    version = get_object_or_404(preset.versions, number=number)
    saving.designate(preset, version)
    messages.success(request, f"Requests use version {number} now.")
    return redirect("presets:preset", slug)


def content_of(preset: Preset) -> Content | None:
    """Return the content that requests use; None if it cannot be decrypted."""
    try:
        return opened(preset.designated_version) if preset.designated_version else None
    except Undecryptable:
        return None


def _preset_of(request: AuthedRequest, slug: str) -> Preset:
    presets = Preset.objects.of(access.for_member(request)).select_related("designated_version", "organisation")
    return get_object_or_404(presets, slug=slug)


def _form(request: AuthedRequest, template: str, form: PresetForm, **context: Any) -> HttpResponse:
    context |= {"form": form, "models": catalog.current().models.values()}
    return render(request, template, context, status=422 if form.is_bound else 200)
