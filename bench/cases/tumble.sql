-- Events of each page and minute.
CREATE STREAMING TABLE tumble AS
SELECT window.start AS start, window.end AS end, page_url, count(*) AS n
FROM STREAM events WATERMARK event_time DELAY OF INTERVAL 2 MINUTES
GROUP BY window(event_time, '1 minute'), page_url;
