"""The queue's two hot statements ask the permits: for the project's purpose, by the clock, when they run.

They are what they were but for the gate, which is put into their text as it stands in the migrations that made them.
"""

from importlib import import_module

from django.db import migrations

OLD_GATE = """                        SELECT 1
                          FROM clips_clip c JOIN clips_consent a ON a.clip_id = c.id
                         WHERE c.id = t.clip_id AND c.state = 'ready'
                           AND (NOT c.is_sensitive OR r.clearance >= 1)
                           AND a.withdrawn_at IS NULL
                           AND a.purposes @> ARRAY['human_review']::varchar[]
"""
NEW_GATE = """                        SELECT 1
                          FROM clips_clip c JOIN clips_permit m ON m.clip_id = c.id
                         WHERE c.id = t.clip_id AND c.state = 'ready'
                           AND (NOT c.is_sensitive OR r.clearance >= 1)
                           AND m.purpose = l.purpose AND m.until > clock_timestamp()
"""
TAKE = [
    (OLD_GATE, NEW_GATE),
    ("p.prefetch, p.lease_seconds,", "p.purpose, p.prefetch, p.lease_seconds,"),
]
SUBMIT = [
    ("    v_on_time boolean;\n", "    v_on_time boolean;\n    v_permitted boolean;\n"),
    (
        "x.quota_day_id, x.token, p.grace_seconds INTO e",
        "x.quota_day_id, x.token, p.grace_seconds, p.purpose, t.clip_id INTO e",
    ),
    (
        "    v_at := clock_timestamp();\n",
        """    v_at := clock_timestamp();
    -- Whoever takes the consent back holds the task, or closes the clip after this answer stands.
    v_permitted := EXISTS (
        SELECT 1 FROM clips_permit m WHERE m.clip_id = e.clip_id AND m.purpose = e.purpose AND m.until > v_at);
""",
    ),
    (
        "WHERE x.id = e.id AND x.state || '' = 'live' AND x.expires_at >",
        "WHERE x.id = e.id AND x.state || '' = 'live' AND v_permitted AND x.expires_at >",
    ),
    (
        "        -- Late. Its seat went back;",
        """        IF NOT v_permitted THEN
            -- Nothing more is kept of what its owner took back.
            outcome := 'not-permitted';
            RETURN;
        END IF;
        -- Late. Its seat went back;""",
    ),
    (
        "FROM annotations_task t JOIN clips_clip c ON c.id = t.clip_id JOIN clips_consent s ON s.clip_id = c.id\n",
        "FROM annotations_task t JOIN clips_clip c ON c.id = t.clip_id\n",
    ),
    (
        "AND c.state = 'ready' AND s.withdrawn_at IS NULL AND s.purposes @> ARRAY['human_review']::varchar[]\n",
        "AND c.state = 'ready'\n",
    ),
]


exposure = import_module("annotations.migrations.0008_exposure")
changed = exposure.changed
take = changed(exposure.take, exposure.CHANGES)
submit = import_module("annotations.migrations.0004_faster_queue").SUBMIT


class Migration(migrations.Migration):
    dependencies = [("annotations", "0009_purposes")]

    operations = [
        migrations.RunSQL(changed(take, TAKE), take),
        migrations.RunSQL(changed(submit, SUBMIT), submit),
    ]
