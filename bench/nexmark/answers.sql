-- What each query has to answer, in DuckDB's own SQL over the same files, as one batch.
-- `data` names the folder. A window counts once the watermark has passed its end: 4 seconds behind
-- the newest event, of the slower stream where there are two.

-- setup
SET VARIABLE files = getvariable('data') || '/';
CREATE VIEW person AS
SELECT * FROM read_json(getvariable('files') || 'person/*.json', format = 'newline_delimited', columns = {id: 'BIGINT',
  name: 'VARCHAR', emailAddress: 'VARCHAR', creditCard: 'VARCHAR', city: 'VARCHAR', state: 'VARCHAR', dateTime: 'TIMESTAMP',
  extra: 'VARCHAR'});
CREATE VIEW auction AS
SELECT * FROM read_json(getvariable('files') || 'auction/*.json', format = 'newline_delimited', columns = {id: 'BIGINT',
  itemName: 'VARCHAR', description: 'VARCHAR', initialBid: 'BIGINT', reserve: 'BIGINT', dateTime: 'TIMESTAMP',
  expires: 'TIMESTAMP', seller: 'BIGINT', category: 'BIGINT', extra: 'VARCHAR'});
CREATE VIEW bid AS
SELECT * FROM read_json(getvariable('files') || 'bid/*.json', format = 'newline_delimited', columns = {auction: 'BIGINT',
  bidder: 'BIGINT', price: 'BIGINT', channel: 'VARCHAR', url: 'VARCHAR', dateTime: 'TIMESTAMP', extra: 'VARCHAR'});
CREATE VIEW side AS
SELECT * FROM read_json(getvariable('files') || 'side/*.json', format = 'newline_delimited', columns = {key: 'BIGINT',
  value: 'VARCHAR'});
SET VARIABLE people = (SELECT max(dateTime) - INTERVAL 4 SECONDS FROM person);
SET VARIABLE auctions = (SELECT max(dateTime) - INTERVAL 4 SECONDS FROM auction);
SET VARIABLE bids = (SELECT max(dateTime) - INTERVAL 4 SECONDS FROM bid);
CREATE VIEW won AS
SELECT a.*, b.auction, b.bidder, b.price, b.dateTime AS bid_dateTime, b.extra AS bid_extra
FROM auction AS a JOIN bid AS b ON a.id = b.auction AND b.dateTime BETWEEN a.dateTime AND a.expires;

-- q0
SELECT auction, bidder, price, dateTime, extra FROM bid;

-- q1
SELECT auction, bidder, (0.908 * price)::DECIMAL(23, 3) AS price, dateTime, extra FROM bid;

-- q2
SELECT auction, price FROM bid WHERE auction % 123 = 0;

-- q3
SELECT p.name, p.city, p.state, a.id FROM auction AS a JOIN person AS p ON a.seller = p.id
WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA');

-- q4
SELECT category, avg(final) AS average FROM (SELECT id, category, max(price) AS final FROM won GROUP BY ALL) GROUP BY category;

-- q5
WITH counts AS (
  SELECT time_bucket(INTERVAL 2 SECONDS, dateTime) - step * INTERVAL 2 SECONDS AS start, auction, count(*) AS num
  FROM bid, unnest(range(5)) AS steps(step) GROUP BY ALL)
SELECT start, auction, num FROM counts WHERE start + INTERVAL 10 SECONDS <= getvariable('bids')
QUALIFY rank() OVER (PARTITION BY start ORDER BY num DESC) = 1;

-- q6
SELECT id, seller, avg(final) OVER (PARTITION BY seller ORDER BY expires, id ROWS 9 PRECEDING) AS average
FROM (SELECT id, seller, expires, max(price) AS final FROM won GROUP BY ALL);

-- q7
SELECT auction, bidder, price, dateTime, extra FROM bid
WHERE time_bucket(INTERVAL 10 SECONDS, dateTime) + INTERVAL 10 SECONDS <= getvariable('bids')
QUALIFY rank() OVER (PARTITION BY time_bucket(INTERVAL 10 SECONDS, dateTime) ORDER BY price DESC) = 1;

-- q8
SELECT DISTINCT p.id, p.name, time_bucket(INTERVAL 10 SECONDS, p.dateTime) AS start
FROM person AS p JOIN auction AS a
  ON p.id = a.seller AND time_bucket(INTERVAL 10 SECONDS, p.dateTime) = time_bucket(INTERVAL 10 SECONDS, a.dateTime)
WHERE start + INTERVAL 10 SECONDS <= least(getvariable('people'), getvariable('auctions'));

-- q9
SELECT * FROM won QUALIFY row_number() OVER (PARTITION BY id ORDER BY price DESC, bid_dateTime, bidder, bid_extra) = 1;

-- q10
SELECT auction, bidder, price, dateTime, extra, strftime(dateTime, '%Y-%m-%d') AS dt, strftime(dateTime, '%H:%M') AS hm FROM bid;

-- q11
WITH starts AS (
  SELECT bidder, dateTime, coalesce(dateTime - lag(dateTime) OVER w > INTERVAL 10 SECONDS, true) AS is_start
  FROM bid WINDOW w AS (PARTITION BY bidder ORDER BY dateTime)),
numbered AS (SELECT bidder, dateTime, sum(is_start::INT) OVER (PARTITION BY bidder ORDER BY dateTime) AS session FROM starts)
SELECT bidder, count(*) AS bids, min(dateTime) AS start, max(dateTime) + INTERVAL 10 SECONDS AS "end"
FROM numbered GROUP BY bidder, session HAVING "end" <= getvariable('bids');

-- q12
SELECT bidder, count(*)::HUGEINT AS bids FROM bid GROUP BY bidder;

-- q13
SELECT b.auction, b.bidder, b.price, b.dateTime, s.value FROM bid AS b JOIN side AS s ON b.auction % 10000 = s.key;

-- q14
SELECT auction, bidder, (0.908 * price)::DECIMAL(23, 3) AS price,
       CASE WHEN hour(dateTime) BETWEEN 8 AND 18 THEN 'dayTime' WHEN hour(dateTime) IN (7, 19) THEN 'otherTime'
            ELSE 'nightTime' END AS bidTimeType,
       dateTime, extra, len(list_filter(string_split(extra, ''), x -> x = 'c')) AS c_counts
FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000;

-- q15
SELECT strftime(dateTime, '%Y-%m-%d') AS day,
       count(*), count(*) FILTER (price < 10000), count(*) FILTER (price >= 10000 AND price < 1000000),
       count(*) FILTER (price >= 1000000),
       count(DISTINCT bidder), count(DISTINCT bidder) FILTER (price < 10000),
       count(DISTINCT bidder) FILTER (price >= 10000 AND price < 1000000),
       count(DISTINCT bidder) FILTER (price >= 1000000),
       count(DISTINCT auction), count(DISTINCT auction) FILTER (price < 10000),
       count(DISTINCT auction) FILTER (price >= 10000 AND price < 1000000),
       count(DISTINCT auction) FILTER (price >= 1000000)
FROM bid GROUP BY day;

-- q16
SELECT channel, strftime(dateTime, '%Y-%m-%d') AS day, max(strftime(dateTime, '%H:%M')) AS minute,
       count(*), count(*) FILTER (price < 10000), count(*) FILTER (price >= 10000 AND price < 1000000),
       count(*) FILTER (price >= 1000000),
       count(DISTINCT bidder), count(DISTINCT bidder) FILTER (price < 10000),
       count(DISTINCT bidder) FILTER (price >= 10000 AND price < 1000000),
       count(DISTINCT bidder) FILTER (price >= 1000000),
       count(DISTINCT auction), count(DISTINCT auction) FILTER (price < 10000),
       count(DISTINCT auction) FILTER (price >= 10000 AND price < 1000000),
       count(DISTINCT auction) FILTER (price >= 1000000)
FROM bid GROUP BY channel, day;

-- q17
SELECT auction, strftime(dateTime, '%Y-%m-%d') AS day,
       count(*), count(*) FILTER (price < 10000), count(*) FILTER (price >= 10000 AND price < 1000000),
       count(*) FILTER (price >= 1000000),
       min(price), max(price), avg(price), sum(price)
FROM bid GROUP BY auction, day;

-- q18
SELECT auction, bidder, price, channel, url, dateTime, extra FROM bid
QUALIFY row_number() OVER (PARTITION BY bidder, auction ORDER BY dateTime DESC, price DESC, extra) = 1;

-- q19
SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, dateTime, bidder, extra) AS n FROM bid QUALIFY n <= 10;

-- q20
SELECT b.*, a.* EXCLUDE (id) FROM bid AS b JOIN auction AS a ON b.auction = a.id WHERE a.category = 10;

-- q21
SELECT * FROM (
  SELECT auction, bidder, price, channel,
         coalesce(MAP {'apple': '0', 'google': '1', 'facebook': '2', 'baidu': '3'}[lower(channel)],
                  regexp_extract(url, '[&]channel_id=([^&]*)', 1)) AS channel_id
  FROM bid) WHERE channel_id <> '';

-- q22
SELECT auction, bidder, price, channel, split_part(url, '/', 4), split_part(url, '/', 5), split_part(url, '/', 6) FROM bid;
