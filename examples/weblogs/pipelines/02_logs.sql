-- Cleaned, deduplicated and enriched.
CREATE STREAMING TABLE logs
COMMENT 'web server logs, cleaned and enriched'
PARTITIONED BY (date, hour)
TBLPROPERTIES ('pipelines.trigger.interval' = '2 seconds')
AS SELECT *,
  CAST(timestamp AS DATE) AS date,
  hour(timestamp) AS hour,
  status_code >= 400 AS is_error,
  CASE WHEN status_code >= 500 THEN 'server error'
       WHEN status_code >= 400 THEN 'client error'
       WHEN status_code >= 300 THEN 'redirect'
       ELSE 'success' END AS status_class
FROM STREAM raw_logs WATERMARK timestamp DELAY OF INTERVAL 2 MINUTES
     DROP DUPLICATES WITHIN WATERMARK ON (request_id)
WHERE ip IS NOT NULL AND endpoint IS NOT NULL AND response_time >= 0;
