-- q19: the ten highest bids on each auction.
CREATE STREAMING TABLE q19 OPTIONS (outputMode 'complete') AS
SELECT *
FROM (SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, dateTime, bidder, extra) AS n FROM STREAM bid)
WHERE n <= 10;
