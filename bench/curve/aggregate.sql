CREATE STREAMING TABLE aggregate AS
SELECT k, window.start AS start, count(*) AS n, sum(g) AS total
FROM STREAM events WATERMARK at DELAY OF INTERVAL 1 MINUTE
GROUP BY k, window(at, '1 day');
