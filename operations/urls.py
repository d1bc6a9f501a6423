"""The route of the page of the site's state. Probes come before Django: `probes.py`."""

from django.urls import path

from . import status

urlpatterns = [path("status", status.status, name="status")]
