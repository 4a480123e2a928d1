"""The table of screenings."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates it."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Screening",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=200, unique=True)),
                ("winnow_id", models.CharField(blank=True, max_length=36)),
                ("status", models.CharField(blank=True, db_index=True, max_length=20)),
                ("sequence", models.PositiveIntegerField(default=0)),
                ("reasons", models.TextField(blank=True)),
                ("desk", models.URLField(blank=True, max_length=500)),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
            options={"ordering": ("-pk",)},
        ),
    ]
