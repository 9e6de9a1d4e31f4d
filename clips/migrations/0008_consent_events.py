"""Consents become events that are only ever added, and what they permit is a table that the database keeps."""

from datetime import UTC, datetime

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

PURPOSES = [
    ("troubleshooting", "Troubleshooting"),
    ("human_review", "Human review"),
    ("model_training", "Model training"),
]

# Rows that were withdrawn in place become an event of their own, for the clip, as withdrawing did then.
CARRY_OVER = """
INSERT INTO clips_consentevent
    (kind, owner_key, clip_id, purposes, channel, at, recorded_at, withdraws_id, reason, actor_id)
SELECT 'withdrawn', min(owner_key), clip_id, '{troubleshooting,human_review,model_training}', min(channel),
       withdrawn_at, withdrawn_at, min(id), 'Withdrawn before withdrawals were events.', min(actor_id)
  FROM clips_consentevent
 WHERE withdrawn_at IS NOT NULL
 GROUP BY clip_id, withdrawn_at
 ORDER BY withdrawn_at, clip_id;
UPDATE clips_consentevent e SET disclosure_sha256 = d.sha256
  FROM clips_disclosure d WHERE d.id = e.disclosure_id;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""
CARRY_BACK = """
UPDATE clips_consentevent g SET withdrawn_at = w.at
  FROM clips_consentevent w
 WHERE g.kind = 'given' AND w.kind = 'withdrawn' AND w.owner_key = g.owner_key
   AND (w.clip_id = g.clip_id OR w.clip_id IS NULL) AND (w.at >= g.at OR w.id > g.id);
DELETE FROM clips_consentevent WHERE kind = 'withdrawn' OR clip_id IS NULL;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""

SQL = r"""
CREATE FUNCTION sightline_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are only ever added', lower(TG_OP), TG_TABLE_NAME
          USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON clips_disclosure
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_only_added();
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON clips_consentevent
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_only_added();

CREATE FUNCTION sightline_disclosure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_point text;
BEGIN
    IF NEW.sha256 <> encode(sha256(convert_to(NEW.text, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'a disclosure''s digest is its text''s' USING ERRCODE = 'check_violation';
    END IF;
    FOREACH v_point IN ARRAY ARRAY['people', 'countries', 'why', 'how_long', 'how_to_stop'] LOOP
        IF coalesce(strpos(NEW.text, nullif(NEW.checklist ->> v_point, '')), 0) = 0 THEN
            RAISE EXCEPTION 'a disclosure says each point of the checklist; % is missing', v_point
                  USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END
$$;
CREATE TRIGGER says_all BEFORE INSERT ON clips_disclosure FOR EACH ROW EXECUTE FUNCTION sightline_disclosure();

-- One owner's events and clips are written one after the other, so that each sees all that came before it.
CREATE FUNCTION sightline_lock_owner(p_owner text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(20840, hashtext(p_owner));
$$;

-- What stands for an owner's clips (for one, or for all), from the events alone; written down for the gates.
CREATE FUNCTION sightline_permit(p_owner text, p_clip bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now CONSTANT timestamptz := clock_timestamp();
BEGIN
    WITH standing AS (
        SELECT DISTINCT ON (c.id, p.purpose)
               c.id AS clip_id, p.purpose, g.id AS event_id,
               coalesce(g.expires_at, '9999-01-01 00:00:00+00') AS until
          FROM clips_clip c
          JOIN clips_consentevent g
            ON g.owner_key = c.owner_key AND g.kind = 'given' AND (g.clip_id = c.id OR g.clip_id IS NULL)
          JOIN clips_disclosure d ON d.id = g.disclosure_id AND d.region = c.region
         CROSS JOIN LATERAL unnest(g.purposes) AS p(purpose)
         WHERE c.owner_key = p_owner AND (p_clip IS NULL OR c.id = p_clip)
           AND (g.expires_at IS NULL OR g.expires_at > v_now)
           AND NOT EXISTS (
                SELECT 1 FROM clips_consentevent w
                 WHERE w.owner_key = g.owner_key AND w.kind = 'withdrawn'
                   AND (w.clip_id = c.id OR w.clip_id IS NULL)
                   AND p.purpose = ANY (w.purposes)
                   AND (w.at >= g.at OR w.id > g.id)
               )
         ORDER BY c.id, p.purpose, until DESC, g.id DESC
    ), ended AS (
        -- What expired by itself stays until a sweep has ended the leases under it.
        DELETE FROM clips_permit m USING clips_clip c
         WHERE c.id = m.clip_id AND c.owner_key = p_owner AND (p_clip IS NULL OR c.id = p_clip)
           AND m.until > v_now
           AND NOT EXISTS (SELECT 1 FROM standing s WHERE s.clip_id = m.clip_id AND s.purpose = m.purpose)
    )
    INSERT INTO clips_permit AS m (clip_id, purpose, event_id, until)
    SELECT s.clip_id, s.purpose, s.event_id, s.until FROM standing s
        ON CONFLICT (clip_id, purpose) DO UPDATE SET event_id = excluded.event_id, until = excluded.until
     WHERE (m.event_id, m.until) IS DISTINCT FROM (excluded.event_id, excluded.until);
END
$$;

CREATE FUNCTION sightline_consent_arrives() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sightline_lock_owner(NEW.owner_key);
    -- Numbered and timed behind the lock: "came to us later" is then the order of the numbers.
    NEW.id := nextval(pg_get_serial_sequence('clips_consentevent', 'id'));
    NEW.recorded_at := clock_timestamp();
    IF NEW.clip_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM clips_clip c WHERE c.id = NEW.clip_id AND c.owner_key = NEW.owner_key)
    THEN
        RAISE EXCEPTION 'clip % is no clip of this owner', NEW.clip_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF NEW.kind = 'given' THEN
        NEW.disclosure_sha256 := (SELECT d.sha256 FROM clips_disclosure d WHERE d.id = NEW.disclosure_id);
    ELSE
        -- Nobody withdraws for later: a clock that runs ahead would end what is agreed to next.
        NEW.at := least(NEW.at, NEW.recorded_at);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER arrives BEFORE INSERT ON clips_consentevent
    FOR EACH ROW EXECUTE FUNCTION sightline_consent_arrives();

CREATE FUNCTION sightline_consent_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sightline_permit(NEW.owner_key, NEW.clip_id);
    IF NEW.kind = 'withdrawn' THEN
        INSERT INTO clips_closing (clip_id, event_id, due_at)
        SELECT c.id, NEW.id, NEW.recorded_at
          FROM clips_clip c
         WHERE c.owner_key = NEW.owner_key AND (NEW.clip_id IS NULL OR c.id = NEW.clip_id) AND c.state <> 'withheld'
         ORDER BY c.id
            ON CONFLICT (clip_id) DO UPDATE SET event_id = excluded.event_id, due_at = excluded.due_at;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER counts AFTER INSERT ON clips_consentevent
    FOR EACH ROW EXECUTE FUNCTION sightline_consent_counts();

CREATE FUNCTION sightline_clip_arrives() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sightline_lock_owner(NEW.owner_key);
    PERFORM sightline_permit(NEW.owner_key, NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER consented AFTER INSERT ON clips_clip FOR EACH ROW EXECUTE FUNCTION sightline_clip_arrives();
"""
UNDO = """
DROP TRIGGER consented ON clips_clip;
DROP TRIGGER counts ON clips_consentevent;
DROP TRIGGER arrives ON clips_consentevent;
DROP TRIGGER only_added ON clips_consentevent;
DROP TRIGGER only_added ON clips_disclosure;
DROP TRIGGER says_all ON clips_disclosure;
DROP FUNCTION sightline_clip_arrives(), sightline_consent_counts(), sightline_consent_arrives(),
              sightline_permit(text, bigint), sightline_lock_owner(text), sightline_disclosure(),
              sightline_only_added();
"""


class Migration(migrations.Migration):
    dependencies = [
        # A renamed model's content type is renamed with it, also on the way back.
        ("contenttypes", "0002_remove_content_type_name"),
        ("clips", "0007_purges_and_holds"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions("disclosure", {"ordering": ["region", "language", "-published_at", "version"]}),
        migrations.AlterField(
            "disclosure",
            "version",
            models.SlugField(help_text="Such as in-en-2026-11; used once.", max_length=64, unique=True),
        ),
        migrations.AddField(
            "disclosure",
            "checklist",
            models.JSONField(
                db_default={}, default=dict, help_text="For each point that it must make, the passage that makes it."
            ),
        ),
        migrations.RemoveConstraint("consent", "consent_names_a_purpose"),
        migrations.RenameModel("Consent", "ConsentEvent"),
        migrations.RenameField("consentevent", "given_at", "at"),
        migrations.RenameField("consentevent", "recorded_by", "actor"),
        migrations.AlterModelOptions(
            "consentevent",
            {"ordering": ["-id"], "permissions": [("view_owner", "Can see everything that is held of an owner")]},
        ),
        migrations.AddField(
            "consentevent",
            "kind",
            models.CharField(choices=[("given", "Given"), ("withdrawn", "Withdrawn")], default="given", max_length=16),
            preserve_default=False,
        ),
        migrations.AlterField(
            "consentevent",
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
        migrations.AlterField(
            "consentevent",
            "purposes",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=PURPOSES, max_length=32), size=None
            ),
        ),
        migrations.AlterField(
            "consentevent",
            "disclosure",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="consent_events",
                to="clips.disclosure",
            ),
        ),
        migrations.AddField(
            "consentevent",
            "disclosure_sha256",
            models.CharField(
                blank=True, db_default="", editable=False, help_text="Of the text that was shown.", max_length=64
            ),
        ),
        migrations.AlterField(
            "consentevent",
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
        migrations.AlterField("consentevent", "at", models.DateTimeField(help_text="When the owner acted.")),
        migrations.AddField(
            "consentevent",
            "expires_at",
            models.DateTimeField(blank=True, help_text="From then on it no longer stands.", null=True),
        ),
        migrations.AddField(
            "consentevent",
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
        migrations.AddField(
            "consentevent",
            "reason",
            models.CharField(blank=True, db_default="", help_text="As the owner or staff put it.", max_length=300),
        ),
        migrations.AlterField(
            "consentevent",
            "actor",
            models.ForeignKey(
                help_text="Who told us.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            "consentevent",
            "key",
            models.CharField(
                blank=True,
                db_default="",
                help_text="The sender's Idempotency-Key: a repeat is this event.",
                max_length=255,
            ),
        ),
        migrations.RunSQL(CARRY_OVER, CARRY_BACK),
        migrations.RemoveField("consentevent", "withdrawn_at"),
        migrations.AddConstraint(
            "consentevent",
            models.CheckConstraint(
                condition=models.Q(("kind__in", ["given", "withdrawn"])), name="consent_event_kind_known"
            ),
        ),
        migrations.AddConstraint(
            "consentevent",
            models.CheckConstraint(condition=models.Q(("purposes__len__gte", 1)), name="consent_event_names_a_purpose"),
        ),
        migrations.AddConstraint(
            "consentevent",
            models.CheckConstraint(
                condition=models.Q(("purposes__contained_by", [value for value, _ in PURPOSES])),
                name="consent_event_purposes_known",
            ),
        ),
        migrations.AddConstraint(
            "consentevent",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disclosure__isnull", False), ("kind", "given"), ("withdraws", None)),
                    models.Q(("disclosure", None), ("expires_at", None), ("kind", "withdrawn")),
                    _connector="OR",
                ),
                name="consent_event_is_one_kind",
            ),
        ),
        migrations.AddConstraint(
            "consentevent",
            models.CheckConstraint(
                condition=models.Q(("expires_at", None), ("expires_at__gt", models.F("at")), _connector="OR"),
                name="consent_event_expires_later",
            ),
        ),
        migrations.AddConstraint(
            "consentevent",
            models.UniqueConstraint(
                condition=models.Q(("key", ""), _negated=True),
                fields=("actor", "key"),
                name="consent_event_once_per_key",
            ),
        ),
        migrations.AddIndex("consentevent", models.Index(fields=["owner_key", "id"], name="consent_event_by_owner")),
        migrations.AddIndex("consentevent", models.Index(fields=["recorded_at"], name="consent_event_by_time")),
        migrations.AddIndex("clip", models.Index(fields=["owner_key"], name="clip_by_owner")),
        migrations.CreateModel(
            name="Permit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("purpose", models.CharField(choices=PURPOSES, max_length=32)),
                ("until", models.DateTimeField()),
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
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="permits", to="clips.consentevent"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("until__lt", datetime(9999, 1, 1, tzinfo=UTC))),
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
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField()),
                (
                    "clip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="closing", to="clips.clip"
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="closings", to="clips.consentevent"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["due_at"], name="closing_due")]},
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
