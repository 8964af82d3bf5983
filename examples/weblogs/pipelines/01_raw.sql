-- Web server logs, generated inside: an hour of history at full speed, then live.
CREATE STREAMING TABLE raw_logs
COMMENT 'web server logs as they come'
AS SELECT *, current_timestamp() AS ingested_at
FROM STREAM generate('web-logs', rate => 50, history => '1 hour', late => 1);
