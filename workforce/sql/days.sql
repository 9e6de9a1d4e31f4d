-- Whose day is it, and how many may be done on it: the claim asks inside its one statement, others ask the same.

-- A day's row is written often and stays short: leave room in its page for the next versions.
ALTER TABLE workforce_quotaday SET (fillfactor = 50);

CREATE OR REPLACE FUNCTION sightline_zone(reviewer workforce_reviewer, at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
    -- A moved zone counts from the end of the local day on which it was set.
    SELECT CASE WHEN reviewer.zone_changes_at <= at THEN reviewer.next_time_zone ELSE reviewer.time_zone END
$$;

CREATE OR REPLACE FUNCTION sightline_limit(for_reviewer bigint, on_day date, OUT value integer, OUT source text)
LANGUAGE sql STABLE AS $$
    -- The most particular level that says anything; within it the newest that is in force. Nobody said: 150.
    SELECT found.value, found.source
      FROM (
        SELECT d.value, d.level AS source, d.from_day, d.id,
               array_position(ARRAY['global', 'region', 'team', 'reviewer', 'day']::text[], d.level::text) AS particular
          FROM workforce_reviewer r
          JOIN workforce_team t ON t.id = r.team_id
          JOIN workforce_dailylimit d
            ON (d.level = 'global' AND d.from_day <= on_day)
            OR (d.level = 'region' AND d.region_id = t.region_id AND d.from_day <= on_day)
            OR (d.level = 'team' AND d.team_id = t.id AND d.from_day <= on_day)
            OR (d.level = 'reviewer' AND d.reviewer_id = r.id AND d.from_day <= on_day)
            OR (d.level = 'day' AND d.reviewer_id = r.id AND d.from_day = on_day)
         WHERE r.id = for_reviewer
        UNION ALL
        SELECT 150, 'global', '-infinity'::date, 0, 0
      ) found
     ORDER BY found.particular DESC, found.from_day DESC, found.id DESC
     LIMIT 1
$$;
