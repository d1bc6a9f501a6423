import django.utils.timezone
from django.db import migrations, models


def begin_history(apps, schema_editor):
    """The prices that endpoints have now are the first that are recorded."""
    rows = apps.get_model("models_catalog", "EndpointPrice").objects
    now = django.utils.timezone.now()
    endpoints = apps.get_model("models_catalog", "Endpoint").objects.values("model_id", "tag", "pricing", "tiers")
    rows.bulk_create(
        (
            rows.model(
                model=row["model_id"], tag=row["tag"], pricing=row["pricing"], tiers=row["tiers"], valid_from=now
            )
            for row in endpoints
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("models_catalog", "0007_curated_endpoints"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="listed_by",
            field=models.CharField(blank=True, editable=False, max_length=300, verbose_name="follows the source"),
        ),
        migrations.CreateModel(
            name="CatalogueSync",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=300)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("applied", "Applied"),
                            ("no_change", "No change"),
                            ("refused", "Refused"),
                            ("failed", "Not readable"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("etag", models.CharField(blank=True, max_length=300, verbose_name="ETag")),
                ("state", models.CharField(blank=True, editable=False, max_length=64)),
                ("counts", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("checked_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "sync",
                "indexes": [models.Index(fields=["source", "-started_at"], name="catalogue_sync_latest")],
            },
        ),
        migrations.CreateModel(
            name="EndpointPrice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("model", models.CharField(max_length=200)),
                ("tag", models.CharField(max_length=120)),
                ("pricing", models.JSONField()),
                ("tiers", models.JSONField(default=list)),
                ("valid_from", models.DateTimeField()),
                ("valid_until", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["model", "tag", "valid_from"], name="endpoint_price_by_time")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("valid_until", None)),
                        fields=("model", "tag"),
                        name="endpoint_price_current_once",
                    )
                ],
            },
        ),
        migrations.RunPython(begin_history, migrations.RunPython.noop, elidable=True),
    ]
