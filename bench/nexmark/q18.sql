-- q18: the last bid of each bidder on each auction.
CREATE STREAMING TABLE q18 OPTIONS (outputMode 'complete') AS
SELECT auction, bidder, price, channel, url, dateTime, extra
FROM (SELECT *, row_number() OVER (PARTITION BY bidder, auction ORDER BY dateTime DESC, price DESC, extra) AS n FROM STREAM bid)
WHERE n <= 1;
