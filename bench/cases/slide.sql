-- How many users, exactly, in the last five minutes, every minute.
CREATE STREAMING TABLE slide AS
SELECT window.start AS start, window.end AS end, count(DISTINCT user_id) AS users
FROM STREAM events WATERMARK event_time DELAY OF INTERVAL 2 MINUTES
GROUP BY window(event_time, '5 minutes', '1 minute');
