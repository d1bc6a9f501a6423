import django.db.models.deletion
from django.db import migrations, models

USES = [
    ("programming", "Programming"),
    ("roleplay", "Roleplay"),
    ("marketing", "Marketing"),
    ("marketing/seo", "SEO"),
    ("technology", "Technology"),
    ("science", "Science"),
    ("translation", "Translation"),
    ("legal", "Legal"),
    ("finance", "Finance"),
    ("health", "Health"),
    ("trivia", "Trivia"),
    ("academia", "Academia"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_promotional_codes_and_paypal"),
        ("gateway", "0018_endpoint_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="use",
            field=models.CharField(blank=True, choices=USES, db_default="", default="", max_length=20),
        ),
        migrations.CreateModel(
            name="ClassifiedDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("app", models.CharField(blank=True, max_length=200)),
                ("model", models.CharField(max_length=200)),
                ("use", models.CharField(choices=USES, max_length=20)),
                ("requests", models.PositiveBigIntegerField(default=0)),
                ("prompt_tokens", models.PositiveBigIntegerField(default=0)),
                ("completion_tokens", models.PositiveBigIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="classified_days",
                        to="billing.creditaccount",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "day", "app", "model", "use"), name="classified_day_once"
                    )
                ],
            },
        ),
    ]
