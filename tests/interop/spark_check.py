"""Spark with Delta reads what tarn wrote, tarn reads what Spark wrote, and both append.

usage: spark_check.py FOLDER JARS        FOLDER/ours holds tables written by delta_tool
SPDX-License-Identifier: Apache-2.0
"""
import glob
import os
import sys

from pyspark.sql import Row, SparkSession

from common import Checks, lines, ours, tool

folder, jars = sys.argv[1:]
checks = Checks("spark")
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", ",".join(sorted(glob.glob(f"{jars}/*.jar"))))
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.databricks.delta.snapshotPartitions", "2")
    .config("spark.driver.memory", "1g")
    .config("spark.sql.warehouse.dir", f"{folder}/warehouse")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")


def rows(path, where=None):
    frame = spark.read.format("delta").load(path)
    if where:
        frame = frame.where(where)
    return [row.asDict(recursive=True) for row in frame.collect()]


for name in sorted(os.listdir(f"{folder}/ours")):
    path = f"{folder}/ours/{name}"
    checks.equal(f"read {name}", lines(rows(path)), ours(path))

# Statistics must not hide rows.
frame = spark.read.format("delta").load(f"{folder}/ours/types")
frame.createOrReplaceTempView("types")
for column in ("i", "s", "ts", "dec", "d", "day"):
    missing = spark.sql(
        f"SELECT {column} AS v FROM types WHERE {column} IS NOT NULL AND i IS NOT NULL").collect()
    for row in missing:
        found = frame.where(frame[column] == row.v).count()
        checks.equal(f"find {column}={row.v!r}", [found > 0], [True])

theirs = f"{folder}/spark"
select = """SELECT id, IF(id % 3 = 0, NULL, concat('a b/%é', id % 3)) AS p, date_add(DATE '2024-01-01', CAST(id AS INT)) AS day,
  timestamp_micros(id * 1000001) AS ts, CAST(id * 1.25 AS DECIMAL(20, 4)) AS dec, named_struct('a', id, 'b', array('x')) AS nested,
  CAST(id AS DOUBLE) / 3 AS f, CAST(concat('b', id) AS BINARY) AS bin, map('k', id) AS m FROM range(10)"""
spark.sql(select).write.format("delta").save(f"{theirs}/plain")
spark.sql(select).write.format("delta").partitionBy("p", "day").save(f"{theirs}/parts")
spark.sql(select).write.format("delta").partitionBy("ts").save(f"{theirs}/times")
for i in range(12):
    spark.sql(select).where(f"id = {i % 10}").coalesce(1).write.format("delta").mode("append").partitionBy("p").save(f"{theirs}/many")
spark.sql(f"ALTER TABLE delta.`{theirs}/many` ADD COLUMNS (added STRING, more STRUCT<x: INT>)")
spark.sql(f"DELETE FROM delta.`{theirs}/many` WHERE id = 4")
spark.sql(f"""CREATE TABLE delta.`{theirs}/mapped` (id BIGINT, old STRING, s STRUCT<a: INT, b: STRING>, l ARRAY<STRUCT<c: INT>>)
  USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'name')""")
spark.sql(f"INSERT INTO delta.`{theirs}/mapped` VALUES (1, 'x', named_struct('a', 1, 'b', 'y'), array(named_struct('c', 5))), (2, NULL, NULL, NULL)")
spark.sql(f"ALTER TABLE delta.`{theirs}/mapped` RENAME COLUMN old TO new")
spark.sql(f"ALTER TABLE delta.`{theirs}/mapped` RENAME COLUMN s.a TO aa")
spark.sql(f"CREATE TABLE delta.`{theirs}/wide` (id INT, v SMALLINT, s STRUCT<x: BYTE>) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true')")
spark.sql(f"INSERT INTO delta.`{theirs}/wide` VALUES (1, 2, named_struct('x', 3))")
for change in ("id TYPE BIGINT", "v TYPE INT", "s.x TYPE INT"):
    spark.sql(f"ALTER TABLE delta.`{theirs}/wide` ALTER COLUMN {change}")
spark.sql(f"INSERT INTO delta.`{theirs}/wide` VALUES (5000000000, 70000, named_struct('x', 80000))")
spark.sql(f"CREATE TABLE delta.`{theirs}/v2` (id BIGINT) USING delta TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '2')")
for i in range(5):
    spark.sql(f"INSERT INTO delta.`{theirs}/v2` VALUES ({i})")
for name in ("plain", "parts", "times", "many", "mapped", "wide", "v2"):
    path = f"{theirs}/{name}"
    checks.equal(f"tarn reads {name}", ours(path), lines(rows(path)))

# Each appends to the other's table.
tool("write", f"{theirs}/v2", "SELECT 100::BIGINT AS id")
tool("write", f"{theirs}/wide", "SELECT 7::BIGINT AS id, 8 AS v, {'x': 9} AS s")
tool("overwrite", f"{theirs}/v2", "SELECT 200::BIGINT AS id")
for i in range(3):
    tool("write", f"{theirs}/v2", f"SELECT {i}::BIGINT AS id")
tool("checkpoint", f"{theirs}/v2")
for name in ("v2", "wide"):
    checks.equal(f"after tarn wrote {name}", lines(rows(f"{theirs}/{name}")), ours(f"{theirs}/{name}"))
spark.createDataFrame([Row(id=-7, day="spark")], "id INT, day STRING").write.format("delta").mode("append").save(f"{folder}/ours/many")
checks.equal("append to ours", lines(rows(f"{folder}/ours/many")), ours(f"{folder}/ours/many"))
spark.sql(f"DELETE FROM delta.`{folder}/ours/parts` WHERE id = 3")
checks.equal("delete from ours", lines(rows(f"{folder}/ours/parts")), ours(f"{folder}/ours/parts"))
history = spark.sql(f"DESCRIBE HISTORY delta.`{folder}/ours/many`").count()
checks.equal("history of ours", [history > 10], [True])
checks.done()
