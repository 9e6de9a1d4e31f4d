"""What an owner agreed to is worked out for one clip by the clip's number, and no longer by looking at all the clips of the
owner: sending the ten thousandth clip costs what the first did."""

from importlib import import_module

from django.db import migrations

events = import_module("clips.migrations.0008_consent_events")
CHANGES = [
    (
        """    v_now CONSTANT timestamptz := clock_timestamp();
BEGIN
    WITH standing AS (""",
        """    v_now CONSTANT timestamptz := clock_timestamp();
    v_clips CONSTANT bigint[] := CASE WHEN p_clip IS NULL
        THEN ARRAY(SELECT o.id FROM clips_clip o WHERE o.owner_key = p_owner) ELSE ARRAY[p_clip] END;
BEGIN
    WITH mine AS MATERIALIZED (
        SELECT o.id, o.owner_key, o.region FROM clips_clip o WHERE o.id = ANY (v_clips)
    ), standing AS (""",
    ),
    (
        """          FROM clips_clip c
          JOIN clips_consentevent g""",
        """          FROM mine c
          JOIN clips_consentevent g""",
    ),
    (
        """         WHERE c.owner_key = p_owner AND (p_clip IS NULL OR c.id = p_clip)
           AND (g.""",
        """         WHERE c.owner_key = p_owner
           AND (g.""",
    ),
    (
        """        DELETE FROM clips_permit m USING clips_clip c
         WHERE c.id = m.clip_id AND c.owner_key = p_owner AND (p_clip IS NULL OR c.id = p_clip)
""",
        """        DELETE FROM clips_permit m USING mine c
         WHERE c.id = m.clip_id AND c.owner_key = p_owner
""",
    ),
]
SETTINGS = """
-- Every step is a look-up by keys, whatever the tables were like when the plan was made.
ALTER FUNCTION sightline_permit(text, bigint) SET enable_seqscan = off;
ALTER FUNCTION sightline_permit(text, bigint) SET enable_hashjoin = off;
ALTER FUNCTION sightline_permit(text, bigint) SET enable_mergejoin = off;
ALTER FUNCTION sightline_permit(text, bigint) SET plan_cache_mode = force_generic_plan;
"""


def before() -> str:
    """The function as ``0008_consent_events`` made it."""
    begins = events.SQL.index("CREATE FUNCTION sightline_permit(")
    ends = events.SQL.index("$$;", begins) + len("$$;")
    return events.SQL[begins:ends].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


def changed(text: str) -> str:
    """The function's text with the changes; each has to be found, once."""
    for old, new in CHANGES:
        if text.count(old) != 1:
            raise ValueError(f"the permit has changed: {old!r}")
        text = text.replace(old, new)
    return text


class Migration(migrations.Migration):
    dependencies = [("clips", "0014_language")]

    operations = [migrations.RunSQL(changed(before()) + SETTINGS, before())]
