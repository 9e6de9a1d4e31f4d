"""The footage, what its owners agreed to, and who saw it. What no model says is SQL, in ``clips/sql``."""

import datetime

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models

from config import sql


class Migration(migrations.Migration):
    replaces = [
        ("clips", "0001_first"),
        ("clips", "0002_cases"),
        ("clips", "0003_prints_and_events"),
        ("clips", "0004_retries_and_cancels"),
        ("clips", "0005_access_log"),
        ("clips", "0006_viewings"),
        ("clips", "0007_purges_and_holds"),
        ("clips", "0008_consent_events"),
        ("clips", "0009_faces"),
        ("clips", "0010_fill_permits"),
        ("clips", "0011_ready_since"),
        ("clips", "0012_list_sensitive"),
        ("clips", "0013_labels_taken"),
        ("clips", "0014_language"),
        ("clips", "0015_permit_by_number"),
    ]

    initial = True

    dependencies = [
        # Nothing of these is referred to. They refer to users, as much here does: run first, they find few models to make
        # anew with each step of theirs.
        ("knox", "0009_extend_authtoken_field"),
        ("otp_static", "0003_add_timestamps"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        sql.MakeTables(
            [
                migrations.CreateModel(
                    name="Clip",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "region",
                            models.CharField(
                                help_text="Where the footage lives; it never leaves this region's storage.",
                                max_length=16,
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("video", "Video"), ("voice", "Voice")], default="video", max_length=8
                            ),
                        ),
                        (
                            "source",
                            models.CharField(
                                choices=[
                                    ("owner_troubleshooting", "Owner's troubleshooting"),
                                    ("employee_tester", "Employee tester"),
                                ],
                                max_length=32,
                            ),
                        ),
                        (
                            "language",
                            models.CharField(
                                blank=True,
                                db_default="",
                                default="",
                                help_text="What is spoken in it. Two or three small letters (ISO 639), as in hi. Blank: nothing, or it is not known; then anybody may be handed it.",
                                max_length=8,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "\\A[a-z]{2,3}\\Z", "Two or three small letters (ISO 639), as in hi."
                                    )
                                ],
                            ),
                        ),
                        (
                            "is_sensitive",
                            models.BooleanField(
                                default=False, help_text="Only people who are cleared for it may be shown it."
                            ),
                        ),
                        (
                            "owner_key",
                            models.CharField(
                                max_length=64,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "\\A[A-Za-z0-9_-]{8,64}\\Z",
                                        "An owner is a pseudonymous key of 8 to 64 letters, digits, - and _; never a name or an address.",
                                    )
                                ],
                            ),
                        ),
                        (
                            "uploaded_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("receiving", "Receiving"),
                                    ("uploaded", "Uploaded"),
                                    ("preparing", "Preparing"),
                                    ("ready", "Ready"),
                                    ("failed", "Failed"),
                                    ("quarantined", "Quarantined"),
                                    ("withheld", "Withheld"),
                                    ("purged", "Purged"),
                                ],
                                default="receiving",
                                max_length=16,
                            ),
                        ),
                        ("state_since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "due_at",
                            models.DateTimeField(
                                blank=True, help_text="When a sweep looks at this clip if nothing moves it.", null=True
                            ),
                        ),
                        (
                            "attempts",
                            models.PositiveSmallIntegerField(
                                default=0,
                                help_text="How often preparation has begun. Only ever grows: the number fences late workers.",
                            ),
                        ),
                        (
                            "attempts_allowed",
                            models.PositiveSmallIntegerField(
                                default=3, help_text="After this many beginnings the clip fails; a retry raises it."
                            ),
                        ),
                        (
                            "percent",
                            models.PositiveSmallIntegerField(default=0, help_text="Progress of the attempt that runs."),
                        ),
                        (
                            "failure",
                            models.TextField(blank=True, help_text="Why preparation failed, for a person to act on."),
                        ),
                        (
                            "upload_key",
                            models.CharField(
                                blank=True,
                                db_default="",
                                help_text="The sender's Idempotency-Key: a repeat is this clip.",
                                max_length=255,
                            ),
                        ),
                        (
                            "same_as",
                            models.ForeignKey(
                                blank=True,
                                help_text="The clip that is labelled in this one's stead.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="copies",
                                to="clips.clip",
                            ),
                        ),
                        ("original_key", models.CharField(max_length=200, unique=True)),
                        ("sha256", models.CharField(db_index=True, max_length=64)),
                        ("size_bytes", models.PositiveBigIntegerField()),
                        ("duration_ms", models.PositiveIntegerField()),
                        ("width", models.PositiveIntegerField()),
                        ("height", models.PositiveIntegerField()),
                        (
                            "facts",
                            models.JSONField(
                                default=dict, help_text="What the probe found: container, codecs, frame rate, rotation."
                            ),
                        ),
                        (
                            "sound",
                            models.JSONField(
                                blank=True,
                                db_default={},
                                default=dict,
                                help_text="What is heard: loudness in LUFS, true peak, silences.",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "permissions": [("watch_clip", "Can watch ordinary clips in the admin; each time is recorded")],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="clip_due"
                            ),
                            models.Index(fields=["state", "region", "id"], name="clip_by_state"),
                            models.Index(fields=["region", "created_at"], name="clip_by_arrival"),
                            models.Index(fields=["owner_key"], name="clip_by_owner"),
                            models.Index(
                                condition=models.Q(("language__gt", "")),
                                fields=["region", "language", "id"],
                                name="clip_by_language",
                            ),
                            models.Index(
                                condition=models.Q(("state", "ready")), fields=["state_since"], name="clip_ready_since"
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state__in", ("ready", "failed", "withheld", "purged")),
                                    ("due_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="clip_waits_with_due_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "state__in",
                                        [
                                            "receiving",
                                            "uploaded",
                                            "preparing",
                                            "ready",
                                            "failed",
                                            "quarantined",
                                            "withheld",
                                            "purged",
                                        ],
                                    )
                                ),
                                name="clip_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("percent__lte", 100)), name="clip_percent_within_100"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "failed"), _negated=True),
                                    models.Q(("failure", ""), _negated=True),
                                    _connector="OR",
                                ),
                                name="clip_failed_has_reason",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("upload_key", ""), _negated=True),
                                fields=("uploaded_by", "upload_key"),
                                name="clip_once_per_upload_key",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(
                                    models.Q(("state", "withheld"), _negated=True),
                                    models.Q(("sha256", ""), _negated=True),
                                    ("same_as", None),
                                ),
                                fields=("owner_key", "sha256", "region"),
                                name="clip_once_per_owner_and_bytes",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("same_as", models.F("id")), _negated=True),
                                name="clip_not_same_as_itself",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "purged"), _negated=True),
                                    models.Q(
                                        ("facts", {}),
                                        ("failure", ""),
                                        ("language", ""),
                                        ("owner_key", ""),
                                        ("same_as", None),
                                        ("sha256", ""),
                                        ("sound", {}),
                                        ("upload_key", ""),
                                    ),
                                    _connector="OR",
                                ),
                                name="clip_purged_says_nothing",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("language", ""), ("language__regex", "^[a-z]{2,3}$"), _connector="OR"
                                ),
                                name="clip_language",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition="WHEN (OLD.is_sensitive <> NEW.is_sensitive OR OLD.same_as_id IS DISTINCT FROM NEW.same_as_id OR OLD.state <> NEW.state AND (OLD.state IN ('quarantined', 'withheld', 'failed') OR NEW.state IN ('quarantined', 'withheld') OR NEW.state = 'failed' AND NEW.failure LIKE 'Cancelled: %%'))",
                                    func='INSERT INTO "clips_clipchange" ("is_sensitive", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "same_as_id", "state") VALUES (OLD."is_sensitive", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."same_as_id", OLD."state"); RETURN NULL;',
                                    hash="af51606dab18c03fa2fd4ecb59410e6ba4d94770",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_a087e",
                                    table="clips_clip",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition="WHEN (OLD.is_sensitive <> NEW.is_sensitive OR OLD.same_as_id IS DISTINCT FROM NEW.same_as_id OR OLD.state <> NEW.state AND (OLD.state IN ('quarantined', 'withheld', 'failed') OR NEW.state IN ('quarantined', 'withheld') OR NEW.state = 'failed' AND NEW.failure LIKE 'Cancelled: %%'))",
                                    func='INSERT INTO "clips_clipchange" ("is_sensitive", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "same_as_id", "state") VALUES (NEW."is_sensitive", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."same_as_id", NEW."state"); RETURN NULL;',
                                    hash="3eb5329c56ac3f15fa9a3d2aec1fd06f565befbd",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_e3787",
                                    table="clips_clip",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ClipChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="state_is_sensitive_same_as_events",
                                to="clips.clip",
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
                                    ("receiving", "Receiving"),
                                    ("uploaded", "Uploaded"),
                                    ("preparing", "Preparing"),
                                    ("ready", "Ready"),
                                    ("failed", "Failed"),
                                    ("quarantined", "Quarantined"),
                                    ("withheld", "Withheld"),
                                    ("purged", "Purged"),
                                ],
                                default="receiving",
                                max_length=16,
                            ),
                        ),
                        (
                            "is_sensitive",
                            models.BooleanField(
                                default=False, help_text="Only people who are cleared for it may be shown it."
                            ),
                        ),
                        (
                            "same_as",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                help_text="The clip that is labelled in this one's stead.",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="clips.clip",
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
                                    hash="b520b22d4088c22646adb59cdcb27c14ae9a0ec8",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_51fb2",
                                    table="clips_clipchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AccessStream",
                    fields=[
                        ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                        (
                            "noted_number",
                            models.BigIntegerField(
                                db_default=0,
                                default=0,
                                help_text="A number that the stream has reached; noted now and then, for each note leaves a version behind.",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                        "default_permissions": ("view",),
                    },
                ),
                migrations.CreateModel(
                    name="AccessEntry",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "stream",
                            models.CharField(
                                help_text="The chain it belongs to: a person's own, or strangers'.", max_length=40
                            ),
                        ),
                        ("number", models.BigIntegerField(help_text="Its place in the chain, without a gap.")),
                        ("at", models.DateTimeField(help_text="By PostgreSQL's clock.")),
                        (
                            "user",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                db_index=False,
                                help_text="Who asked; of a link, whose it is.",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "credentials",
                            models.CharField(
                                choices=[
                                    ("link", "A link alone"),
                                    ("token", "A token"),
                                    ("session", "A session"),
                                    ("none", "Nothing"),
                                ],
                                max_length=8,
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="clips.clip",
                            ),
                        ),
                        ("rendition", models.CharField(blank=True, max_length=16)),
                        (
                            "under",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("lease", "Lease"),
                                    ("viewing", "Viewing"),
                                    ("legal", "Legal request"),
                                    ("export", "Export"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("under_id", models.BigIntegerField(blank=True, null=True, verbose_name="number of that")),
                        ("purpose", models.CharField(blank=True, max_length=40)),
                        ("country", models.CharField(blank=True, help_text="Where the person sat then.", max_length=2)),
                        (
                            "address",
                            models.CharField(
                                blank=True, help_text="As seen past the proxies that are ours.", max_length=45
                            ),
                        ),
                        ("asked", models.CharField(blank=True, help_text="Method and range.", max_length=120)),
                        ("outcome", models.CharField(help_text="granted, or the code of the refusal.", max_length=40)),
                        (
                            "hash",
                            models.BinaryField(
                                help_text="SHA-256 over the hash before it and this entry's canonical JSON.",
                                max_length=32,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "access entries",
                        "ordering": ["-id"],
                        "permissions": [("report_sights", "Can tell an owner who saw their clips")],
                        "default_permissions": ("view",),
                        "indexes": [
                            models.Index(fields=["clip", "id"], name="access_by_clip"),
                            models.Index(
                                condition=models.Q(("under", "export")), fields=["under_id"], name="access_by_export"
                            ),
                            django.contrib.postgres.indexes.BrinIndex(
                                autosummarize=True, fields=["at"], name="access_by_time"
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("stream", "number"), name="access_numbered_once"),
                            models.CheckConstraint(
                                condition=models.Q(("number__gte", 1)), name="access_numbered_from_one"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Case",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="cases", to="clips.clip"
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
                        (
                            "state",
                            models.CharField(
                                choices=[("open", "Open"), ("decided", "Decided")], default="open", max_length=16
                            ),
                        ),
                        ("opened_at", models.DateTimeField()),
                        (
                            "due_at",
                            models.DateTimeField(blank=True, help_text="When it should have been decided.", null=True),
                        ),
                        (
                            "decision",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("show", "Show it again as it is"),
                                    ("show_to_cleared", "Show it only to people cleared for sensitive footage"),
                                    ("prepare_again", "Prepare it again from the original"),
                                    ("withhold", "Never show it again"),
                                    ("handled", "Handled; the clip stays as it is"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("reason", models.CharField(blank=True, help_text="Why it was decided so.", max_length=300)),
                        (
                            "decided_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("decided_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["due_at", "-id"],
                        "permissions": [
                            ("decide_sensitive", "Can decide cases of sensitive footage"),
                            (
                                "list_sensitive",
                                "Can read what is known of sensitive and quarantined footage, without seeing it",
                            ),
                        ],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="case_due"
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("state", "open")), fields=("clip", "kind"), name="case_open_once"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state__in", ("decided",)), ("due_at__isnull", False), _connector="OR"
                                ),
                                name="case_waits_with_due_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["open", "decided"])), name="case_state_known"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state", "open"),
                                    models.Q(
                                        models.Q(("decision", ""), _negated=True),
                                        models.Q(("reason", ""), _negated=True),
                                        ("decided_at__isnull", False),
                                        ("decided_by__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="case_decided_by_somebody_with_reason",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Disclosure",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "version",
                            models.SlugField(help_text="Such as in-en-2026-11; used once.", max_length=64, unique=True),
                        ),
                        ("region", models.CharField(max_length=16)),
                        ("language", models.CharField(help_text="BCP 47, such as en-IN.", max_length=16)),
                        ("text", models.TextField()),
                        (
                            "sha256",
                            models.CharField(editable=False, help_text="Of the text's UTF-8 bytes.", max_length=64),
                        ),
                        (
                            "checklist",
                            models.JSONField(
                                db_default={},
                                default=dict,
                                help_text="For each point that it must make, the passage that makes it.",
                            ),
                        ),
                        ("published_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "published_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["region", "language", "-published_at", "version"],
                    },
                ),
                migrations.CreateModel(
                    name="ConsentEvent",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(choices=[("given", "Given"), ("withdrawn", "Withdrawn")], max_length=16),
                        ),
                        (
                            "owner_key",
                            models.CharField(
                                max_length=64,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "\\A[A-Za-z0-9_-]{8,64}\\Z",
                                        "An owner is a pseudonymous key of 8 to 64 letters, digits, - and _; never a name or an address.",
                                    )
                                ],
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                help_text="Empty: all clips of the owner, those to come too.",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="consent_events",
                                to="clips.clip",
                            ),
                        ),
                        (
                            "purposes",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(
                                    choices=[
                                        ("troubleshooting", "Troubleshooting"),
                                        ("human_review", "Human review"),
                                        ("model_training", "Model training"),
                                    ],
                                    max_length=32,
                                ),
                                size=None,
                            ),
                        ),
                        (
                            "disclosure",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="consent_events",
                                to="clips.disclosure",
                            ),
                        ),
                        (
                            "disclosure_sha256",
                            models.CharField(
                                blank=True,
                                db_default="",
                                editable=False,
                                help_text="Of the text that was shown.",
                                max_length=64,
                            ),
                        ),
                        (
                            "channel",
                            models.CharField(
                                choices=[
                                    ("app", "In the app"),
                                    ("web", "On the web"),
                                    ("paper", "On paper"),
                                    ("desk", "Through our staff"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("at", models.DateTimeField(help_text="When the owner acted.")),
                        (
                            "expires_at",
                            models.DateTimeField(blank=True, help_text="From then on it no longer stands.", null=True),
                        ),
                        (
                            "withdraws",
                            models.ForeignKey(
                                blank=True,
                                help_text="The event that was named when it was taken back; what ends is all that stood for its clip or owner.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="withdrawals",
                                to="clips.consentevent",
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(
                                blank=True, db_default="", help_text="As the owner or staff put it.", max_length=300
                            ),
                        ),
                        (
                            "actor",
                            models.ForeignKey(
                                help_text="Who told us.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "key",
                            models.CharField(
                                blank=True,
                                db_default="",
                                help_text="The sender's Idempotency-Key: a repeat is this event.",
                                max_length=255,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "permissions": [("view_owner", "Can see everything that is held of an owner")],
                        "indexes": [
                            models.Index(fields=["owner_key", "id"], name="consent_event_by_owner"),
                            models.Index(fields=["recorded_at"], name="consent_event_by_time"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("kind__in", ["given", "withdrawn"])),
                                name="consent_event_kind_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("purposes__len__gte", 1)), name="consent_event_names_a_purpose"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("purposes__contained_by", ["troubleshooting", "human_review", "model_training"])
                                ),
                                name="consent_event_purposes_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("disclosure__isnull", False), ("kind", "given"), ("withdraws", None)),
                                    models.Q(("disclosure", None), ("expires_at", None), ("kind", "withdrawn")),
                                    _connector="OR",
                                ),
                                name="consent_event_is_one_kind",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("expires_at", None), ("expires_at__gt", models.F("at")), _connector="OR"
                                ),
                                name="consent_event_expires_later",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("key", ""), _negated=True),
                                fields=("actor", "key"),
                                name="consent_event_once_per_key",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Permit",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="permits",
                                to="clips.clip",
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
                                max_length=32,
                            ),
                        ),
                        (
                            "event",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="permits",
                                to="clips.consentevent",
                            ),
                        ),
                        ("until", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(
                                    ("until__lt", datetime.datetime(9999, 1, 1, 0, 0, tzinfo=datetime.UTC))
                                ),
                                fields=["until"],
                                name="permit_ends",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("clip", "purpose"), include=("until",), name="permit_once_per_purpose"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Closing",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE, related_name="closing", to="clips.clip"
                            ),
                        ),
                        (
                            "event",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="closings",
                                to="clips.consentevent",
                            ),
                        ),
                        ("due_at", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [models.Index(fields=["due_at"], name="closing_due")],
                    },
                ),
                migrations.CreateModel(
                    name="DeviceEvent",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT, related_name="event", to="clips.clip"
                            ),
                        ),
                        ("device_model", models.CharField(blank=True, max_length=80)),
                        ("detector_version", models.CharField(blank=True, max_length=40)),
                        ("happened_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "said",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SlugField(max_length=40),
                                default=list,
                                help_text="What it detected, such as person or glass-break.",
                                size=None,
                            ),
                        ),
                        (
                            "detections",
                            models.JSONField(
                                default=list, help_text="said, score (0 to 1) and zone of each detection."
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                    },
                ),
                migrations.CreateModel(
                    name="Need",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("region", models.CharField(max_length=16)),
                        ("clip_kind", models.CharField(choices=[("video", "Video"), ("voice", "Voice")], max_length=8)),
                        ("faces", models.CharField(choices=[("blurred", "Blurred"), ("clear", "Clear")], max_length=8)),
                        ("since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        "ordering": ["region", "clip_kind", "faces"],
                        "constraints": [
                            models.UniqueConstraint(fields=("region", "clip_kind", "faces"), name="need_once"),
                            models.CheckConstraint(
                                condition=models.Q(("faces__in", ["blurred", "clear"])), name="need_faces_known"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Addition",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="additions", to="clips.clip"
                            ),
                        ),
                        ("faces", models.CharField(choices=[("blurred", "Blurred"), ("clear", "Clear")], max_length=8)),
                        (
                            "attempts",
                            models.PositiveSmallIntegerField(
                                default=0, help_text="How often it has begun; fences late workers."
                            ),
                        ),
                        (
                            "due_at",
                            models.DateTimeField(
                                blank=True, help_text="When somebody looks at it next. None: it failed.", null=True
                            ),
                        ),
                        ("failure", models.TextField(blank=True, help_text="Why it could not be made.")),
                        ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="addition_due"
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("clip", "faces"), name="addition_once"),
                            models.CheckConstraint(
                                condition=models.Q(("faces__in", ["blurred", "clear"])), name="addition_faces_known"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("due_at__isnull", False), models.Q(("failure", ""), _negated=True), _connector="OR"
                                ),
                                name="addition_failed_has_reason",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="LegalHold",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="holds",
                                to="clips.clip",
                            ),
                        ),
                        (
                            "owner_key",
                            models.CharField(
                                blank=True,
                                help_text="All clips of this owner.",
                                max_length=64,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "\\A[A-Za-z0-9_-]{8,64}\\Z",
                                        "An owner is a pseudonymous key of 8 to 64 letters, digits, - and _; never a name or an address.",
                                    )
                                ],
                            ),
                        ),
                        (
                            "region",
                            models.CharField(
                                blank=True,
                                help_text="All clips of this region that arrived from the first to the last day.",
                                max_length=16,
                            ),
                        ),
                        ("arrived_from", models.DateTimeField(blank=True, null=True)),
                        ("arrived_until", models.DateTimeField(blank=True, null=True)),
                        (
                            "reason",
                            models.CharField(
                                help_text="Why it must be kept: which matter, whose demand.", max_length=300
                            ),
                        ),
                        (
                            "author",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ("starts_at", models.DateTimeField()),
                        (
                            "ends_at",
                            models.DateTimeField(
                                help_text="Then what waits is purged by itself. It can be put off, with a reason."
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [models.Index(fields=["ends_at"], name="hold_by_end")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("ends_at__gte", models.F("starts_at"))),
                                name="hold_ends_after_it_begins",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("reason", ""), _negated=True), name="hold_has_reason"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("arrived_from__isnull", True),
                                        ("arrived_until__isnull", True),
                                        ("clip__isnull", False),
                                        ("owner_key", ""),
                                        ("region", ""),
                                    ),
                                    models.Q(
                                        models.Q(("owner_key", ""), _negated=True),
                                        ("arrived_from__isnull", True),
                                        ("arrived_until__isnull", True),
                                        ("clip__isnull", True),
                                        ("region", ""),
                                    ),
                                    models.Q(
                                        models.Q(("region", ""), _negated=True),
                                        ("arrived_from__isnull", False),
                                        ("arrived_until__gt", models.F("arrived_from")),
                                        ("clip__isnull", True),
                                        ("owner_key", ""),
                                    ),
                                    _connector="OR",
                                ),
                                name="hold_names_one_thing",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."ends_at" IS DISTINCT FROM (NEW."ends_at"))',
                                    func='INSERT INTO "clips_legalholdchange" ("ends_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."ends_at", _pgh_attach_context(), NOW(), \'from\', OLD."id"); RETURN NULL;',
                                    hash="e5bc63392e7ee7c68731a55e652909e5c8cb381c",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_246c0",
                                    table="clips_legalhold",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."ends_at" IS DISTINCT FROM (NEW."ends_at"))',
                                    func='INSERT INTO "clips_legalholdchange" ("ends_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."ends_at", _pgh_attach_context(), NOW(), \'to\', NEW."id"); RETURN NULL;',
                                    hash="f2167346ddf95358c505773fce273d94efcf858f",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_898a2",
                                    table="clips_legalhold",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="LegalHoldChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="ends_at_events",
                                to="clips.legalhold",
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
                            "ends_at",
                            models.DateTimeField(
                                help_text="Then what waits is purged by itself. It can be put off, with a reason."
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
                                    hash="76d67ceeecdbcc147e4cc6d0b66271359ac58e5b",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_081c0",
                                    table="clips_legalholdchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="LegalRequest",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("authority", models.CharField(help_text="Who asks.", max_length=200)),
                        ("reference", models.CharField(help_text="Their file number.", max_length=100)),
                        (
                            "legal_basis",
                            models.CharField(
                                help_text="The law and the order under which they may ask.", max_length=300
                            ),
                        ),
                        ("region", models.CharField(help_text="Where the clips live.", max_length=16)),
                        (
                            "owner_key",
                            models.CharField(
                                blank=True,
                                help_text="All clips of this owner in the region; or",
                                max_length=64,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "\\A[A-Za-z0-9_-]{8,64}\\Z",
                                        "An owner is a pseudonymous key of 8 to 64 letters, digits, - and _; never a name or an address.",
                                    )
                                ],
                            ),
                        ),
                        (
                            "clips",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BigIntegerField(),
                                blank=True,
                                default=list,
                                help_text="the numbers of single clips, comma-separated.",
                                size=None,
                            ),
                        ),
                        (
                            "viewers",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.IntegerField(),
                                default=list,
                                help_text="The members of staff who may be shown the clips.",
                                size=None,
                            ),
                        ),
                        (
                            "entered_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("entered_at", models.DateTimeField()),
                        ("ends_at", models.DateTimeField(help_text="Nobody is shown anything after that.")),
                        (
                            "state",
                            models.CharField(
                                choices=[("waiting", "Waiting"), ("approved", "Approved"), ("refused", "Refused")],
                                default="waiting",
                                max_length=16,
                            ),
                        ),
                        (
                            "first_approver",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("first_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "second_approver",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("second_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "refused_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "decision_reason",
                            models.CharField(blank=True, help_text="What the last word on it said.", max_length=300),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "permissions": [("approve_legalrequest", "Can approve or refuse what authorities ask")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["waiting", "approved", "refused"])),
                                name="legal_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("ends_at__gte", models.F("entered_at"))),
                                name="legal_ends_after_it_begins",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("clips__len", 0), ("owner_key", ""), _negated=True),
                                name="legal_names_clips_or_owner",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("first_approver__isnull", True),
                                    models.Q(("first_approver", models.F("entered_by")), _negated=True),
                                    _connector="OR",
                                ),
                                name="legal_first_did_not_enter_it",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("second_approver__isnull", True),
                                    models.Q(
                                        ("first_approver__isnull", False),
                                        models.Q(("second_approver", models.F("entered_by")), _negated=True),
                                        models.Q(("second_approver", models.F("first_approver")), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="legal_second_is_somebody_else",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "approved"), _negated=True),
                                    models.Q(
                                        ("first_approver__isnull", False),
                                        ("refused_by__isnull", True),
                                        ("second_approver__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="legal_approved_by_two",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("refused_by__isnull", False), ("state", "refused")),
                                    models.Q(
                                        models.Q(("state", "refused"), _negated=True), ("refused_by__isnull", True)
                                    ),
                                    _connector="OR",
                                ),
                                name="legal_refused_by_somebody",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("refused_by__isnull", True),
                                    models.Q(("refused_by", models.F("entered_by")), _negated=True),
                                    _connector="OR",
                                ),
                                name="legal_refused_by_another",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="scope_is_fixed",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."authority" IS DISTINCT FROM (NEW."authority") OR OLD."reference" IS DISTINCT FROM (NEW."reference") OR OLD."legal_basis" IS DISTINCT FROM (NEW."legal_basis") OR OLD."region" IS DISTINCT FROM (NEW."region") OR OLD."owner_key" IS DISTINCT FROM (NEW."owner_key") OR OLD."clips" IS DISTINCT FROM (NEW."clips") OR OLD."viewers" IS DISTINCT FROM (NEW."viewers") OR OLD."entered_by_id" IS DISTINCT FROM (NEW."entered_by_id") OR OLD."entered_at" IS DISTINCT FROM (NEW."entered_at"))',
                                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                                    hash="4fbefd71d42526a6fefaac5e2fbe07d46e269d0b",
                                    operation="UPDATE",
                                    pgid="pgtrigger_scope_is_fixed_64384",
                                    table="clips_legalrequest",
                                    when="BEFORE",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="never_deleted",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                                    hash="a27ac913af72a532f6077cccb3131f6fc1074a9e",
                                    operation="DELETE",
                                    pgid="pgtrigger_never_deleted_96dea",
                                    table="clips_legalrequest",
                                    when="BEFORE",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."decision_reason" IS DISTINCT FROM (NEW."decision_reason") OR OLD."ends_at" IS DISTINCT FROM (NEW."ends_at") OR OLD."first_approver_id" IS DISTINCT FROM (NEW."first_approver_id") OR OLD."refused_by_id" IS DISTINCT FROM (NEW."refused_by_id") OR OLD."second_approver_id" IS DISTINCT FROM (NEW."second_approver_id") OR OLD."state" IS DISTINCT FROM (NEW."state"))',
                                    func='INSERT INTO "clips_legalrequestchange" ("decision_reason", "ends_at", "first_approver_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "refused_by_id", "second_approver_id", "state") VALUES (OLD."decision_reason", OLD."ends_at", OLD."first_approver_id", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."refused_by_id", OLD."second_approver_id", OLD."state"); RETURN NULL;',
                                    hash="aea7adf30669b46fac695e837d215fc72566ef53",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_ce3dc",
                                    table="clips_legalrequest",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."decision_reason" IS DISTINCT FROM (NEW."decision_reason") OR OLD."ends_at" IS DISTINCT FROM (NEW."ends_at") OR OLD."first_approver_id" IS DISTINCT FROM (NEW."first_approver_id") OR OLD."refused_by_id" IS DISTINCT FROM (NEW."refused_by_id") OR OLD."second_approver_id" IS DISTINCT FROM (NEW."second_approver_id") OR OLD."state" IS DISTINCT FROM (NEW."state"))',
                                    func='INSERT INTO "clips_legalrequestchange" ("decision_reason", "ends_at", "first_approver_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "refused_by_id", "second_approver_id", "state") VALUES (NEW."decision_reason", NEW."ends_at", NEW."first_approver_id", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."refused_by_id", NEW."second_approver_id", NEW."state"); RETURN NULL;',
                                    hash="0324db435f01438b938e14ba263ad91e2843cb26",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_5337d",
                                    table="clips_legalrequest",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="LegalRequestChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="state_first_approver_second_approver_refused_by_decision_reason_ends_at_events",
                                to="clips.legalrequest",
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
                                choices=[("waiting", "Waiting"), ("approved", "Approved"), ("refused", "Refused")],
                                default="waiting",
                                max_length=16,
                            ),
                        ),
                        (
                            "first_approver",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "second_approver",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "refused_by",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "decision_reason",
                            models.CharField(blank=True, help_text="What the last word on it said.", max_length=300),
                        ),
                        ("ends_at", models.DateTimeField(help_text="Nobody is shown anything after that.")),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": (),
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="append_only",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                                    hash="20b99345b14fd6cb78b8c199aea04fc6fc3ff565",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_bcbb3",
                                    table="clips_legalrequestchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Print",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT, related_name="print", to="clips.clip"
                            ),
                        ),
                        (
                            "picture",
                            models.BinaryField(default=bytes, help_text="Hashes of pictures; empty without pictures."),
                        ),
                        (
                            "sound",
                            models.BinaryField(
                                default=bytes, help_text="Fingerprint of the sound; empty without sound."
                            ),
                        ),
                        (
                            "words",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BigIntegerField(),
                                default=list,
                                help_text="The telling parts of both: a copy shares some of them.",
                                size=None,
                            ),
                        ),
                        ("compared_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("compared_at", None)), fields=["id"], name="print_to_compare"
                            ),
                            django.contrib.postgres.indexes.GinIndex(fields=["words"], name="print_by_word"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Likeness",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                help_text="The later one.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="likenesses",
                                to="clips.clip",
                            ),
                        ),
                        (
                            "other",
                            models.ForeignKey(
                                help_text="The earlier one.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="clips.clip",
                            ),
                        ),
                        (
                            "distance",
                            models.FloatField(
                                help_text="0 is the same; how far is near stands in clips/media/nearness.py."
                            ),
                        ),
                        (
                            "verdict",
                            models.CharField(
                                choices=[
                                    ("waiting", "Not looked at"),
                                    ("same", "The same; only one is labelled"),
                                    ("different", "Different"),
                                ],
                                default="waiting",
                                max_length=16,
                            ),
                        ),
                        ("found_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        "verbose_name_plural": "likenesses",
                        "ordering": ["-id"],
                        "indexes": [models.Index(fields=["verdict", "id"], name="likeness_by_verdict")],
                        "constraints": [
                            models.UniqueConstraint(fields=("clip", "other"), name="likeness_once"),
                            models.CheckConstraint(
                                condition=models.Q(("clip__gt", models.F("other"))), name="likeness_later_first"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RetentionRule",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("region", models.CharField(blank=True, help_text="Blank: every region.", max_length=16)),
                        (
                            "source",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("owner_troubleshooting", "Owner's troubleshooting"),
                                    ("employee_tester", "Employee tester"),
                                ],
                                help_text="Blank: every source.",
                                max_length=32,
                            ),
                        ),
                        (
                            "since",
                            models.CharField(
                                choices=[
                                    ("upload", "its upload"),
                                    ("last_use", "its last use"),
                                    ("decision", "the last decision about it"),
                                    ("withheld", "it was withheld"),
                                    ("quarantined", "it was quarantined, and nobody decided"),
                                ],
                                help_text="From when the days are counted.",
                                max_length=16,
                            ),
                        ),
                        (
                            "days",
                            models.PositiveIntegerField(
                                blank=True,
                                help_text="After so many days a clip is purged. Blank: none is purged on this count.",
                                null=True,
                            ),
                        ),
                        ("reason", models.CharField(help_text="Which law or promise asks for it.", max_length=300)),
                        (
                            "author",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["since", "region", "source", "-id"], name="retention_in_force")
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("reason", ""), _negated=True), name="retention_has_reason"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("since__in", ["upload", "last_use", "decision", "withheld", "quarantined"])
                                ),
                                name="retention_since_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("days", None), ("days__lte", 36500), _connector="OR"),
                                name="retention_days_make_sense",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("since", "quarantined"), _negated=True),
                                    ("days__isnull", False),
                                    _connector="OR",
                                ),
                                name="retention_disposal_has_deadline",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="only_added",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                                    hash="cc98edc4b860b6a49a89c483c2fc7438cf080a63",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_only_added_edfcc",
                                    table="clips_retentionrule",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Purge",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT, related_name="purge", to="clips.clip"
                            ),
                        ),
                        ("region", models.CharField(max_length=16)),
                        (
                            "reason",
                            models.CharField(
                                choices=[
                                    ("withdrawn", "Its owner withdrew the consent"),
                                    ("erasure", "Its owner asked for erasure"),
                                    ("retention", "Its time here is over"),
                                    ("undecided", "Nobody decided its case by the disposal deadline"),
                                    ("withheld", "Staff withheld it"),
                                    ("replayed", "It was purged before, and a backup brought it back"),
                                ],
                                max_length=16,
                            ),
                        ),
                        (
                            "rule",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="purges",
                                to="clips.retentionrule",
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting"),
                                    ("held", "Held"),
                                    ("running", "Running"),
                                    ("settling", "Looking again"),
                                    ("done", "Done"),
                                ],
                                default="waiting",
                                max_length=16,
                            ),
                        ),
                        (
                            "asked_at",
                            models.DateTimeField(
                                help_text="A consent given by then is no ground to take the same bytes in again."
                            ),
                        ),
                        ("state_since", models.DateTimeField()),
                        (
                            "due_at",
                            models.DateTimeField(
                                blank=True, help_text="When a sweep looks at it if nothing moves it.", null=True
                            ),
                        ),
                        (
                            "quiet_at",
                            models.DateTimeField(
                                help_text="Until then a worker or a sender that began before may still be writing; it is done no sooner."
                            ),
                        ),
                        (
                            "attempts",
                            models.PositiveIntegerField(default=0, help_text="How often it has begun; a fence."),
                        ),
                        (
                            "failures",
                            models.PositiveIntegerField(
                                default=0, help_text="How often in a row it could not be finished."
                            ),
                        ),
                        ("failure", models.CharField(blank=True, help_text="Why it is not done yet.", max_length=200)),
                        (
                            "held_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="purges",
                                to="clips.legalhold",
                            ),
                        ),
                        (
                            "removed",
                            models.PositiveIntegerField(
                                default=0, help_text="Files, versions, marks and parts that were removed."
                            ),
                        ),
                        (
                            "done_at",
                            models.DateTimeField(
                                blank=True, help_text="When the store's own list was empty.", null=True
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="purge_due"
                            )
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state__in", ("done",)), ("due_at__isnull", False), _connector="OR"
                                ),
                                name="purge_waits_with_due_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["waiting", "held", "running", "settling", "done"])),
                                name="purge_state_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("held_by__isnull", False), ("state", "held")),
                                    models.Q(models.Q(("state", "held"), _negated=True), ("held_by__isnull", True)),
                                    _connector="OR",
                                ),
                                name="purge_held_by_a_hold",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("done_at__isnull", False), ("state", "done")),
                                    models.Q(models.Q(("state", "done"), _negated=True), ("done_at__isnull", True)),
                                    _connector="OR",
                                ),
                                name="purge_done_has_time",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PurgedKey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("alias", models.CharField(help_text="The storage.", max_length=40)),
                        ("folder", models.CharField(help_text="The folder in it.", max_length=64)),
                        ("clip", models.BigIntegerField(help_text="The clip's number.")),
                        (
                            "digest",
                            models.CharField(
                                db_index=True,
                                help_text="Keyed hash of owner, region and bytes: recognises them, names nobody.",
                                max_length=64,
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(
                                choices=[
                                    ("withdrawn", "Its owner withdrew the consent"),
                                    ("erasure", "Its owner asked for erasure"),
                                    ("retention", "Its time here is over"),
                                    ("undecided", "Nobody decided its case by the disposal deadline"),
                                    ("withheld", "Staff withheld it"),
                                    ("replayed", "It was purged before, and a backup brought it back"),
                                ],
                                max_length=16,
                            ),
                        ),
                        (
                            "is_barred",
                            models.BooleanField(
                                default=False,
                                help_text="Staff withheld it: it is not taken in again under any consent.",
                            ),
                        ),
                        (
                            "asked_at",
                            models.DateTimeField(
                                help_text="Only a consent given later is a ground to take the same bytes in."
                            ),
                        ),
                        (
                            "seal",
                            models.CharField(
                                help_text="Keyed hash of this line: what is replayed was written by us.", max_length=64
                            ),
                        ),
                        ("written_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        "verbose_name": "purge ledger line",
                        "verbose_name_plural": "purge ledger lines",
                        "ordering": ["-id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("alias", "folder"), name="purged_key_once"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("folder", ""), _negated=True), models.Q(("alias", ""), _negated=True)
                                ),
                                name="purged_key_names_a_folder",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="append_only",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                                    hash="eab7a3795fa904c08fac67daaa65f741c462974e",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_a3145",
                                    table="clips_purgedkey",
                                    when="BEFORE",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="not_emptied",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func="RAISE EXCEPTION 'pgtrigger: Cannot empty the purge ledger';",
                                    hash="c847727e85356f6cf093c4a585b2930be905c504",
                                    level="STATEMENT",
                                    operation="TRUNCATE",
                                    pgid="pgtrigger_not_emptied_f25c5",
                                    table="clips_purgedkey",
                                    when="BEFORE",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Rendition",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="renditions", to="clips.clip"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("proxy", "Proxy, clear"),
                                    ("poster", "Poster, clear"),
                                    ("sprite", "Sprite, clear"),
                                    ("blurred_proxy", "Proxy, faces blurred"),
                                    ("blurred_poster", "Poster, faces blurred"),
                                    ("blurred_sprite", "Sprite, faces blurred"),
                                    ("sprite_index", "Sprite index"),
                                    ("peaks", "Peaks"),
                                    ("frame_map", "Frame map"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("attempt", models.PositiveSmallIntegerField(help_text="The attempt that made it.")),
                        ("key", models.CharField(max_length=200, unique=True)),
                        ("content_type", models.CharField(max_length=40)),
                        ("size_bytes", models.PositiveBigIntegerField()),
                        ("sha256", models.CharField(max_length=64)),
                        ("width", models.PositiveIntegerField()),
                        ("height", models.PositiveIntegerField()),
                        ("duration_ms", models.PositiveIntegerField(default=0)),
                        ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        "ordering": ["clip_id", "kind"],
                        "constraints": [
                            models.UniqueConstraint(fields=("clip", "kind"), name="rendition_one_of_each_kind")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="OwnerRequest",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "owner_key",
                            models.CharField(
                                max_length=64,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "\\A[A-Za-z0-9_-]{8,64}\\Z",
                                        "An owner is a pseudonymous key of 8 to 64 letters, digits, - and _; never a name or an address.",
                                    )
                                ],
                            ),
                        ),
                        ("region", models.CharField(max_length=16)),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("access", "Access"),
                                    ("erasure", "Erasure"),
                                    ("restriction", "Restriction"),
                                    ("rectification", "Rectification"),
                                    ("portability", "A copy to take away"),
                                    ("objection", "Objection"),
                                ],
                                max_length=16,
                            ),
                        ),
                        (
                            "law",
                            models.CharField(
                                choices=[
                                    ("gdpr", "GDPR: one month, two more if it must be"),
                                    ("ccpa", "CCPA: 45 days, 45 more if it must be"),
                                    ("own", "Our own word: so many days"),
                                ],
                                max_length=8,
                            ),
                        ),
                        (
                            "own_days",
                            models.PositiveSmallIntegerField(
                                blank=True, help_text="For our own word: within how many days.", null=True
                            ),
                        ),
                        (
                            "received_at",
                            models.DateTimeField(help_text="When it reached us: the law counts from here."),
                        ),
                        (
                            "filed_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[("open", "Open"), ("closed", "Closed")], default="open", max_length=16
                            ),
                        ),
                        ("due_at", models.DateTimeField(help_text="By when it must be answered.")),
                        (
                            "extension_reason",
                            models.CharField(blank=True, help_text="Why it takes longer. Once only.", max_length=300),
                        ),
                        (
                            "is_carried_out",
                            models.BooleanField(
                                default=False,
                                help_text="Erasure was begun; the request closes itself when nothing is left.",
                            ),
                        ),
                        (
                            "outcome",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("done", "Done"),
                                    ("partly", "Done in part"),
                                    ("refused", "Refused"),
                                    ("mistaken", "Made by mistake, or taken back"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("closing_reason", models.CharField(blank=True, max_length=300)),
                        (
                            "closed_by",
                            models.ForeignKey(
                                blank=True,
                                help_text="Nobody: it closed itself.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("closed_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name": "request",
                        "ordering": ["due_at", "-id"],
                        "indexes": [
                            models.Index(condition=models.Q(("state", "open")), fields=["due_at"], name="request_due")
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("state__in", ["open", "closed"])), name="request_state_known"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("due_at__gt", models.F("received_at"))), name="request_due_later"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("law", "own"), ("own_days__gte", 1)),
                                    models.Q(models.Q(("law", "own"), _negated=True), ("own_days__isnull", True)),
                                    _connector="OR",
                                ),
                                name="request_own_word_has_days",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("closed_at__isnull", True), ("state", "open")),
                                    models.Q(
                                        ("closed_at__isnull", False),
                                        ("state", "closed"),
                                        models.Q(("outcome", ""), _negated=True),
                                        models.Q(("closing_reason", ""), _negated=True),
                                        models.Q(
                                            ("closed_by__isnull", False), ("is_carried_out", True), _connector="OR"
                                        ),
                                    ),
                                    _connector="OR",
                                ),
                                name="request_closed_with_reason",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("state", "open")),
                                fields=("owner_key", "region", "kind", "filed_by"),
                                name="request_open_once",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."closing_reason" IS DISTINCT FROM (NEW."closing_reason") OR OLD."due_at" IS DISTINCT FROM (NEW."due_at") OR OLD."extension_reason" IS DISTINCT FROM (NEW."extension_reason") OR OLD."is_carried_out" IS DISTINCT FROM (NEW."is_carried_out") OR OLD."outcome" IS DISTINCT FROM (NEW."outcome") OR OLD."state" IS DISTINCT FROM (NEW."state"))',
                                    func='INSERT INTO "clips_ownerrequestchange" ("closing_reason", "due_at", "extension_reason", "is_carried_out", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (OLD."closing_reason", OLD."due_at", OLD."extension_reason", OLD."is_carried_out", OLD."outcome", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."state"); RETURN NULL;',
                                    hash="4267a8e84cd7636ef9ca17f6391fccb4b3843d35",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_46d11",
                                    table="clips_ownerrequest",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."closing_reason" IS DISTINCT FROM (NEW."closing_reason") OR OLD."due_at" IS DISTINCT FROM (NEW."due_at") OR OLD."extension_reason" IS DISTINCT FROM (NEW."extension_reason") OR OLD."is_carried_out" IS DISTINCT FROM (NEW."is_carried_out") OR OLD."outcome" IS DISTINCT FROM (NEW."outcome") OR OLD."state" IS DISTINCT FROM (NEW."state"))',
                                    func='INSERT INTO "clips_ownerrequestchange" ("closing_reason", "due_at", "extension_reason", "is_carried_out", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (NEW."closing_reason", NEW."due_at", NEW."extension_reason", NEW."is_carried_out", NEW."outcome", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."state"); RETURN NULL;',
                                    hash="be999faaf2025c28b16beb34aabb5d9defd8c456",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_1f8c6",
                                    table="clips_ownerrequest",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="OwnerRequestChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="state_due_at_extension_reason_is_carried_out_outcome_closing_reason_events",
                                to="clips.ownerrequest",
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
                                choices=[("open", "Open"), ("closed", "Closed")], default="open", max_length=16
                            ),
                        ),
                        ("due_at", models.DateTimeField(help_text="By when it must be answered.")),
                        (
                            "extension_reason",
                            models.CharField(blank=True, help_text="Why it takes longer. Once only.", max_length=300),
                        ),
                        (
                            "is_carried_out",
                            models.BooleanField(
                                default=False,
                                help_text="Erasure was begun; the request closes itself when nothing is left.",
                            ),
                        ),
                        (
                            "outcome",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("done", "Done"),
                                    ("partly", "Done in part"),
                                    ("refused", "Refused"),
                                    ("mistaken", "Made by mistake, or taken back"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("closing_reason", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": (),
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="append_only",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                                    hash="c143b961fa165567590d2c82b0ef3203856e6369",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_8afdb",
                                    table="clips_ownerrequestchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Viewing",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "clip",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="viewings", to="clips.clip"
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "purpose",
                            models.CharField(
                                choices=[
                                    ("case", "Decide an open case"),
                                    ("likeness", "Judge whether two clips are the same"),
                                    ("adjudication", "Settle a disputed task"),
                                    ("preparation", "Find out why preparation failed"),
                                    ("erasure", "Check a request to erase"),
                                ],
                                max_length=16,
                            ),
                        ),
                        (
                            "case",
                            models.ForeignKey(
                                blank=True,
                                help_text="Which case it is for.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="viewings",
                                to="clips.case",
                            ),
                        ),
                        ("reason", models.CharField(max_length=300)),
                        ("opened_at", models.DateTimeField()),
                        ("ends_at", models.DateTimeField()),
                        (
                            "closed_at",
                            models.DateTimeField(
                                blank=True, help_text="When the person was done, if they said so.", null=True
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "default_permissions": ("view",),
                        "indexes": [models.Index(fields=["user", "clip", "ends_at"], name="viewing_of_a_person")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("purpose__in", ["case", "likeness", "adjudication", "preparation", "erasure"])
                                ),
                                name="viewing_purpose_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("case__isnull", False), ("purpose", "case")),
                                    models.Q(models.Q(("purpose", "case"), _negated=True), ("case", None)),
                                    _connector="OR",
                                ),
                                name="viewing_of_a_case_names_it",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("reason", ""), _negated=True), name="viewing_has_reason"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("ends_at__gt", models.F("opened_at"))), name="viewing_ends_later"
                            ),
                        ],
                    },
                ),
            ]
        ),
        sql.run("clips", "access"),
        sql.run("clips", "viewings"),
        sql.run("clips", "disclosures"),
        sql.run("clips", "permits"),
    ]
