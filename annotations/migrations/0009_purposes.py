"""What for a project wants its clips, and which clips each export holds."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotations", "0008_exposure"),
        ("clips", "0008_consent_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExportLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="project",
            name="from_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="project",
            name="to_update",
        ),
        migrations.AddField(
            model_name="project",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("troubleshooting", "Troubleshooting"),
                    ("human_review", "Human review"),
                    ("model_training", "Model training"),
                ],
                db_default="human_review",
                default="human_review",
                help_text="What for people look: only clips whose owners agree to it now are put before them.",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="projectchange",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("troubleshooting", "Troubleshooting"),
                    ("human_review", "Human review"),
                    ("model_training", "Model training"),
                ],
                db_default="human_review",
                default="human_review",
                help_text="What for people look: only clips whose owners agree to it now are put before them.",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="lease",
            name="recall_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("ops", "Ops took it back"),
                    ("quarantined", "Its clip was quarantined"),
                    ("withdrawn", "Its owner withdrew the consent"),
                    ("expired", "Its owner's consent expired"),
                ],
                db_default="",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="leasechange",
            name="recall_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("ops", "Ops took it back"),
                    ("quarantined", "Its clip was quarantined"),
                    ("withdrawn", "Its owner withdrew the consent"),
                    ("expired", "Its owner's consent expired"),
                ],
                db_default="",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="projectchange",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="name_purpose_label_schema_schema_version_overlap_most_seats_skills_priority_prefetch_lease_seconds_lease_most_seconds_grace_seconds_amend_minutes_due_hours_categories_starts_blurred_is_active_events",
                to="annotations.project",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="project",
            trigger=pgtrigger.compiler.Trigger(
                name="from_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."amend_minutes" IS DISTINCT FROM (NEW."amend_minutes") OR OLD."categories" IS DISTINCT FROM (NEW."categories") OR OLD."due_hours" IS DISTINCT FROM (NEW."due_hours") OR OLD."grace_seconds" IS DISTINCT FROM (NEW."grace_seconds") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."label_schema" IS DISTINCT FROM (NEW."label_schema") OR OLD."lease_most_seconds" IS DISTINCT FROM (NEW."lease_most_seconds") OR OLD."lease_seconds" IS DISTINCT FROM (NEW."lease_seconds") OR OLD."most_seats" IS DISTINCT FROM (NEW."most_seats") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."overlap" IS DISTINCT FROM (NEW."overlap") OR OLD."prefetch" IS DISTINCT FROM (NEW."prefetch") OR OLD."priority" IS DISTINCT FROM (NEW."priority") OR OLD."purpose" IS DISTINCT FROM (NEW."purpose") OR OLD."schema_version" IS DISTINCT FROM (NEW."schema_version") OR OLD."skills" IS DISTINCT FROM (NEW."skills") OR OLD."starts_blurred" IS DISTINCT FROM (NEW."starts_blurred"))',
                    func='INSERT INTO "annotations_projectchange" ("amend_minutes", "categories", "due_hours", "grace_seconds", "is_active", "label_schema", "lease_most_seconds", "lease_seconds", "most_seats", "name", "overlap", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefetch", "priority", "purpose", "schema_version", "skills", "starts_blurred") VALUES (OLD."amend_minutes", OLD."categories", OLD."due_hours", OLD."grace_seconds", OLD."is_active", OLD."label_schema", OLD."lease_most_seconds", OLD."lease_seconds", OLD."most_seats", OLD."name", OLD."overlap", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."prefetch", OLD."priority", OLD."purpose", OLD."schema_version", OLD."skills", OLD."starts_blurred"); RETURN NULL;',
                    hash="e1354657435e546138a6d50e5f82c7c21a65e357",
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
                    condition='WHEN (OLD."amend_minutes" IS DISTINCT FROM (NEW."amend_minutes") OR OLD."categories" IS DISTINCT FROM (NEW."categories") OR OLD."due_hours" IS DISTINCT FROM (NEW."due_hours") OR OLD."grace_seconds" IS DISTINCT FROM (NEW."grace_seconds") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."label_schema" IS DISTINCT FROM (NEW."label_schema") OR OLD."lease_most_seconds" IS DISTINCT FROM (NEW."lease_most_seconds") OR OLD."lease_seconds" IS DISTINCT FROM (NEW."lease_seconds") OR OLD."most_seats" IS DISTINCT FROM (NEW."most_seats") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."overlap" IS DISTINCT FROM (NEW."overlap") OR OLD."prefetch" IS DISTINCT FROM (NEW."prefetch") OR OLD."priority" IS DISTINCT FROM (NEW."priority") OR OLD."purpose" IS DISTINCT FROM (NEW."purpose") OR OLD."schema_version" IS DISTINCT FROM (NEW."schema_version") OR OLD."skills" IS DISTINCT FROM (NEW."skills") OR OLD."starts_blurred" IS DISTINCT FROM (NEW."starts_blurred"))',
                    func='INSERT INTO "annotations_projectchange" ("amend_minutes", "categories", "due_hours", "grace_seconds", "is_active", "label_schema", "lease_most_seconds", "lease_seconds", "most_seats", "name", "overlap", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefetch", "priority", "purpose", "schema_version", "skills", "starts_blurred") VALUES (NEW."amend_minutes", NEW."categories", NEW."due_hours", NEW."grace_seconds", NEW."is_active", NEW."label_schema", NEW."lease_most_seconds", NEW."lease_seconds", NEW."most_seats", NEW."name", NEW."overlap", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."prefetch", NEW."priority", NEW."purpose", NEW."schema_version", NEW."skills", NEW."starts_blurred"); RETURN NULL;',
                    hash="b6e6bbb8be12c8064b9ace837dd0efa6c5cbabcf",
                    operation="UPDATE",
                    pgid="pgtrigger_to_update_c0f5e",
                    table="annotations_project",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="exportline",
            name="clip",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="clips.clip"),
        ),
        migrations.AddField(
            model_name="exportline",
            name="export",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="held",
                to="annotations.export",
            ),
        ),
        migrations.AddField(
            model_name="exportline",
            name="task",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="annotations.task"
            ),
        ),
        migrations.AddConstraint(
            model_name="exportline",
            constraint=models.UniqueConstraint(fields=("export", "task"), name="export_line_once"),
        ),
    ]
