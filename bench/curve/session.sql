CREATE STREAMING TABLE session AS
SELECT k, session_window.start AS start, count(*) AS n
FROM STREAM events WATERMARK at DELAY OF INTERVAL 1 MINUTE
GROUP BY k, session_window(at, '1 hour');
