"""PostgreSQL gets a second index, for LIKE, with every unique text; nobody searches generations that way.

A migration of its own: Django makes that index when the one that makes the table has ended.
"""

from django.db import migrations


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS gateway_generation_id_0ae94e5c_like")


class Migration(migrations.Migration):
    dependencies = [("gateway", "0001_initial")]

    operations = [migrations.RunPython(drop, migrations.RunPython.noop)]
