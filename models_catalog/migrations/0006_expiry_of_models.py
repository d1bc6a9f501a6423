from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("models_catalog", "0005_embeddings"),
    ]

    operations = [
        migrations.AddField(
            model_name="model",
            name="expires_on",
            field=models.DateField(blank=True, null=True, verbose_name="retires on"),
        ),
    ]
