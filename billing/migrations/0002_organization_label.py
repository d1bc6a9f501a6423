from django.db import migrations, models


class Migration(migrations.Migration):
    """A label of the admin. The table stays as it is."""

    dependencies = [("billing", "0001_initial"), ("accounts", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="creditaccount",
            name="organisation",
            field=models.OneToOneField(
                on_delete=models.deletion.PROTECT,
                related_name="credit_account",
                to="accounts.organisation",
                verbose_name="organization",
            ),
        ),
    ]
