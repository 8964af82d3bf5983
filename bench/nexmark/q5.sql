-- q5: the auctions with most bids in the last 10 seconds, every 2 seconds.
CREATE STREAMING TABLE q5 AS
SELECT start, best.auction, best.num
FROM (SELECT start, explode(filter(counts, c -> c.num = most)) AS best
      FROM (SELECT w.start AS start, max(num) AS most, collect_list(named_struct('auction', auction, 'num', num)) AS counts
            FROM (SELECT window AS w, auction, count(*) AS num
                  FROM STREAM bid WATERMARK dateTime DELAY OF INTERVAL 4 SECONDS
                  GROUP BY window(dateTime, '10 seconds', '2 seconds'), auction)
            GROUP BY w));
