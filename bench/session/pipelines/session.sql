CREATE STREAMING TABLE sessions AS
SELECT session_window.start AS start, session_window.end AS end, user_id, count(*) AS n
FROM STREAM read_files('${BENCH_DATA}', format => 'json', maxBytesPerTrigger => '4g',
  schema => 'event_id STRING, event_time TIMESTAMP, user_id STRING, event_type STRING, page_url STRING, status INT, bytes INT, duration_ms INT, country STRING, device STRING')
  WATERMARK event_time DELAY OF INTERVAL 2 MINUTES
GROUP BY session_window(event_time, '30 seconds'), user_id;
