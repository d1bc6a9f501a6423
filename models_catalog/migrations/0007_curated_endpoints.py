from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("models_catalog", "0006_expiry_of_models"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="is_exacto",
            field=models.BooleanField(
                default=False,
                help_text="Requests with :exacto go to a model's selected endpoints only, if it has any.",
                verbose_name="selected for :exacto",
            ),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="retains",
            field=models.BooleanField(
                blank=True, help_text="Unknown: as its provider.", null=True, verbose_name="retains prompts"
            ),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="source",
            field=models.CharField(blank=True, max_length=300, verbose_name="source of these facts"),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="trains",
            field=models.BooleanField(
                blank=True, help_text="Unknown: as its provider.", null=True, verbose_name="trains on prompts"
            ),
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="is_moderated",
            field=models.BooleanField(
                default=False,
                help_text="The provider checks prompts and refuses some. Requests with :beta pass such endpoints by.",
                verbose_name="refuses prompts by moderation",
            ),
        ),
    ]
