-- q1: prices in another currency.
CREATE STREAMING TABLE q1 AS
SELECT auction, bidder, CAST(0.908 * price AS DECIMAL(23, 3)) AS price, dateTime, extra FROM STREAM bid;
