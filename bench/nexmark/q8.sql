-- q8: people who put up an auction in the 10 seconds in which they came.
CREATE STREAMING TABLE q8 AS
SELECT p.id, p.name, p.w.start AS start
FROM (SELECT id, name, window AS w
      FROM STREAM person WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS
      GROUP BY id, name, window(dateTime, '10 seconds')) AS p
JOIN (SELECT seller, window AS w
      FROM STREAM auction WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS
      GROUP BY seller, window(dateTime, '10 seconds')) AS a
  ON p.id = a.seller AND p.w = a.w;
