"""Answers of a folder of queries, by DuckDB, and what tarn's differ by."""
import os
import re

from duck import Duck


class Answers:
    """Of the file FOLDER/answers.sql: `-- name` lines, each with a query below; first `-- setup` with statements over `data`."""

    def __init__(self, folder, data):
        with open(os.path.join(folder, "answers.sql")) as f:
            parts = re.split(r"^-- (\w+)\n", f.read(), flags=re.M)
        self.queries = dict(zip(parts[1::2], parts[2::2]))
        self.duck = Duck()
        self.duck.run("SET VARIABLE data = '%s'" % data)
        self.duck.run(self.queries["setup"])

    def difference(self, name, path):
        """(rows of the answer, what is wrong or None) for tarn's rows in a Parquet file."""
        duck = self.duck
        duck.run("CREATE OR REPLACE TABLE expected AS " + self.queries[name])
        duck.run("CREATE OR REPLACE TABLE got AS FROM expected LIMIT 0")
        duck.run("INSERT INTO got SELECT * FROM read_parquet('%s')" % path)
        rows = duck.run("SELECT count(*) FROM expected")
        missing = duck.run("SELECT count(*) FROM (FROM expected EXCEPT ALL FROM got)")
        extra = duck.run("SELECT count(*) FROM (FROM got EXCEPT ALL FROM expected)")
        duck.run("DROP TABLE expected; DROP TABLE got")
        return rows, "%d rows missing, %d too many" % (missing, extra) if missing + extra else None
