"""Answers that are each for another team: one seat of such a task is open or held at a time, the others wait for their team.

The claim is not changed: a task whose seat is held has no free seat, as ever. Of the submit only the lines that change
stand here: whose team's the answer is, a late one's, and that somebody should look at a task that is to be passed on.
"""

from importlib import import_module

import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

gate = import_module("annotations.migrations.0010_consent_gate")
changed = import_module("annotations.migrations.0025_language_in_routing").changed
# The submit as it is before this.
BEFORE = gate.changed(gate.submit, gate.SUBMIT)
SUBMIT = [
    ("p.grace_seconds, p.purpose, t.clip_id INTO e", "p.grace_seconds, p.purpose, t.clip_id, t.seats_apart, rv.team_id INTO e", 1),
    (
        "WHERE t.id = e.task_id AND t.state = 'open' AND t.seats_left > 0\n",
        "WHERE t.id = e.task_id AND t.state = 'open' AND t.seats_left > 0\n"
        "                   -- Where each answer is for another team, it may be another's turn by now.\n"
        "                   AND (NOT t.seats_apart OR t.team_id = e.team_id)\n",
        1,
    ),
    (
        "(lease_id, task_id, reviewer_id, schema_version, label, answer, submitted_at)\n"
        "    VALUES (e.id, e.task_id, e.reviewer_id, p_schema_version, p_label, p_answer, v_at)",
        "(lease_id, task_id, reviewer_id, team_id, schema_version, label, answer, submitted_at)\n"
        "    VALUES (e.id, e.task_id, e.reviewer_id,\n"
        "            -- The task is held: it lies with this team until the answer stands.\n"
        "            CASE WHEN e.seats_apart THEN (SELECT t.team_id FROM annotations_task t WHERE t.id = e.task_id) END,\n"
        "            p_schema_version, p_label, p_answer, v_at)",
        1,
    ),
    ("RETURNING t.state = 'full' INTO task_is_full", "RETURNING t.state = 'full' OR t.seats_later > 0 INTO task_is_full", 1),
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("annotations", "0025_language_in_routing"),
        ("clips", "0014_language"),
        ("workforce", "0012_second_factors"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="project",
            name="from_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="project",
            name="to_update",
        ),
        migrations.RemoveConstraint(
            model_name="task",
            name="task_seats_within_overlap",
        ),
        migrations.AddField(
            model_name="annotation",
            name="team",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="Whose answer it is, where each of a task's is of another team: with whom the task lay. Else empty.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="workforce.team",
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="seats_apart",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="On: each answer of a task is of another team, one after the other; so there are as many teams as answers, or some are never given. A change counts for tasks that are made from then on.",
            ),
        ),
        migrations.AddField(
            model_name="projectchange",
            name="seats_apart",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="On: each answer of a task is of another team, one after the other; so there are as many teams as answers, or some are never given. A change counts for tasks that are made from then on.",
            ),
        ),
        migrations.AddField(
            model_name="task",
            name="seats_apart",
            field=models.BooleanField(db_default=False, default=False, help_text="Each answer is of another team."),
        ),
        migrations.AddField(
            model_name="task",
            name="seats_later",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, help_text="Seats that are opened for another team once this one has answered."
            ),
        ),
        migrations.AlterField(
            model_name="projectchange",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="name_purpose_label_schema_schema_version_overlap_most_seats_seats_apart_skills_asks_language_priority_prefetch_lease_seconds_lease_most_seconds_grace_seconds_amend_minutes_due_hours_categories_starts_blurred_faces_is_active_events",
                to="annotations.project",
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("seats_later__gt", 0), ("seats_left", 0), ("state", "open")),
                fields=["id"],
                name="task_with_seats_later",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="project",
            trigger=pgtrigger.compiler.Trigger(
                name="from_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."amend_minutes" IS DISTINCT FROM (NEW."amend_minutes") OR OLD."asks_language" IS DISTINCT FROM (NEW."asks_language") OR OLD."categories" IS DISTINCT FROM (NEW."categories") OR OLD."due_hours" IS DISTINCT FROM (NEW."due_hours") OR OLD."faces" IS DISTINCT FROM (NEW."faces") OR OLD."grace_seconds" IS DISTINCT FROM (NEW."grace_seconds") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."label_schema" IS DISTINCT FROM (NEW."label_schema") OR OLD."lease_most_seconds" IS DISTINCT FROM (NEW."lease_most_seconds") OR OLD."lease_seconds" IS DISTINCT FROM (NEW."lease_seconds") OR OLD."most_seats" IS DISTINCT FROM (NEW."most_seats") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."overlap" IS DISTINCT FROM (NEW."overlap") OR OLD."prefetch" IS DISTINCT FROM (NEW."prefetch") OR OLD."priority" IS DISTINCT FROM (NEW."priority") OR OLD."purpose" IS DISTINCT FROM (NEW."purpose") OR OLD."schema_version" IS DISTINCT FROM (NEW."schema_version") OR OLD."seats_apart" IS DISTINCT FROM (NEW."seats_apart") OR OLD."skills" IS DISTINCT FROM (NEW."skills") OR OLD."starts_blurred" IS DISTINCT FROM (NEW."starts_blurred"))',
                    func='INSERT INTO "annotations_projectchange" ("amend_minutes", "asks_language", "categories", "due_hours", "faces", "grace_seconds", "is_active", "label_schema", "lease_most_seconds", "lease_seconds", "most_seats", "name", "overlap", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefetch", "priority", "purpose", "schema_version", "seats_apart", "skills", "starts_blurred") VALUES (OLD."amend_minutes", OLD."asks_language", OLD."categories", OLD."due_hours", OLD."faces", OLD."grace_seconds", OLD."is_active", OLD."label_schema", OLD."lease_most_seconds", OLD."lease_seconds", OLD."most_seats", OLD."name", OLD."overlap", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."prefetch", OLD."priority", OLD."purpose", OLD."schema_version", OLD."seats_apart", OLD."skills", OLD."starts_blurred"); RETURN NULL;',
                    hash="cd943a7aa5e8a78b992df0ebd09beb8cd8aaccc3",
                    operation="UPDATE",
                    pgid="pgtrigger_from_update_2fc63",
                    table="annotations_project",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="project",
            trigger=pgtrigger.compiler.Trigger(
                name="to_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."amend_minutes" IS DISTINCT FROM (NEW."amend_minutes") OR OLD."asks_language" IS DISTINCT FROM (NEW."asks_language") OR OLD."categories" IS DISTINCT FROM (NEW."categories") OR OLD."due_hours" IS DISTINCT FROM (NEW."due_hours") OR OLD."faces" IS DISTINCT FROM (NEW."faces") OR OLD."grace_seconds" IS DISTINCT FROM (NEW."grace_seconds") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."label_schema" IS DISTINCT FROM (NEW."label_schema") OR OLD."lease_most_seconds" IS DISTINCT FROM (NEW."lease_most_seconds") OR OLD."lease_seconds" IS DISTINCT FROM (NEW."lease_seconds") OR OLD."most_seats" IS DISTINCT FROM (NEW."most_seats") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."overlap" IS DISTINCT FROM (NEW."overlap") OR OLD."prefetch" IS DISTINCT FROM (NEW."prefetch") OR OLD."priority" IS DISTINCT FROM (NEW."priority") OR OLD."purpose" IS DISTINCT FROM (NEW."purpose") OR OLD."schema_version" IS DISTINCT FROM (NEW."schema_version") OR OLD."seats_apart" IS DISTINCT FROM (NEW."seats_apart") OR OLD."skills" IS DISTINCT FROM (NEW."skills") OR OLD."starts_blurred" IS DISTINCT FROM (NEW."starts_blurred"))',
                    func='INSERT INTO "annotations_projectchange" ("amend_minutes", "asks_language", "categories", "due_hours", "faces", "grace_seconds", "is_active", "label_schema", "lease_most_seconds", "lease_seconds", "most_seats", "name", "overlap", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefetch", "priority", "purpose", "schema_version", "seats_apart", "skills", "starts_blurred") VALUES (NEW."amend_minutes", NEW."asks_language", NEW."categories", NEW."due_hours", NEW."faces", NEW."grace_seconds", NEW."is_active", NEW."label_schema", NEW."lease_most_seconds", NEW."lease_seconds", NEW."most_seats", NEW."name", NEW."overlap", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."prefetch", NEW."priority", NEW."purpose", NEW."schema_version", NEW."seats_apart", NEW."skills", NEW."starts_blurred"); RETURN NULL;',
                    hash="73d2dbc993f9cd982cf39db8f3a31750050ba0a4",
                    operation="UPDATE",
                    pgid="pgtrigger_to_update_c0f5e",
                    table="annotations_project",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="annotation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("team__isnull", False)), fields=("task", "team"), name="annotation_once_per_team"
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "overlap__gte",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("seats_left"), "+", models.F("answers")
                            ),
                            "+",
                            models.F("seats_later"),
                        ),
                    )
                ),
                name="task_seats_within_overlap",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("seats_apart", False), ("seats_later", 0)),
                    models.Q(
                        (
                            "overlap__lte",
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("answers"), "+", models.F("seats_later")
                                ),
                                "+",
                                models.Value(1),
                            ),
                        ),
                        ("seats_apart", True),
                    ),
                    _connector="OR",
                ),
                name="task_seats_apart_one_by_one",
            ),
        ),
        migrations.RunSQL(changed(BEFORE, SUBMIT), BEFORE),
    ]
