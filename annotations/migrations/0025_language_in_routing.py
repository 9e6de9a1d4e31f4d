"""Language in routing: a lane says what is spoken in its clips, and the claim hands out only what the reviewer speaks.

Only the lines that change stand here. The claim's whole text is in ``0013_cheaper_claim``, changed by
``0018_hours_in_claim``; that of what is awaited in ``0020_keep_awaited``.
"""

from importlib import import_module

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

hours = import_module("annotations.migrations.0018_hours_in_claim")
# The claim as it is before this.
BEFORE = hours.changed(hours.BEFORE)
TAKE = [
    ("RETURNING rv.id, rv.team_id, rv.country, rv.skills, rv.clearance,",
     "RETURNING rv.id, rv.team_id, rv.country, rv.skills, rv.languages, rv.clearance,", 1),
    ("               AND ln.skills <@ r.skills\n",
     "               AND ln.skills <@ r.skills\n               AND (ln.language = '' OR ln.language = ANY (r.languages))\n", 1),
]  # fmt: skip

# What is awaited, clip by clip; the functions stand first in the text, before the first that a trigger calls.
awaited = import_module("annotations.migrations.0020_keep_awaited").FORWARD
LINES = awaited[: awaited.index("CREATE FUNCTION sightline_clip_awaited")].replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
SPOKEN = """CASE WHEN w.asks_language = 'always' OR w.asks_language = 'heard' AND c.kind = 'voice'
                THEN c.language ELSE '' END AS language"""
AWAIT = [
    ("p.clip_kind, p.purpose, p.faces\n", "p.clip_kind, p.purpose, p.faces, p.asks_language\n", 5),
    ("::int AS clearance\n", f"::int AS clearance,\n           {SPOKEN}\n", 5),
    ("(clip_id, project_id, region, clearance)\n", "(clip_id, project_id, region, clearance, language)\n", 2),
    ("(s.clip_id, s.project_id, s.region, s.clearance)", "(s.clip_id, s.project_id, s.region, s.clearance, s.language)", 1),
    ("(o.clip_id, o.project_id, o.region, o.clearance)", "(o.clip_id, o.project_id, o.region, o.clearance, o.language)", 1),
    ("WHERE s.clip_id = o.clip_id)", "WHERE s.clip_id = o.clip_id AND s.language = o.language)", 1),
    ("a.region, a.clearance::int FROM", "a.region, a.clearance::int, a.language FROM", 1),
]  # fmt: skip
TRIGGERS = """
CREATE OR REPLACE TRIGGER keeps_awaited AFTER UPDATE ON clips_clip FOR EACH ROW
    WHEN ((OLD.state = 'ready' OR NEW.state = 'ready')
          AND (OLD.state, OLD.kind, OLD.region, OLD.same_as_id, OLD.is_sensitive{0})
              IS DISTINCT FROM (NEW.state, NEW.kind, NEW.region, NEW.same_as_id, NEW.is_sensitive{1}))
    EXECUTE FUNCTION sightline_clip_awaited();
CREATE OR REPLACE TRIGGER keeps_awaited AFTER UPDATE ON annotations_project FOR EACH ROW
    WHEN ((OLD.clip_kind, OLD.purpose, OLD.faces{2}) IS DISTINCT FROM (NEW.clip_kind, NEW.purpose, NEW.faces{3}))
    EXECUTE FUNCTION sightline_project_awaits();
"""
HEARS = TRIGGERS.format(", OLD.language", ", NEW.language", ", OLD.asks_language", ", NEW.asks_language")
DEAF = TRIGGERS.format("", "", "", "")


def changed(text: str, changes: list[tuple[str, str, int]]) -> str:
    """The text with the changes; each has to be found, so many times."""
    for old, new, count in changes:
        if text.count(old) != count:
            raise ValueError(f"the text has changed: {old!r}")
        text = text.replace(old, new)
    return text


class Migration(migrations.Migration):
    dependencies = [("annotations", "0024_retracted_exports"), ("clips", "0014_language")]

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
            model_name="lane",
            name="lane_once_per_demand",
        ),
        migrations.RemoveIndex(
            model_name="awaited",
            name="awaited_in_order",
        ),
        migrations.AddField(
            model_name="awaited",
            name="language",
            field=models.CharField(db_default="", default="", max_length=8),
        ),
        migrations.AddField(
            model_name="lane",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", help_text="Blank: any.", max_length=8),
        ),
        migrations.AddField(
            model_name="planline",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", help_text="Blank: any.", max_length=8),
        ),
        migrations.AddField(
            model_name="project",
            name="asks_language",
            field=models.CharField(
                choices=[("heard", "Where it is speech"), ("always", "Of all clips"), ("never", "Never")],
                db_default="heard",
                default="heard",
                help_text="Whether a reviewer must speak the language of the clip, where that is known: of voice clips, of all or never. A change counts for tasks that are made from then on.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="projectchange",
            name="asks_language",
            field=models.CharField(
                choices=[("heard", "Where it is speech"), ("always", "Of all clips"), ("never", "Never")],
                db_default="heard",
                default="heard",
                help_text="Whether a reviewer must speak the language of the clip, where that is known: of voice clips, of all or never. A change counts for tasks that are made from then on.",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="projectchange",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="name_purpose_label_schema_schema_version_overlap_most_seats_skills_asks_language_priority_prefetch_lease_seconds_lease_most_seconds_grace_seconds_amend_minutes_due_hours_categories_starts_blurred_faces_is_active_events",
                to="annotations.project",
            ),
        ),
        migrations.AddIndex(
            model_name="awaited",
            index=models.Index(fields=["project", "region", "clearance", "language", "clip"], name="awaited_in_order"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="project",
            trigger=pgtrigger.compiler.Trigger(
                name="from_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."amend_minutes" IS DISTINCT FROM (NEW."amend_minutes") OR OLD."asks_language" IS DISTINCT FROM (NEW."asks_language") OR OLD."categories" IS DISTINCT FROM (NEW."categories") OR OLD."due_hours" IS DISTINCT FROM (NEW."due_hours") OR OLD."faces" IS DISTINCT FROM (NEW."faces") OR OLD."grace_seconds" IS DISTINCT FROM (NEW."grace_seconds") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."label_schema" IS DISTINCT FROM (NEW."label_schema") OR OLD."lease_most_seconds" IS DISTINCT FROM (NEW."lease_most_seconds") OR OLD."lease_seconds" IS DISTINCT FROM (NEW."lease_seconds") OR OLD."most_seats" IS DISTINCT FROM (NEW."most_seats") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."overlap" IS DISTINCT FROM (NEW."overlap") OR OLD."prefetch" IS DISTINCT FROM (NEW."prefetch") OR OLD."priority" IS DISTINCT FROM (NEW."priority") OR OLD."purpose" IS DISTINCT FROM (NEW."purpose") OR OLD."schema_version" IS DISTINCT FROM (NEW."schema_version") OR OLD."skills" IS DISTINCT FROM (NEW."skills") OR OLD."starts_blurred" IS DISTINCT FROM (NEW."starts_blurred"))',
                    func='INSERT INTO "annotations_projectchange" ("amend_minutes", "asks_language", "categories", "due_hours", "faces", "grace_seconds", "is_active", "label_schema", "lease_most_seconds", "lease_seconds", "most_seats", "name", "overlap", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefetch", "priority", "purpose", "schema_version", "skills", "starts_blurred") VALUES (OLD."amend_minutes", OLD."asks_language", OLD."categories", OLD."due_hours", OLD."faces", OLD."grace_seconds", OLD."is_active", OLD."label_schema", OLD."lease_most_seconds", OLD."lease_seconds", OLD."most_seats", OLD."name", OLD."overlap", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."prefetch", OLD."priority", OLD."purpose", OLD."schema_version", OLD."skills", OLD."starts_blurred"); RETURN NULL;',
                    hash="bd01a886af1cf9dc27078833d42767d9517eb9a1",
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
                    condition='WHEN (OLD."amend_minutes" IS DISTINCT FROM (NEW."amend_minutes") OR OLD."asks_language" IS DISTINCT FROM (NEW."asks_language") OR OLD."categories" IS DISTINCT FROM (NEW."categories") OR OLD."due_hours" IS DISTINCT FROM (NEW."due_hours") OR OLD."faces" IS DISTINCT FROM (NEW."faces") OR OLD."grace_seconds" IS DISTINCT FROM (NEW."grace_seconds") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."label_schema" IS DISTINCT FROM (NEW."label_schema") OR OLD."lease_most_seconds" IS DISTINCT FROM (NEW."lease_most_seconds") OR OLD."lease_seconds" IS DISTINCT FROM (NEW."lease_seconds") OR OLD."most_seats" IS DISTINCT FROM (NEW."most_seats") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."overlap" IS DISTINCT FROM (NEW."overlap") OR OLD."prefetch" IS DISTINCT FROM (NEW."prefetch") OR OLD."priority" IS DISTINCT FROM (NEW."priority") OR OLD."purpose" IS DISTINCT FROM (NEW."purpose") OR OLD."schema_version" IS DISTINCT FROM (NEW."schema_version") OR OLD."skills" IS DISTINCT FROM (NEW."skills") OR OLD."starts_blurred" IS DISTINCT FROM (NEW."starts_blurred"))',
                    func='INSERT INTO "annotations_projectchange" ("amend_minutes", "asks_language", "categories", "due_hours", "faces", "grace_seconds", "is_active", "label_schema", "lease_most_seconds", "lease_seconds", "most_seats", "name", "overlap", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefetch", "priority", "purpose", "schema_version", "skills", "starts_blurred") VALUES (NEW."amend_minutes", NEW."asks_language", NEW."categories", NEW."due_hours", NEW."faces", NEW."grace_seconds", NEW."is_active", NEW."label_schema", NEW."lease_most_seconds", NEW."lease_seconds", NEW."most_seats", NEW."name", NEW."overlap", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."prefetch", NEW."priority", NEW."purpose", NEW."schema_version", NEW."skills", NEW."starts_blurred"); RETURN NULL;',
                    hash="61a52cce3d141dd531bf8f0b3dd298fe605fb6ee",
                    operation="UPDATE",
                    pgid="pgtrigger_to_update_c0f5e",
                    table="annotations_project",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="lane",
            constraint=models.UniqueConstraint(
                fields=("team", "project", "region", "skills", "clearance", "language"), name="lane_once_per_demand"
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("asks_language__in", ["heard", "always", "never"])),
                name="project_asks_language_known",
            ),
        ),
        migrations.RunSQL(changed(BEFORE, TAKE), BEFORE),
        migrations.RunSQL(changed(LINES, AWAIT), LINES),
        migrations.RunSQL(HEARS, DEAF),
    ]
