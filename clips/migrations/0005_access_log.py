"""The access log, which takes over what was written down of staff's sights: docs/decisions.md, "Sight"."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FUNCTIONS = r"""
CREATE FUNCTION sightline_access_text(
    p_stream text, p_number bigint, p_at timestamptz, p_user bigint, p_credentials text, p_clip bigint, p_rendition text,
    p_under text, p_under_id bigint, p_purpose text, p_country text, p_address text, p_asked text, p_outcome text
) RETURNS text LANGUAGE sql STABLE AS $$
    -- Canonical JSON (RFC 8785): keys in the order of their code units, no blanks, strings as PostgreSQL and JavaScript
    -- escape them alike, whole numbers below 2^53.
    SELECT '{"address":' || to_json(p_address)::text
        || ',"asked":' || to_json(p_asked)::text
        || ',"at":"' || to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
        || ',"clip":' || coalesce(p_clip::text, 'null')
        || ',"country":' || to_json(p_country)::text
        || ',"credentials":' || to_json(p_credentials)::text
        || ',"number":' || p_number::text
        || ',"outcome":' || to_json(p_outcome)::text
        || ',"purpose":' || to_json(p_purpose)::text
        || ',"rendition":' || to_json(p_rendition)::text
        || ',"stream":' || to_json(p_stream)::text
        || ',"under":' || to_json(p_under)::text
        || ',"under_id":' || coalesce(p_under_id::text, 'null')
        || ',"user":' || coalesce(p_user::text, 'null')
        || '}'
$$;

CREATE FUNCTION sightline_access(
    p_user bigint, p_credentials text, p_clip bigint, p_rendition text, p_under text, p_under_id bigint,
    p_purpose text, p_country text, p_address text, p_asked text, p_outcome text,
    -- What is alike within this time is one entry. Of refusals no more than so many are kept in it.
    p_alike interval, p_most integer,
    -- For what happened before there was this log.
    p_at timestamptz DEFAULT NULL,
    OUT entry bigint, OUT is_new boolean
)
LANGUAGE plpgsql AS $$
DECLARE
    -- How far back an alike entry is looked for, in entries.
    c_back CONSTANT bigint := 40;
    c_note CONSTANT bigint := 64;
    v_stream CONSTANT text := coalesce('person-' || p_user, 'strangers');
    v_locked boolean := false;
    v_number bigint;
    v_hash bytea;
    v_at timestamptz;
    v_kept bigint;
    v_purpose text := p_purpose;
BEGIN
    LOOP
        -- First without a lock: most pieces that a player asks for write nothing. Then again, holding it.
        SELECT e.number, e.hash INTO v_number, v_hash
          FROM clips_accessentry e WHERE e.stream = v_stream ORDER BY e.number DESC LIMIT 1;
        v_number := coalesce(v_number, 0);
        v_at := coalesce(p_at, clock_timestamp());
        IF p_at IS NULL THEN
            SELECT e.number INTO entry
              FROM clips_accessentry e
             WHERE e.stream = v_stream AND e.number > v_number - c_back AND e.at > v_at - p_alike
               AND e.outcome = p_outcome AND e.rendition = p_rendition AND e.clip_id IS NOT DISTINCT FROM p_clip
               AND e.under = p_under AND e.under_id IS NOT DISTINCT FROM p_under_id
               AND e.address = p_address AND e.credentials = p_credentials
               AND split_part(e.asked, ' ', 1) = split_part(p_asked, ' ', 1)
             ORDER BY e.number DESC LIMIT 1;
            IF FOUND THEN
                is_new := false;
                RETURN;
            END IF;
            IF p_outcome <> 'granted' THEN
                SELECT count(*) INTO v_kept
                  FROM clips_accessentry e
                 WHERE e.stream = v_stream AND e.number > v_number - p_most AND e.at > v_at - p_alike
                   AND e.outcome <> 'granted';
                IF v_kept >= p_most THEN
                    is_new := false;
                    RETURN;
                END IF;
                IF v_kept = p_most - 1 THEN
                    v_purpose := 'more within a minute are not kept';
                END IF;
            END IF;
        END IF;
        EXIT WHEN v_locked;
        -- A lock and no new version of the row: while an old snapshot is open each version would be read over.
        PERFORM 1 FROM clips_accessstream s WHERE s.name = v_stream FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            INSERT INTO clips_accessstream (name) VALUES (v_stream) ON CONFLICT DO NOTHING;
            PERFORM 1 FROM clips_accessstream s WHERE s.name = v_stream FOR NO KEY UPDATE;
        END IF;
        v_locked := true;
    END LOOP;

    entry := v_number + 1;
    is_new := true;
    INSERT INTO clips_accessentry (
        stream, number, at, user_id, credentials, clip_id, rendition, under, under_id, purpose, country, address, asked,
        outcome, hash)
    VALUES (
        v_stream, entry, v_at, p_user, p_credentials, p_clip, p_rendition, p_under, p_under_id, v_purpose, p_country,
        p_address, p_asked, p_outcome,
        sha256(coalesce(v_hash, '\x'::bytea) || convert_to(sightline_access_text(
            v_stream, entry, v_at, p_user, p_credentials, p_clip, p_rendition, p_under, p_under_id, v_purpose, p_country,
            p_address, p_asked, p_outcome), 'UTF8')));
    IF entry % c_note = 0 THEN
        UPDATE clips_accessstream s SET noted_number = entry WHERE s.name = v_stream;
    END IF;
END
$$;

CREATE FUNCTION sightline_access_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the access log is only added to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER access_entry_is_kept BEFORE UPDATE OR DELETE ON clips_accessentry
    FOR EACH ROW EXECUTE FUNCTION sightline_access_is_kept();
CREATE TRIGGER access_entries_are_kept BEFORE TRUNCATE ON clips_accessentry
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_access_is_kept();
CREATE TRIGGER access_stream_is_kept BEFORE DELETE ON clips_accessstream
    FOR EACH ROW EXECUTE FUNCTION sightline_access_is_kept();
CREATE TRIGGER access_stream_only_grows BEFORE UPDATE ON clips_accessstream
    FOR EACH ROW WHEN (NEW.name <> OLD.name OR NEW.noted_number < OLD.noted_number)
    EXECUTE FUNCTION sightline_access_is_kept();
CREATE TRIGGER access_streams_are_kept BEFORE TRUNCATE ON clips_accessstream
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_access_is_kept();
"""
BACK = r"""
DROP TRIGGER access_entry_is_kept ON clips_accessentry;
DROP TRIGGER access_entries_are_kept ON clips_accessentry;
DROP TRIGGER access_stream_is_kept ON clips_accessstream;
DROP TRIGGER access_stream_only_grows ON clips_accessstream;
DROP TRIGGER access_streams_are_kept ON clips_accessstream;
DROP FUNCTION sightline_access_is_kept();
DROP FUNCTION sightline_access;
DROP FUNCTION sightline_access_text;
"""
# What staff were shown before: each sight becomes an entry of its person's stream, in the order of their time.
CARRY = """
DO $$
DECLARE s record;
BEGIN
    FOR s IN SELECT * FROM clips_sight ORDER BY seen_at, id LOOP
        PERFORM sightline_access(
            s.user_id, 'session', s.clip_id, s.rendition_kind, '', NULL, 'before viewings', '', '', 'GET', 'granted',
            NULL, NULL, s.seen_at);
    END LOOP;
END $$;
SET CONSTRAINTS ALL IMMEDIATE;
"""
CARRY_BACK = """
INSERT INTO clips_sight (clip_id, rendition_kind, user_id, place, seen_at)
SELECT clip_id, rendition, user_id, 'admin', at
  FROM clips_accessentry
 WHERE outcome = 'granted' AND under <> 'lease' AND user_id IS NOT NULL AND clip_id IS NOT NULL
 ORDER BY at, id;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("clips", "0004_retries_and_cancels"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "stream",
                    models.CharField(
                        help_text="The chain it belongs to: a person's own, or strangers'.", max_length=40
                    ),
                ),
                ("number", models.BigIntegerField(help_text="Its place in the chain, without a gap.")),
                ("at", models.DateTimeField(help_text="By PostgreSQL's clock.")),
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
                ("rendition", models.CharField(blank=True, max_length=16)),
                (
                    "under",
                    models.CharField(
                        blank=True,
                        choices=[("lease", "Lease"), ("viewing", "Viewing"), ("legal", "Legal request")],
                        max_length=8,
                    ),
                ),
                ("under_id", models.BigIntegerField(blank=True, null=True, verbose_name="number of that")),
                ("purpose", models.CharField(blank=True, max_length=40)),
                ("country", models.CharField(blank=True, help_text="Where the person sat then.", max_length=2)),
                (
                    "address",
                    models.CharField(blank=True, help_text="As seen past the proxies that are ours.", max_length=45),
                ),
                ("asked", models.CharField(blank=True, help_text="Method and range.", max_length=120)),
                ("outcome", models.CharField(help_text="granted, or the code of the refusal.", max_length=40)),
                (
                    "hash",
                    models.BinaryField(
                        help_text="SHA-256 over the hash before it and this entry's canonical JSON.", max_length=32
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
            ],
            options={
                "verbose_name_plural": "access entries",
                "ordering": ["-id"],
                "permissions": [("report_sights", "Can tell an owner who saw their clips")],
                "default_permissions": ("view",),
            },
        ),
        migrations.AddIndex(
            model_name="accessentry",
            index=models.Index(fields=["clip", "id"], name="access_by_clip"),
        ),
        migrations.AddIndex(
            model_name="accessentry",
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=["at"], name="access_by_time"),
        ),
        migrations.AddConstraint(
            model_name="accessentry",
            constraint=models.UniqueConstraint(fields=("stream", "number"), name="access_numbered_once"),
        ),
        migrations.AddConstraint(
            model_name="accessentry",
            constraint=models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="access_numbered_from_one"),
        ),
        migrations.RunSQL(FUNCTIONS, BACK),
        migrations.RunSQL(CARRY, CARRY_BACK),
        migrations.DeleteModel(
            name="Sight",
        ),
    ]
