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
        ("activity", "0003_context_lengths"),
    ]

    operations = [
        migrations.AddField(
            model_name="appday",
            name="use",
            field=models.CharField(blank=True, choices=USES, db_default="", default="", max_length=20),
        ),
        migrations.RemoveConstraint(model_name="appday", name="app_day_once"),
        migrations.AddConstraint(
            model_name="appday",
            constraint=models.UniqueConstraint(fields=("app", "day", "model", "use"), name="app_day_of_use_once"),
        ),
        migrations.CreateModel(
            name="UseDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("requests", models.PositiveBigIntegerField(default=0)),
                ("prompt_tokens", models.PositiveBigIntegerField(default=0)),
                ("completion_tokens", models.PositiveBigIntegerField(default=0)),
                ("use", models.CharField(choices=USES, max_length=20)),
                ("model", models.CharField(max_length=200)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("day", "use", "model"), name="use_day_once")],
            },
        ),
    ]
