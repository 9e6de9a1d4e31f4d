"""A task's project and team are its lane's: one key says so for all three, and is looked up once for each new task where
there were three look-ups, that could not say that they belong together."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
ALTER TABLE annotations_lane ADD CONSTRAINT lane_says_whose UNIQUE (id, team_id, project_id);
ALTER TABLE annotations_task ADD CONSTRAINT task_is_its_lanes FOREIGN KEY (lane_id, team_id, project_id)
    REFERENCES annotations_lane (id, team_id, project_id) DEFERRABLE INITIALLY DEFERRED;
"""
BACKWARD = """
ALTER TABLE annotations_task DROP CONSTRAINT task_is_its_lanes;
ALTER TABLE annotations_lane DROP CONSTRAINT lane_says_whose;
"""


def _key(to: str) -> models.ForeignKey:
    options = {"on_delete": django.db.models.deletion.PROTECT, "related_name": "tasks", "to": to}
    return models.ForeignKey(db_constraint=False, db_index=False, **options)


class Migration(migrations.Migration):
    dependencies = [("annotations", "0022_mailed_reports"), ("workforce", "0012_second_factors")]

    operations = [
        migrations.AlterField(model_name="task", name="lane", field=_key("annotations.lane")),
        migrations.AlterField(model_name="task", name="project", field=_key("annotations.project")),
        migrations.AlterField(model_name="task", name="team", field=_key("workforce.team")),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
