"""A claim heeds people's hours: nobody is handed work before their first day; and where the team keeps hours, only while
they work, and no more than they can do in what is left.

Only the lines that change stand here; the whole text is in ``0013_cheaper_claim``.
"""

from importlib import import_module

from django.db import migrations

cheaper = import_module("annotations.migrations.0013_cheaper_claim")
BEFORE = cheaper.TAKE.replace("{pick}", cheaper.PICK).replace("{lease}", cheaper.LEASE)
CHANGES = [
    (
        """           AND d.used + d.held + v_want <= d.day_limit
        RETURNING""",
        """           AND d.used + d.held + v_want <= d.day_limit
           AND (rv.starts_on IS NULL OR rv.starts_on <= d.day)
           AND (NOT t.keeps_hours OR d.held + v_want <= sightline_hours_room(rv.id, sightline_take.at))
        RETURNING""",
    ),
    (
        """        SELECT rv.id, rv.is_active, rv.is_paused, t.is_paused AS team_paused, sightline_zone""",
        """        SELECT rv.id, rv.is_active, rv.is_paused, t.is_paused AS team_paused, t.keeps_hours, rv.starts_on, sightline_zone""",
    ),
    (
        """        v_want := least(p_count, q.day_limit - q.used - q.held);
        IF v_want <= 0 THEN
            outcome := 'quota-exhausted';
            RETURN;
        END IF;
""",
        """        IF r.starts_on > day THEN
            outcome := 'not-begun';
            RETURN;
        END IF;
        v_want := least(p_count, q.day_limit - q.used - q.held);
        IF v_want <= 0 THEN
            outcome := 'quota-exhausted';
            RETURN;
        END IF;
        IF r.keeps_hours THEN
            v_room := sightline_hours_room(r.id, at);
            IF v_room IS NULL OR v_room <= q.held THEN
                outcome := CASE WHEN v_room IS NULL THEN 'hours-unknown' WHEN q.held = 0 OR v_room = 0 THEN 'off-shift'
                                ELSE 'holding-enough' END;
                RETURN;
            END IF;
            v_want := least(v_want, v_room - q.held);
        END IF;
""",
    ),
]


def changed(text: str) -> str:
    """The claim's text with the changes; each has to be found, once."""
    for old, new in CHANGES:
        if text.count(old) != 1:
            raise ValueError(f"the claim has changed: {old!r}")
        text = text.replace(old, new)
    return text


class Migration(migrations.Migration):
    dependencies = [("annotations", "0017_export_regions"), ("workforce", "0011_keep_hours")]

    operations = [migrations.RunSQL(changed(BEFORE), BEFORE)]
