"""The counts of endpoints by minute and by day, for their health."""

from django.db import models

__all__ = ["EndpointDay", "EndpointMinute"]


class EndpointMinute(models.Model):
    """One process's counts for one endpoint in one minute. Histograms map a bucket (see `health.py`) to a count."""

    process_id = models.CharField(max_length=60)
    model = models.CharField(max_length=200)
    tag = models.CharField(max_length=120)
    minute = models.DateTimeField()
    ok = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    rate_limited = models.PositiveIntegerField(default=0)
    # Responses with tool calls: of all offered tools with JSON arguments, and the others.
    sound_tools = models.PositiveIntegerField(default=0, db_default=0)
    unsound_tools = models.PositiveIntegerField(default=0, db_default=0)
    latency = models.JSONField(default=dict)  # milliseconds to the first token
    throughput = models.JSONField(default=dict)  # tokens per second

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("process_id", "model", "tag", "minute"), name="endpoint_minute_once"),
        )
        indexes = (
            models.Index(fields=("minute",), name="endpoint_minutes"),
            models.Index(fields=("model", "minute"), name="endpoint_minutes_of_model"),
        )

    def __str__(self) -> str:
        return f"{self.model} at {self.tag}, {self.minute:%H:%M}"


class EndpointDay(models.Model):
    """The counts of one endpoint on a UTC day, added up by the clock from the minutes of hours that are over."""

    day = models.DateField()
    model = models.CharField(max_length=200)
    tag = models.CharField(max_length=120)
    until = models.DateTimeField()  # hours before it are counted
    ok = models.PositiveBigIntegerField(default=0)
    errors = models.PositiveBigIntegerField(default=0)
    latency = models.JSONField(default=dict)  # histograms, as in EndpointMinute
    throughput = models.JSONField(default=dict)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("model", "day", "tag"), name="endpoint_day_once"),)
        indexes = (
            models.Index(fields=("day",), name="endpoint_days"),
            models.Index(fields=("tag", "day"), name="endpoint_days_of_tag"),
        )

    def __str__(self) -> str:
        return f"{self.model} at {self.tag}, {self.day}"
