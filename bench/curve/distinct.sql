CREATE STREAMING TABLE distinct AS
SELECT g, window.start AS start, count(DISTINCT k) AS keys
FROM STREAM events WATERMARK at DELAY OF INTERVAL 1 MINUTE
GROUP BY g, window(at, '1 day');
