"""What is awaited of clips that were made tasks goes by look-ups alone: see ``annotations/sql/0003_made.sql``."""

from django.db import migrations

from config import sql


class Migration(migrations.Migration):
    dependencies = [("annotations", "0002_await")]

    operations = [
        migrations.RunSQL(
            sql.statements("annotations", "0003_made"), sql.function("annotations", "awaited", "sightline_task_made")
        )
    ]
