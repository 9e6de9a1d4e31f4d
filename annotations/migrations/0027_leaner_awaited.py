"""What a clip's arrival costs: of what came, clips are looked up by number and each gate for each of them, so that a
database that was never analyzed cannot choose to read all clips for each; and where nothing went, nothing is asked."""

from importlib import import_module

from django.db import migrations

keep = import_module("annotations.migrations.0020_keep_awaited")
# OFFSET keeps what is asked of each clip from being read for all of them first.
CAME = """
CREATE OR REPLACE FUNCTION sightline_part_came() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_came bigint[] := ARRAY(SELECT DISTINCT changed.clip_id FROM changed);
    v_clips bigint[] := ARRAY(
        WITH came AS MATERIALIZED (SELECT o.id, o.state FROM clips_clip o WHERE o.id = ANY (v_came))
        SELECT c.id FROM came c
         WHERE c.state = 'ready'
           AND EXISTS (SELECT 1 FROM clips_rendition x WHERE x.clip_id = c.id OFFSET 0)
           AND EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id OFFSET 0));
BEGIN
    IF cardinality(v_clips) > 0 THEN
        PERFORM sightline_await(v_clips);
    END IF;
    RETURN NULL;
END
$$;
"""
WENT = """
CREATE OR REPLACE FUNCTION sightline_part_went() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_clips bigint[] := ARRAY(SELECT DISTINCT changed.clip_id FROM changed);
BEGIN
    IF cardinality(v_clips) > 0 THEN
        PERFORM sightline_await(v_clips);
    END IF;
    RETURN NULL;
END
$$;
"""
# Replacing a function forgets its settings.
SETTINGS = "\n".join(
    line for line in keep.FORWARD.splitlines() if line.startswith("ALTER FUNCTION sightline_part_came(")
)


def before(name: str) -> str:
    """A function as ``0020_keep_awaited`` made it."""
    begins = keep.FORWARD.index(f"CREATE FUNCTION {name}(")
    ends = keep.FORWARD.index("$$;", begins) + len("$$;")
    return keep.FORWARD[begins:ends].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("annotations", "0026_seats_apart"), ("clips", "0015_permit_by_number")]

    operations = [
        migrations.RunSQL(
            CAME + WENT + SETTINGS, "\n".join([*map(before, ("sightline_part_came", "sightline_part_went")), SETTINGS])
        )
    ]
