-- q7: the highest bids of every 10 seconds.
CREATE STREAMING TABLE q7 AS
SELECT b.auction, b.bidder, b.price, b.dateTime, b.extra
FROM STREAM bid WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS AS b
JOIN (SELECT window AS w, max(price) AS price
      FROM STREAM bid WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS
      GROUP BY window(dateTime, '10 seconds')) AS m
  ON window(b.dateTime, '10 seconds') = m.w AND b.price = m.price;
