-- Shop events (events.c); maxBytesPerTrigger is so large that all engines read them as one batch.
CREATE TEMPORARY VIEW events AS
SELECT * FROM STREAM read_files('${BENCH_DATA}', format => 'json', maxBytesPerTrigger => '${BENCH_BATCH:-4g}',
  schema => 'event_id STRING, event_time TIMESTAMP, user_id STRING, event_type STRING, page_url STRING, status INT, bytes INT, duration_ms INT, country STRING, device STRING');
