CREATE TEMPORARY VIEW events AS
SELECT * FROM STREAM read_files('${BENCH_DATA}', format => 'json', maxBytesPerTrigger => '4g',
  schema => 'event_id STRING, event_time TIMESTAMP, user_id STRING, event_type STRING, page_url STRING, status INT, bytes INT, duration_ms INT, country STRING, device STRING');

CREATE STREAMING TABLE bought_after AS
SELECT v.user_id, v.page_url, v.event_time AS viewed, b.event_time AS bought
FROM (SELECT * FROM STREAM events WATERMARK event_time DELAY OF INTERVAL 1 MINUTE WHERE event_type = 'page_view') AS v
JOIN (SELECT * FROM STREAM events WATERMARK event_time DELAY OF INTERVAL 1 MINUTE WHERE event_type = 'purchase') AS b
ON v.user_id = b.user_id AND b.event_time BETWEEN v.event_time AND v.event_time + INTERVAL 2 MINUTES;
