-- Every event as it is.
CREATE STREAMING TABLE append AS
SELECT * FROM STREAM events;
