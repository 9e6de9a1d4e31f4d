"""A database from when events of consent were called consents gives their indexes, sequence and constraints today's names."""

from django.db import migrations

RENAME = """
ALTER INDEX IF EXISTS clips_consent_pkey RENAME TO clips_consentevent_pkey;
ALTER INDEX IF EXISTS clips_consent_clip_id_069c8729 RENAME TO clips_consentevent_clip_id_c2dd0880;
ALTER INDEX IF EXISTS clips_consent_disclosure_id_2cb04a87 RENAME TO clips_consentevent_disclosure_id_aa053dbe;
ALTER INDEX IF EXISTS clips_consent_recorded_by_id_b2497619 RENAME TO clips_consentevent_actor_id_321c8ddc;
ALTER SEQUENCE IF EXISTS clips_consent_id_seq RENAME TO clips_consentevent_id_seq;
-- From version 18 on PostgreSQL names what may not be null.
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT n.conname, a.attname
                 FROM pg_constraint n JOIN pg_attribute a ON a.attrelid = n.conrelid AND a.attnum = n.conkey[1]
                WHERE n.conrelid = 'clips_consentevent'::regclass AND n.contype = 'n' AND n.conname ^@ 'clips_consent_'
    LOOP
        EXECUTE format('ALTER TABLE clips_consentevent RENAME CONSTRAINT %I TO %I', one.conname,
                       'clips_consentevent_' || one.attname || '_not_null');
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("clips", "0001_schema")]

    operations = [migrations.RunSQL(RENAME, migrations.RunSQL.noop)]
