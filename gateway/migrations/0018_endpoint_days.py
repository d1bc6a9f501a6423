from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0017_tool_calls_and_listed_holds"),
    ]

    operations = [
        migrations.CreateModel(
            name="EndpointDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("model", models.CharField(max_length=200)),
                ("tag", models.CharField(max_length=120)),
                ("until", models.DateTimeField()),
                ("ok", models.PositiveBigIntegerField(default=0)),
                ("errors", models.PositiveBigIntegerField(default=0)),
                ("latency", models.JSONField(default=dict)),
                ("throughput", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["day"], name="endpoint_days"),
                    models.Index(fields=["tag", "day"], name="endpoint_days_of_tag"),
                ],
                "constraints": [models.UniqueConstraint(fields=("model", "day", "tag"), name="endpoint_day_once")],
            },
        ),
    ]
