"""Presets: saved settings of requests, with a version for each save."""

from django.db import models
from django.utils import timezone

from accounts.models import Organisation, User
from common.naming.ids import public_id


def new_preset_id() -> str:
    return public_id("preset")


def new_version_id() -> str:
    return public_id("version")


class PresetQuerySet(models.QuerySet["Preset"]):
    def of(self, organisation: Organisation) -> "PresetQuerySet":
        """Return the organization's presets: every member uses and edits all of them."""
        return self.filter(organisation=organisation)

    def listed(self) -> "PresetQuerySet":
        """Return the presets that are not archived."""
        return self.exclude(status=Preset.Status.ARCHIVED)


class Preset(models.Model):
    """Settings of requests under a name. Requests use its designated version by its slug: `@preset/<slug>`."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        DISABLED = "disabled", "Disabled"  # requests with it fail
        ARCHIVED = "archived", "Archived"  # likewise, and it is no longer listed

    public_id = models.CharField(max_length=40, unique=True, default=new_preset_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="presets", db_index=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    slug = models.CharField(max_length=64)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    status_updated_at = models.DateTimeField(null=True, blank=True)
    designated_version = models.ForeignKey("PresetVersion", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = PresetQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("organisation", "slug"), name="preset_slug_once"),)

    def __str__(self) -> str:
        return self.slug


class PresetVersion(models.Model):
    """One save of a preset. It never changes; `content` is encrypted, see `content.py`."""

    public_id = models.CharField(max_length=40, unique=True, default=new_version_id, editable=False)
    preset = models.ForeignKey(Preset, on_delete=models.CASCADE, related_name="versions", db_index=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    number = models.PositiveIntegerField()  # from 1
    content = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("preset", "number"), name="preset_version_once"),)

    def __str__(self) -> str:
        return f"{self.preset.slug}, version {self.number}"
