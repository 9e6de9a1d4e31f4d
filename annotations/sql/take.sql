-- A claim: hold the units, look at the lanes, take seats and leases. Reasons: docs/decisions.md, "The queue".
--
-- What it picks it locks, the earliest first, and passes by what others have locked. Every gate of a clip is asked here,
-- by PostgreSQL's clock. Picking and leasing stand here twice: exposure is reckoned only where there is any.

CREATE OR REPLACE FUNCTION sightline_take(
    p_user bigint, p_count integer, p_key text DEFAULT NULL,
    OUT outcome text, OUT quota_day_id bigint, OUT day date, OUT time_zone text,
    OUT day_limit integer, OUT used integer, OUT held integer, OUT lease_ids bigint[], OUT at timestamptz
)
LANGUAGE plpgsql AS $$
DECLARE
    -- Ranks below this are turns of seats that came back; ranks above are virtual deadlines in milliseconds.
    c_express CONSTANT bigint := 100000000000;
    c_last CONSTANT bigint := 9223372036854775807;
    c_stale CONSTANT interval := '1 second';
    -- How many index entries are a walk worth remembering: over what is gone (the head moves), and over what this
    -- reviewer held before (a bookmark).
    c_long CONSTANT bigint := 48;
    c_own CONSTANT bigint := 16;
    -- Lanes that begin as close as this, in milliseconds, take turns by where their heads happen to stand.
    c_close CONSTANT bigint := 1000;
    r record;
    q workforce_quotaday%ROWTYPE;
    l record;
    k record;
    v_want integer := p_count;
    v_left integer;
    v_room integer;
    v_given jsonb;
    v_from bigint;
    v_to bigint;
    v_new bigint[];
    v_mark bigint;
    v_walked bigint;
    v_longest bigint;
    v_first bigint;
    v_seen_rank bigint;
    v_seen_express bigint;
    v_passes boolean;
    v_index CONSTANT oid := 'task_queue'::regclass;
    v_full boolean := false;
    -- What is hard to look at: how much the day has of it, and whether more would have been too much.
    v_exposed bigint;
    v_length bigint;
    v_picked integer;
    v_reached boolean := false;
    v_front bigint;
    v_front_express bigint;
BEGIN
    at := clock_timestamp();
    lease_ids := '{}';

    -- 1. The units are held first, and with them the day's row: from here on this reviewer's own calls stand in line.
    -- What is not granted in the end goes back below.
    LOOP
        UPDATE workforce_quotaday d SET held = d.held + v_want
          FROM workforce_reviewer rv JOIN workforce_team t ON t.id = rv.team_id
         WHERE rv.user_id = p_user AND rv.is_active AND NOT rv.is_paused AND NOT t.is_paused
           AND d.reviewer_id = rv.id AND d.day = (sightline_take.at AT TIME ZONE sightline_zone(rv, sightline_take.at))::date
           AND d.used + d.held + v_want <= d.day_limit
           AND (rv.starts_on IS NULL OR rv.starts_on <= d.day)
           AND (NOT t.keeps_hours OR d.held + v_want <= sightline_hours_room(rv.id, sightline_take.at))
        RETURNING rv.id, rv.team_id, rv.country, rv.skills, rv.languages, rv.clearance, rv.opted_out,
                  coalesce(rv.exposure_minutes, t.exposure_minutes)::bigint * 60000 AS exposure_ms, d.exposed_ms,
                  d.id AS day_id, d.day, d.time_zone, d.day_limit, d.used, d.held
          INTO r;
        EXIT WHEN FOUND;

        -- Not so simple: the day has not begun, less of it is left, or the answer is no.
        SELECT rv.id, rv.is_active, rv.is_paused, t.is_paused AS team_paused, t.keeps_hours, rv.starts_on, sightline_zone(rv, sightline_take.at) AS zone
          INTO r
          FROM workforce_reviewer rv JOIN workforce_team t ON t.id = rv.team_id
         WHERE rv.user_id = p_user;
        IF NOT FOUND OR NOT r.is_active THEN
            outcome := 'not-a-reviewer';
            RETURN;
        END IF;
        time_zone := r.zone;
        day := (at AT TIME ZONE r.zone)::date;
        SELECT d.* INTO q FROM workforce_quotaday d WHERE d.reviewer_id = r.id AND d.day = sightline_take.day FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            INSERT INTO workforce_quotaday (reviewer_id, day, time_zone, day_limit, limit_source, allowed, used, held, skips)
            SELECT r.id, sightline_take.day, r.zone, m.value, m.source, m.value, 0, 0, 0
              FROM sightline_limit(r.id, sightline_take.day) m
                ON CONFLICT DO NOTHING;
            SELECT d.* INTO q FROM workforce_quotaday d WHERE d.reviewer_id = r.id AND d.day = sightline_take.day FOR NO KEY UPDATE;
        END IF;
        quota_day_id := q.id;
        day_limit := q.day_limit;
        used := q.used;
        held := q.held;
        IF p_key IS NOT NULL THEN
            SELECT s.* INTO k FROM annotations_takekey s WHERE s.reviewer_id = r.id AND s.key = p_key;
            IF FOUND THEN
                outcome := CASE WHEN k.count = p_count THEN 'repeated' ELSE 'key-reused' END;
                lease_ids := CASE WHEN k.count = p_count THEN k.lease_ids ELSE '{}' END;
                RETURN;
            END IF;
        END IF;
        IF r.is_paused OR r.team_paused THEN
            outcome := CASE WHEN r.is_paused THEN 'you-are-paused' ELSE 'team-is-paused' END;
            RETURN;
        END IF;
        IF r.starts_on > day THEN
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
    END LOOP;
    quota_day_id := r.day_id;
    day := r.day;
    time_zone := r.time_zone;
    day_limit := r.day_limit;
    used := r.used;
    held := r.held;
    v_left := v_want;
    v_exposed := r.exposed_ms;

    IF p_key IS NOT NULL THEN
        SELECT s.* INTO k FROM annotations_takekey s WHERE s.reviewer_id = r.id AND s.key = p_key;
        IF FOUND THEN
            UPDATE workforce_quotaday d SET held = d.held - v_want WHERE d.id = r.day_id;
            held := held - v_want;
            outcome := CASE WHEN k.count = p_count THEN 'repeated' ELSE 'key-reused' END;
            lease_ids := CASE WHEN k.count = p_count THEN k.lease_ids ELSE '{}' END;
            RETURN;
        END IF;
    END IF;

    -- 2. The lanes this reviewer may draw from, the earliest first, each up to where the next one begins and a second
    -- more: a head stands a little behind, and then a lane whose turn it is would be asked in vain. If that is not
    -- enough, once more without that bound.
    FOR pass IN 1..2 LOOP
    EXIT WHEN v_left <= 0;
    FOR l IN
        SELECT x.*,
               -- The live leases are looked up once, and not per lane.
               x.prefetch - coalesce(cardinality(array_positions(ARRAY(
                    SELECT t.project_id
                      FROM annotations_lease e JOIN annotations_task t ON t.id = e.task_id
                     WHERE e.reviewer_id = r.id AND e.state = 'live' AND e.expires_at > sightline_take.at
               ), x.project_id)), 0) AS room,
               lead(x.starts) OVER (ORDER BY x.has_express DESC, x.starts, x.id) AS next_starts
          FROM (
            SELECT ln.id, ln.project_id, h.head_rank, h.tail_rank, h.express_head, h.express_next, h.version,
                   h.made_at, greatest(h.express_head, b.express) < h.express_next AS has_express,
                   p.purpose, p.prefetch, p.lease_seconds,
                   ln.clearance > 0 OR cardinality(p.categories) > 0 AS exposes,
                   greatest(h.head_rank, b.rank) AS starts, b.rank AS seen_rank, b.express AS seen_express
              FROM annotations_lane ln
              JOIN annotations_project p ON p.id = ln.project_id
             CROSS JOIN LATERAL (
                    SELECT n.* FROM annotations_head n WHERE n.lane_id = ln.id ORDER BY n.number DESC LIMIT 1) h
              -- LIMIT, or a plan made for few bookmarks reads all of the reviewer's for each lane.
              LEFT JOIN LATERAL (
                    SELECT m.* FROM annotations_bookmark m
                     WHERE m.reviewer_id = r.id AND m.lane_id = ln.id AND m.version = h.version LIMIT 1) b ON true
             WHERE ln.team_id = r.team_id
               AND p.is_active
               AND NOT p.categories && r.opted_out
               AND ln.clearance <= r.clearance
               -- What is left of it for this reviewer; greatest() passes a missing bookmark by.
               AND (greatest(h.express_head, b.express) < h.express_next OR greatest(h.head_rank, b.rank) <= h.tail_rank)
               -- Asked once and not per lane: where the reviewer's country has a basis in force.
               AND ln.region = ANY (ARRAY(
                    SELECT rg.code
                      FROM workforce_residencybasis rb JOIN workforce_region rg ON rg.id = rb.region_id
                     WHERE rb.country = r.country
                       AND rb.starts_at <= sightline_take.at AND (rb.ends_at IS NULL OR rb.ends_at > sightline_take.at)
                   ))
               AND ln.skills <@ r.skills
               AND (ln.language = '' OR ln.language = ANY (r.languages))
          ) x
         ORDER BY x.has_express DESC, x.starts, x.id
    LOOP
        EXIT WHEN v_left <= 0;
        v_room := l.room - coalesce((v_given ->> l.project_id::text)::integer, 0);
        IF v_room <= 0 THEN
            v_full := true;
            CONTINUE;
        END IF;
        IF l.exposes AND v_exposed >= r.exposure_ms THEN
            v_reached := true;
            CONTINUE;
        END IF;
        v_seen_rank := NULL;
        v_seen_express := NULL;
        v_longest := 0;
        -- Turn 1: seats that came back. Turn 2: the lane's own order.
        FOR turn IN CASE WHEN l.has_express THEN 1 ELSE 2 END..2 LOOP
            EXIT WHEN v_left <= 0 OR v_room <= 0;
            IF turn = 1 THEN
                v_from := greatest(l.express_head, l.seen_express);
                v_to := l.express_next - 1;
            ELSE
                v_from := greatest(l.head_rank, l.seen_rank, c_express);
                v_to := CASE WHEN pass = 1 THEN coalesce(l.next_starts + c_close, c_last) ELSE c_last END;
            END IF;
            v_mark := pg_stat_get_xact_tuples_returned(v_index);
            -- 3. The seats and the leases.
            IF l.exposes THEN
                -- As many as the day may still have of it, in their order.
                WITH pick AS (
                    SELECT t.id, t.rank, c.duration_ms
                      FROM annotations_task t JOIN clips_clip c ON c.id = t.clip_id
                     WHERE t.lane_id = l.id AND t.state = 'open' AND t.seats_left > 0
                       AND t.rank >= v_from AND t.rank <= v_to
                       AND NOT EXISTS (
                            SELECT 1 FROM annotations_lease e WHERE e.task_id = t.id AND e.reviewer_id = r.id)
                       AND c.state = 'ready' AND (NOT c.is_sensitive OR r.clearance >= 1)
                       AND EXISTS (
                            SELECT 1 FROM clips_permit m
                             WHERE m.clip_id = t.clip_id AND m.purpose = l.purpose AND m.until > clock_timestamp())
                     ORDER BY t.rank, t.id
                     LIMIT least(v_left, v_room)
                       FOR NO KEY UPDATE OF t SKIP LOCKED
                ), fits AS (
                    SELECT pick.*, sum(pick.duration_ms) OVER (ORDER BY pick.rank, pick.id) AS upto FROM pick
                ), seat AS (
                    UPDATE annotations_task t SET seats_left = t.seats_left - 1
                      FROM fits
                     WHERE t.id = fits.id AND v_exposed + fits.upto <= r.exposure_ms
                    RETURNING t.id, t.rank, fits.duration_ms
                ), made AS (
                    INSERT INTO annotations_lease
                        (task_id, reviewer_id, quota_day_id, token, state, skip_reason, granted_at, expires_at)
                    SELECT seat.id, r.id, r.day_id, gen_random_uuid(), 'live', '', sightline_take.at,
                           clock_timestamp() + make_interval(secs => coalesce(
                               l.lease_seconds, greatest(300, 3 * seat.duration_ms / 1000 + 120)))
                      FROM seat
                     ORDER BY seat.rank, seat.id
                    RETURNING id
                )
                SELECT array_agg(made.id), (SELECT sum(seat.duration_ms) FROM seat), (SELECT count(*) FROM pick)
                  INTO v_new, v_length, v_picked FROM made;
                v_exposed := v_exposed + coalesce(v_length, 0);
                v_reached := v_reached OR v_picked > coalesce(cardinality(v_new), 0);
            ELSE
                WITH pick AS (
                    SELECT t.id, t.rank, c.duration_ms
                      FROM annotations_task t JOIN clips_clip c ON c.id = t.clip_id
                     WHERE t.lane_id = l.id AND t.state = 'open' AND t.seats_left > 0
                       AND t.rank >= v_from AND t.rank <= v_to
                       AND NOT EXISTS (
                            SELECT 1 FROM annotations_lease e WHERE e.task_id = t.id AND e.reviewer_id = r.id)
                       AND c.state = 'ready' AND (NOT c.is_sensitive OR r.clearance >= 1)
                       AND EXISTS (
                            SELECT 1 FROM clips_permit m
                             WHERE m.clip_id = t.clip_id AND m.purpose = l.purpose AND m.until > clock_timestamp())
                     ORDER BY t.rank, t.id
                     LIMIT least(v_left, v_room)
                       FOR NO KEY UPDATE OF t SKIP LOCKED
                ), seat AS (
                    UPDATE annotations_task t SET seats_left = t.seats_left - 1
                      FROM pick
                     WHERE t.id = pick.id
                    RETURNING t.id, t.rank, pick.duration_ms
                ), made AS (
                    INSERT INTO annotations_lease
                        (task_id, reviewer_id, quota_day_id, token, state, skip_reason, granted_at, expires_at)
                    SELECT seat.id, r.id, r.day_id, gen_random_uuid(), 'live', '', sightline_take.at,
                           clock_timestamp() + make_interval(secs => coalesce(
                               l.lease_seconds, greatest(300, 3 * seat.duration_ms / 1000 + 120)))
                      FROM seat
                     ORDER BY seat.rank, seat.id
                    RETURNING id
                )
                SELECT array_agg(made.id) INTO v_new FROM made;
            END IF;
            v_walked := pg_stat_get_xact_tuples_returned(v_index) - v_mark;
            v_longest := greatest(v_longest, v_walked);
            -- A reviewer who was asked in vain, or walked over what they held before, begins next time where the first
            -- seat stands that is theirs, locked by somebody or not, be it past the next lane's beginning: or this lane is
            -- asked in vain each time until the others come as far. Index entries known to be dead are not counted.
            v_passes := v_new IS NULL;
            IF v_walked > c_own AND NOT v_passes THEN
                SELECT t.rank INTO v_front
                  FROM annotations_task t
                 WHERE t.lane_id = l.id AND t.state = 'open' AND t.seats_left > 0
                   AND t.rank >= v_from AND t.rank <= v_to
                 ORDER BY t.rank, t.id LIMIT 1;
                -- Less what lies before the first free seat, which is gone for everybody: that is the head's business.
                v_walked := v_walked - (pg_stat_get_xact_tuples_returned(v_index) - v_mark - v_walked);
                v_passes := v_front IS NOT NULL AND v_walked > c_own;
            END IF;
            IF v_passes THEN
                SELECT t.rank INTO v_first
                  FROM annotations_task t
                 WHERE t.lane_id = l.id AND t.state = 'open' AND t.seats_left > 0
                   AND t.rank >= v_from AND t.rank <= CASE WHEN turn = 1 THEN v_to ELSE c_last END
                   AND NOT EXISTS (
                        SELECT 1 FROM annotations_lease e WHERE e.task_id = t.id AND e.reviewer_id = r.id)
                 ORDER BY t.rank, t.id LIMIT 1;
                IF turn = 1 THEN
                    v_seen_express := nullif(coalesce(v_first, l.express_next), v_from);
                ELSE
                    v_seen_rank := nullif(coalesce(v_first, l.tail_rank + 1), v_from);
                END IF;
            END IF;
            CONTINUE WHEN v_new IS NULL;
            lease_ids := lease_ids || v_new;
            v_left := v_left - cardinality(v_new);
            v_room := v_room - cardinality(v_new);
            IF v_left > 0 THEN
                v_given := jsonb_set(coalesce(v_given, '{}'), ARRAY[l.project_id::text], to_jsonb(l.room - v_room));
            END IF;
        END LOOP;

        IF v_seen_rank IS NOT NULL OR v_seen_express IS NOT NULL THEN
            INSERT INTO annotations_bookmark AS b (reviewer_id, lane_id, version, rank, express)
            VALUES (r.id, l.id, l.version, coalesce(v_seen_rank, l.seen_rank, l.head_rank),
                    coalesce(v_seen_express, l.seen_express, l.express_head))
                ON CONFLICT (reviewer_id, lane_id) DO UPDATE
               SET version = excluded.version, rank = excluded.rank, express = excluded.express;
        END IF;

        -- 4. Now and then, move the lane's head up to the first free seat, so that nobody walks over what is gone.
        -- Never waits; and not when something entered before the tail meanwhile (its version says so).
        -- A walk from a bookmark says nothing of it.
        IF (l.made_at < sightline_take.at - c_stale AND (v_new IS NULL OR v_longest > c_own)
            AND coalesce(l.seen_rank, 0) <= l.head_rank AND coalesce(l.seen_express, 0) <= l.express_head)
           OR (v_longest > c_long AND v_seen_rank IS NULL AND v_seen_express IS NULL)
        THEN
            SELECT t.rank INTO v_front FROM annotations_task t
             WHERE t.lane_id = l.id AND t.state = 'open' AND t.seats_left > 0
               AND t.rank >= greatest(l.head_rank, c_express)
             ORDER BY t.rank, t.id LIMIT 1;
            SELECT t.rank INTO v_front_express FROM annotations_task t
             WHERE t.lane_id = l.id AND t.state = 'open' AND t.seats_left > 0
               AND t.rank >= l.express_head AND t.rank < l.express_next
             ORDER BY t.rank, t.id LIMIT 1;
            PERFORM 1 FROM annotations_lane ln WHERE ln.id = l.id FOR NO KEY UPDATE SKIP LOCKED;
            IF FOUND THEN
                INSERT INTO annotations_head
                       (lane_id, number, head_rank, tail_rank, express_head, express_next, version, made_at)
                SELECT h.lane_id, h.number + 1, greatest(h.head_rank, coalesce(v_front, l.tail_rank + 1)), h.tail_rank,
                       greatest(h.express_head, coalesce(v_front_express, l.express_next)), h.express_next, h.version,
                       clock_timestamp()
                  FROM (SELECT n.* FROM annotations_head n WHERE n.lane_id = l.id ORDER BY n.number DESC LIMIT 1) h
                 WHERE h.version = l.version
                   AND (h.head_rank < coalesce(v_front, l.tail_rank + 1)
                        OR h.express_head < coalesce(v_front_express, l.express_next));
            END IF;
        END IF;
    END LOOP;
    END LOOP;

    IF v_left > 0 OR v_exposed > r.exposed_ms THEN
        UPDATE workforce_quotaday d
           SET held = d.held - v_left, exposed_ms = v_exposed,
               exposure_allowed_ms = CASE WHEN v_exposed > r.exposed_ms THEN r.exposure_ms ELSE d.exposure_allowed_ms END
         WHERE d.id = r.day_id;
        held := held - v_left;
    END IF;
    IF cardinality(lease_ids) > 0 THEN
        outcome := 'granted';
    ELSE
        outcome := CASE WHEN v_full THEN 'holding-enough' WHEN v_reached THEN 'exposure-reached' ELSE 'nothing' END;
    END IF;
    IF p_key IS NOT NULL THEN
        INSERT INTO annotations_takekey (reviewer_id, key, count, lease_ids, created_at)
        VALUES (r.id, p_key, p_count, lease_ids, sightline_take.at);
    END IF;
END
$$;
-- One plan for all: what differs between calls is where the walk begins, not how it should be done, and planning anew
-- costs more than the walk. In it every step is a look-up, never a list of all that somebody ever held, however short that
-- list was when the plan was made.
ALTER FUNCTION sightline_take(bigint, integer, text) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION sightline_take(bigint, integer, text) SET enable_seqscan = off;
ALTER FUNCTION sightline_take(bigint, integer, text) SET enable_material = off;
