"""The people, their days and their calendars. What no model says is SQL, in ``workforce/sql``."""

import datetime

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models

import workforce.days
import workforce.models.people
from config import sql


class Migration(migrations.Migration):
    replaces = [
        ("workforce", "0001_first"),
        ("workforce", "0002_days_and_limits"),
        ("workforce", "0003_history"),
        ("workforce", "0004_one_index_a_day"),
        ("workforce", "0005_exposure"),
        ("workforce", "0006_calendars"),
        ("workforce", "0007_calendar_guards"),
        ("workforce", "0008_staff_scopes"),
        ("workforce", "0009_staff_keep_their_reach"),
        ("workforce", "0010_working_hours"),
        ("workforce", "0011_keep_hours"),
        ("workforce", "0012_second_factors"),
    ]

    initial = True

    dependencies = [
        # Nothing of these is referred to. They refer to users, as much here does: run first, they find few models to make
        # anew with each step of theirs.
        ("knox", "0009_extend_authtoken_field"),
        ("otp_static", "0003_add_timestamps"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("otp_totp", "0003_add_timestamps"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        sql.MakeTables(
            [
                migrations.CreateModel(
                    name="Region",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "code",
                            models.CharField(
                                help_text="Short name of the region, as in the setting REGIONS; it names its storage and queue.",
                                max_length=16,
                                unique=True,
                                validators=[workforce.models.people.check_region_code],
                            ),
                        ),
                        ("name", models.CharField(max_length=80)),
                        (
                            "time_zone",
                            models.CharField(
                                help_text="IANA name, such as Asia/Kolkata.",
                                max_length=64,
                                validators=[workforce.days.check_zone],
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="Team",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "region",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="teams", to="workforce.region"
                            ),
                        ),
                        ("name", models.CharField(max_length=80, unique=True)),
                        (
                            "time_zone",
                            models.CharField(
                                help_text="The team's days begin and end by this zone.",
                                max_length=64,
                                validators=[workforce.days.check_zone],
                            ),
                        ),
                        (
                            "weight",
                            models.PositiveSmallIntegerField(
                                default=1,
                                help_text="Share of the region's work: a team of weight 2 is given twice as much as one of weight 1.",
                                validators=[django.core.validators.MinValueValidator(1)],
                            ),
                        ),
                        (
                            "exposure_minutes",
                            models.PositiveSmallIntegerField(
                                db_default=60,
                                default=60,
                                help_text="Minutes of sensitive or distressing footage that one of its people is handed in a day, at most.",
                                validators=[django.core.validators.MaxValueValidator(1440)],
                            ),
                        ),
                        (
                            "keeps_hours",
                            models.BooleanField(
                                db_default=False,
                                default=False,
                                help_text="On: its people are handed work in their working hours only, and no more than they can do in what is left of them. Off: whenever they ask.",
                            ),
                        ),
                        (
                            "is_paused",
                            models.BooleanField(default=False, help_text="On: nobody of the team is handed work."),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                        "constraints": [
                            models.CheckConstraint(condition=models.Q(("weight__gte", 1)), name="team_weight_positive")
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."exposure_minutes" IS DISTINCT FROM (NEW."exposure_minutes") OR OLD."is_paused" IS DISTINCT FROM (NEW."is_paused") OR OLD."keeps_hours" IS DISTINCT FROM (NEW."keeps_hours") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."weight" IS DISTINCT FROM (NEW."weight"))',
                                    func='INSERT INTO "workforce_teamchange" ("exposure_minutes", "is_paused", "keeps_hours", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "weight") VALUES (OLD."exposure_minutes", OLD."is_paused", OLD."keeps_hours", OLD."name", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."weight"); RETURN NULL;',
                                    hash="bd8698a4b38d4d10e13ce1767c8bf6d51007df44",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_96a93",
                                    table="workforce_team",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."exposure_minutes" IS DISTINCT FROM (NEW."exposure_minutes") OR OLD."is_paused" IS DISTINCT FROM (NEW."is_paused") OR OLD."keeps_hours" IS DISTINCT FROM (NEW."keeps_hours") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."weight" IS DISTINCT FROM (NEW."weight"))',
                                    func='INSERT INTO "workforce_teamchange" ("exposure_minutes", "is_paused", "keeps_hours", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "weight") VALUES (NEW."exposure_minutes", NEW."is_paused", NEW."keeps_hours", NEW."name", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."weight"); RETURN NULL;',
                                    hash="8abb3627461898ec22a32539be70ef538799d9a8",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_0c510",
                                    table="workforce_team",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TeamChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="name_weight_exposure_minutes_keeps_hours_is_paused_events",
                                to="workforce.team",
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
                        ("name", models.CharField(max_length=80)),
                        (
                            "weight",
                            models.PositiveSmallIntegerField(
                                default=1,
                                help_text="Share of the region's work: a team of weight 2 is given twice as much as one of weight 1.",
                                validators=[django.core.validators.MinValueValidator(1)],
                            ),
                        ),
                        (
                            "exposure_minutes",
                            models.PositiveSmallIntegerField(
                                db_default=60,
                                default=60,
                                help_text="Minutes of sensitive or distressing footage that one of its people is handed in a day, at most.",
                                validators=[django.core.validators.MaxValueValidator(1440)],
                            ),
                        ),
                        (
                            "keeps_hours",
                            models.BooleanField(
                                db_default=False,
                                default=False,
                                help_text="On: its people are handed work in their working hours only, and no more than they can do in what is left of them. Off: whenever they ask.",
                            ),
                        ),
                        (
                            "is_paused",
                            models.BooleanField(default=False, help_text="On: nobody of the team is handed work."),
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
                                    hash="f04d09ef22d613093cdc01df121b312548986ab9",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_368cd",
                                    table="workforce_teamchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Reviewer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="reviewer",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="reviewers",
                                to="workforce.team",
                            ),
                        ),
                        (
                            "country",
                            models.CharField(
                                help_text="Where this person sits (ISO 3166, two letters).",
                                max_length=2,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^[A-Z]{2}$", "Two capital letters, as in IN."
                                    )
                                ],
                            ),
                        ),
                        (
                            "pseudonym",
                            models.CharField(
                                default=workforce.models.people.new_pseudonym,
                                editable=False,
                                help_text="How exports and owners know this person.",
                                max_length=16,
                                unique=True,
                            ),
                        ),
                        (
                            "time_zone",
                            models.CharField(
                                help_text="The person's days begin and end by this zone. A change counts from their next day.",
                                max_length=64,
                                validators=[workforce.days.check_zone],
                            ),
                        ),
                        (
                            "next_time_zone",
                            models.CharField(
                                blank=True, editable=False, max_length=64, validators=[workforce.days.check_zone]
                            ),
                        ),
                        ("zone_changes_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        (
                            "skills",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SlugField(max_length=32),
                                blank=True,
                                default=list,
                                editable=False,
                                help_text="The skills in force; each is a row of its own.",
                                size=None,
                            ),
                        ),
                        (
                            "languages",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(
                                    max_length=8,
                                    validators=[
                                        django.core.validators.RegexValidator(
                                            "^[a-z]{2,3}$", "Two or three small letters (ISO 639), as in hi."
                                        )
                                    ],
                                ),
                                blank=True,
                                db_default=[],
                                default=list,
                                help_text="Two or three small letters (ISO 639), as in hi. Comma-separated, as in hi, te, en.",
                                size=None,
                            ),
                        ),
                        (
                            "starts_on",
                            models.DateField(
                                blank=True, help_text="The person's first day. Blank: has begun.", null=True
                            ),
                        ),
                        (
                            "ends_on",
                            models.DateField(
                                blank=True,
                                help_text="The person's last day; after it they can no longer work. Blank: no end.",
                                null=True,
                            ),
                        ),
                        (
                            "clearance",
                            models.PositiveSmallIntegerField(
                                choices=[(0, "Ordinary footage"), (1, "Sensitive footage too")],
                                default=0,
                                help_text="Which footage the person may be shown.",
                            ),
                        ),
                        (
                            "exposure_minutes",
                            models.PositiveSmallIntegerField(
                                blank=True,
                                help_text="Minutes of sensitive or distressing footage a day, at most. Blank: as the team says.",
                                null=True,
                                validators=[django.core.validators.MaxValueValidator(1440)],
                            ),
                        ),
                        (
                            "opted_out",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SlugField(max_length=32),
                                blank=True,
                                default=list,
                                editable=False,
                                size=None,
                            ),
                        ),
                        (
                            "is_paused",
                            models.BooleanField(default=False, help_text="On: the person is handed no work."),
                        ),
                        (
                            "paused_by_lapses",
                            models.BooleanField(
                                default=False,
                                editable=False,
                                help_text="The pause came from leases that lapsed; the person may end it.",
                            ),
                        ),
                        (
                            "lapses_in_row",
                            models.PositiveSmallIntegerField(
                                default=0, editable=False, help_text="Leases that lapsed since the last answer."
                            ),
                        ),
                        (
                            "is_active",
                            models.BooleanField(
                                default=True, help_text="Off: the person can no longer take or submit work."
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["user__username"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("starts_on__isnull", True),
                                    ("ends_on__isnull", True),
                                    ("ends_on__gte", models.F("starts_on")),
                                    _connector="OR",
                                ),
                                name="reviewer_ends_after_start",
                                violation_error_message="The last day is before the first.",
                            )
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."clearance" IS DISTINCT FROM (NEW."clearance") OR OLD."country" IS DISTINCT FROM (NEW."country") OR OLD."ends_on" IS DISTINCT FROM (NEW."ends_on") OR OLD."exposure_minutes" IS DISTINCT FROM (NEW."exposure_minutes") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."is_paused" IS DISTINCT FROM (NEW."is_paused") OR OLD."languages" IS DISTINCT FROM (NEW."languages") OR OLD."next_time_zone" IS DISTINCT FROM (NEW."next_time_zone") OR OLD."paused_by_lapses" IS DISTINCT FROM (NEW."paused_by_lapses") OR OLD."skills" IS DISTINCT FROM (NEW."skills") OR OLD."starts_on" IS DISTINCT FROM (NEW."starts_on") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id") OR OLD."time_zone" IS DISTINCT FROM (NEW."time_zone") OR OLD."zone_changes_at" IS DISTINCT FROM (NEW."zone_changes_at"))',
                                    func='INSERT INTO "workforce_reviewerchange" ("clearance", "country", "ends_on", "exposure_minutes", "is_active", "is_paused", "languages", "next_time_zone", "paused_by_lapses", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "skills", "starts_on", "team_id", "time_zone", "zone_changes_at") VALUES (OLD."clearance", OLD."country", OLD."ends_on", OLD."exposure_minutes", OLD."is_active", OLD."is_paused", OLD."languages", OLD."next_time_zone", OLD."paused_by_lapses", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."skills", OLD."starts_on", OLD."team_id", OLD."time_zone", OLD."zone_changes_at"); RETURN NULL;',
                                    hash="f6ef2275e80adda170aa108cd81ffd5c55b768f4",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_1908a",
                                    table="workforce_reviewer",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."clearance" IS DISTINCT FROM (NEW."clearance") OR OLD."country" IS DISTINCT FROM (NEW."country") OR OLD."ends_on" IS DISTINCT FROM (NEW."ends_on") OR OLD."exposure_minutes" IS DISTINCT FROM (NEW."exposure_minutes") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."is_paused" IS DISTINCT FROM (NEW."is_paused") OR OLD."languages" IS DISTINCT FROM (NEW."languages") OR OLD."next_time_zone" IS DISTINCT FROM (NEW."next_time_zone") OR OLD."paused_by_lapses" IS DISTINCT FROM (NEW."paused_by_lapses") OR OLD."skills" IS DISTINCT FROM (NEW."skills") OR OLD."starts_on" IS DISTINCT FROM (NEW."starts_on") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id") OR OLD."time_zone" IS DISTINCT FROM (NEW."time_zone") OR OLD."zone_changes_at" IS DISTINCT FROM (NEW."zone_changes_at"))',
                                    func='INSERT INTO "workforce_reviewerchange" ("clearance", "country", "ends_on", "exposure_minutes", "is_active", "is_paused", "languages", "next_time_zone", "paused_by_lapses", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "skills", "starts_on", "team_id", "time_zone", "zone_changes_at") VALUES (NEW."clearance", NEW."country", NEW."ends_on", NEW."exposure_minutes", NEW."is_active", NEW."is_paused", NEW."languages", NEW."next_time_zone", NEW."paused_by_lapses", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."skills", NEW."starts_on", NEW."team_id", NEW."time_zone", NEW."zone_changes_at"); RETURN NULL;',
                                    hash="f7eb575dc9d2254386d9f17a2337115a39321bcb",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_2a039",
                                    table="workforce_reviewer",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ReviewerChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="team_country_time_zone_next_time_zone_zone_changes_at_skills_clearance_languages_starts_on_ends_on_exposure_minutes_is_paused_paused_by_lapses_is_active_events",
                                to="workforce.reviewer",
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
                            "team",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.team",
                            ),
                        ),
                        (
                            "country",
                            models.CharField(
                                help_text="Where this person sits (ISO 3166, two letters).",
                                max_length=2,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^[A-Z]{2}$", "Two capital letters, as in IN."
                                    )
                                ],
                            ),
                        ),
                        (
                            "time_zone",
                            models.CharField(
                                help_text="The person's days begin and end by this zone. A change counts from their next day.",
                                max_length=64,
                                validators=[workforce.days.check_zone],
                            ),
                        ),
                        (
                            "next_time_zone",
                            models.CharField(
                                blank=True, editable=False, max_length=64, validators=[workforce.days.check_zone]
                            ),
                        ),
                        ("zone_changes_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        (
                            "skills",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SlugField(max_length=32),
                                blank=True,
                                default=list,
                                editable=False,
                                help_text="The skills in force; each is a row of its own.",
                                size=None,
                            ),
                        ),
                        (
                            "clearance",
                            models.PositiveSmallIntegerField(
                                choices=[(0, "Ordinary footage"), (1, "Sensitive footage too")],
                                default=0,
                                help_text="Which footage the person may be shown.",
                            ),
                        ),
                        (
                            "languages",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(
                                    max_length=8,
                                    validators=[
                                        django.core.validators.RegexValidator(
                                            "^[a-z]{2,3}$", "Two or three small letters (ISO 639), as in hi."
                                        )
                                    ],
                                ),
                                blank=True,
                                db_default=[],
                                default=list,
                                help_text="Two or three small letters (ISO 639), as in hi. Comma-separated, as in hi, te, en.",
                                size=None,
                            ),
                        ),
                        (
                            "starts_on",
                            models.DateField(
                                blank=True, help_text="The person's first day. Blank: has begun.", null=True
                            ),
                        ),
                        (
                            "ends_on",
                            models.DateField(
                                blank=True,
                                help_text="The person's last day; after it they can no longer work. Blank: no end.",
                                null=True,
                            ),
                        ),
                        (
                            "exposure_minutes",
                            models.PositiveSmallIntegerField(
                                blank=True,
                                help_text="Minutes of sensitive or distressing footage a day, at most. Blank: as the team says.",
                                null=True,
                                validators=[django.core.validators.MaxValueValidator(1440)],
                            ),
                        ),
                        (
                            "is_paused",
                            models.BooleanField(default=False, help_text="On: the person is handed no work."),
                        ),
                        (
                            "paused_by_lapses",
                            models.BooleanField(
                                default=False,
                                editable=False,
                                help_text="The pause came from leases that lapsed; the person may end it.",
                            ),
                        ),
                        (
                            "is_active",
                            models.BooleanField(
                                default=True, help_text="Off: the person can no longer take or submit work."
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
                                    hash="a01a941788c648c4ca1ff41b3181553ce5248631",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_8ca8e",
                                    table="workforce_reviewerchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SignInTries",
                    fields=[
                        ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                        ("since", models.DateTimeField()),
                        ("count", models.PositiveIntegerField()),
                    ],
                    options={
                        "verbose_name_plural": "sign-in tries",
                    },
                ),
                migrations.CreateModel(
                    name="ResidencyBasis",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "region",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="bases", to="workforce.region"
                            ),
                        ),
                        (
                            "country",
                            models.CharField(
                                max_length=2,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^[A-Z]{2}$", "Two capital letters, as in IN."
                                    )
                                ],
                            ),
                        ),
                        (
                            "basis",
                            models.CharField(help_text="The law, contract or decision that allows it.", max_length=200),
                        ),
                        (
                            "author",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("starts_at", models.DateTimeField()),
                        (
                            "ends_at",
                            models.DateTimeField(blank=True, help_text="Blank while it is without end.", null=True),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "residency bases",
                        "ordering": ["region", "country", "-starts_at"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("ends_at__isnull", True), ("ends_at__gt", models.F("starts_at")), _connector="OR"
                                ),
                                name="residency_basis_ends_later",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DailyLimit",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "level",
                            models.CharField(
                                choices=[
                                    ("global", "Everybody"),
                                    ("region", "A region"),
                                    ("team", "A team"),
                                    ("reviewer", "A reviewer"),
                                    ("day", "A reviewer's one day"),
                                ],
                                max_length=16,
                            ),
                        ),
                        (
                            "region",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="limits",
                                to="workforce.region",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="limits",
                                to="workforce.team",
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="limits",
                                to="workforce.reviewer",
                            ),
                        ),
                        ("value", models.PositiveIntegerField(help_text="Clips a day.")),
                        (
                            "from_day",
                            models.DateField(help_text="The local day from which it counts; for one day, that day."),
                        ),
                        ("reason", models.CharField(max_length=300)),
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
                            models.Index(fields=["reviewer", "from_day"], name="daily_limit_of_reviewer"),
                            models.Index(fields=["level", "team", "region"], name="daily_limit_by_level"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("level", "global"), ("region", None), ("reviewer", None), ("team", None)),
                                    models.Q(
                                        ("level", "region"),
                                        ("region__isnull", False),
                                        ("reviewer", None),
                                        ("team", None),
                                    ),
                                    models.Q(
                                        ("level", "team"), ("region", None), ("reviewer", None), ("team__isnull", False)
                                    ),
                                    models.Q(
                                        ("level__in", ["reviewer", "day"]),
                                        ("region", None),
                                        ("reviewer__isnull", False),
                                        ("team", None),
                                    ),
                                    _connector="OR",
                                ),
                                name="daily_limit_names_what_its_level_says",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("reason", ""), _negated=True), name="daily_limit_has_reason"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="QuotaDay",
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
                                related_name="quota_days",
                                to="workforce.reviewer",
                            ),
                        ),
                        ("day", models.DateField(help_text="The reviewer's local date when the work was granted.")),
                        ("time_zone", models.CharField(help_text="The zone that made this the date.", max_length=64)),
                        ("day_limit", models.PositiveIntegerField(help_text="What the limits say for this day.")),
                        (
                            "limit_source",
                            models.CharField(
                                choices=[
                                    ("global", "Everybody"),
                                    ("region", "A region"),
                                    ("team", "A team"),
                                    ("reviewer", "A reviewer"),
                                    ("day", "A reviewer's one day"),
                                ],
                                help_text="Which limit said so.",
                                max_length=16,
                            ),
                        ),
                        ("allowed", models.PositiveIntegerField()),
                        ("used", models.PositiveIntegerField(default=0)),
                        ("held", models.PositiveIntegerField(default=0)),
                        (
                            "skips",
                            models.PositiveIntegerField(default=0, help_text="Tasks skipped with a reason; capped."),
                        ),
                        (
                            "exposed_ms",
                            models.PositiveIntegerField(
                                db_default=0,
                                default=0,
                                help_text="Sensitive or distressing footage that was handed out, in milliseconds.",
                            ),
                        ),
                        (
                            "exposure_allowed_ms",
                            models.PositiveIntegerField(
                                db_default=0,
                                default=0,
                                help_text="What was allowed of it when some was last handed out.",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-day", "reviewer_id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("reviewer", "day"), name="quota_day_once"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "allowed__gte",
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("used"), "+", models.F("held")
                                        ),
                                    )
                                ),
                                name="quota_day_within_allowed",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("allowed__gte", models.F("day_limit"))),
                                name="quota_day_allows_its_limit",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("exposed_ms__lte", models.F("exposure_allowed_ms"))),
                                name="quota_day_within_exposure",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Shift",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "author",
                            models.ForeignKey(
                                editable=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken out.", null=True
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="shifts", to="workforce.team"
                            ),
                        ),
                        (
                            "weekday",
                            models.PositiveSmallIntegerField(
                                choices=[
                                    (0, "Monday"),
                                    (1, "Tuesday"),
                                    (2, "Wednesday"),
                                    (3, "Thursday"),
                                    (4, "Friday"),
                                    (5, "Saturday"),
                                    (6, "Sunday"),
                                ],
                                help_text="The day on which it begins.",
                            ),
                        ),
                        ("begins", models.TimeField(help_text="On the wall where the team is.")),
                        (
                            "ends",
                            models.TimeField(
                                help_text="At or before the beginning: on the next day. 00:00 is midnight."
                            ),
                        ),
                        (
                            "from_day",
                            models.DateField(blank=True, help_text="Its first day. Blank: always was.", null=True),
                        ),
                        (
                            "until_day",
                            models.DateField(blank=True, help_text="Its last day. Blank: without end.", null=True),
                        ),
                    ],
                    options={
                        "ordering": ["team", "weekday", "begins"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("begins", models.F("ends")), _negated=True),
                                name="shift_has_length",
                                violation_error_message="A shift that ends when it begins has no length. For a whole day write two: 00:00 to 12:00 and 12:00 to 00:00.",
                            ),
                            models.CheckConstraint(condition=models.Q(("weekday__lte", 6)), name="shift_weekday_known"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("from_day__isnull", True),
                                    ("until_day__isnull", True),
                                    ("until_day__gte", models.F("from_day")),
                                    _connector="OR",
                                ),
                                name="shift_until_after_from",
                                violation_error_message="The last day is before the first.",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."begins" IS DISTINCT FROM (NEW."begins") OR OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."ends" IS DISTINCT FROM (NEW."ends") OR OLD."from_day" IS DISTINCT FROM (NEW."from_day") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id") OR OLD."until_day" IS DISTINCT FROM (NEW."until_day") OR OLD."weekday" IS DISTINCT FROM (NEW."weekday"))',
                                    func='INSERT INTO "workforce_shiftchange" ("begins", "cancelled_at", "ends", "from_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "team_id", "until_day", "weekday") VALUES (OLD."begins", OLD."cancelled_at", OLD."ends", OLD."from_day", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."team_id", OLD."until_day", OLD."weekday"); RETURN NULL;',
                                    hash="dc78b05d057e25541c9fa542b1177dfcd1c7d86d",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_aba00",
                                    table="workforce_shift",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."begins" IS DISTINCT FROM (NEW."begins") OR OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."ends" IS DISTINCT FROM (NEW."ends") OR OLD."from_day" IS DISTINCT FROM (NEW."from_day") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id") OR OLD."until_day" IS DISTINCT FROM (NEW."until_day") OR OLD."weekday" IS DISTINCT FROM (NEW."weekday"))',
                                    func='INSERT INTO "workforce_shiftchange" ("begins", "cancelled_at", "ends", "from_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "team_id", "until_day", "weekday") VALUES (NEW."begins", NEW."cancelled_at", NEW."ends", NEW."from_day", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."team_id", NEW."until_day", NEW."weekday"); RETURN NULL;',
                                    hash="05010d5bd4e3d9fa3cd555dc2318b97cd9058aca",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_703b5",
                                    table="workforce_shift",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ShiftChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="team_weekday_begins_ends_from_day_until_day_cancelled_at_events",
                                to="workforce.shift",
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
                            "team",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.team",
                            ),
                        ),
                        (
                            "weekday",
                            models.PositiveSmallIntegerField(
                                choices=[
                                    (0, "Monday"),
                                    (1, "Tuesday"),
                                    (2, "Wednesday"),
                                    (3, "Thursday"),
                                    (4, "Friday"),
                                    (5, "Saturday"),
                                    (6, "Sunday"),
                                ],
                                help_text="The day on which it begins.",
                            ),
                        ),
                        ("begins", models.TimeField(help_text="On the wall where the team is.")),
                        (
                            "ends",
                            models.TimeField(
                                help_text="At or before the beginning: on the next day. 00:00 is midnight."
                            ),
                        ),
                        (
                            "from_day",
                            models.DateField(blank=True, help_text="Its first day. Blank: always was.", null=True),
                        ),
                        (
                            "until_day",
                            models.DateField(blank=True, help_text="Its last day. Blank: without end.", null=True),
                        ),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken out.", null=True
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
                                    hash="4368a061d74a4915971dd61003737e0a39c28083",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_8bdaf",
                                    table="workforce_shiftchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="OwnHours",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "author",
                            models.ForeignKey(
                                editable=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken out.", null=True
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="own_hours",
                                to="workforce.reviewer",
                            ),
                        ),
                        (
                            "weekday",
                            models.PositiveSmallIntegerField(
                                choices=[
                                    (0, "Monday"),
                                    (1, "Tuesday"),
                                    (2, "Wednesday"),
                                    (3, "Thursday"),
                                    (4, "Friday"),
                                    (5, "Saturday"),
                                    (6, "Sunday"),
                                ],
                                help_text="The day on which they begin.",
                            ),
                        ),
                        (
                            "begins",
                            models.TimeField(
                                blank=True, help_text="Blank, like the end: the whole of that day.", null=True
                            ),
                        ),
                        (
                            "ends",
                            models.TimeField(
                                blank=True, help_text="At or before the beginning: on the next day.", null=True
                            ),
                        ),
                        (
                            "from_day",
                            models.DateField(blank=True, help_text="Their first day. Blank: always were.", null=True),
                        ),
                        (
                            "until_day",
                            models.DateField(blank=True, help_text="Their last day. Blank: without end.", null=True),
                        ),
                    ],
                    options={
                        "verbose_name": "own hours",
                        "verbose_name_plural": "own hours",
                        "ordering": ["reviewer", "weekday", "begins"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("begins__isnull", True), ("ends__isnull", True)),
                                    models.Q(
                                        ("begins__isnull", False),
                                        ("ends__isnull", False),
                                        models.Q(("begins", models.F("ends")), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="own_hours_have_length",
                                violation_error_message="Give both a beginning and an end that differ, or neither for the whole day.",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("weekday__lte", 6)), name="own_hours_weekday_known"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("from_day__isnull", True),
                                    ("until_day__isnull", True),
                                    ("until_day__gte", models.F("from_day")),
                                    _connector="OR",
                                ),
                                name="own_hours_until_after_from",
                                violation_error_message="The last day is before the first.",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."begins" IS DISTINCT FROM (NEW."begins") OR OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."ends" IS DISTINCT FROM (NEW."ends") OR OLD."from_day" IS DISTINCT FROM (NEW."from_day") OR OLD."reviewer_id" IS DISTINCT FROM (NEW."reviewer_id") OR OLD."until_day" IS DISTINCT FROM (NEW."until_day") OR OLD."weekday" IS DISTINCT FROM (NEW."weekday"))',
                                    func='INSERT INTO "workforce_ownhourschange" ("begins", "cancelled_at", "ends", "from_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reviewer_id", "until_day", "weekday") VALUES (OLD."begins", OLD."cancelled_at", OLD."ends", OLD."from_day", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."reviewer_id", OLD."until_day", OLD."weekday"); RETURN NULL;',
                                    hash="b91301bcf10789d9e31ddc5440c826781fd1a3b2",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_f1708",
                                    table="workforce_ownhours",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."begins" IS DISTINCT FROM (NEW."begins") OR OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."ends" IS DISTINCT FROM (NEW."ends") OR OLD."from_day" IS DISTINCT FROM (NEW."from_day") OR OLD."reviewer_id" IS DISTINCT FROM (NEW."reviewer_id") OR OLD."until_day" IS DISTINCT FROM (NEW."until_day") OR OLD."weekday" IS DISTINCT FROM (NEW."weekday"))',
                                    func='INSERT INTO "workforce_ownhourschange" ("begins", "cancelled_at", "ends", "from_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reviewer_id", "until_day", "weekday") VALUES (NEW."begins", NEW."cancelled_at", NEW."ends", NEW."from_day", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."reviewer_id", NEW."until_day", NEW."weekday"); RETURN NULL;',
                                    hash="92380425ac4c738d87b2a3088f6340a9ab84b7ca",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_7d538",
                                    table="workforce_ownhours",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="OwnHoursChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="reviewer_weekday_begins_ends_from_day_until_day_cancelled_at_events",
                                to="workforce.ownhours",
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
                            "weekday",
                            models.PositiveSmallIntegerField(
                                choices=[
                                    (0, "Monday"),
                                    (1, "Tuesday"),
                                    (2, "Wednesday"),
                                    (3, "Thursday"),
                                    (4, "Friday"),
                                    (5, "Saturday"),
                                    (6, "Sunday"),
                                ],
                                help_text="The day on which they begin.",
                            ),
                        ),
                        (
                            "begins",
                            models.TimeField(
                                blank=True, help_text="Blank, like the end: the whole of that day.", null=True
                            ),
                        ),
                        (
                            "ends",
                            models.TimeField(
                                blank=True, help_text="At or before the beginning: on the next day.", null=True
                            ),
                        ),
                        (
                            "from_day",
                            models.DateField(blank=True, help_text="Their first day. Blank: always were.", null=True),
                        ),
                        (
                            "until_day",
                            models.DateField(blank=True, help_text="Their last day. Blank: without end.", null=True),
                        ),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken out.", null=True
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
                                    hash="ce929abb2ab248b0dec6296d25812c483424c8d9",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_12960",
                                    table="workforce_ownhourschange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Closure",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "author",
                            models.ForeignKey(
                                editable=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken out.", null=True
                            ),
                        ),
                        (
                            "region",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="closures",
                                to="workforce.region",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="closures",
                                to="workforce.team",
                            ),
                        ),
                        ("first_day", models.DateField()),
                        ("last_day", models.DateField(help_text="The same as the first for one day.")),
                        (
                            "begins",
                            models.TimeField(
                                blank=True, help_text="Of each of the days. Blank, like the end: all day.", null=True
                            ),
                        ),
                        (
                            "ends",
                            models.TimeField(
                                blank=True,
                                help_text="Of each of the days. 00:00 is the midnight at its end.",
                                null=True,
                            ),
                        ),
                        ("reason", models.CharField(help_text="Such as Diwali. People see it.", max_length=200)),
                    ],
                    options={
                        "ordering": ["-first_day", "-id"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("region__isnull", True), ("team__isnull", True), _connector="OR"),
                                name="closure_of_one",
                                violation_error_message="Name a region or a team, or neither for everybody.",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("last_day__gte", models.F("first_day"))),
                                name="closure_ends_after_it_begins",
                                violation_error_message="The last day is before the first.",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("begins__isnull", True), ("ends__isnull", True)),
                                    models.Q(
                                        ("begins__isnull", False),
                                        ("ends", datetime.time(0, 0)),
                                        ("ends__isnull", False),
                                    ),
                                    models.Q(
                                        ("begins__isnull", False),
                                        ("ends__gt", models.F("begins")),
                                        ("ends__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="closure_hours_in_order",
                                violation_error_message="Give a beginning and a later end on the same day, or neither for whole days.",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("reason", ""), _negated=True), name="closure_has_reason"
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."begins" IS DISTINCT FROM (NEW."begins") OR OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."ends" IS DISTINCT FROM (NEW."ends") OR OLD."first_day" IS DISTINCT FROM (NEW."first_day") OR OLD."last_day" IS DISTINCT FROM (NEW."last_day") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."region_id" IS DISTINCT FROM (NEW."region_id") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id"))',
                                    func='INSERT INTO "workforce_closurechange" ("begins", "cancelled_at", "ends", "first_day", "last_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "region_id", "team_id") VALUES (OLD."begins", OLD."cancelled_at", OLD."ends", OLD."first_day", OLD."last_day", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."reason", OLD."region_id", OLD."team_id"); RETURN NULL;',
                                    hash="b18c7a625f04708446e4c1fb4710bbee93be5abd",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_b84f9",
                                    table="workforce_closure",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."begins" IS DISTINCT FROM (NEW."begins") OR OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."ends" IS DISTINCT FROM (NEW."ends") OR OLD."first_day" IS DISTINCT FROM (NEW."first_day") OR OLD."last_day" IS DISTINCT FROM (NEW."last_day") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."region_id" IS DISTINCT FROM (NEW."region_id") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id"))',
                                    func='INSERT INTO "workforce_closurechange" ("begins", "cancelled_at", "ends", "first_day", "last_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "region_id", "team_id") VALUES (NEW."begins", NEW."cancelled_at", NEW."ends", NEW."first_day", NEW."last_day", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."reason", NEW."region_id", NEW."team_id"); RETURN NULL;',
                                    hash="0f43edf159495a427f3dbae1634e66889c4b3baf",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_d01b3",
                                    table="workforce_closure",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ClosureChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="region_team_first_day_last_day_begins_ends_reason_cancelled_at_events",
                                to="workforce.closure",
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
                            "region",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.region",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.team",
                            ),
                        ),
                        ("first_day", models.DateField()),
                        ("last_day", models.DateField(help_text="The same as the first for one day.")),
                        (
                            "begins",
                            models.TimeField(
                                blank=True, help_text="Of each of the days. Blank, like the end: all day.", null=True
                            ),
                        ),
                        (
                            "ends",
                            models.TimeField(
                                blank=True,
                                help_text="Of each of the days. 00:00 is the midnight at its end.",
                                null=True,
                            ),
                        ),
                        ("reason", models.CharField(help_text="Such as Diwali. People see it.", max_length=200)),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken out.", null=True
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
                                    hash="e04f562c93d65e464746578f3849989691163af9",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_ef490",
                                    table="workforce_closurechange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="WorkedHoliday",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "author",
                            models.ForeignKey(
                                editable=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken out.", null=True
                            ),
                        ),
                        (
                            "region",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="worked_holidays",
                                to="workforce.region",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="worked_holidays",
                                to="workforce.team",
                            ),
                        ),
                        ("day", models.DateField()),
                        ("reason", models.CharField(max_length=200)),
                    ],
                    options={
                        "ordering": ["-day", "-id"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("region__isnull", True), ("team__isnull", True), _connector="OR"),
                                name="worked_holiday_of_one",
                                violation_error_message="Name a region or a team, or neither for everybody.",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("reason", ""), _negated=True), name="worked_holiday_has_reason"
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("cancelled_at", None)),
                                fields=("region", "team", "day"),
                                name="worked_holiday_once",
                                nulls_distinct=False,
                                violation_error_message="That day is worked already.",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."day" IS DISTINCT FROM (NEW."day") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."region_id" IS DISTINCT FROM (NEW."region_id") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id"))',
                                    func='INSERT INTO "workforce_workedholidaychange" ("cancelled_at", "day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "region_id", "team_id") VALUES (OLD."cancelled_at", OLD."day", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."reason", OLD."region_id", OLD."team_id"); RETURN NULL;',
                                    hash="8f87946f7cb58fc0629788bf914ccf5ac3cb7908",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_02278",
                                    table="workforce_workedholiday",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."day" IS DISTINCT FROM (NEW."day") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."region_id" IS DISTINCT FROM (NEW."region_id") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id"))',
                                    func='INSERT INTO "workforce_workedholidaychange" ("cancelled_at", "day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "region_id", "team_id") VALUES (NEW."cancelled_at", NEW."day", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."reason", NEW."region_id", NEW."team_id"); RETURN NULL;',
                                    hash="ffa757a5f5abf4c03c37838c2ae55592dd265d70",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_3ced3",
                                    table="workforce_workedholiday",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="WorkedHolidayChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="region_team_day_reason_cancelled_at_events",
                                to="workforce.workedholiday",
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
                            "region",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.region",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.team",
                            ),
                        ),
                        ("day", models.DateField()),
                        ("reason", models.CharField(max_length=200)),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken out.", null=True
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
                                    hash="a15dac2dc0aea36b508055d44cabdd67c49ca81c",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_84ca4",
                                    table="workforce_workedholidaychange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Absence",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "author",
                            models.ForeignKey(
                                editable=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken out.", null=True
                            ),
                        ),
                        (
                            "reviewer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="absences",
                                to="workforce.reviewer",
                            ),
                        ),
                        ("first_day", models.DateField()),
                        (
                            "from_time",
                            models.TimeField(
                                blank=True, help_text="On the first day. Blank: from its beginning.", null=True
                            ),
                        ),
                        ("last_day", models.DateField(help_text="The same as the first for one day or a part of it.")),
                        (
                            "until_time",
                            models.TimeField(blank=True, help_text="On the last day. Blank: to its end.", null=True),
                        ),
                    ],
                    options={
                        "ordering": ["-first_day", "reviewer"],
                        "indexes": [models.Index(fields=["reviewer", "last_day"], name="absence_of_reviewer")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("last_day__gt", models.F("first_day")),
                                    models.Q(
                                        ("from_time__isnull", True),
                                        ("last_day", models.F("first_day")),
                                        models.Q(
                                            ("until_time__isnull", True),
                                            ("until_time__gt", datetime.time(0, 0)),
                                            _connector="OR",
                                        ),
                                    ),
                                    models.Q(
                                        ("from_time__isnull", False),
                                        ("last_day", models.F("first_day")),
                                        ("until_time__isnull", True),
                                    ),
                                    models.Q(
                                        ("from_time__isnull", False),
                                        ("last_day", models.F("first_day")),
                                        ("until_time__gt", models.F("from_time")),
                                        ("until_time__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="absence_ends_after_it_begins",
                                violation_error_message="The absence ends before it begins, or when it begins.",
                            )
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."first_day" IS DISTINCT FROM (NEW."first_day") OR OLD."from_time" IS DISTINCT FROM (NEW."from_time") OR OLD."last_day" IS DISTINCT FROM (NEW."last_day") OR OLD."reviewer_id" IS DISTINCT FROM (NEW."reviewer_id") OR OLD."until_time" IS DISTINCT FROM (NEW."until_time"))',
                                    func='INSERT INTO "workforce_absencechange" ("cancelled_at", "first_day", "from_time", "last_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reviewer_id", "until_time") VALUES (OLD."cancelled_at", OLD."first_day", OLD."from_time", OLD."last_day", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."reviewer_id", OLD."until_time"); RETURN NULL;',
                                    hash="a9aedd6b28d751e62a59a24c88613d16bcc7b69d",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_3ceeb",
                                    table="workforce_absence",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."first_day" IS DISTINCT FROM (NEW."first_day") OR OLD."from_time" IS DISTINCT FROM (NEW."from_time") OR OLD."last_day" IS DISTINCT FROM (NEW."last_day") OR OLD."reviewer_id" IS DISTINCT FROM (NEW."reviewer_id") OR OLD."until_time" IS DISTINCT FROM (NEW."until_time"))',
                                    func='INSERT INTO "workforce_absencechange" ("cancelled_at", "first_day", "from_time", "last_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reviewer_id", "until_time") VALUES (NEW."cancelled_at", NEW."first_day", NEW."from_time", NEW."last_day", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."reviewer_id", NEW."until_time"); RETURN NULL;',
                                    hash="6fef692d80a76fa7f2b63b336f1264c3d0a615a3",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_653df",
                                    table="workforce_absence",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AbsenceChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="reviewer_first_day_from_time_last_day_until_time_cancelled_at_events",
                                to="workforce.absence",
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
                            "reviewer",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.reviewer",
                            ),
                        ),
                        ("first_day", models.DateField()),
                        (
                            "from_time",
                            models.TimeField(
                                blank=True, help_text="On the first day. Blank: from its beginning.", null=True
                            ),
                        ),
                        ("last_day", models.DateField(help_text="The same as the first for one day or a part of it.")),
                        (
                            "until_time",
                            models.TimeField(blank=True, help_text="On the last day. Blank: to its end.", null=True),
                        ),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken out.", null=True
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
                                    hash="1b7c69bb658cfe6c003c460a56ea78d668ff6040",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_a3bbe",
                                    table="workforce_absencechange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CalendarVersion",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("version", models.BigIntegerField()),
                    ],
                    options={
                        "default_permissions": (),
                    },
                ),
                migrations.CreateModel(
                    name="WorkingHours",
                    fields=[
                        (
                            "reviewer",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="+",
                                serialize=False,
                                to="workforce.reviewer",
                            ),
                        ),
                        (
                            "begins_at",
                            models.DateTimeField(help_text="Empty: they do not work in the days to come.", null=True),
                        ),
                        ("ends_at", models.DateTimeField(null=True)),
                        ("pace_ms", models.PositiveIntegerField(help_text="Active time a task, in milliseconds.")),
                        ("version", models.BigIntegerField(help_text="Of the calendars that it was worked out of.")),
                        ("known_until", models.DateTimeField()),
                    ],
                    options={
                        "default_permissions": (),
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("begins_at__isnull", True), ("ends_at__isnull", True)),
                                    models.Q(
                                        ("begins_at__isnull", False),
                                        ("ends_at__gt", models.F("begins_at")),
                                        ("ends_at__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="working_hours_in_order",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("pace_ms__gt", 0)), name="working_hours_have_a_pace"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Skill",
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
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="skill_rows",
                                to="workforce.reviewer",
                            ),
                        ),
                        (
                            "name",
                            models.SlugField(
                                help_text="As projects ask for it, such as hindi or glass.", max_length=32
                            ),
                        ),
                        (
                            "source",
                            models.CharField(
                                choices=[
                                    ("stated", "Ops say so"),
                                    ("trained", "A training"),
                                    ("tested", "A test"),
                                    ("measured", "Measured at work"),
                                ],
                                default="stated",
                                max_length=16,
                            ),
                        ),
                        (
                            "value",
                            models.PositiveSmallIntegerField(
                                blank=True,
                                help_text="How well, of 100. Blank: not graded.",
                                null=True,
                                validators=[django.core.validators.MaxValueValidator(100)],
                            ),
                        ),
                        (
                            "expires_at",
                            models.DateTimeField(blank=True, help_text="UTC. Blank: it does not expire.", null=True),
                        ),
                        (
                            "author",
                            models.ForeignKey(
                                editable=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken away.", null=True
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["reviewer", "name"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("cancelled_at", None)),
                                fields=["expires_at"],
                                name="skill_by_expiry",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("cancelled_at", None)),
                                fields=("reviewer", "name", "source"),
                                name="skill_once_from_one_source",
                                violation_error_message="The person has this skill from this source. Change that row instead.",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("source__in", ["stated", "trained", "tested", "measured"])),
                                name="skill_source_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("value__isnull", True), ("value__lte", 100), _connector="OR"),
                                name="skill_value_of_100",
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="from_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."reviewer_id" IS DISTINCT FROM (NEW."reviewer_id") OR OLD."source" IS DISTINCT FROM (NEW."source") OR OLD."value" IS DISTINCT FROM (NEW."value"))',
                                    func='INSERT INTO "workforce_skillchange" ("cancelled_at", "expires_at", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reviewer_id", "source", "value") VALUES (OLD."cancelled_at", OLD."expires_at", OLD."name", _pgh_attach_context(), NOW(), \'from\', OLD."id", OLD."reviewer_id", OLD."source", OLD."value"); RETURN NULL;',
                                    hash="b462e266725fe704f818efbfcec273b5a7263351",
                                    operation="UPDATE",
                                    pgid="pgtrigger_from_update_0e0bd",
                                    table="workforce_skill",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="to_update",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    condition='WHEN (OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."reviewer_id" IS DISTINCT FROM (NEW."reviewer_id") OR OLD."source" IS DISTINCT FROM (NEW."source") OR OLD."value" IS DISTINCT FROM (NEW."value"))',
                                    func='INSERT INTO "workforce_skillchange" ("cancelled_at", "expires_at", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reviewer_id", "source", "value") VALUES (NEW."cancelled_at", NEW."expires_at", NEW."name", _pgh_attach_context(), NOW(), \'to\', NEW."id", NEW."reviewer_id", NEW."source", NEW."value"); RETURN NULL;',
                                    hash="5d009c306ea5ab2241109d694abe7a25097864ae",
                                    operation="UPDATE",
                                    pgid="pgtrigger_to_update_44353",
                                    table="workforce_skill",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SkillChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="reviewer_name_source_value_expires_at_cancelled_at_events",
                                to="workforce.skill",
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
                            "name",
                            models.SlugField(
                                db_index=False,
                                help_text="As projects ask for it, such as hindi or glass.",
                                max_length=32,
                            ),
                        ),
                        (
                            "source",
                            models.CharField(
                                choices=[
                                    ("stated", "Ops say so"),
                                    ("trained", "A training"),
                                    ("tested", "A test"),
                                    ("measured", "Measured at work"),
                                ],
                                default="stated",
                                max_length=16,
                            ),
                        ),
                        (
                            "value",
                            models.PositiveSmallIntegerField(
                                blank=True,
                                help_text="How well, of 100. Blank: not graded.",
                                null=True,
                                validators=[django.core.validators.MaxValueValidator(100)],
                            ),
                        ),
                        (
                            "expires_at",
                            models.DateTimeField(blank=True, help_text="UTC. Blank: it does not expire.", null=True),
                        ),
                        (
                            "cancelled_at",
                            models.DateTimeField(
                                blank=True, editable=False, help_text="When it was taken away.", null=True
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
                                    hash="a34239a06688692521e1530b4e6b7b7a5558f67b",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_3dd57",
                                    table="workforce_skillchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="StaffScope",
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
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="staff_scopes",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("everywhere", models.BooleanField(default=False, help_text="All regions, those to come too.")),
                        (
                            "region",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="staff_scopes",
                                to="workforce.region",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="staff_scopes",
                                to="workforce.team",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["user", "id"],
                        "permissions": [("give_role", "Can give and take roles and scopes, within their own")],
                        "default_permissions": (),
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("everywhere", True), ("region", None), ("team", None)),
                                    models.Q(("everywhere", False), ("region__isnull", False), ("team", None)),
                                    models.Q(("everywhere", False), ("region", None), ("team__isnull", False)),
                                    _connector="OR",
                                ),
                                name="staff_scope_names_one_thing",
                            ),
                            models.UniqueConstraint(
                                fields=("user", "everywhere", "region", "team"),
                                name="staff_scope_once",
                                nulls_distinct=False,
                            ),
                        ],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="given_insert",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func='INSERT INTO "workforce_staffscopechange" ("everywhere", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region_id", "team_id", "user_id") VALUES (NEW."everywhere", NEW."id", _pgh_attach_context(), NOW(), \'given\', NEW."id", NEW."region_id", NEW."team_id", NEW."user_id"); RETURN NULL;',
                                    hash="bedb60517ccdc5938dc6dcbf4da5c055734542c7",
                                    operation="INSERT",
                                    pgid="pgtrigger_given_insert_69284",
                                    table="workforce_staffscope",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="taken_delete",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func='INSERT INTO "workforce_staffscopechange" ("everywhere", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region_id", "team_id", "user_id") VALUES (OLD."everywhere", OLD."id", _pgh_attach_context(), NOW(), \'taken\', OLD."id", OLD."region_id", OLD."team_id", OLD."user_id"); RETURN NULL;',
                                    hash="ea78f2695606414556d98aba87388643c41d5656",
                                    operation="DELETE",
                                    pgid="pgtrigger_taken_delete_784ba",
                                    table="workforce_staffscope",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="StaffScopeChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
                        (
                            "pgh_obj",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="events",
                                to="workforce.staffscope",
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
                        ("id", models.BigIntegerField()),
                        (
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("everywhere", models.BooleanField(default=False, help_text="All regions, those to come too.")),
                        (
                            "region",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.region",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="workforce.team",
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
                                    hash="0bebdc65479cb5074ddfeedae43926fe38c10c25",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_8c25a",
                                    table="workforce_staffscopechange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Staff",
                    fields=[],
                    options={
                        "verbose_name": "member of staff",
                        "verbose_name_plural": "staff",
                        "ordering": ["username"],
                        "proxy": True,
                        "default_permissions": ("view",),
                        "indexes": [],
                        "constraints": [],
                    },
                    bases=("auth.user",),
                ),
                migrations.CreateModel(
                    name="RoleHeld",
                    fields=[],
                    options={
                        "proxy": True,
                        "default_permissions": (),
                        "indexes": [],
                        "constraints": [],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="given_insert",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func='INSERT INTO "workforce_rolechange" ("group_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "user_id") VALUES (NEW."group_id", NEW."id", _pgh_attach_context(), NOW(), \'given\', NEW."user_id"); RETURN NULL;',
                                    hash="aa238c1421f59a3b2d6b7fe9ced2ef6198c81281",
                                    operation="INSERT",
                                    pgid="pgtrigger_given_insert_7167a",
                                    table="auth_user_groups",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="taken_delete",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func='INSERT INTO "workforce_rolechange" ("group_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "user_id") VALUES (OLD."group_id", OLD."id", _pgh_attach_context(), NOW(), \'taken\', OLD."user_id"); RETURN NULL;',
                                    hash="cd5559d971f13cb7d6cf571b3a05f8303128517c",
                                    operation="DELETE",
                                    pgid="pgtrigger_taken_delete_e7a66",
                                    table="auth_user_groups",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                    bases=("auth.user_groups",),
                ),
                migrations.CreateModel(
                    name="RoleChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
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
                        ("id", models.IntegerField()),
                        (
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                db_tablespace="",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                db_constraint=False,
                                db_tablespace="",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to="auth.group",
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
                                    hash="113da439df4a8378c49ba6dba2a61d89fc8e3d39",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_a4f4f",
                                    table="workforce_rolechange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="FactorHeld",
                    fields=[],
                    options={
                        "proxy": True,
                        "default_permissions": (),
                        "indexes": [],
                        "constraints": [],
                        "triggers": [
                            pgtrigger.compiler.Trigger(
                                name="given_insert",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func='INSERT INTO "workforce_factorchange" ("pgh_context_id", "pgh_created_at", "pgh_label", "user_id") VALUES (_pgh_attach_context(), NOW(), \'given\', NEW."user_id"); RETURN NULL;',
                                    hash="97971667f10016e429f4f29985be75a255963e86",
                                    operation="INSERT",
                                    pgid="pgtrigger_given_insert_aa0c0",
                                    table="otp_totp_totpdevice",
                                    when="AFTER",
                                ),
                            ),
                            pgtrigger.compiler.Trigger(
                                name="taken_delete",
                                sql=pgtrigger.compiler.UpsertTriggerSql(
                                    func='INSERT INTO "workforce_factorchange" ("pgh_context_id", "pgh_created_at", "pgh_label", "user_id") VALUES (_pgh_attach_context(), NOW(), \'taken\', OLD."user_id"); RETURN NULL;',
                                    hash="724e2ab3ae4bdde2131f76696badabdc4dcefd46",
                                    operation="DELETE",
                                    pgid="pgtrigger_taken_delete_b9e93",
                                    table="otp_totp_totpdevice",
                                    when="AFTER",
                                ),
                            ),
                        ],
                    },
                    bases=("otp_totp.totpdevice",),
                ),
                migrations.CreateModel(
                    name="FactorChange",
                    fields=[
                        ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                        ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                        ("pgh_label", models.TextField(help_text="The event label.")),
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
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                help_text="The user that this device belongs to.",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                related_query_name="+",
                                to=settings.AUTH_USER_MODEL,
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
                                    hash="33644aa3454446d922a331c4f2359018f6a81bb1",
                                    operation="UPDATE OR DELETE",
                                    pgid="pgtrigger_append_only_645d4",
                                    table="workforce_factorchange",
                                    when="BEFORE",
                                ),
                            )
                        ],
                    },
                ),
            ]
        ),
        sql.run("workforce", "days"),
        sql.run("workforce", "calendars"),
        sql.run("workforce", "skills"),
        # The one row that a changed calendar counts up.
        migrations.RunSQL("INSERT INTO workforce_calendarversion (id, version) VALUES (1, 1)", migrations.RunSQL.noop),
    ]
