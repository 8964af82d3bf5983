-- q6: the average closing price of each seller's last 10 auctions.
CREATE STREAMING TABLE q6_bids AS
SELECT a.id, a.seller, a.expires, b.price, b.dateTime
FROM STREAM auction WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS AS a
JOIN STREAM bid WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS AS b
  ON a.id = b.auction AND b.dateTime BETWEEN a.dateTime AND a.expires;

CREATE MATERIALIZED VIEW q6 AS
SELECT id, seller, avg(final) OVER (PARTITION BY seller ORDER BY expires, id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS average
FROM (SELECT id, seller, expires, max(price) AS final FROM q6_bids GROUP BY id, seller, expires);
