from django.db import migrations, models


class Migration(migrations.Migration):
    """A label of the admin. The table stays as it is."""

    dependencies = [("keys", "0001_initial"), ("accounts", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="organisation",
            field=models.ForeignKey(
                on_delete=models.deletion.CASCADE,
                related_name="api_keys",
                to="accounts.organisation",
                verbose_name="organization",
            ),
        ),
    ]
