from django.db import migrations, models
from django.db.models import CASCADE, Q


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_credit_transfers"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="spendsummary", name="summaries_to_write"),
        migrations.RemoveConstraint(model_name="spendsummary", name="one_summary_of_a_kind"),
        migrations.RenameModel("SpendSummary", "EmailChoice"),
        migrations.AlterModelOptions(name="emailchoice", options={}),
        migrations.RenameField("emailchoice", "interval", "kind"),
        migrations.RenameField("notice", "summary", "choice"),
        migrations.AlterField(
            model_name="emailchoice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("low_balance", "Low-balance alerts"),
                    ("auto_top_up", "Auto top-up results"),
                    ("key_limit", "API key limit alerts"),
                    ("budget", "Budget alerts"),
                    ("model_deprecation", "Model deprecations"),
                    ("new_sign_in", "New sign-in emails"),
                    ("weekly", "Weekly summary"),
                    ("monthly", "Monthly summary"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(model_name="emailchoice", name="covered_until", field=models.DateField(null=True)),
        migrations.AlterField(
            model_name="emailchoice",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=CASCADE, related_name="email_choices", to="billing.creditaccount"
            ),
        ),
        migrations.AlterField(
            model_name="emailchoice",
            name="user",
            field=models.ForeignKey(on_delete=CASCADE, related_name="email_choices", to="accounts.user"),
        ),
        migrations.AddIndex(
            model_name="emailchoice",
            index=models.Index(
                condition=Q(("is_on", True)), fields=["kind", "covered_until"], name="summaries_to_write"
            ),
        ),
        migrations.AddConstraint(
            model_name="emailchoice",
            constraint=models.UniqueConstraint(fields=("account", "user", "kind"), name="one_choice_of_a_kind"),
        ),
        migrations.CreateModel(
            name="SentAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=220)),
                ("round", models.CharField(max_length=80)),
                ("step", models.PositiveSmallIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=CASCADE, related_name="sent_alerts", to="billing.creditaccount"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "subject"), name="one_alert_of_a_subject")],
            },
        ),
    ]
