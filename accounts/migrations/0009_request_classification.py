from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_rankings_opt_out"),
    ]

    operations = [
        migrations.AddField(
            model_name="privacysettings",
            name="classify_requests",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
