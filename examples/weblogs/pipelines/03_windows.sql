-- Requests and response time per minute and endpoint; a minute appears once it is complete.
CREATE STREAMING TABLE logs_windowed
COMMENT 'requests per minute and endpoint'
AS SELECT window, endpoint, count(*) AS request_count, avg(response_time) AS avg_response_time
FROM STREAM logs WATERMARK timestamp DELAY OF INTERVAL 2 MINUTES
GROUP BY window(timestamp, '1 minute'), endpoint;

CREATE MATERIALIZED VIEW errors_by_endpoint
COMMENT 'errors of the whole table'
AS SELECT endpoint, count(*) AS errors FROM logs WHERE status_code >= 400 GROUP BY endpoint;
