-- One file a batch.
CREATE TEMPORARY VIEW events AS
SELECT * FROM STREAM read_files('${CURVE}', format => 'json', maxFilesPerTrigger => 1, schema => 'k BIGINT, at TIMESTAMP, g INT');
