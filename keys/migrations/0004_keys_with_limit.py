from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0003_own_provider_keys"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="apikey",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("limit__isnull", False)),
                fields=["id"],
                name="keys_with_limit",
            ),
        ),
    ]
