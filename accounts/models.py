"""People and the organisations that own everything: credits, keys and settings.

Every person has a personal organisation; a shared one has several members.
"""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from common.ids import public_id


def new_user_id() -> str:
    return public_id("user")


def new_organisation_id() -> str:
    return public_id("org")


class UserManager(BaseUserManager["User"]):
    """Users are known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `public_id` ("user_...") is what the API shows."""

    public_id = models.CharField(max_length=32, unique=True, default=new_user_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_whatever_case"),)

    def __str__(self) -> str:
        return self.email


class Organisation(models.Model):
    """What owns a credit account, API keys and settings. `personal_of` is set on a person's own."""

    public_id = models.CharField(max_length=32, unique=True, default=new_organisation_id, editable=False)
    name = models.CharField(max_length=100)
    personal_of = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="personal_organisation"
    )
    members = models.ManyToManyField(User, through="Membership", related_name="organisations")
    # What a request without `model` uses; empty means the platform's default.
    default_model = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person in an organisation. Admins also manage billing, settings and everybody's keys."""

    class Role(models.TextChoices):
        ADMIN = "admin", "Admin"
        MEMBER = "member", "Member"

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("organisation", "user"), name="one_membership_each"),)

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organisation_id} as {self.role}"


class PrivacySettings(models.Model):
    """What an organisation allows to happen with its prompts. Everything is off until switched on."""

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="privacy")
    # Endpoints that may train on prompts, or whose policy nobody has confirmed.
    allow_paid_training = models.BooleanField(default=False)
    allow_free_training = models.BooleanField(default=False)
    allow_free_publication = models.BooleanField(default=False)
    # Only endpoints that keep nothing.
    zero_data_retention = models.BooleanField(default=False)
    # Prompts and answers may be logged to improve the product, for 1 % off.
    log_for_discount = models.BooleanField(default=False)
    # Provider slugs; an empty allow-list allows all.
    allowed_providers = models.JSONField(default=list, blank=True)
    ignored_providers = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return f"privacy of {self.organisation_id}"
