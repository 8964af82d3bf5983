"""spark_job.py CASE DATA OUT: the cases of bench.py in PySpark; prints `query SECONDS` (from the start of the query to its end)."""
import sys
import time

from pyspark.sql import SparkSession, functions as F

SCHEMA = ("event_id STRING, event_time TIMESTAMP, user_id STRING, event_type STRING, page_url STRING, status INT, "
          "bytes INT, duration_ms INT, country STRING, device STRING")
case, data, out = sys.argv[1:4]
spark = SparkSession.builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def events():
    return spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1000).json(data)


def timed():
    return events().withWatermark("event_time", "2 minutes")


def make(case):
    if case == "append":
        return events()
    if case == "tumble":
        counts = timed().groupBy(F.window("event_time", "1 minute"), "page_url").agg(F.count("*").alias("n"))
        return counts.selectExpr("window.start AS start", "window.end AS end", "page_url", "n")
    if case == "session":
        counts = timed().groupBy(F.session_window("event_time", "30 seconds"), "user_id").agg(F.count("*").alias("n"))
        return counts.selectExpr("session_window.start AS start", "session_window.end AS end", "user_id", "n")
    views = timed().where("event_type = 'page_view'").alias("v")
    purchases = timed().where("event_type = 'purchase'").alias("b")
    condition = ("v.user_id = b.user_id AND b.event_time >= v.event_time "
                 "AND b.event_time <= v.event_time + INTERVAL 2 MINUTES")
    pairs = views.join(purchases, F.expr(condition))
    return pairs.selectExpr("v.user_id", "v.page_url", "v.event_time AS viewed", "b.event_time AS bought")


rows = make(case)
start = time.time()
query = (rows.writeStream.format("delta").outputMode("append").option("checkpointLocation", out + "/checkpoint")
         .trigger(availableNow=True).start(out + "/table"))
query.awaitTermination()
print("query %.2f" % (time.time() - start), flush=True)
