-- Every row waits on one side; rows of group 0 come from the other and meet those of their key.
CREATE STREAMING TABLE join AS
SELECT l.k, l.at, r.at AS other
FROM (SELECT k, at FROM STREAM events WATERMARK at DELAY OF INTERVAL 1 MINUTE) AS l
JOIN (SELECT k, at FROM STREAM events WATERMARK at DELAY OF INTERVAL 1 MINUTE WHERE g = 0 AND second(at) > 0) AS r
  ON l.k = r.k AND r.at BETWEEN l.at AND l.at + INTERVAL 1 HOUR;
