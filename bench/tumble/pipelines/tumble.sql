CREATE STREAMING TABLE counts AS
SELECT window.start AS start, window.end AS end, page_url, count(*) AS n
FROM STREAM read_files('${BENCH_DATA}', format => 'json', maxBytesPerTrigger => '4g',
  schema => 'event_id STRING, event_time TIMESTAMP, user_id STRING, event_type STRING, page_url STRING, status INT, bytes INT, duration_ms INT, country STRING, device STRING')
  WATERMARK event_time DELAY OF INTERVAL 2 MINUTES
GROUP BY window(event_time, '1 minute'), page_url;
