-- Each user's events without a pause of 30 seconds.
CREATE STREAMING TABLE session AS
SELECT session_window.start AS start, session_window.end AS end, user_id, count(*) AS n
FROM STREAM events WATERMARK event_time DELAY OF INTERVAL 2 MINUTES
GROUP BY session_window(event_time, '30 seconds'), user_id;
