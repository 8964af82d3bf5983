"""spark_job.py CASE DATA OUT: the same two pipelines in PySpark; prints `query SECONDS` (start of the query to its end)."""
import sys
import time

from pyspark.sql import SparkSession, functions as F

case, data, out = sys.argv[1:4]
spark = SparkSession.builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
schema = ("event_id STRING, event_time TIMESTAMP, user_id STRING, event_type STRING, page_url STRING, status INT, "
          "bytes INT, duration_ms INT, country STRING, device STRING")
rows = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1000).json(data)
if case == "tumble":
    rows = (rows.withWatermark("event_time", "2 minutes").groupBy(F.window("event_time", "1 minute"), "page_url")
            .agg(F.count("*").alias("n")).selectExpr("window.start AS start", "window.end AS end", "page_url", "n"))
start = time.time()
query = (rows.writeStream.format("delta").outputMode("append").option("checkpointLocation", out + "/checkpoint")
         .trigger(availableNow=True).start(out + "/table"))
query.awaitTermination()
print("query %.2f" % (time.time() - start), flush=True)
