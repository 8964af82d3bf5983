-- The pages that a user saw in the two minutes before each of his purchases.
CREATE STREAMING TABLE join AS
SELECT v.user_id, v.page_url, v.event_time AS viewed, b.event_time AS bought
FROM (SELECT * FROM STREAM events WATERMARK event_time DELAY OF INTERVAL 2 MINUTES WHERE event_type = 'page_view') AS v
JOIN (SELECT * FROM STREAM events WATERMARK event_time DELAY OF INTERVAL 2 MINUTES WHERE event_type = 'purchase') AS b
  ON v.user_id = b.user_id AND b.event_time BETWEEN v.event_time AND v.event_time + INTERVAL 2 MINUTES;
