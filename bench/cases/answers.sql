-- What each case has to answer, in DuckDB's own SQL over the same files, as one batch. A window
-- counts once the watermark, two minutes behind the newest event, has passed its end.

-- setup
SET VARIABLE files = getvariable('data') || '/*.json';
CREATE VIEW events AS
SELECT * FROM read_json(getvariable('files'), format = 'newline_delimited', columns = {event_id: 'VARCHAR',
  event_time: 'TIMESTAMP', user_id: 'VARCHAR', event_type: 'VARCHAR', page_url: 'VARCHAR', status: 'INT', bytes: 'INT',
  duration_ms: 'INT', country: 'VARCHAR', device: 'VARCHAR'});
SET VARIABLE closed = (SELECT max(event_time) - INTERVAL 2 MINUTES FROM events);

-- tumble
SELECT time_bucket(INTERVAL 1 MINUTE, event_time) AS start, start + INTERVAL 1 MINUTE AS "end", page_url, count(*) AS n
FROM events GROUP BY start, page_url HAVING start + INTERVAL 1 MINUTE <= getvariable('closed');

-- append
SELECT * FROM events;

-- slide
SELECT time_bucket(INTERVAL 1 MINUTE, event_time) - step * INTERVAL 1 MINUTE AS start, start + INTERVAL 5 MINUTES AS "end",
       count(DISTINCT user_id) AS users
FROM events, unnest(range(5)) AS steps(step) GROUP BY start HAVING start + INTERVAL 5 MINUTES <= getvariable('closed');

-- session
WITH starts AS (
  SELECT user_id, event_time, coalesce(event_time - lag(event_time) OVER w > INTERVAL 30 SECONDS, true) AS is_start
  FROM events WINDOW w AS (PARTITION BY user_id ORDER BY event_time)),
numbered AS (SELECT user_id, event_time, sum(is_start::INT) OVER (PARTITION BY user_id ORDER BY event_time) AS session FROM starts)
SELECT min(event_time) AS start, max(event_time) + INTERVAL 30 SECONDS AS "end", user_id, count(*) AS n
FROM numbered GROUP BY user_id, session HAVING "end" <= getvariable('closed');

-- join
SELECT v.user_id, v.page_url, v.event_time AS viewed, b.event_time AS bought
FROM events AS v JOIN events AS b
  ON v.user_id = b.user_id AND b.event_time BETWEEN v.event_time AND v.event_time + INTERVAL 2 MINUTES
WHERE v.event_type = 'page_view' AND b.event_type = 'purchase';
