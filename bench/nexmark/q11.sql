-- q11: bids of each bidder without a pause of 10 seconds.
CREATE STREAMING TABLE q11 AS
SELECT bidder, count(*) AS bids, session_window.start AS start, session_window.end AS end
FROM STREAM bid WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS
GROUP BY bidder, session_window(dateTime, '10 seconds');
