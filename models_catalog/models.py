"""The catalog: authors make models, providers serve them, an endpoint is one model at one provider.

Prices are exact decimal strings in USD per token, request, image or search, in JSON: neither floats
nor a database's idea of decimals may touch them.
"""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from common import encryption

from .prices.stored import check_pricing, check_tiers, servable

#: The `kind` of a provider that the operator runs.
OWN = "own"


class FromFile(models.Model):
    """Rows of the bundled catalog that an operator may edit. Loading keeps edited fields."""

    bundled = models.BooleanField(default=False, editable=False)
    edited_fields = models.JSONField(default=list, editable=False)

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Turn None, which a form leaves for an emptied list, into an empty list."""
        for field in self._meta.concrete_fields:
            if field.default is list and getattr(self, field.attname) is None:
                setattr(self, field.attname, [])


class Author(models.Model):
    """The lab that trained a model: `openai`, `meta-llama`."""

    slug = models.SlugField(max_length=100, primary_key=True)
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Provider(FromFile):
    """A provider of models. `trains` and `retains` are None while the policy is unverified, which counts
    as yes."""

    slug = models.SlugField(max_length=100, primary_key=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)  # lab, host, cloud, aggregator, own
    headquarters = models.CharField(max_length=2, blank=True)
    datacenters = models.JSONField(default=list, blank=True)
    base_url = models.URLField(blank=True)  # empty: no OpenAI-compatible address
    key_variable = models.CharField(max_length=100, blank=True)  # name of the key's environment variable
    trains = models.BooleanField(null=True, blank=True)
    retains = models.BooleanField(null=True, blank=True)
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    policy_as_of = models.CharField(max_length=20, blank=True)
    status_page = models.URLField(blank=True)
    privacy_policy_url = models.URLField(blank=True)
    terms_of_service_url = models.URLField(blank=True)
    # Stops generating, and billing, when the connection is closed.
    supports_cancel = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    # False for a server of the operator's own that takes requests without a key.
    requires_key = models.BooleanField(default=True)
    # For a server of the operator's own: its prices, and what the server does not tell (see loading/own_provider.py).
    own_terms = models.JSONField(default=dict, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def is_own(self) -> bool:
        """Whether it is a server of the operator's own, with names and prices of its own."""
        return self.kind == OWN


class ProviderKey(models.Model):
    """A key of a provider, encrypted. Several share the provider's requests by weight, beside that of the environment.

    The last columns are written by the processes that use the key: they say how it fared.
    """

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100, blank=True)
    secret = models.TextField(editable=False)  # encrypted by common.encryption
    last_four = models.CharField(max_length=4, editable=False)
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Its share of the provider's requests, 1 to 100: a key of weight 2 gets twice those of weight 1.",
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    cooling_until = models.DateTimeField(null=True, blank=True, editable=False)
    cooling_model = models.CharField(max_length=200, blank=True, editable=False)  # the provider's name of it
    last_status = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)  # HTTP, of its last refusal
    last_refused_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        named = f" ({self.name})" if self.name else ""
        return f"{self.provider_id} \u2026{self.last_four}{named}"

    def set_secret(self, secret: str) -> None:
        """Encrypt the key. From then on, only its last four characters can be seen."""
        self.secret = encryption.encrypt(secret)
        # Of a short key, four characters would give too much away.
        self.last_four = secret[-4:] if len(secret) >= 12 else ""


class Model(FromFile):
    """A model ID that requests may name, with its variant (`author/slug`, `author/slug:free`)."""

    id = models.CharField(max_length=200, primary_key=True)
    canonical_slug = models.CharField(max_length=200)  # never changes
    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="models")
    name = models.CharField(max_length=200)
    description = models.TextField()
    created = models.PositiveBigIntegerField()  # unix seconds
    context_length = models.PositiveIntegerField()
    max_completion_tokens = models.PositiveIntegerField(null=True, blank=True)
    input_modalities = models.JSONField(default=list)
    output_modalities = models.JSONField(default=list)
    # Of an embedding, unless a request asks for another number.
    dimensions = models.PositiveIntegerField(null=True, blank=True)
    tokenizer = models.CharField(max_length=30)
    instruct_type = models.CharField(max_length=30, blank=True)
    reasoning = models.BooleanField(default=False)
    open_weights = models.BooleanField(null=True, blank=True)
    hugging_face_id = models.CharField(max_length=200, blank=True)
    knowledge_cutoff = models.CharField(max_length=20, blank=True)
    # The day on which its providers stop serving it; null while none is announced.
    expires_on = models.DateField("retires on", null=True, blank=True)
    hidden = models.BooleanField(default=False)  # no endpoint with a known price

    class Meta:
        indexes = (models.Index(fields=("-created",), name="models_newest"),)

    def __str__(self) -> str:
        return self.id


class Endpoint(FromFile):
    """One model at one provider: own price, limits and parameters.

    `tag` is the provider's slug, with a suffix when it serves the model more than one way
    (`deepinfra/turbo`); requests name it in `provider.order`.
    """

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="endpoints")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="endpoints")
    tag = models.CharField(max_length=120)
    # The provider's name of the model. Empty: not callable until an operator enters it.
    provider_model_id = models.CharField(max_length=200, blank=True)
    context_length = models.PositiveIntegerField()
    max_completion_tokens = models.PositiveIntegerField(null=True, blank=True)
    quantization = models.CharField(max_length=10, default="unknown")
    # {"prompt": "0.0000025", "completion": ..., "request", "image", "web_search", "internal_reasoning",
    #  "input_cache_read", "input_cache_write", "input_cache_write_1h", ...}; a missing key means "does not apply".
    pricing = models.JSONField(validators=[check_pricing])
    # Long-context prices: [{"min_context": tokens, "prompt": ..., ...}]
    tiers = models.JSONField(default=list, blank=True, validators=[check_tiers])
    supported_parameters = models.JSONField(default=list, blank=True)
    is_moderated = models.BooleanField(
        "refuses prompts by moderation",
        default=False,
        help_text="The provider checks prompts and refuses some. Requests with :beta pass such endpoints by.",
    )
    is_exacto = models.BooleanField(
        "selected for :exacto",
        default=False,
        help_text="Requests with :exacto go to a model's selected endpoints only, if it has any.",
    )
    # The endpoint's own policy where it differs from its provider's; null: the provider's.
    trains = models.BooleanField("trains on prompts", null=True, blank=True, help_text="Unknown: as its provider.")
    retains = models.BooleanField("retains prompts", null=True, blank=True, help_text="Unknown: as its provider.")
    # May publish prompts, as a few free endpoints do. The bundled catalog's sources name none; operators mark them.
    publishes = models.BooleanField("may publish prompts", default=False)
    # Where what is known of quantization, moderation and policy was published, and when: for operators.
    source = models.CharField("source of these facts", max_length=300, blank=True)
    enabled = models.BooleanField(default=True)
    # Since when the provider's own list of models lacks this one; empty while it lists it, or can't be asked.
    unlisted_since = models.DateTimeField("not listed by the provider since", null=True, blank=True, editable=False)
    # The source whose prices and limits it follows (see loading/sync); empty: the bundled catalog's.
    listed_by = models.CharField("follows the source", max_length=300, blank=True, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("model", "tag"), name="endpoint_tag_once"),)

    def __str__(self) -> str:
        return f"{self.model_id} at {self.tag}"

    def clean(self) -> None:
        """Raise ValidationError if the prices don't fit the model: only `:free` models, and those of a server of the
        operator's own, may cost zero."""
        super().clean()
        try:
            check_pricing(self.pricing)
        except ValidationError:
            return  # the field has said so already
        is_own = self.provider_id and self.provider.is_own
        if is_own and servable(self.pricing, free=True) is not None:
            return
        if not self.model_id:
            return
        outputs = self.model.output_modalities
        if servable(self.pricing, free=self.model_id.endswith(":free"), outputs=outputs) is None:
            raise ValidationError(
                {
                    "pricing": "A :free model costs nothing; any other model needs prompt and completion prices above "
                    "0, one for embeddings a prompt price, one that ranks a prompt or a request price."
                }
            )


class EndpointPrice(models.Model):
    """The prices of an endpoint in a time. It names the endpoint by model and tag, and so outlives it.

    Written by `price_history.record`, which every change of the catalog calls.
    """

    model = models.CharField(max_length=200)
    tag = models.CharField(max_length=120)
    pricing = models.JSONField()  # as Endpoint.pricing, in USD per token, request, image or search
    tiers = models.JSONField(default=list)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)  # null: still valid

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("model", "tag"), condition=models.Q(valid_until=None), name="endpoint_price_current_once"
            ),
        )
        indexes = (models.Index(fields=("model", "tag", "valid_from"), name="endpoint_price_by_time"),)

    def __str__(self) -> str:
        return f"{self.model} at {self.tag} from {self.valid_from:%Y-%m-%d %H:%M}"


class CatalogueSync(models.Model):
    """One comparison of the catalog with a source, by the clock or an operator, and what came of it."""

    class Outcome(models.TextChoices):
        APPLIED = "applied", "Applied"
        NO_CHANGE = "no_change", "No change"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Not readable"

    source = models.CharField(max_length=300)  # kind:URL, as in CATALOG_SYNC_SOURCES
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    reason = models.TextField(blank=True)
    # Of the document, so that an unchanged one is not sent again while the catalog and the sources stay the same too.
    etag = models.CharField("ETag", max_length=300, blank=True)
    state = models.CharField(max_length=64, blank=True, editable=False)  # of catalog and sources
    # {"new models": 2, "changed prices": 5, ...}
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField(default=timezone.now)
    # Later than `started_at` if the source was found unchanged since, or refused for the same reason.
    checked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "sync"
        indexes = (models.Index(fields=("source", "-started_at"), name="catalogue_sync_latest"),)

    def __str__(self) -> str:
        return f"{self.source} at {self.started_at:%Y-%m-%d %H:%M}"


class CatalogueVersion(models.Model):
    """One row. `stamp` rises with every change of the catalog, so that snapshots know when to reload."""

    stamp = models.PositiveBigIntegerField(default=1)
    source_sha256 = models.CharField(max_length=64, blank=True)  # of the last bundled file loaded
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"catalog version {self.stamp}"
