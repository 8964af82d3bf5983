-- q0: every bid as it is.
CREATE STREAMING TABLE q0 AS
SELECT auction, bidder, price, dateTime, extra FROM STREAM bid;
