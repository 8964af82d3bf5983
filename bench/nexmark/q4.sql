-- q4: the average closing price of each category.
CREATE STREAMING TABLE q4_bids AS
SELECT a.id, a.category, b.price
FROM STREAM auction WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS AS a
JOIN STREAM bid WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS AS b
  ON a.id = b.auction AND b.dateTime BETWEEN a.dateTime AND a.expires;

CREATE MATERIALIZED VIEW q4 AS
SELECT category, avg(final) AS average
FROM (SELECT id, category, max(price) AS final FROM q4_bids GROUP BY id, category)
GROUP BY category;
