"""Signing up and in: what the site adds to django-allauth."""
