"""Drop the index for LIKE that Django adds to text primary keys on PostgreSQL: no query needs it.

A migration of its own, because Django creates that index at the end of the migration that creates the table.
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
