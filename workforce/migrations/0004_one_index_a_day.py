"""A reviewer's days are found by the unique index, which begins with the reviewer."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workforce", "0003_history")]

    operations = [
        migrations.AlterField(
            "quotaday",
            "reviewer",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="quota_days",
                to="workforce.reviewer",
            ),
        ),
    ]
