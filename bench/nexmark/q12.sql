-- q12: bids of each bidder in 10 seconds of the clock.
CREATE STREAMING TABLE q12 OPTIONS (outputMode 'complete') AS
SELECT bidder, window.start AS start, count(*) AS bids
FROM (SELECT bidder, current_timestamp() AS at FROM STREAM bid)
GROUP BY bidder, window(at, '10 seconds');
