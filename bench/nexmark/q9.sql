-- q9: the winning bid of each auction.
CREATE STREAMING TABLE q9_bids AS
SELECT a.id, a.itemName, a.description, a.initialBid, a.reserve, a.dateTime, a.expires, a.seller, a.category, a.extra,
       b.auction, b.bidder, b.price, b.dateTime AS bid_dateTime, b.extra AS bid_extra
FROM STREAM auction WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS AS a
JOIN STREAM bid WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS AS b
  ON a.id = b.auction AND b.dateTime BETWEEN a.dateTime AND a.expires;

CREATE STREAMING TABLE q9 OPTIONS (outputMode 'complete') AS
SELECT * EXCEPT (n)
FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY price DESC, bid_dateTime, bidder, bid_extra) AS n FROM STREAM q9_bids)
WHERE n <= 1;
