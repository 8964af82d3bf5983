-- Bronze: every line as it came, with where it was lost when it is no JSON.
CREATE STREAMING TABLE bronze
COMMENT 'raw log lines'
AS SELECT *, current_timestamp() AS ingested_at
FROM STREAM read_files('logs',
  format => 'json',
  schema => 'timestamp TIMESTAMP, log_level STRING, service STRING, message STRING, _corrupt_record STRING');

-- Silver: levels trimmed and in upper case; only lines without JSON or without a level are left out.
CREATE STREAMING TABLE silver
COMMENT 'cleaned log events'
AS SELECT timestamp, upper(trim(log_level)) AS log_level, service, message,
          current_timestamp() AS processed_at
FROM STREAM bronze
WHERE _corrupt_record IS NULL AND trim(log_level) <> '';

-- Gold: how many of each level.
CREATE MATERIALIZED VIEW gold
COMMENT 'log events by level'
AS SELECT log_level, count(*) AS log_count FROM silver GROUP BY log_level;
