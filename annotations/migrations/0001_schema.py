"""The work: lanes, tasks, leases, answers, plans, exports. What no model says is SQL, in ``annotations/sql``."""

import datetime
import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models

import annotations.labels
from config import sql


class Migration(migrations.Migration):
    replaces = [
        ("annotations", "0001_first"),
        ("annotations", "0002_queue"),
        ("annotations", "0003_flags"),
        ("annotations", "0004_faster_queue"),
        ("annotations", "0005_project_clip_kind"),
        ("annotations", "0006_heads"),
        ("annotations", "0007_categories"),
        ("annotations", "0008_exposure"),
        ("annotations", "0009_purposes"),
        ("annotations", "0010_consent_gate"),
        ("annotations", "0011_lease_recalled_for_purge"),
        ("annotations", "0012_faces"),
        ("annotations", "0013_cheaper_claim"),
        ("annotations", "0014_active_time"),
        ("annotations", "0015_timesheets"),
        ("annotations", "0016_plans"),
        ("annotations", "0017_export_regions"),
        ("annotations", "0018_hours_in_claim"),
        ("annotations", "0019_awaited"),
        ("annotations", "0020_keep_awaited"),
        ("annotations", "0021_bulk_runs_and_saved_views"),
        ("annotations", "0022_mailed_reports"),
        ("annotations", "0023_lane_says_whose"),
        ("annotations", "0024_retracted_exports"),
        ("annotations", "0025_language_in_routing"),
        ("annotations", "0026_seats_apart"),
        ("annotations", "0027_leaner_awaited"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("clips", "0001_schema"),
        ("pghistory", "0007_auto_20250421_0444"),
        ("workforce", "0001_schema"),
    ]

    operations = [
        sql.MakeTables(
            [
                migrations.CreateModel(
                    name="Project",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("slug", models.SlugField(max_length=64, unique=True)),
                        ("name", models.CharField(max_length=120)),
                        (
                            "clip_kind",
                            models.CharField(
                                choices=[("video", "Video"), ("voice", "Voice")],
                                db_default="video",
                                default="video",
                                help_text="What its question is about: clips of this kind become its tasks.",
                                max_length=8,
                            ),
                        ),
                        (
                            "purpose",
                            models.CharField(
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
                        ("label_schema", models.JSONField(validators=[annotations.labels.check_schema])),
                        (
                            "schema_version",
                            models.PositiveIntegerField(
                                default=1, editable=False, help_text="Raised by itself when the label schema changes."
                            ),
                        ),
                        (
                            "overlap",
                            models.PositiveSmallIntegerField(
                                default=2,
                                help_text="Independent answers each task needs.",
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(9),
                                ],
                            ),
                        ),
                        (
                            "most_seats",
                            models.PositiveSmallIntegerField(
                                default=5,
                                help_text="On a tie one more answer is asked for, up to this many in all; then the task is disputed.",
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(15),
                                ],
                            ),
                        ),
                        (
                            "seats_apart",
                            models.BooleanField(
                                db_default=False,
                                default=False,
                                help_text="On: each answer of a task is of another team, one after the other; so there are as many teams as answers, or some are never given. A change counts for tasks that are made from then on.",
                            ),
                        ),
                        (
                            "skills",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SlugField(max_length=32),
                                blank=True,
                                default=list,
                                help_text="What a reviewer must have to be handed its tasks; comma-separated.",
                                size=None,
                            ),
                        ),
                        (
                            "asks_language",
                            models.CharField(
                                choices=[
                                    ("heard", "Where it is speech"),
                                    ("always", "Of all clips"),
                                    ("never", "Never"),
                                ],
                                db_default="heard",
                                default="heard",
                                help_text="Whether a reviewer must speak the language of the clip, where that is known: of voice clips, of all or never. A change counts for tasks that are made from then on.",
                                max_length=8,
                            ),
                        ),
                        (
                            "priority",
                            models.PositiveSmallIntegerField(
                                default=0,
                                help_text="Hours by which its tasks go before others that are due at the same time.",
                                validators=[django.core.validators.MaxValueValidator(240)],
                            ),
                        ),
                        (
                            "prefetch",
                            models.PositiveSmallIntegerField(
                                default=3,
                                help_text="Live leases of this project that one reviewer may hold at a time.",
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(20),
                                ],
                            ),
                        ),
                        (
                            "lease_seconds",
                            models.PositiveIntegerField(
                                blank=True,
                                help_text="How long a lease lasts. Blank: three times the clip and two minutes, five minutes at least.",
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(30),
                                    django.core.validators.MaxValueValidator(3600),
                                ],
                            ),
                        ),
                        (
                            "lease_most_seconds",
                            models.PositiveIntegerField(
                                default=3600,
                                help_text="However often it is renewed, a lease ends this long after it was granted.",
                                validators=[
                                    django.core.validators.MinValueValidator(60),
                                    django.core.validators.MaxValueValidator(21600),
                                ],
                            ),
                        ),
                        (
                            "grace_seconds",
                            models.PositiveIntegerField(
                                default=120,
                                help_text="An answer this late is still taken if its seat is free; a later one is kept but never counted.",
                                validators=[django.core.validators.MaxValueValidator(3600)],
                            ),
                        ),
                        (
                            "amend_minutes",
                            models.PositiveSmallIntegerField(
                                default=15,
                                help_text="How long after submitting an author may amend an answer. 0: not at all.",
                                validators=[django.core.validators.MaxValueValidator(1440)],
                            ),
                        ),
                        (
                            "due_hours",
                            models.PositiveSmallIntegerField(
                                default=24,
                                help_text="A task is due this long after it was made; the earliest due is handed out first.",
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(1440),
                                ],
                            ),
                        ),
                        (
                            "categories",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SlugField(max_length=32),
                                blank=True,
                                default=list,
                                help_text="What its footage may show that somebody may not want to see, such as injury; comma-separated. People who opted out of one are not handed it, and what is handed out counts as exposure.",
                                size=None,
                            ),
                        ),
                        (
                            "starts_blurred",
                            models.BooleanField(
                                default=False,
                                help_text="On: clients show its clips blurred until the reviewer asks to see them clear.",
                            ),
                        ),
                        (
                            "faces",
                            models.CharField(
                                choices=[("blurred", "Blurred"), ("clear", "Clear")],
                                db_default="clear",
                                default="clear",
                                help_text="What its reviewers are shown. Blurred: every face that is found is covered, in the video and in the pictures of it; a clip then takes about its own length to prepare. Choose it wherever faces do not matter.",
                                max_length=8,
                            ),
                        ),
                        (
                            "is_active",
                            models.BooleanField(
                                default=True, help_text="Off: no new tasks are made and none is handed out."
                            ),
                        ),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "teams",
                            models.ManyToManyField(
                                blank=True,
                                help_text="Teams that work on it, each on clips of its own region.",
                                related_name="projects",
                                to="workforce.team",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("faces__in", ["blurred", "clear"])), name="project_faces_known"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("most_seats__gte", models.F("overlap")), ("overlap__gte", 1)),
                                name="project_seats_make_sense",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("asks_language__in", ["heard", "always", "never"])),
                                name="project_asks_language_known",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
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
                            pgtrigger.compiler.Trigger(
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
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ProjectChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="name_purpose_label_schema_schema_version_overlap_most_seats_seats_apart_skills_asks_language_priority_prefetch_lease_seconds_lease_most_seconds_grace_seconds_amend_minutes_due_hours_categories_starts_blurred_faces_is_active_events",
                                to="annotations.project",
                            ),
                        ),
                        (
                            "pgh_context",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="pghistory.context",
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        (
                            "purpose",
                            models.CharField(
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
                        ("label_schema", models.JSONField(validators=[annotations.labels.check_schema])),
                        (
                            "schema_version",
                            models.PositiveIntegerField(
                                default=1, editable=False, help_text="Raised by itself when the label schema changes."
                            ),
                        ),
                        (
                            "overlap",
                            models.PositiveSmallIntegerField(
                                default=2,
                                help_text="Independent answers each task needs.",
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(9),
                                ],
                            ),
                        ),
                        (
                            "most_seats",
                            models.PositiveSmallIntegerField(
                                default=5,
                                help_text="On a tie one more answer is asked for, up to this many in all; then the task is disputed.",
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(15),
                                ],
                            ),
                        ),
                        (
                            "seats_apart",
                            models.BooleanField(
                                db_default=False,
                                default=False,
                                help_text="On: each answer of a task is of another team, one after the other; so there are as many teams as answers, or some are never given. A change counts for tasks that are made from then on.",
                            ),
                        ),
                        (
                            "skills",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SlugField(max_length=32),
                                blank=True,
                                default=list,
                                help_text="What a reviewer must have to be handed its tasks; comma-separated.",
                                size=None,
                            ),
                        ),
                        (
                            "asks_language",
                            models.CharField(
                                choices=[
                                    ("heard", "Where it is speech"),
                                    ("always", "Of all clips"),
                                    ("never", "Never"),
                                ],
                                db_default="heard",
                                default="heard",
                                help_text="Whether a reviewer must speak the language of the clip, where that is known: of voice clips, of all or never. A change counts for tasks that are made from then on.",
                                max_length=8,
                            ),
                        ),
                        (
                            "priority",
                            models.PositiveSmallIntegerField(
                                default=0,
                                help_text="Hours by which its tasks go before others that are due at the same time.",
                                validators=[django.core.validators.MaxValueValidator(240)],
                            ),
                        ),
                        (
                            "prefetch",
                            models.PositiveSmallIntegerField(
                                default=3,
                                help_text="Live leases of this project that one reviewer may hold at a time.",
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(20),
                                ],
                            ),
                        ),
                        (
                            "lease_seconds",
                            models.PositiveIntegerField(
                                blank=True,
                                help_text="How long a lease lasts. Blank: three times the clip and two minutes, five minutes at least.",
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(30),
                                    django.core.validators.MaxValueValidator(3600),
                                ],
                            ),
                        ),
                        (
                            "lease_most_seconds",
                            models.PositiveIntegerField(
                                default=3600,
                                help_text="However often it is renewed, a lease ends this long after it was granted.",
                                validators=[
                                    django.core.validators.MinValueValidator(60),
                                    django.core.validators.MaxValueValidator(21600),
                                ],
                            ),
                        ),
                        (
                            "grace_seconds",
                            models.PositiveIntegerField(
                                default=120,
                                help_text="An answer this late is still taken if its seat is free; a later one is kept but never counted.",
                                validators=[django.core.validators.MaxValueValidator(3600)],
                            ),
                        ),
                        (
                            "amend_minutes",
                            models.PositiveSmallIntegerField(
                                default=15,
                                help_text="How long after submitting an author may amend an answer. 0: not at all.",
                                validators=[django.core.validators.MaxValueValidator(1440)],
                            ),
                        ),
                        (
                            "due_hours",
                            models.PositiveSmallIntegerField(
                                default=24,
                                help_text="A task is due this long after it was made; the earliest due is handed out first.",
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(1440),
                                ],
                            ),
                        ),
                        (
                            "categories",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SlugField(max_length=32),
                                blank=True,
                                default=list,
                                help_text="What its footage may show that somebody may not want to see, such as injury; comma-separated. People who opted out of one are not handed it, and what is handed out counts as exposure.",
                                size=None,
                            ),
                        ),
                        (
                            "starts_blurred",
                            models.BooleanField(
                                default=False,
                                help_text="On: clients show its clips blurred until the reviewer asks to see them clear.",
                            ),
                        ),
                        (
                            "faces",
                            models.CharField(
                                choices=[("blurred", "Blurred"), ("clear", "Clear")],
                                db_default="clear",
                                default="clear",
                                help_text="What its reviewers are shown. Blurred: every face that is found is covered, in the video and in the pictures of it; a clip then takes about its own length to prepare. Choose it wherever faces do not matter.",
                                max_length=8,
                            ),
                        ),
                        (
                            "is_active",
                            models.BooleanField(
                                default=True, help_text="Off: no new tasks are made and none is handed out."
                            ),
                        ),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": (),
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="append_only",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                                    hash="70144b540b0ea4f88acbcb5e3df690380c11edd1",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_7a945",
                                    table="annotations_projectchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Lane",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="lanes", to="workforce.team"
                            ),
                        ),
                        (
                            "project",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="lanes",
                                to="annotations.project",
                            ),
                        ),
                        ("region", models.CharField(help_text="Where the clips live.", max_length=16)),
                        (
                            "skills",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SlugField(max_length=32), blank=True, default=list, size=None
                            ),
                        ),
                        ("clearance", models.PositiveSmallIntegerField(default=0)),
                        (
                            "language",
                            models.CharField(
                                blank=True, db_default="", default="", help_text="Blank: any.", max_length=8
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["id"],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("team", "project", "region", "skills", "clearance", "language"),
                                name="lane_once_per_demand",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Head",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "lane_id", "number", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "lane",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="heads",
                                to="annotations.lane",
                            ),
                        ),
                        ("number", models.BigIntegerField()),
                        ("head_rank", models.BigIntegerField()),
                        ("tail_rank", models.BigIntegerField(help_text="The last rank that was put in.")),
                        ("express_head", models.BigIntegerField(default=1)),
                        (
                            "express_next",
                            models.BigIntegerField(default=1, help_text="The number of the next seat that comes back."),
                        ),
                        (
                            "version",
                            models.BigIntegerField(default=0, help_text="Raised when a task enters before the tail."),
                        ),
                        (
                            "made_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(),
                                help_text="When the head was last moved forward.",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["lane_id", "-number"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("express_head__lte", models.F("express_next")),
                                    (
                                        "head_rank__lte",
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("tail_rank"), "+", models.Value(1)
                                        ),
                                    ),
                                ),
                                name="head_not_past_its_tail",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Bookmark",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workforce.reviewer",
                            ),
                        ),
                        (
                            "lane",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="annotations.lane",
                            ),
                        ),
                        ("version", models.BigIntegerField()),
                        ("rank", models.BigIntegerField()),
                        ("express", models.BigIntegerField()),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("reviewer", "lane"), name="bookmark_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Task",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "project",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="tasks",
                                to="annotations.project",
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="tasks",
                                to="clips.clip",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="tasks",
                                to="workforce.team",
                            ),
                        ),
                        (
                            "lane",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="tasks",
                                to="annotations.lane",
                            ),
                        ),
                        (
                            "rank",
                            models.BigIntegerField(
                                help_text="Its place in the lane: the virtual deadline, or its turn among returned seats."
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("open", "Open"),
                                    ("full", "Full"),
                                    ("settled", "Settled"),
                                    ("disputed", "Disputed"),
                                    ("stopped", "Stopped"),
                                ],
                                default="open",
                                max_length=16,
                            ),
                        ),
                        ("state_since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "due_at",
                            models.DateTimeField(
                                blank=True, help_text="The earliest due is handed out first.", null=True
                            ),
                        ),
                        (
                            "looked_at",
                            models.DateTimeField(
                                blank=True, help_text="When the sweep last asked who may answer it.", null=True
                            ),
                        ),
                        ("overlap", models.PositiveSmallIntegerField()),
                        ("seats_left", models.PositiveSmallIntegerField()),
                        (
                            "seats_apart",
                            models.BooleanField(
                                db_default=False, default=False, help_text="Each answer is of another team."
                            ),
                        ),
                        (
                            "seats_later",
                            models.PositiveSmallIntegerField(
                                db_default=0,
                                default=0,
                                help_text="Seats that are opened for another team once this one has answered.",
                            ),
                        ),
                        ("answers", models.PositiveSmallIntegerField(default=0)),
                        ("label", models.CharField(blank=True, help_text="What the answers agreed on.", max_length=32)),
                        (
                            "votes",
                            models.JSONField(
                                default=dict, help_text="How many answers each label got when it was settled."
                            ),
                        ),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("seats_left__gt", 0), ("state", "open")),
                                fields=["lane", "rank", "id"],
                                name="task_queue",
                            ),
                            models.Index(fields=["team", "state"], name="task_by_team"),
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="task_due"
                            ),
                            models.Index(
                                condition=models.Q(("state", "full")), fields=["state_since"], name="task_full"
                            ),
                            models.Index(condition=models.Q(("state", "stopped")), fields=["id"], name="task_stopped"),
                            models.Index(
                                condition=models.Q(("seats_later__gt", 0), ("seats_left", 0), ("state", "open")),
                                fields=["id"],
                                name="task_with_seats_later",
                            ),
                            models.Index(fields=["project", "state", "id"], name="task_by_state"),
                            models.Index(
                                condition=models.Q(("state", "disputed")), fields=["id"], name="task_disputed"
                            ),
                            models.Index(
                                condition=models.Q(("label", ""), _negated=True),
                                fields=["label", "id"],
                                name="task_by_label",
                            ),
                            django.contrib.postgres.indexes.BrinIndex(
                                autosummarize=True, fields=["created_at"], name="task_by_arrival"
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("clip", "project"), name="task_once_per_clip"),
                            models.CheckConstraint(
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
                            models.CheckConstraint(
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
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state__in", ("settled", "disputed")), ("due_at__isnull", False), _connector="OR"
                                ),
                                name="task_waits_with_due_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["open", "full", "settled", "disputed", "stopped"])),
                                name="task_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "settled"), _negated=True),
                                    models.Q(("label", ""), _negated=True),
                                    _connector="OR",
                                ),
                                name="task_settled_has_label",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state__in", ["open", "stopped"]),
                                    ("answers", models.F("overlap")),
                                    _connector="OR",
                                ),
                                name="task_seats_answered_unless_open",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition="WHEN (OLD.team_id <> NEW.team_id OR OLD.state <> NEW.state AND (NEW.state = 'stopped' OR OLD.state IN ('stopped', 'disputed', 'settled') AND NEW.state = 'open'))",
                                    func='INSERT INTO "annotations_taskchange" ("answers", "label", "overlap", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "team_id") VALUES (OLD."answers", OLD."label", OLD."overlap", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."state", OLD."team_id"); RETURN NULL;',
                                    hash="4daa71df99710a3ba9b8bd17a7c0aa46e2e93d0e",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_69b1c",
                                    table="annotations_task",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition="WHEN (OLD.team_id <> NEW.team_id OR OLD.state <> NEW.state AND (NEW.state = 'stopped' OR OLD.state IN ('stopped', 'disputed', 'settled') AND NEW.state = 'open'))",
                                    func='INSERT INTO "annotations_taskchange" ("answers", "label", "overlap", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "team_id") VALUES (NEW."answers", NEW."label", NEW."overlap", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."state", NEW."team_id"); RETURN NULL;',
                                    hash="5cdf4259d116a449d1d985e8659871d22940d8e4",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_4663c",
                                    table="annotations_task",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TaskChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="state_team_overlap_answers_label_events",
                                to="annotations.task",
                            ),
                        ),
                        (
                            "pgh_context",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="pghistory.context",
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("open", "Open"),
                                    ("full", "Full"),
                                    ("settled", "Settled"),
                                    ("disputed", "Disputed"),
                                    ("stopped", "Stopped"),
                                ],
                                default="open",
                                max_length=16,
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.team",
                            ),
                        ),
                        ("overlap", models.PositiveSmallIntegerField()),
                        ("answers", models.PositiveSmallIntegerField(default=0)),
                        ("label", models.CharField(blank=True, help_text="What the answers agreed on.", max_length=32)),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": (),
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="append_only",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                                    hash="404db5840aa54c5fd81b7c351a871bfccf204562",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_46860",
                                    table="annotations_taskchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Lease",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "task",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="leases",
                                to="annotations.task",
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="leases",
                                to="workforce.reviewer",
                            ),
                        ),
                        (
                            "quota_day",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="leases",
                                to="workforce.quotaday",
                            ),
                        ),
                        (
                            "token",
                            models.UUIDField(
                                default=uuid.uuid4, help_text="Shown to the holder only; a write must carry it."
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("live", "Live"),
                                    ("submitted", "Submitted"),
                                    ("returned", "Given back"),
                                    ("lapsed", "Lapsed"),
                                    ("skipped", "Skipped"),
                                    ("flagged", "Flagged"),
                                    ("recalled", "Recalled"),
                                ],
                                default="live",
                                max_length=16,
                            ),
                        ),
                        ("granted_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "skip_reason",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("cannot_play", "It does not play"),
                                    ("cannot_see", "Too dark, too blurred or hidden"),
                                    ("language", "A language I do not speak"),
                                    ("known_person", "I know somebody in it"),
                                    ("distressing", "It distresses me"),
                                    ("other", "Something else"),
                                ],
                                max_length=16,
                            ),
                        ),
                        (
                            "recall_reason",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("ops", "Ops took it back"),
                                    ("quarantined", "Its clip was quarantined"),
                                    ("withdrawn", "Its owner withdrew the consent"),
                                    ("purged", "Its clip's time here was over"),
                                    ("expired", "Its owner's consent expired"),
                                ],
                                db_default="",
                                max_length=16,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("ended_at", None)),
                                fields=["expires_at"],
                                name="lease_live_by_expiry",
                            ),
                            models.Index(
                                condition=models.Q(("state", "live")),
                                fields=["reviewer"],
                                name="lease_live_by_reviewer",
                            ),
                            models.Index(
                                condition=models.Q(("state__in", ["live", "submitted"]), _negated=True),
                                fields=["state", "id"],
                                name="lease_ended_early",
                            ),
                            django.contrib.postgres.indexes.BrinIndex(
                                autosummarize=True, fields=["granted_at"], name="lease_by_grant"
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("skip_reason__gt", ""), ("state", "skipped")),
                                    models.Q(models.Q(("state", "skipped"), _negated=True), ("skip_reason", "")),
                                    _connector="OR",
                                ),
                                name="lease_skipped_has_reason",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("recall_reason__gt", ""), ("state", "recalled")),
                                    models.Q(models.Q(("state", "recalled"), _negated=True), ("recall_reason", "")),
                                    _connector="OR",
                                ),
                                name="lease_recalled_has_reason",
                            ),
                            models.UniqueConstraint(
                                fields=("task", "reviewer"), name="lease_never_twice_for_one_reviewer"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("state", "live"), ("ended_at__isnull", False), _connector="OR"),
                                name="lease_ended_has_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "state__in",
                                        ["live", "submitted", "returned", "lapsed", "skipped", "flagged", "recalled"],
                                    )
                                ),
                                name="lease_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("expires_at__gt", models.F("granted_at"))),
                                name="lease_expires_later",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition="WHEN (NEW.state = 'recalled' AND OLD.state <> 'recalled')",
                                    func='INSERT INTO "annotations_leasechange" ("pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recall_reason", "reviewer_id", "state", "task_id") VALUES (_pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."recall_reason", OLD."reviewer_id", OLD."state", OLD."task_id"); RETURN NULL;',
                                    hash="1cc1d6f530d99d5ceb350b4f8fed37c18cabb9b2",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_44b70",
                                    table="annotations_lease",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition="WHEN (NEW.state = 'recalled' AND OLD.state <> 'recalled')",
                                    func='INSERT INTO "annotations_leasechange" ("pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recall_reason", "reviewer_id", "state", "task_id") VALUES (_pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."recall_reason", NEW."reviewer_id", NEW."state", NEW."task_id"); RETURN NULL;',
                                    hash="92023fdc2a177db46f660d282fd7ab86db763f8c",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_032f7",
                                    table="annotations_lease",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="LeaseChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="task_reviewer_state_recall_reason_events",
                                to="annotations.lease",
                            ),
                        ),
                        (
                            "pgh_context",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="pghistory.context",
                            ),
                        ),
                        (
                            "task",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="annotations.task",
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.reviewer",
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("live", "Live"),
                                    ("submitted", "Submitted"),
                                    ("returned", "Given back"),
                                    ("lapsed", "Lapsed"),
                                    ("skipped", "Skipped"),
                                    ("flagged", "Flagged"),
                                    ("recalled", "Recalled"),
                                ],
                                default="live",
                                max_length=16,
                            ),
                        ),
                        (
                            "recall_reason",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("ops", "Ops took it back"),
                                    ("quarantined", "Its clip was quarantined"),
                                    ("withdrawn", "Its owner withdrew the consent"),
                                    ("purged", "Its clip's time here was over"),
                                    ("expired", "Its owner's consent expired"),
                                ],
                                db_default="",
                                max_length=16,
                            ),
                        ),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": (),
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="append_only",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                                    hash="4b54e3d980cac8f79941ab621a6d3b7c663a3e69",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_d0e3a",
                                    table="annotations_leasechange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TakeKey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workforce.reviewer",
                            ),
                        ),
                        ("key", models.CharField(max_length=255)),
                        ("count", models.PositiveSmallIntegerField()),
                        (
                            "lease_ids",
                            django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                        ),
                        ("created_at", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [models.Index(fields=["created_at"], name="take_key_by_age")],
                        "constraints": [models.UniqueConstraint(fields=("reviewer", "key"), name="take_key_once")],
                    },
                ),
                migrations.CreateModel(
                    name="ActiveClock",
                    fields=[
                        (
                            "reviewer",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                primary_key=True,
                                related_name="active_clock",
                                serialize=False,
                                to="workforce.reviewer",
                            ),
                        ),
                        (
                            "lease",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="annotations.lease",
                            ),
                        ),
                        ("day", models.DateField(help_text="The person's local date.")),
                        ("time_zone", models.CharField(max_length=64)),
                        (
                            "day_ends_at",
                            models.DateTimeField(help_text="Where the clock is cut: the end of that local day."),
                        ),
                        ("started_at", models.DateTimeField()),
                        ("beat_at", models.DateTimeField()),
                        ("lost_ms", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("beat_at__gte", models.F("started_at")), ("beat_at__lte", models.F("day_ends_at"))
                                ),
                                name="clock_runs_forward",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ActiveSpan",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="active_spans",
                                to="workforce.reviewer",
                            ),
                        ),
                        (
                            "lease",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="active_spans",
                                to="annotations.lease",
                            ),
                        ),
                        ("day", models.DateField(help_text="The person's local date.")),
                        ("time_zone", models.CharField(max_length=64)),
                        ("started_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField()),
                        (
                            "lost_ms",
                            models.PositiveIntegerField(
                                default=0,
                                help_text="Waiting for the network, as the player says: paid, and not counted against the person.",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-started_at"],
                        "indexes": [
                            models.Index(fields=["reviewer", "day"], name="active_span_of_day"),
                            models.Index(fields=["reviewer", "ended_at"], name="active_span_latest"),
                            django.contrib.postgres.indexes.BrinIndex(fields=["day"], name="active_span_by_day"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("ended_at__gt", models.F("started_at"))),
                                name="active_span_has_length",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "ended_at__gte",
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("started_at"),
                                            "+",
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("lost_ms"),
                                                "*",
                                                models.Value(datetime.timedelta(microseconds=1000)),
                                            ),
                                        ),
                                    )
                                ),
                                name="active_span_lost_within_it",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TimeContest",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="time_contests",
                                to="workforce.reviewer",
                            ),
                        ),
                        ("day", models.DateField(help_text="The person's local date.")),
                        ("note", models.CharField(help_text="What they say.", max_length=1000)),
                        ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "granted_ms",
                            models.PositiveIntegerField(default=0, help_text="Time added to the day, in milliseconds."),
                        ),
                        ("answer", models.CharField(blank=True, max_length=300)),
                        (
                            "answered_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("answered_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [models.Index(fields=["reviewer", "day"], name="time_contest_of_day")],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("answered_at", None)),
                                fields=("reviewer", "day"),
                                name="time_contest_one_open_a_day",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("note", ""), _negated=True), name="time_contest_has_note"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("answer", ""),
                                        ("answered_at__isnull", True),
                                        ("answered_by__isnull", True),
                                        ("granted_ms", 0),
                                    ),
                                    models.Q(
                                        ("answered_at__isnull", False),
                                        ("answered_by__isnull", False),
                                        models.Q(("answer", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="time_contest_answered_whole",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("granted_ms__lte", 86400000)), name="time_contest_at_most_a_day"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Timesheet",
                    fields=[
                        ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("day", models.DateField()),
                        ("active_ms", models.BigIntegerField(help_text="At work, without waits for the network.")),
                        ("lost_ms", models.BigIntegerField(help_text="Waiting for the network.")),
                        ("granted_ms", models.BigIntegerField(help_text="Added by staff.")),
                        ("total_ms", models.BigIntegerField(help_text="All three: what counts as worked.")),
                        ("spans", models.IntegerField()),
                        ("leases", models.IntegerField(help_text="Leases that were worked on.")),
                    ],
                    options={
                        "db_table": "annotations_timesheet",
                        "ordering": ["-day", "reviewer"],
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Annotation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "lease",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="annotation",
                                to="annotations.lease",
                            ),
                        ),
                        (
                            "task",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="annotations",
                                to="annotations.task",
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="annotations",
                                to="workforce.reviewer",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                help_text="Whose answer it is, where each of a task's is of another team: with whom the task lay. Else empty.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="workforce.team",
                            ),
                        ),
                        ("schema_version", models.PositiveIntegerField()),
                        ("label", models.CharField(max_length=32)),
                        ("answer", models.JSONField()),
                        (
                            "version",
                            models.PositiveSmallIntegerField(
                                db_default=1, default=1, help_text="Raised when its author amends it."
                            ),
                        ),
                        ("submitted_at", models.DateTimeField(help_text="When the first version was.")),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [models.Index(fields=["submitted_at"], name="annotation_by_time")],
                        "constraints": [
                            models.UniqueConstraint(fields=("task", "reviewer"), name="annotation_once_per_reviewer"),
                            models.UniqueConstraint(
                                condition=models.Q(("team__isnull", False)),
                                fields=("task", "team"),
                                name="annotation_once_per_team",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AmendedAnswer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "annotation",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="earlier",
                                to="annotations.annotation",
                            ),
                        ),
                        ("version", models.PositiveSmallIntegerField()),
                        ("label", models.CharField(max_length=32)),
                        ("answer", models.JSONField()),
                        ("amended_at", models.DateTimeField(help_text="When the next version took its place.")),
                    ],
                    options={
                        "ordering": ["annotation_id", "version"],
                        "constraints": [
                            models.UniqueConstraint(fields=("annotation", "version"), name="amended_answer_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="LateAnswer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "lease",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="late_answer",
                                to="annotations.lease",
                            ),
                        ),
                        ("answer", models.JSONField()),
                        ("received_at", models.DateTimeField()),
                    ],
                    options={
                        "ordering": ["-id"],
                    },
                ),
                migrations.CreateModel(
                    name="AuditRun",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("asked_at", models.DateTimeField()),
                        ("seconds", models.FloatField(help_text="How long it took.")),
                        ("checks", models.PositiveSmallIntegerField(help_text="How many promises were asked.")),
                        (
                            "findings",
                            models.JSONField(
                                encoder=django.core.serializers.json.DjangoJSONEncoder,
                                help_text="name, promise, count and first row of each promise that is broken.",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                    },
                ),
                migrations.CreateModel(
                    name="Awaited",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "clip_id", "project_id", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="clips.clip",
                            ),
                        ),
                        (
                            "project",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="annotations.project",
                            ),
                        ),
                        ("region", models.CharField(max_length=16)),
                        ("clearance", models.PositiveSmallIntegerField()),
                        ("language", models.CharField(db_default="", default="", max_length=8)),
                    ],
                    options={
                        "default_permissions": (),
                        "indexes": [
                            models.Index(
                                fields=["project", "region", "clearance", "language", "clip"], name="awaited_in_order"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BulkRun",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("model", models.CharField(help_text="The table, as app.model.", max_length=100)),
                        (
                            "action",
                            models.CharField(help_text="The action's name on the table's list.", max_length=100),
                        ),
                        ("title", models.CharField(help_text="The action as people read it.", max_length=200)),
                        ("reason", models.CharField(max_length=300)),
                        ("answers", models.JSONField(default=dict, help_text="What else its form asked.")),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("queued", "Waits for a worker"),
                                    ("running", "Under way"),
                                    ("done", "Done"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="queued",
                                max_length=16,
                            ),
                        ),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ("begun_at", models.DateTimeField(blank=True, null=True)),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "due_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="When a sweep looks at it, unless a worker says it lives.",
                                null=True,
                            ),
                        ),
                        ("total", models.PositiveIntegerField(default=0)),
                        ("done", models.PositiveIntegerField(default=0)),
                        ("dull", models.PositiveIntegerField(default=0)),
                        ("refused", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "default_permissions": ("view",),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="bulk_due"
                            ),
                            models.Index(fields=["by", "-id"], name="bulk_by_person"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state__in", ("done", "cancelled")), ("due_at__isnull", False), _connector="OR"
                                ),
                                name="bulk_waits_with_due_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["queued", "running", "done", "cancelled"])),
                                name="bulk_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("reason", ""), _negated=True), name="bulk_has_reason"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "total__gte",
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("done"), "+", models.F("dull")
                                            ),
                                            "+",
                                            models.F("refused"),
                                        ),
                                    )
                                ),
                                name="bulk_no_more_than_asked",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "done"), _negated=True),
                                    (
                                        "total",
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("done"), "+", models.F("dull")
                                            ),
                                            "+",
                                            models.F("refused"),
                                        ),
                                    ),
                                    _connector="OR",
                                ),
                                name="bulk_done_is_all",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BulkItem",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "run_id", "place", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "run",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="items",
                                to="annotations.bulkrun",
                            ),
                        ),
                        ("place", models.PositiveIntegerField()),
                        ("object_id", models.BigIntegerField()),
                        (
                            "outcome",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "Waits"),
                                    ("done", "Done"),
                                    ("dull", "Was so already"),
                                    ("refused", "Refused"),
                                ],
                                db_default="",
                                default="",
                                help_text="Empty: it waits.",
                                max_length=8,
                            ),
                        ),
                        ("why", models.CharField(blank=True, db_default="", default="", max_length=500)),
                    ],
                    options={
                        "default_permissions": (),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("outcome", "")), fields=["run", "place"], name="bulk_item_waits"
                            ),
                            models.Index(
                                condition=models.Q(("outcome", "refused")),
                                fields=["run", "place"],
                                name="bulk_item_refused",
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("outcome__in", ["", "done", "dull", "refused"])),
                                name="bulk_item_outcome_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("outcome", "refused"), ("why", ""), _connector="XOR"),
                                name="bulk_item_refused_says_why",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Export",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "project",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="exports",
                                to="annotations.project",
                            ),
                        ),
                        (
                            "requested_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "regions",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=16),
                                blank=True,
                                db_default=[],
                                default=list,
                                help_text="Codes of the regions whose clips it holds, those of whoever asked. None: all.",
                                size=None,
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("requested", "Requested"),
                                    ("writing", "Writing"),
                                    ("done", "Done"),
                                    ("failed", "Failed"),
                                    ("retracted", "Retracted"),
                                    ("removed", "Removed"),
                                ],
                                default="requested",
                                max_length=16,
                            ),
                        ),
                        ("state_since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ("due_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "attempts",
                            models.PositiveSmallIntegerField(
                                default=0, help_text="How often writing has begun; a fence."
                            ),
                        ),
                        ("attempts_allowed", models.PositiveSmallIntegerField(default=3)),
                        ("failure", models.TextField(blank=True)),
                        ("key", models.CharField(blank=True, max_length=200)),
                        ("lines", models.PositiveIntegerField(default=0)),
                        ("size_bytes", models.PositiveBigIntegerField(default=0)),
                        ("sha256", models.CharField(blank=True, max_length=64)),
                        ("manifest", models.JSONField(blank=True, default=dict)),
                        (
                            "looked_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="When its lines were last held against what owners permit.",
                                null=True,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="export_due"
                            )
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state__in", ("done", "failed", "removed")),
                                    ("due_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="export_waits_with_due_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state__in", ["requested", "writing", "done", "failed", "retracted", "removed"])
                                ),
                                name="export_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "done"), _negated=True),
                                    models.Q(("sha256", ""), _negated=True),
                                    _connector="OR",
                                ),
                                name="export_done_has_digest",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ExportLine",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "export",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="held",
                                to="annotations.export",
                            ),
                        ),
                        (
                            "task",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="annotations.task",
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="clips.clip"
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("export", "task"), name="export_line_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Flag",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "lease",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="flags",
                                to="annotations.lease",
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("sensitive", "Sensitive"),
                                    ("broken", "Broken media"),
                                    ("emergency", "Emergency"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("note", models.CharField(blank=True, max_length=300)),
                        ("flagged_at", models.DateTimeField()),
                        (
                            "case",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="flags", to="clips.case"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("lease", "kind"), name="flag_once_per_lease_and_kind")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Plan",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("kind", models.CharField(choices=[("beat", "By itself"), ("hand", "By hand")], max_length=8)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("applying", "Applying"),
                                    ("applied", "Applied"),
                                    ("broken_off", "Broken off"),
                                    ("undone", "Undone"),
                                ],
                                default="applying",
                                max_length=16,
                            ),
                        ),
                        ("made_at", models.DateTimeField()),
                        (
                            "due_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="While it is applied: when the next planner looks at it.",
                                null=True,
                            ),
                        ),
                        ("looked_at", models.DateTimeField(help_text="When a planner last came to the same.")),
                        ("ends_at", models.DateTimeField(help_text="How far it looked ahead.")),
                        (
                            "seen",
                            models.CharField(
                                blank=True, help_text="What of people and projects it followed from.", max_length=200
                            ),
                        ),
                        (
                            "by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("reason", models.CharField(blank=True, max_length=300)),
                        ("undone_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "undone_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("undone_reason", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [models.Index(fields=["kind", "-id"], name="plan_by_kind")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["applying", "applied", "broken_off", "undone"])),
                                name="plan_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("kind", "beat"),
                                    models.Q(("by__isnull", False), models.Q(("reason", ""), _negated=True)),
                                    _connector="OR",
                                ),
                                name="plan_by_hand_has_author_and_reason",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "undone"), _negated=True),
                                    models.Q(
                                        ("undone_at__isnull", False),
                                        ("undone_by__isnull", False),
                                        models.Q(("undone_reason", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="plan_undone_has_author_and_reason",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "applying"), _negated=True),
                                    ("due_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="plan_waits_with_due_time",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PlanLine",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "plan",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="lines",
                                to="annotations.plan",
                            ),
                        ),
                        ("number", models.PositiveIntegerField()),
                        (
                            "project",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="annotations.project",
                            ),
                        ),
                        ("region", models.CharField(help_text="Where the clips live.", max_length=16)),
                        ("clearance", models.PositiveSmallIntegerField(default=0)),
                        (
                            "language",
                            models.CharField(
                                blank=True, db_default="", default="", help_text="Blank: any.", max_length=8
                            ),
                        ),
                        ("due_at", models.DateTimeField()),
                        (
                            "from_team",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                help_text="Empty: clips that were no tasks yet.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="workforce.team",
                            ),
                        ),
                        (
                            "to_team",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                help_text="Empty: nobody was found.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="workforce.team",
                            ),
                        ),
                        ("tasks", models.PositiveIntegerField()),
                        (
                            "late",
                            models.PositiveIntegerField(
                                default=0, help_text="How many of them will be done after they are due."
                            ),
                        ),
                        (
                            "done",
                            models.PositiveIntegerField(
                                default=0, help_text="How many really went there; others changed meanwhile."
                            ),
                        ),
                        ("why", models.CharField(blank=True, help_text="Why nobody was found.", max_length=300)),
                    ],
                    options={
                        "ordering": ["plan_id", "number"],
                        "constraints": [
                            models.UniqueConstraint(fields=("plan", "number"), name="plan_line_once"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("to_team__isnull", False), ("why", "")),
                                    models.Q(
                                        ("done", 0), ("to_team__isnull", True), models.Q(("why", ""), _negated=True)
                                    ),
                                    _connector="OR",
                                ),
                                name="plan_line_goes_somewhere_or_says_why",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("done__lte", models.F("tasks")), ("late__lte", models.F("tasks"))),
                                name="plan_line_does_no_more_than_it_says",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PlanItem",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "line",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="items",
                                to="annotations.planline",
                            ),
                        ),
                        (
                            "task",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="annotations.task",
                            ),
                        ),
                        (
                            "lane_before",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                help_text="Empty: the plan made the task.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="annotations.lane",
                            ),
                        ),
                        ("rank_before", models.BigIntegerField(blank=True, null=True)),
                        ("due_before", models.DateTimeField(blank=True, null=True)),
                        (
                            "keeps",
                            models.BooleanField(
                                help_text="On: its team was chosen by somebody, and no other plan takes it away."
                            ),
                        ),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        "ordering": ["id"],
                        "constraints": [models.UniqueConstraint(fields=("task", "line"), name="plan_item_once")],
                    },
                ),
                migrations.CreateModel(
                    name="ReportSubscription",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="report_subscriptions",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "report",
                            models.CharField(
                                choices=[
                                    ("done", "Done"),
                                    ("speed", "Speed"),
                                    ("quota", "Quota use"),
                                    ("timesheets", "Timesheets"),
                                    ("waiting", "Waiting times"),
                                    ("exposure", "Exposure"),
                                ],
                                max_length=16,
                            ),
                        ),
                        (
                            "every",
                            models.CharField(choices=[("day", "Every day"), ("week", "Every week")], max_length=8),
                        ),
                        (
                            "region",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="workforce.region",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="workforce.team",
                            ),
                        ),
                        (
                            "project",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="annotations.project",
                            ),
                        ),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "ended_at",
                            models.DateTimeField(blank=True, help_text="When it was unsubscribed.", null=True),
                        ),
                    ],
                    options={
                        "ordering": ["id"],
                        "default_permissions": (),
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("ended_at", None)),
                                fields=("user", "report", "every", "region", "team", "project"),
                                name="report_subscribed_once",
                                nulls_distinct=False,
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ReportIssue",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "subscription",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="issues",
                                to="annotations.reportsubscription",
                            ),
                        ),
                        ("first_day", models.DateField()),
                        ("last_day", models.DateField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting"),
                                    ("sending", "Sending"),
                                    ("sent", "Sent"),
                                    ("dropped", "Not sent"),
                                ],
                                default="waiting",
                                max_length=16,
                            ),
                        ),
                        ("state_since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "due_at",
                            models.DateTimeField(blank=True, help_text="When the sweep looks at it.", null=True),
                        ),
                        ("attempts", models.PositiveSmallIntegerField(default=0)),
                        (
                            "failure",
                            models.CharField(blank=True, help_text="Why it was not sent, or not yet.", max_length=200),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "default_permissions": (),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)),
                                fields=["due_at"],
                                name="report_issue_due",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("subscription", "first_day"), name="report_issue_once"),
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["waiting", "sending", "sent", "dropped"])),
                                name="report_issue_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state__in", ("sent", "dropped")), ("due_at__isnull", False), _connector="OR"
                                ),
                                name="report_issue_waits_with_due",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SavedView",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="saved_views",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("table", models.CharField(help_text="The table, as app.model.", max_length=100)),
                        ("name", models.CharField(max_length=60)),
                        ("query", models.CharField(blank=True, help_text="The list's query string.", max_length=2000)),
                        (
                            "reach",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=32),
                                default=list,
                                help_text="The regions and teams of whoever saved it, for those whom it is shown to. Empty: all.",
                                size=None,
                            ),
                        ),
                        (
                            "names_rows",
                            models.BooleanField(
                                default=False, help_text="On: its filters name a team, a person or a number."
                            ),
                        ),
                        (
                            "is_shared",
                            models.BooleanField(default=False, help_text="On: all who open the list are offered it."),
                        ),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "default_permissions": (),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("is_shared", True)), fields=["table"], name="saved_view_shared"
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("user", "table", "name"), name="saved_view_once"),
                            models.CheckConstraint(
                                condition=models.Q(("name", ""), _negated=True), name="saved_view_has_name"
                            ),
                        ],
                    },
                ),
            ]
        ),
        sql.run("annotations", "lanes"),
        sql.run("annotations", "take"),
        sql.run("annotations", "submit"),
        sql.run("annotations", "time"),
        sql.run("annotations", "awaited"),
    ]
