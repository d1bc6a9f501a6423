from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0016_stored_content"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpointminute",
            name="sound_tools",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="endpointminute",
            name="unsound_tools",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="hold",
            name="byok_listed",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
