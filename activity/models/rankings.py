"""The tables of the public rankings: apps, the tokens of apps and models by UTC day, and the ranks.

The clock writes the days (`activity/rankings/counting.py`). Accounts, keys and members are not in them.
"""

from django.core.validators import MinLengthValidator
from django.db import models
from django.utils import timezone

from accounts.models import Organisation
from gateway.models import USES

__all__ = [
    "CATEGORIES",
    "USES",
    "USE_OF",
    "App",
    "AppDay",
    "AppTitle",
    "ModelContextDay",
    "ModelDay",
    "RankedDay",
    "SentCategories",
    "Standing",
    "UseDay",
]

#: The categories of apps, by group.
CATEGORIES = {
    "coding": ("cli-agent", "ide-extension", "cloud-agent", "programming-app", "native-app-builder"),
    "creative": ("creative-writing", "video-gen", "image-gen", "audio-gen"),
    "productivity": ("writing-assistant", "general-chat", "personal-agent", "legal"),
    "entertainment": ("roleplay", "game"),
}
#: The use that follows from a category, where one does.
USE_OF = {**dict.fromkeys(CATEGORIES["coding"], "programming"), "roleplay": "roleplay", "legal": "legal"}


class App(models.Model):
    """A program that names itself by the address in HTTP-Referer. `slug` is that address, as `addresses.py` reads it.

    Any program can send any address. So an account counts only in part, unless an operator has verified that the
    requests are the app's.
    """

    slug = models.CharField("address", max_length=120, unique=True, validators=[MinLengthValidator(4)])
    # The title that most accounts send in X-Title; empty: none that can be shown.
    sent_name = models.CharField(max_length=60, blank=True, editable=False)
    name = models.CharField(max_length=60, blank=True, help_text="Empty: the title that most accounts send.")
    categories = models.JSONField(default=list, blank=True)
    sent_categories = models.JSONField(default=list, blank=True, editable=False)  # where the operator chose none
    use = models.CharField(
        "used for",
        max_length=20,
        choices=list(USES.items()),
        blank=True,
        help_text="Empty: what follows from the categories.",
    )
    verified = models.BooleanField(default=False, help_text="Its tokens count in full, whichever account sends them.")
    blocked = models.BooleanField(default=False, help_text="It appears nowhere, and its tokens count for no app.")
    merged_into = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="merged",
        help_text="The app that its tokens count for.",
    )
    # The account that sent the address first: an account can add only some apps a day.
    found_by = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    found_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug

    @property
    def title(self) -> str:
        """The name that pages show."""
        return self.name or self.sent_name or self.slug

    @property
    def address(self) -> str:
        """Its URL."""
        return f"https://{self.slug}"

    @property
    def used_for(self) -> str:
        """A key of `USES`; empty if it is not known."""
        return self.use or next((USE_OF[each] for each in self.shown_categories if each in USE_OF), "")

    @property
    def shown_categories(self) -> list[str]:
        """The operator's choice, else what accounts send."""
        categories: list[str] = self.categories or self.sent_categories
        return categories


class AppTitle(models.Model):
    """The title that an account last sent for an app. Each account has one vote for the app's name."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="titles", db_index=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=60, blank=True)
    read_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("app", "organisation"), name="app_title_once"),)

    def __str__(self) -> str:
        return self.title


class SentCategories(models.Model):
    """The categories that an account sends in X-OpenRouter-Categories for the app of that address."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+", db_index=False)
    slug = models.CharField(max_length=120)
    categories = models.JSONField(default=list)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("organisation", "slug"), name="sent_categories_once"),)
        indexes = (models.Index(fields=("slug",), name="sent_categories_of_app"),)

    def __str__(self) -> str:
        return self.slug


class _RankedTokens(models.Model):
    """Sums of a UTC day. Failed requests are left out."""

    day = models.DateField()
    requests = models.PositiveBigIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True


class ModelDay(_RankedTokens):
    """The tokens of a model on a day: of all accounts, except those that require zero data retention."""

    model = models.CharField(max_length=200)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("day", "model"), name="model_day_once"),)

    def __str__(self) -> str:
        return f"{self.day} {self.model}"


class ModelContextDay(_RankedTokens):
    """The part of a `ModelDay` whose prompts are of one length. Written once, when the day is over."""

    model = models.CharField(max_length=200)
    length = models.CharField(max_length=4)  # of the prompts: a key of rankings.contexts.LENGTHS

    class Meta:
        constraints = (models.UniqueConstraint(fields=("day", "length", "model"), name="model_context_day_once"),)

    def __str__(self) -> str:
        return f"{self.day} {self.model} {self.length}"


class AppDay(_RankedTokens):
    """The tokens of an app on a day with one model, as far as they count; with all models where `model` is empty.

    Classified requests have a row for each `use`. The others are in the row without one, and count for the app's use.
    So each request is in one row of its app, day and model.
    """

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="days", db_index=False)
    model = models.CharField(max_length=200, blank=True)
    use = models.CharField(max_length=20, choices=list(USES.items()), blank=True, default="", db_default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("app", "day", "model", "use"), name="app_day_of_use_once"),)
        indexes = (models.Index(fields=("model", "day"), name="app_days_of_model"),)

    def __str__(self) -> str:
        return f"{self.day} {self.app_id} {self.model} {self.use}".rstrip()


class UseDay(_RankedTokens):
    """The tokens of a use on a day with one model: of classified requests, as far as they count for no app."""

    use = models.CharField(max_length=20, choices=list(USES.items()))
    model = models.CharField(max_length=200)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("day", "use", "model"), name="use_day_once"),)

    def __str__(self) -> str:
        return f"{self.day} {self.use} {self.model}"


class RankedDay(models.Model):
    """A UTC day that was counted at `as_of`. It is counted again if it was not over then, or is `stale`."""

    day = models.DateField(primary_key=True)
    as_of = models.DateTimeField()
    stale = models.BooleanField(default=False)
    has_contexts = models.BooleanField(default=False, db_default=False)  # its requests are divided by prompt length

    def __str__(self) -> str:
        return f"{self.day}"


class Standing(models.Model):
    """A place in a ranking, as the clock last computed it from the days until `day`, today included.

    `tokens` and `requests` are of the whole period. `now` and `before` are the tokens of the equally long periods that
    ended the day before `day`, and before that. The row of rank 0 is the sum of all.
    """

    class Kind(models.TextChoices):
        MODEL = "model", "Model"
        AUTHOR = "author", "Author"
        APP = "app", "App"
        USE = "use", "Use"

    period = models.CharField(max_length=5)  # day, week, month
    kind = models.CharField(max_length=6, choices=Kind.choices)
    rank = models.PositiveIntegerField()  # from 1
    key = models.CharField(max_length=200, blank=True)  # the model, author or use
    app = models.ForeignKey(App, null=True, on_delete=models.CASCADE, related_name="standings")
    day = models.DateField()
    tokens = models.PositiveBigIntegerField()
    requests = models.PositiveBigIntegerField()
    now = models.PositiveBigIntegerField()
    before = models.PositiveBigIntegerField()
    # Of apps: how many more tokens than in three equally long periods before, if each had been like this one.
    gain = models.BigIntegerField(default=0)
    values = models.JSONField(default=list)  # tokens in each bucket of the chart, of the largest and of all

    class Meta:
        constraints = (models.UniqueConstraint(fields=("period", "kind", "rank"), name="standing_once"),)

    def __str__(self) -> str:
        return f"{self.period} {self.kind} {self.rank}"
