"""What is awaited of some clips is found by look-ups alone: see ``annotations/sql/0002_await.sql``."""

from django.db import migrations

from config import sql


class Migration(migrations.Migration):
    dependencies = [("annotations", "0001_schema")]

    operations = [
        migrations.RunSQL(
            sql.statements("annotations", "0002_await"), sql.function("annotations", "awaited", "sightline_await")
        )
    ]
