"""deltalake (delta-rs) reads what tarn wrote, tarn reads what deltalake wrote, and both append.

usage: deltalake_check.py FOLDER        FOLDER/ours holds tables written by delta_tool
SPDX-License-Identifier: Apache-2.0
"""
import datetime
import decimal
import os
import sys

import pyarrow
from deltalake import DeltaTable, QueryBuilder, write_deltalake

from common import UTC, Checks, lines, ours, tool

folder = sys.argv[1]
checks = Checks("deltalake")


def rows(path):
    table = DeltaTable(path).to_pyarrow_table()
    maps = [f.name for f in table.schema if pyarrow.types.is_map(f.type)]
    result = table.to_pylist()
    for row in result:
        for name in maps:
            row[name] = None if row[name] is None else dict(row[name])
    return result


for name in sorted(os.listdir(f"{folder}/ours")):
    path = f"{folder}/ours/{name}"
    checks.equal(f"read {name}", lines(rows(path)), ours(path))

# Statistics must not hide rows: each row is found by its own values. (Not through the pyarrow dataset,
# whose bounds are wrong for columns without statistics, whoever wrote the table.)
engine = QueryBuilder().register("types", DeltaTable(f"{folder}/ours/types"))
for where, expected in (
    ("d = 1.0", [7]), ("d > 1.2", [3, 4, 9]), ("i = 7", [7]), ("NOT flag", [1, 3, 5, 7, 9]), ("f > 0.85", [9]),
    ("s = 'é1é1é1é1é1é1é1é1é1'", [1]), ("ts > '2024-01-01T00:00:06.9Z'", [9]), ("\"dec\" = CAST('299999999997.369' AS DECIMAL(38, 10))", [3]),
    ("day = '2000-01-06'", [9]), ("st.a = 4", [4]),
):
    found = pyarrow.table(engine.execute(f"SELECT i FROM types WHERE {where}").read_all())
    checks.equal(f"find {where}", sorted(found["i"].to_pylist()), expected)

theirs = f"{folder}/deltalake"
data = pyarrow.table({
    "id": pyarrow.array([1, 2, 3, None], pyarrow.int64()),
    "p": ["a b/%", None, "é?", "x=1"],
    "day": [datetime.date(2024, 1, 1), datetime.date(1969, 12, 31), None, datetime.date(2024, 2, 29)],
    "ts": pyarrow.array([datetime.datetime(2024, 1, 1, 0, 0, 0, 123456, UTC)] * 3 + [None], pyarrow.timestamp("us", "UTC")),
    "dec": pyarrow.array([decimal.Decimal("1.50"), decimal.Decimal("-999.99"), None, decimal.Decimal("0.00")], pyarrow.decimal128(5, 2)),
    "nested": [{"a": 1, "b": ["x"]}, None, {"a": None, "b": []}, {"a": 4, "b": None}],
    "f": pyarrow.array([0.5, float("nan"), float("-inf"), None], pyarrow.float64()),
})
write_deltalake(f"{theirs}/plain", data)
write_deltalake(f"{theirs}/parts", data, partition_by=["p", "day"])
for i in range(12):
    write_deltalake(f"{theirs}/many", data.slice(i % 4, 1), mode="append", partition_by=["p"])
DeltaTable(f"{theirs}/many").create_checkpoint()
write_deltalake(f"{theirs}/many", data, mode="append")
DeltaTable(f"{theirs}/many").delete("id = 2")
for name in ("plain", "parts", "many"):
    path = f"{theirs}/{name}"
    checks.equal(f"tarn reads {name}", ours(path), lines(rows(path)))

# Each appends to the other's table.
before = len(rows(f"{theirs}/plain"))
tool("write", f"{theirs}/plain", "SELECT 9::BIGINT AS id, 'tarn' AS p, DATE '2024-03-03' AS day, NULL::TIMESTAMPTZ AS ts, "
     "7.25::DECIMAL(5, 2) AS \"dec\", NULL::STRUCT(a BIGINT, b VARCHAR[]) AS nested, 1.5::DOUBLE AS f")
checks.equal("append to theirs", [len(rows(f"{theirs}/plain"))], [before + 1])
checks.equal("after append to theirs", lines(rows(f"{theirs}/plain")), ours(f"{theirs}/plain"))
write_deltalake(f"{folder}/ours/many", pyarrow.table({"id": pyarrow.array([-1], pyarrow.int32()), "day": ["z"]}), mode="append")
checks.equal("append to ours", lines(rows(f"{folder}/ours/many")), ours(f"{folder}/ours/many"))
checks.done()
