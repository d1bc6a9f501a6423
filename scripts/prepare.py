"""Bring the database up to date: migrations, then the catalog. Runs with the virtual environment's Python."""

import os

import django
from django.core.management import call_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openrouter_site.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("load_catalogue")
