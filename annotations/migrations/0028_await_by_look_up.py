"""What is awaited of some clips is found clip by clip: each is read by its number and each gate asked of it alone, whatever
the database knows of its tables. A thousand clips at once, in a database never analyzed, cost a thousand times one."""

from importlib import import_module

from django.db import migrations

keep = import_module("annotations.migrations.0020_keep_awaited")
spoken = import_module("annotations.migrations.0025_language_in_routing")
# OFFSET keeps a gate from being asked of all there is first; the sum keeps tasks from being found by their project.
SHOULD = f"""
        SELECT c.id AS clip_id, w.project_id, c.region, c.is_sensitive::int AS clearance,
               {spoken.SPOKEN}
          FROM these c JOIN wants w ON c.region = w.region AND c.kind = w.clip_kind
         WHERE c.state = 'ready' AND c.same_as_id IS NULL
           AND EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id AND m.purpose = w.purpose OFFSET 0)
           AND EXISTS (SELECT 1 FROM clips_rendition x
                        WHERE x.clip_id = c.id
                          AND (x.kind = CASE w.faces WHEN 'blurred' THEN 'blurred_proxy' ELSE 'proxy' END
                               OR c.kind = 'voice' AND x.kind = 'proxy') OFFSET 0)
           AND NOT EXISTS (SELECT 1 FROM annotations_task t
                            WHERE t.clip_id = c.id AND t.project_id + 0 = w.project_id OFFSET 0)
"""  # noqa: S608 -- nothing is put in but text of ours
THESE = """
        SELECT o.id, o.region, o.kind, o.language, o.is_sensitive, o.state, o.same_as_id
          FROM clips_clip o WHERE o.id = ANY (clip_ids)
"""
AWAIT = """
CREATE OR REPLACE FUNCTION sightline_await(clip_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM annotations_awaited o WHERE o.clip_id = ANY (clip_ids)) THEN
        WITH wants AS MATERIALIZED ({wants}), these AS MATERIALIZED ({these}), should AS MATERIALIZED ({should})
        DELETE FROM annotations_awaited a
         USING (SELECT o.clip_id, o.project_id
                  FROM annotations_awaited o
                  LEFT JOIN should s ON (s.clip_id, s.project_id, s.region, s.clearance, s.language)
                                        = (o.clip_id, o.project_id, o.region, o.clearance, o.language)
                 WHERE o.clip_id = ANY (clip_ids) AND s.clip_id IS NULL
                 ORDER BY o.clip_id, o.project_id FOR UPDATE OF o SKIP LOCKED) gone
         WHERE a.clip_id = gone.clip_id AND a.project_id = gone.project_id;
    END IF;
    WITH wants AS MATERIALIZED ({wants}), these AS MATERIALIZED ({these})
    INSERT INTO annotations_awaited (clip_id, project_id, region, clearance, language)
    {should} ORDER BY 1, 2
        ON CONFLICT DO NOTHING;
END
$$;
"""
WANTS = keep.WANTS.replace("p.purpose, p.faces\n", "p.purpose, p.faces, p.asks_language\n")
FORWARD = AWAIT.replace("{should}", SHOULD).replace("{these}", THESE).replace("{wants}", WANTS)
# Replacing a function forgets its settings.
SETTINGS = "\n".join(line for line in keep.FORWARD.splitlines() if line.startswith("ALTER FUNCTION sightline_await("))


def before() -> str:
    """The function as ``0025_language_in_routing`` made it."""
    text: str = spoken.changed(spoken.LINES, spoken.AWAIT)
    begins = text.index("CREATE OR REPLACE FUNCTION sightline_await(")
    return text[begins : text.index("$$;", begins) + len("$$;")]


class Migration(migrations.Migration):
    dependencies = [("annotations", "0027_leaner_awaited")]

    operations = [migrations.RunSQL(FORWARD + SETTINGS, before() + "\n" + SETTINGS)]
