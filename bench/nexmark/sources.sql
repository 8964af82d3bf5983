-- The three streams of Nexmark, one folder each; every query reads them through these views.
CREATE TEMPORARY VIEW person AS
SELECT * FROM STREAM read_files('${NEXMARK}/person', format => 'json', maxBytesPerTrigger => '${NEXMARK_BATCH:-64m}',
  schema => 'id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, dateTime TIMESTAMP, extra STRING');

CREATE TEMPORARY VIEW auction AS
SELECT * FROM STREAM read_files('${NEXMARK}/auction', format => 'json', maxBytesPerTrigger => '${NEXMARK_BATCH:-64m}',
  schema => 'id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, dateTime TIMESTAMP, expires TIMESTAMP, seller BIGINT, category BIGINT, extra STRING');

CREATE TEMPORARY VIEW bid AS
SELECT * FROM STREAM read_files('${NEXMARK}/bid', format => 'json', maxBytesPerTrigger => '${NEXMARK_BATCH:-64m}',
  schema => 'auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime TIMESTAMP, extra STRING');
