-- q13: bids with what a table says about their auction.
CREATE TEMPORARY VIEW side AS
SELECT * FROM read_files('${NEXMARK}/side', format => 'json', schema => 'key BIGINT, value STRING');

CREATE STREAMING TABLE q13 AS
SELECT b.auction, b.bidder, b.price, b.dateTime, s.value
FROM STREAM bid AS b JOIN side AS s ON b.auction % 10000 = s.key;
