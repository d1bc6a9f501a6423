"""Whether the workers live and do their work, and what operators have been told."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Heartbeat(models.Model):
    """The last time that a worker took a task from a queue. `name` is the queue's."""

    name = models.CharField(max_length=40, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class FailingTask(models.Model):
    """A task of the clock whose last run has failed."""

    MAX_ERROR = 200

    name = models.CharField(max_length=100, primary_key=True)
    since = models.DateTimeField()  # the end of the first of these runs
    failures = models.PositiveIntegerField()  # in a row
    error = models.CharField(max_length=MAX_ERROR)  # of the last run

    def __str__(self) -> str:
        return self.name


class Incident(models.Model):
    """A fault that operators hear of by email: once when it begins, once when it has passed.

    While `opened_mail_at` or, after the end, `closed_mail_at` is empty, that email is still to be sent.
    """

    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=100, blank=True)  # what it is about: the provider; empty if there is one only
    detail = models.TextField()
    opened_at = models.DateTimeField(default=timezone.now)
    opened_mail_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_mail_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)  # time of the next try to send what is unsent

    class Meta:
        constraints = (
            # Every process may notice a fault; one of them opens its incident.
            models.UniqueConstraint(fields=("kind", "subject"), condition=Q(closed_at=None), name="incident_open_once"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".rstrip()
