-- Counts user events by type, as CSV files arrive (spark.readStream … groupBy("event").count()).

CREATE TEMPORARY VIEW events AS
SELECT * FROM STREAM read_files('data/input',
  format => 'csv',
  header => true,
  schema => 'timestamp STRING, user_id INT, event STRING');

CREATE SINK console_counts USING console OPTIONS (outputMode 'complete');

CREATE FLOW event_counts AS
INSERT INTO console_counts
SELECT event, count(*) AS count FROM STREAM events GROUP BY event;
