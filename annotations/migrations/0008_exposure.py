"""A claim hands out no category that the reviewer opted out of, and no more exposure than the day allows.

The function is what it was but for these, which are put into its text as it stands in the migration that made it.
"""

from importlib import import_module

from django.db import migrations

CHANGES = [
    (
        "    v_full boolean := false;\n",
        """    v_full boolean := false;
    -- What is hard to look at: how much the day has of it, and whether more would have been too much.
    v_exposed bigint;
    v_length bigint;
    v_picked integer;
    v_reached boolean := false;
""",
    ),
    (
        "        RETURNING rv.id, rv.team_id, rv.country, rv.skills, rv.clearance,\n",
        """        RETURNING rv.id, rv.team_id, rv.country, rv.skills, rv.clearance, rv.opted_out,
                  coalesce(rv.exposure_minutes, t.exposure_minutes)::bigint * 60000 AS exposure_ms, d.exposed_ms,
""",
    ),
    ("    v_left := v_want;\n", "    v_left := v_want;\n    v_exposed := r.exposed_ms;\n"),
    (
        "p.prefetch, p.lease_seconds,",
        "p.prefetch, p.lease_seconds,\n                   ln.clearance > 0 OR cardinality(p.categories) > 0 AS exposes,",
    ),
    (
        "               AND p.is_active\n",
        "               AND p.is_active\n               AND NOT p.categories && r.opted_out\n",
    ),
    (
        "        v_seen_rank := NULL;\n        v_seen_express := NULL;\n",
        """        IF l.exposes AND v_exposed >= r.exposure_ms THEN
            v_reached := true;
            CONTINUE;
        END IF;
        v_seen_rank := NULL;
        v_seen_express := NULL;
""",
    ),
    ("                SELECT t.id, t.rank\n", "                SELECT t.id, t.rank, t.clip_id\n"),
    (
        """            ), seat AS (
                UPDATE annotations_task t SET seats_left = t.seats_left - 1
                  FROM pick WHERE t.id = pick.id
                RETURNING t.id, t.rank, t.clip_id
            ), made AS (
""",
        """            ), fits AS (
                SELECT pick.id, c.duration_ms, sum(c.duration_ms) OVER (ORDER BY pick.rank, pick.id) AS upto
                  FROM pick JOIN clips_clip c ON c.id = pick.clip_id
            ), seat AS (
                UPDATE annotations_task t SET seats_left = t.seats_left - 1
                  FROM fits
                 WHERE t.id = fits.id AND (NOT l.exposes OR v_exposed + fits.upto <= r.exposure_ms)
                RETURNING t.id, t.rank, fits.duration_ms
            ), made AS (
""",
    ),
    (
        "l.lease_seconds, greatest(300, 3 * c.duration_ms / 1000 + 120)))\n"
        "                  FROM seat JOIN clips_clip c ON c.id = seat.clip_id\n",
        "l.lease_seconds, greatest(300, 3 * seat.duration_ms / 1000 + 120)))\n                  FROM seat\n",
    ),
    (
        "            SELECT array_agg(made.id ORDER BY made.id) INTO v_new FROM made;\n",
        """            SELECT array_agg(made.id ORDER BY made.id), (SELECT sum(seat.duration_ms) FROM seat),
                   (SELECT count(*) FROM pick)
              INTO v_new, v_length, v_picked FROM made;
            IF l.exposes THEN
                v_exposed := v_exposed + coalesce(v_length, 0);
                v_reached := v_reached OR v_picked > coalesce(cardinality(v_new), 0);
            END IF;
""",
    ),
    (
        """    IF v_left > 0 THEN
        UPDATE workforce_quotaday d SET held = d.held - v_left WHERE d.id = r.day_id;
        held := held - v_left;
    END IF;
""",
        """    IF v_left > 0 OR v_exposed > r.exposed_ms THEN
        UPDATE workforce_quotaday d
           SET held = d.held - v_left, exposed_ms = v_exposed,
               exposure_allowed_ms = CASE WHEN v_exposed > r.exposed_ms THEN r.exposure_ms ELSE d.exposure_allowed_ms END
         WHERE d.id = r.day_id;
        held := held - v_left;
    END IF;
""",
    ),
    (
        "CASE WHEN v_full THEN 'holding-enough' ELSE 'nothing' END;",
        "CASE WHEN v_full THEN 'holding-enough' WHEN v_reached THEN 'exposure-reached' ELSE 'nothing' END;",
    ),
]


def changed(text: str, changes: list[tuple[str, str]]) -> str:
    """A function's text with each of these put in the other's place, once."""
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"expected once, found {text.count(old)} times: {old}")
        text = text.replace(old, new)
    return text


take = import_module("annotations.migrations.0006_heads").TAKE


class Migration(migrations.Migration):
    dependencies = [("annotations", "0007_categories"), ("workforce", "0005_exposure")]

    operations = [migrations.RunSQL(changed(take, CHANGES), take)]
