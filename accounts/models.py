"""Users, and the organizations that own credits, keys and settings.

Every user has a personal organization; a shared one has several members.
"""

from datetime import UTC, tzinfo
from typing import Any, ClassVar
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from common.clock import utc_now
from common.limits import spend_limits
from common.naming.ids import public_id

#: The namespace of workspaces' IDs.
_WORKSPACES = UUID("4f0c1a53-6a0e-4b52-9d3c-6a3f1c2f7b90")


def new_user_id() -> str:
    return public_id("user")


def new_organisation_id() -> str:
    return public_id("org")


class UserManager(BaseUserManager["User"]):
    """Creates users, who sign in with their email address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    @transaction.atomic
    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user who may do everything in the admin.

        The email address counts as verified, because its owner has access to this machine, and there is a personal
        organization: so they can sign in and use the site like any other user.
        """
        from allauth.account.models import EmailAddress  # needs the user model

        from . import access  # imports this module

        user = self.create_user(email.lower(), password, is_staff=True, is_superuser=True, **fields)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        access.open_personal_organisation(user)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account. The API identifies them by `public_id` ("user_...").

    Pages, receipts and emails for the person write times in `zone` and dates in `date_format`.
    """

    class DateFormat(models.TextChoices):
        DAY_FIRST = "day", "29 Nov 2026"
        MONTH_FIRST = "month", "Nov 29, 2026"
        ISO = "iso", "2026-11-29"

    public_id = models.CharField(max_length=32, unique=True, default=new_user_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    # A name of the IANA time zone database; empty for UTC.
    time_zone = models.CharField(max_length=64, blank=True)
    date_format = models.CharField(max_length=10, choices=DateFormat.choices, default=DateFormat.DAY_FIRST)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_case_insensitive"),)

    def __str__(self) -> str:
        return self.email

    @property
    def is_deleted(self) -> bool:
        """Whether the account was deleted: this is the tombstone that its money and usage refer to."""
        return self.email.endswith("@deleted.invalid")

    @property
    def zone(self) -> tzinfo:
        """The person's time zone; UTC if none is chosen, or if this machine does not know it."""
        try:
            return ZoneInfo(self.time_zone) if self.time_zone else UTC
        except (ValueError, ZoneInfoNotFoundError):
            return UTC


class Organisation(models.Model):
    """The owner of a credit account, API keys and settings. `personal_of` is the user of a personal organization."""

    class Sort(models.TextChoices):
        PRICE = "price", "Lowest price"
        THROUGHPUT = "throughput", "Highest throughput"
        LATENCY = "latency", "Lowest latency"

    public_id = models.CharField(max_length=32, unique=True, default=new_organisation_id, editable=False)
    name = models.CharField(max_length=100)
    personal_of = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="personal_organisation"
    )
    members = models.ManyToManyField(User, through="Membership", related_name="organisations")
    # The model of requests without `model`; empty for the site's default.
    default_model = models.CharField(max_length=200, blank=True)
    # What routing sorts providers by where a request does not say; empty: balanced by price.
    default_sort = models.CharField(max_length=20, choices=Sort.choices, blank=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # A deleted organization has no members and no keys. Its row stays, because its money rows refer to it.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "organization"

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        """Whether it was created for several members, unlike a user's personal account."""
        return self.personal_of_id is None

    @property
    def workspace_id(self) -> str:
        """The ID of its default workspace, a UUID that never changes. Organizations have no other workspaces."""
        return str(uuid5(_WORKSPACES, self.public_id))


class LimitReset(models.TextChoices):
    """When the count of a spend limit starts again, at 00:00 UTC; weeks start on Monday."""

    DAILY = "daily", "Every day"
    WEEKLY = "weekly", "Every week"
    MONTHLY = "monthly", "Every month"


class Membership(models.Model):
    """A user in an organization. Admins also manage billing, settings and all keys.

    With a spend limit, what the member's requests cost in the chat and with their keys counts toward it.
    """

    class Role(models.TextChoices):
        ADMIN = "admin", "Admin"
        MEMBER = "member", "Member"

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    # The most that the member may spend (pico-USD) in each window, or since the limit was set; null: no limit.
    spend_limit = models.BigIntegerField(null=True, blank=True)
    limit_reset = models.CharField(max_length=10, choices=LimitReset.choices, blank=True)
    # Written by the settlement of requests while there is a limit (pico-USD), and when the limit is set.
    window_usage = models.BigIntegerField(default=0)
    window_started_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("organisation", "user"), name="one_membership_per_user"),)
        indexes = (
            models.Index(
                fields=("organisation",), condition=models.Q(spend_limit__isnull=False), name="members_with_limit"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organisation_id} as {self.role}"

    @property
    def limit(self) -> int | None:
        """The limit in pico-USD, for `common.limits.spend_limits`."""
        return self.spend_limit

    @property
    def usage(self) -> int:
        """The usage that counts toward a limit that does not reset, pico-USD."""
        return self.window_usage

    @property
    def remaining(self) -> int | None:
        """The rest of the limit, pico-USD, running requests not deducted; None without a limit."""
        return spend_limits.remaining(self, utc_now())


class Invitation(models.Model):
    """An invitation of an email address to an organization. Accepting, revoking or replacing it deletes the row.

    Only the SHA-256 of its token is stored: the token is in the email, and is derived again when the email is sent.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="invitations", verbose_name="organization"
    )
    email = models.EmailField()  # in lowercase
    role = models.CharField(max_length=10, choices=Membership.Role.choices, default=Membership.Role.MEMBER)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    nonce = models.CharField(max_length=32)  # another one makes another token
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(default=timezone.now)  # when it was last asked to be sent
    expires_at = models.DateTimeField()
    # The time of the next try to send the email; null once it is sent, and after the last try.
    due_at = models.DateTimeField(null=True, default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("organisation", "email"), name="one_invitation_per_address"),)
        indexes = (
            models.Index(fields=("email",), name="invitations_of_address"),
            models.Index(fields=("due_at",), condition=models.Q(due_at__isnull=False), name="invitations_to_send"),
        )

    def __str__(self) -> str:
        return f"{self.email} to {self.organisation_id} as {self.role}"


class PrivacySettings(models.Model):
    """The data policies that an organization allows for its prompts. The defaults are the strictest."""

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="privacy")
    # Endpoints that may train on prompts, or whose policy is unverified.
    allow_paid_training = models.BooleanField(default=False)
    allow_free_training = models.BooleanField(default=False)
    allow_free_publication = models.BooleanField(default=False)
    # Only endpoints with zero data retention.
    zero_data_retention = models.BooleanField(default=False)
    # The apps that its requests name, with their tokens, appear in the public rankings.
    show_apps_in_rankings = models.BooleanField(default=True, db_default=True)
    # A program of ours reads the text of its requests in memory, and the name of a use is stored with them.
    classify_requests = models.BooleanField(default=False, db_default=False)
    # Prompts and responses are stored, and may be used to improve the service, for a discount. `LoggingConsent` has
    # every change of it.
    log_for_discount = models.BooleanField(default=False)
    log_share = models.PositiveSmallIntegerField(default=10_000)  # of the requests, in basis points
    log_keys = models.JSONField(default=list, blank=True)  # hashes of API keys; empty: all requests
    # Provider slugs; an empty allow-list allows all.
    allowed_providers = models.JSONField(default=list, blank=True)
    ignored_providers = models.JSONField(default=list, blank=True)
    # Model IDs, and "author/*"; an empty allow-list allows all.
    allowed_models = models.JSONField(default=list, blank=True)
    ignored_models = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return f"privacy of {self.organisation_id}"

    @property
    def logs_chats(self) -> bool:
        """Whether messages of the chat are stored like any request."""
        return self.log_for_discount and not self.log_keys and not self.zero_data_retention


class LoggingConsent(models.Model):
    """A member's decision on logging for the organization: given, or withdrawn. The newest row counts."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="logging_consents")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    is_given = models.BooleanField()
    version = models.CharField(max_length=20)  # of the text that the member read
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = (models.Index(fields=("organisation", "-at"), name="logging_consents_of"),)

    def __str__(self) -> str:
        return f"logging {'allowed' if self.is_given else 'withdrawn'} for {self.organisation_id}"


class AccountDeletion(models.Model):
    """The deletion of an account: its user is a tombstone, and nothing here is about the person.

    While `farewell_to` is not empty, it is the encrypted address that the confirmation still has to be sent to.
    """

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="deletion")
    organisations = models.ManyToManyField(Organisation, related_name="+")  # closed with the account
    by_operator = models.BooleanField(default=False)
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)
    waits_for = models.CharField(max_length=200, blank=True)  # for operators: "running requests"
    farewell_to = models.TextField(blank=True)
    tries = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)  # time of the next attempt to finish it

    class Meta:
        indexes = (models.Index(fields=("due_at",), condition=models.Q(finished_at=None), name="deletions_to_finish"),)

    def __str__(self) -> str:
        return f"deletion of user {self.user_id}"
