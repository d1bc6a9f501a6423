"""PostgreSQL gets a second index, for LIKE, with every unique text; nobody searches generations that way.

A migration of its own: Django makes that index when the one that makes the table has ended.
"""

from django.db import migrations


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in ("generation", "hold"):
            model = apps.get_model("gateway", table)
            (name,) = schema_editor._constraint_names(model, ["id"], index=True, unique=False)
            schema_editor.execute(schema_editor._delete_index_sql(model, name))


class Migration(migrations.Migration):
    dependencies = [("gateway", "0001_initial")]

    operations = [migrations.RunPython(drop, migrations.RunPython.noop)]
