#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Projects full of mistakes: dry-run tells each once, in file order, with its place and what to do.
# `errors.sh --print` shows what it says instead of comparing. The last line is "N passed, N failed".
set -uo pipefail
tarn=$(realpath "${TARN:-$(dirname "$0")/../../build/tarn}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
print=${1:-}
passed=0 failed=0

# expect NAME CODE: dry-run of the project NAME exits with CODE and says what stands on stdin.
expect() {
	local got=0
	cat >expected
	(cd "$1" && env -u NO_SUCH_FOLDER timeout 60 "$tarn" dry-run) >actual 2>&1 </dev/null || got=$?
	if [ "$print" = --print ]; then
		cat actual
	elif [ "$got" != "$2" ]; then
		failed=$((failed + 1))
		echo "errors.sh: $1: exit code $got, expected $2"
		cat actual
	elif diff -u expected actual; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "errors.sh: $1: other words than expected"
	fi
	if [ -e "$1/data" ]; then
		failed=$((failed + 1))
		echo "errors.sh: $1: dry-run wrote something"
	fi
}
project() {
	mkdir -p "$1/pipelines" "$1/input"
	cat >"$1/tarn.yml"
}

# ---- one project, every kind of mistake

project many <<'YML'
name: many
storagee: ./data
configuration:
  tarn.memory.limits: 1
YML
cat >many/pipelines/a.sql <<'SQL'
-- Every statement has one mistake, or reads one that has.
CREATE STREAMING TABLE missing_folder AS
SELECT * FROM STREAM read_files('no/such/folder', format => 'csv', schema => 'id INT');

CREATE STREAMING TABLE events AS
SELECT * FROM STREAM read_files('input', format => 'json',
  schema => 'id INT, ts TIMESTAMP, name STRING, status INT, s STRUCT<a INT>');

CREATE STREAMING TABLE unknown_column AS
SELECT id, statuss FROM STREAM events;

CREATE STREAMING TABLE reads_unknown_column AS
SELECT * FROM STREAM unknown_column;

CREATE STREAMING TABLE unknown_table AS
SELECT * FROM STREAM event;

CREATE MATERIALIZED VIEW unknown_static_table AS
SELECT * FROM evnts;

CREATE STREAMING TABLE unknown_function AS
SELECT id, uper(name) AS name FROM STREAM events;

CREATE STREAMING TABLE type_error AS
SELECT id + ts AS x FROM STREAM events;

CREATE STREAMING TABLE events AS
SELECT * FROM STREAM rate(rowsPerSecond => 1);

CREATE MATERIALIZED VIEW cycle_a AS SELECT * FROM cycle_b;
CREATE MATERIALIZED VIEW cycle_b AS SELECT * FROM cycle_a;
CREATE MATERIALIZED VIEW reads_cycle AS SELECT * FROM cycle_a;
CREATE STREAMING TABLE self AS SELECT * FROM STREAM self;

CREATE STREAMING TABLE unknown_option AS
SELECT * FROM STREAM read_files('input', format => 'json', schema => 'id INT', maxFilePerTrigger => 1);
SQL
cat >many/pipelines/b.sql <<'SQL'
CREATE TEMPORARY VIEW reads_itself AS SELECT * FROM reads_itself;
CREATE STREAMING TABLE wrong_mode OPTIONS (outputMode 'apend') AS SELECT * FROM STREAM events;
CREATE STREAMING TABLE unsupported_mode OPTIONS (outputMode 'complete') AS SELECT * FROM STREAM events;
CREATE MATERIALIZED VIEW counts AS SELECT name, count(*) AS n FROM events GROUP BY name;
CREATE STREAMING TABLE stream_of_view AS SELECT * FROM STREAM counts;
CREATE SINK printer USING consol;
CREATE FLOW prints AS INSERT INTO printer SELECT * FROM STREAM events;
CREATE STREAMING TABLE undefined_variable AS
SELECT * FROM STREAM read_files('${NO_SUCH_FOLDER}', format => 'json', schema => 'id INT');
CREATE STREAMING TABLE reads_undefined AS SELECT * FROM STREAM undefined_variable;
CREATE STREAMING TABLE syntax_error AS SELECT id FORM STREAM events;
CREATE STREAMING TABLE reads_syntax_error AS SELECT * FROM STREAM syntax_error;
CREATE STREAMING TABLE no_stream AS SELECT * FROM events;
CREATE MATERIALIZED VIEW has_stream AS SELECT * FROM STREAM events;
CREATE FLOW nowhere AS INSERT INTO evnts SELECT * FROM STREAM events;
CREATE STREAMING TABLE bad_schema AS SELECT * FROM STREAM read_files('input', format => 'json', schema => 'id INTT');
CREATE STREAMING TABLE bad_format AS SELECT * FROM STREAM read_files('input', format => 'jsn', schema => 'id INT');
CREATE STREAMING TABLE no_aggregate AS SELECT name, count(*) AS n FROM STREAM events;
CREATE STREAMING TABLE bad_partition PARTITIONED BY (dat) AS SELECT id, CAST(ts AS DATE) AS date FROM STREAM events;
CREATE STREAMING TABLE two_names AS SELECT id, name AS id FROM STREAM events;
SELECT 1;
SQL
expect many 2 <<'END'
tarn.yml:2:1: unknown key 'storagee'
    2 | storagee: ./data
      | ^~~~~~~~
  did you mean 'storage'?
tarn.yml:4:3: unknown setting 'tarn.memory.limits'
    4 |   tarn.memory.limits: 1
      |   ^~~~~~~~~~~~~~~~~~
  did you mean 'tarn.memory.limit'?
pipelines/a.sql:3:15: [PATH_NOT_FOUND] source 'read_files': folder 'no/such/folder' does not exist
    3 | SELECT * FROM STREAM read_files('no/such/folder', format => 'csv', schema => 'id INT');
      |               ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  create it first, or correct the path (it starts at the project's folder)
pipelines/a.sql:10:12: [UNRESOLVED_COLUMN.WITH_SUGGESTION] no column 'statuss'
   10 | SELECT id, statuss FROM STREAM events;
      |            ^~~~~~~
  did you mean 'status'?
pipelines/a.sql:16:15: [TABLE_OR_VIEW_NOT_FOUND] no table or view 'event'
   16 | SELECT * FROM STREAM event;
      |               ^~~~~~~~~~~~
  did you mean 'events'?
pipelines/a.sql:19:15: [TABLE_OR_VIEW_NOT_FOUND] no table or view 'evnts'
   19 | SELECT * FROM evnts;
      |               ^~~~~
  did you mean 'events'?
pipelines/a.sql:22:12: [UNRESOLVED_ROUTINE] no function 'uper'
   22 | SELECT id, uper(name) AS name FROM STREAM events;
      |            ^~~~~~~~~~
  did you mean 'upper'?
pipelines/a.sql:25:8: [DATATYPE_MISMATCH] there is no INT + TIMESTAMP
   25 | SELECT id + ts AS x FROM STREAM events;
      |        ^~~~~~~
  CAST one side
pipelines/a.sql:27:24: [TABLE_OR_VIEW_ALREADY_EXISTS] dataset 'events' is declared twice
   27 | CREATE STREAMING TABLE events AS
      |                        ^~~~~~
  the other one is in pipelines/a.sql:5
pipelines/a.sql:31:26: [CYCLE] dataset 'cycle_a' depends on itself through 'cycle_b'
   31 | CREATE MATERIALIZED VIEW cycle_b AS SELECT * FROM cycle_a;
      |                          ^~~~~~~
  one of them must read something else
pipelines/a.sql:33:24: [CYCLE] dataset 'self' reads itself
   33 | CREATE STREAMING TABLE self AS SELECT * FROM STREAM self;
      |                        ^~~~
  read another dataset
pipelines/a.sql:36:80: [UNRECOGNIZED_PARAMETER_NAME] read_files has no option 'maxFilePerTrigger'
   36 | SELECT * FROM STREAM read_files('input', format => 'json', schema => 'id INT', maxFilePerTrigger => 1);
      |                                                                                ^~~~~~~~~~~~~~~~~~~~~~
  did you mean 'maxFilesPerTrigger'?
pipelines/b.sql:1:53: [RECURSIVE_VIEW] view 'reads_itself' reads itself
    1 | CREATE TEMPORARY VIEW reads_itself AS SELECT * FROM reads_itself;
      |                                                     ^~~~~~~~~~~~
  read the table or view that it is about
pipelines/b.sql:2:55: [STREAMING_OUTPUT_MODE.INVALID] no output mode 'apend'
    2 | CREATE STREAMING TABLE wrong_mode OPTIONS (outputMode 'apend') AS SELECT * FROM STREAM events;
      |                                                       ^~~~~~~
  did you mean 'append'?
pipelines/b.sql:3:76: [STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION] output mode complete needs a streaming aggregation in the query
    3 | CREATE STREAMING TABLE unsupported_mode OPTIONS (outputMode 'complete') AS SELECT * FROM STREAM events;
      |                                                                            ^~~~~~~~~~~~~~~~~~~~~~~~~~~
  leave outputMode out, which means append, or aggregate with GROUP BY
pipelines/b.sql:5:56: [UNSUPPORTED_STREAMING_SOURCE] materialized view 'counts' is replaced at each refresh and cannot be streamed
    5 | CREATE STREAMING TABLE stream_of_view AS SELECT * FROM STREAM counts;
      |                                                        ^~~~~~~~~~~~~
  drop STREAM to read it as a table
pipelines/b.sql:6:13: [DATA_SOURCE_NOT_FOUND] no sink type 'consol'
    6 | CREATE SINK printer USING consol;
      |             ^~~~~~~
  did you mean 'console'?
pipelines/b.sql:9:34: [UNDEFINED_VARIABLE] the variable NO_SUCH_FOLDER is not set
    9 | SELECT * FROM STREAM read_files('${NO_SUCH_FOLDER}', format => 'json', schema => 'id INT');
      |                                  ^~~~~~~~~~~~~~~~~
  set NO_SUCH_FOLDER in the environment or in .env, or write ${NO_SUCH_FOLDER:-default}
pipelines/b.sql:11:50: [PARSE_SYNTAX_ERROR] syntax error at or near 'FORM'
   11 | CREATE STREAMING TABLE syntax_error AS SELECT id FORM STREAM events;
      |                                                  ^~~~
  did you mean 'FROM'?
pipelines/b.sql:13:37: [INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE] the query of 'no_stream' reads no stream
   13 | CREATE STREAMING TABLE no_stream AS SELECT * FROM events;
      |                                     ^~~~~~~~~~~~~~~~~~~~
  write FROM STREAM ..., or make it a MATERIALIZED VIEW
pipelines/b.sql:14:40: [INVALID_FLOW_QUERY_TYPE.STREAMING_RELATION_FOR_MATERIALIZED_VIEW] materialized view 'has_stream' reads a stream
   14 | CREATE MATERIALIZED VIEW has_stream AS SELECT * FROM STREAM events;
      |                                        ^~~~~~~~~~~~~~~~~~~~~~~~~~~
  drop STREAM, or make it a STREAMING TABLE
pipelines/b.sql:15:36: [TABLE_OR_VIEW_NOT_FOUND] no streaming table or sink 'evnts' to insert into
   15 | CREATE FLOW nowhere AS INSERT INTO evnts SELECT * FROM STREAM events;
      |                                    ^~~~~
  did you mean 'events'?
pipelines/b.sql:16:52: [UNSUPPORTED_DATATYPE] source 'read_files': option 'schema': there is no data type 'INTT', in the schema 'id INTT' at character 4
   16 | CREATE STREAMING TABLE bad_schema AS SELECT * FROM STREAM read_files('input', format => 'json', schema => 'id INTT');
      |                                                    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  did you mean 'INT'?
pipelines/b.sql:17:89: read_files: option 'format' cannot be 'jsn'
   17 | CREATE STREAMING TABLE bad_format AS SELECT * FROM STREAM read_files('input', format => 'jsn', schema => 'id INT');
      |                                                                                         ^~~~~
  did you mean 'json'?
pipelines/b.sql:18:47: [MISSING_AGGREGATION] column 'name' is neither grouped by nor aggregated
   18 | CREATE STREAMING TABLE no_aggregate AS SELECT name, count(*) AS n FROM STREAM events;
      |                                               ^~~~
  add it to GROUP BY or put it into an aggregate such as max()
pipelines/b.sql:19:24: [UNRESOLVED_COLUMN.WITH_SUGGESTION] no column 'dat' to partition 'bad_partition' by
   19 | CREATE STREAMING TABLE bad_partition PARTITIONED BY (dat) AS SELECT id, CAST(ts AS DATE) AS date FROM STREAM events;
      |                        ^~~~~~~~~~~~~
  did you mean 'date'?
pipelines/b.sql:20:37: [COLUMN_ALREADY_EXISTS] the query has two columns named 'id'
   20 | CREATE STREAMING TABLE two_names AS SELECT id, name AS id FROM STREAM events;
      |                                     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  give one of them another name with AS
pipelines/b.sql:21:1: a pipeline file declares datasets; this statement does not
   21 | SELECT 1;
      | ^~~~~~~~
  ask with: tarn query 'SELECT ...'
28 problems
END

# ---- what else is wrong with statements

project more <<'YML'
name: more
YML
cat >more/pipelines/a.sql <<'SQL'
CREATE STREAMING TABLE e AS SELECT * FROM STREAM read_files('input', format => 'json',
  schema => 'id INT, ts TIMESTAMP, name STRING, s STRUCT<a INT>');
CREATE STREAMING TABLE field AS SELECT s.b FROM STREAM e;
CREATE STREAMING TABLE arguments AS SELECT substring(id) AS u FROM STREAM e;
CREATE STREAMING TABLE alias AS SELECT e2.id FROM STREAM e;
CREATE STREAMING TABLE in_where AS SELECT id FROM STREAM e WHERE count(*) > 3;
CREATE STREAMING TABLE ambiguous AS SELECT id FROM STREAM e a JOIN e b ON a.id = b.id;
CREATE STREAMING TABLE two_streams AS SELECT a.id FROM STREAM e a LEFT JOIN STREAM e b ON a.id = b.id;
CREATE STREAMING TABLE interval_column AS SELECT INTERVAL 1 DAY AS i FROM STREAM e;
CREATE STREAMING TABLE no_type AS SELECT CAST(id AS INTT) AS i FROM STREAM e;
CREATE STREAMING TABLE uneven AS SELECT id FROM STREAM e UNION ALL SELECT id, name FROM STREAM e;
CREATE STREAMING TABLE declared (id STRING) AS SELECT id FROM STREAM e;
CREATE STREAMING TABLE declared_more (id INT, b INT) AS SELECT id FROM STREAM e;
CREATE STREAMING TABLE slow TBLPROPERTIES ('pipelines.trigger.interval' = 'soon') AS SELECT id FROM STREAM e;
CREATE STREAMING TABLE never_closed AS SELECT (id FROM STREAM e;
DROP TABLE e;
CREATE SINK option USING console OPTIONS (numRow 3);
CREATE SINK option_value USING console OPTIONS (numRows 'x');
CREATE SINK topic USING kafka OPTIONS (topic 'x');
CREATE MATERIALIZED VIEW no_path AS SELECT * FROM delta.`nowhere`;
CREATE STREAMING TABLE no_options AS SELECT * FROM STREAM read_files('input');
CREATE STREAMING TABLE no_schema AS SELECT * FROM STREAM read_files('input', format => 'csv');
CREATE STREAMING TABLE subquery AS SELECT id IN (SELECT id FROM STREAM e) AS y FROM STREAM e;
CREATE FLOW twice AS INSERT INTO e SELECT 1;
CREATE FLOW twice AS INSERT INTO e SELECT 1;
CREATE STREAMING TABLE a.b.c AS SELECT * FROM STREAM rate();
CREATE STREAMING TABLE many AS SELECT * FROM STREAM rate(rowsPerSecond => 'many');
CREATE STREAMING TABLE kind AS SELECT * FROM STREAM generate('weblogs');
CREATE STREAMING TABLE function AS SELECT * FROM STREAM read_file('input');
CREATE STREAMING TABLE kafka AS SELECT * FROM STREAM read_kafka(subscribe => 'x');
CREATE STREAMING TABLE fed_by_nothing (id INT);
CREATE STREAMING TABLE unfed;
CREATE STREAMING TABLE quote AS SELECT 'never closed FROM STREAM e;
SQL
expect more 2 <<'END'
pipelines/a.sql:3:40: [FIELD_NOT_FOUND] no field 'b' in the struct
    3 | CREATE STREAMING TABLE field AS SELECT s.b FROM STREAM e;
      |                                        ^~~
pipelines/a.sql:4:44: [WRONG_NUM_ARGS.WITHOUT_SUGGESTION] substring takes 3 arguments, not 1
    4 | CREATE STREAMING TABLE arguments AS SELECT substring(id) AS u FROM STREAM e;
      |                                            ^~~~~~~~~~~~~
pipelines/a.sql:5:40: [UNRESOLVED_COLUMN.WITH_SUGGESTION] no table or alias 'e2' here
    5 | CREATE STREAMING TABLE alias AS SELECT e2.id FROM STREAM e;
      |                                        ^~~~~
pipelines/a.sql:6:66: [INVALID_WHERE_CONDITION] WHERE cannot hold an aggregate
    6 | CREATE STREAMING TABLE in_where AS SELECT id FROM STREAM e WHERE count(*) > 3;
      |                                                                  ^~~~~~~~
  filter groups with HAVING
pipelines/a.sql:7:44: [AMBIGUOUS_REFERENCE] column 'id' is ambiguous
    7 | CREATE STREAMING TABLE ambiguous AS SELECT id FROM STREAM e a JOIN e b ON a.id = b.id;
      |                                            ^~
  write "a.id" or "b.id"
pipelines/a.sql:8:56: [_LEGACY_ERROR_TEMP_3102] Stream-stream LeftOuter join between two streaming DataFrame/Datasets is not supported without a watermark in the join keys, or a watermark on the nullable side and an appropriate range condition
    8 | CREATE STREAMING TABLE two_streams AS SELECT a.id FROM STREAM e a LEFT JOIN STREAM e b ON a.id = b.id;
      |                                                        ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  give both sides a WATERMARK, and ON a bound such as right.ts <= left.ts + INTERVAL 1 HOUR
pipelines/a.sql:9:43: [UNSUPPORTED_DATATYPE] column 'i' has the type interval, which a table cannot hold
    9 | CREATE STREAMING TABLE interval_column AS SELECT INTERVAL 1 DAY AS i FROM STREAM e;
      |                                           ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  cast it to another type
pipelines/a.sql:10:53: [UNSUPPORTED_DATATYPE] there is no data type 'INTT'
   10 | CREATE STREAMING TABLE no_type AS SELECT CAST(id AS INTT) AS i FROM STREAM e;
      |                                                     ^~~~
  did you mean 'INT'?
pipelines/a.sql:11:34: [NUM_COLUMNS_MISMATCH] both sides of a UNION, INTERSECT or EXCEPT need the same number of columns
   11 | CREATE STREAMING TABLE uneven AS SELECT id FROM STREAM e UNION ALL SELECT id, name FROM STREAM e;
      |                                  ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
pipelines/a.sql:12:48: [INCOMPATIBLE_COLUMNS] column 'id' of 'declared': int cannot go into string
   12 | CREATE STREAMING TABLE declared (id STRING) AS SELECT id FROM STREAM e;
      |                                                ^~~~~~~~~~~~~~~~~~~~~~~
  cast it in the query
pipelines/a.sql:13:57: [INCOMPATIBLE_COLUMNS] the query gives 1 columns, 'declared_more' has 2
   13 | CREATE STREAMING TABLE declared_more (id INT, b INT) AS SELECT id FROM STREAM e;
      |                                                         ^~~~~~~~~~~~~~~~~~~~~~~
pipelines/a.sql:14:75: [INVALID_TRIGGER_INTERVAL] 'soon' is no trigger interval
   14 | CREATE STREAMING TABLE slow TBLPROPERTIES ('pipelines.trigger.interval' = 'soon') AS SELECT id FROM STREAM e;
      |                                                                           ^~~~~~
  for example '10 seconds'
pipelines/a.sql:15:51: [PARSE_SYNTAX_ERROR] syntax error at or near 'FROM': expected ')'
   15 | CREATE STREAMING TABLE never_closed AS SELECT (id FROM STREAM e;
      |                                                   ^~~~
pipelines/a.sql:16:1: [UNSUPPORTED_FEATURE] DROP TABLE is not supported by this version
   16 | DROP TABLE e;
      | ^~~~~~~~~~~~
pipelines/a.sql:17:43: console has no option 'numRow'
   17 | CREATE SINK option USING console OPTIONS (numRow 3);
      |                                           ^~~~~~
  did you mean 'numRows'?
pipelines/a.sql:18:57: console: option 'numRows' must be an integer, not 'x'
   18 | CREATE SINK option_value USING console OPTIONS (numRows 'x');
      |                                                         ^~~
pipelines/a.sql:19:13: [UNSUPPORTED_FEATURE] sinks of type kafka are not supported by this version
   19 | CREATE SINK topic USING kafka OPTIONS (topic 'x');
      |             ^~~~~
pipelines/a.sql:20:51: [PATH_NOT_FOUND] there is no Delta table at 'nowhere'
   20 | CREATE MATERIALIZED VIEW no_path AS SELECT * FROM delta.`nowhere`;
      |                                                   ^~~~~~~~~~~~~~~
pipelines/a.sql:21:52: [REQUIRED_PARAMETER_NOT_FOUND] read_files: option 'format' is missing: json (one object a line), csv, text, parquet
   21 | CREATE STREAMING TABLE no_options AS SELECT * FROM STREAM read_files('input');
      |                                                    ^~~~~~~~~~~~~~~~~~~~~~~~~~
pipelines/a.sql:22:51: [CANNOT_INFER_EMPTY_SCHEMA] source 'read_files': read_files needs a schema
   22 | CREATE STREAMING TABLE no_schema AS SELECT * FROM STREAM read_files('input', format => 'csv');
      |                                                   ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  schema => 'name TYPE, ...'
pipelines/a.sql:23:65: [UNSUPPORTED_STREAMING_OPERATION] a stream can be read in FROM only, not in a subquery of an expression
   23 | CREATE STREAMING TABLE subquery AS SELECT id IN (SELECT id FROM STREAM e) AS y FROM STREAM e;
      |                                                                 ^~~~~~~~
  drop STREAM to read the table as it is at each batch
pipelines/a.sql:24:36: [INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE] the query of 'twice' reads no stream
   24 | CREATE FLOW twice AS INSERT INTO e SELECT 1;
      |                                    ^~~~~~~~
  write FROM STREAM ..., or make it a MATERIALIZED VIEW
pipelines/a.sql:25:13: [FLOW_ALREADY_EXISTS] flow 'twice' is declared twice
   25 | CREATE FLOW twice AS INSERT INTO e SELECT 1;
      |             ^~~~~
pipelines/a.sql:26:24: [INVALID_NAME] a dataset's name has at most two parts
   26 | CREATE STREAMING TABLE a.b.c AS SELECT * FROM STREAM rate();
      |                        ^~~~~
  use database.name or name
pipelines/a.sql:27:75: rate: option 'rowsPerSecond' must be an integer, not 'many'
   27 | CREATE STREAMING TABLE many AS SELECT * FROM STREAM rate(rowsPerSecond => 'many');
      |                                                                           ^~~~~~
pipelines/a.sql:28:46: source 'generate': no generator 'weblogs'
   28 | CREATE STREAMING TABLE kind AS SELECT * FROM STREAM generate('weblogs');
      |                                              ^~~~~~~~~~~~~~~~~~~~~~~~~~
  did you mean 'web-logs'?
pipelines/a.sql:29:50: [UNRESOLVABLE_TABLE_VALUED_FUNCTION] no table function 'read_file'
   29 | CREATE STREAMING TABLE function AS SELECT * FROM STREAM read_file('input');
      |                                                  ^~~~~~~~~~~~~~~~~~~~~~~~~
  did you mean 'read_files'?
pipelines/a.sql:30:47: [UNSUPPORTED_FEATURE] read_kafka is not supported by this version
   30 | CREATE STREAMING TABLE kafka AS SELECT * FROM STREAM read_kafka(subscribe => 'x');
      |                                               ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
pipelines/a.sql:32:24: streaming table 'unfed' has no query and no flow feeds it
   32 | CREATE STREAMING TABLE unfed;
      |                        ^~~~~
  write AS SELECT ..., or CREATE FLOW ... AS INSERT INTO it
pipelines/a.sql:33:40: [PARSE_SYNTAX_ERROR] syntax error: this string is never closed
   33 | CREATE STREAMING TABLE quote AS SELECT 'never closed FROM STREAM e;
      |                                        ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
  add the missing quote
30 problems
END

# ---- a project file that is no YAML, and one that says nothing wrong

project yaml <<'YML'
name: yaml
  storage: [x
YML
expect yaml 2 <<'END'
tarn.yml:2:10: not valid YAML: mapping values are not allowed in this context
    2 |   storage: [x
      |          ^
1 problem
END
project fine <<'YML'
name: fine
YML
echo "CREATE STREAMING TABLE t AS SELECT * FROM STREAM rate(rowsPerSecond => 1);" >fine/pipelines/a.sql
expect fine 0 <<'END'
1 dataset, 1 flow: no problems
END

# ---- words that nearly are options, values and modes

project words <<'YML'
name: words
YML
cat >words/pipelines/a.sql <<'SQL'
CREATE STREAMING TABLE events AS
SELECT * FROM STREAM read_files('input', format => 'csv', schema => 'id INT', mode => 'PERMISIVE');
CREATE STREAMING TABLE any_mode AS
SELECT * FROM STREAM read_files('input', format => 'csv', schema => 'id INT', mode => 'none');
CREATE SINK printer USING console OPTIONS (outputMod 'update');
CREATE STREAMING TABLE counts OPTIONS (outputMode 'update', keys 'id') AS
SELECT id, count(*) AS n FROM STREAM events GROUP BY id;
SQL
expect words 2 <<'END'
pipelines/a.sql:2:87: read_files: option 'mode' cannot be 'PERMISIVE'
    2 | SELECT * FROM STREAM read_files('input', format => 'csv', schema => 'id INT', mode => 'PERMISIVE');
      |                                                                                       ^~~~~~~~~~~
  did you mean 'PERMISSIVE'?
pipelines/a.sql:4:87: read_files: option 'mode' cannot be 'none'
    4 | SELECT * FROM STREAM read_files('input', format => 'csv', schema => 'id INT', mode => 'none');
      |                                                                                       ^~~~~~
  PERMISSIVE, DROPMALFORMED or FAILFAST
pipelines/a.sql:5:44: console has no option 'outputMod'
    5 | CREATE SINK printer USING console OPTIONS (outputMod 'update');
      |                                            ^~~~~~~~~
  did you mean 'outputMode'?
pipelines/a.sql:6:24: [STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION] delta does not support output mode update
    6 | CREATE STREAMING TABLE counts OPTIONS (outputMode 'update', keys 'id') AS
      |                        ^~~~~~
  take a MATERIALIZED VIEW for rows that change, or leave outputMode out and give the stream a WATERMARK: then a row comes once, when it is final
4 problems
END

# ---- one statement, several mistakes; constants that have no value

project statement <<'YML'
name: statement
YML
cat >statement/pipelines/a.sql <<'SQL'
CREATE STREAMING TABLE events AS
SELECT * FROM STREAM read_files('input', format => 'csv', schema => 'id INT, name STRING');
CREATE STREAMING TABLE typed AS
SELECT idd, uper(name) AS n, upper(nam) AS m, id + array(1) AS x
FROM STREAM events WHERE kind = 1 AND id > CAST('x' AS INT);
CREATE MATERIALIZED VIEW dated AS
SELECT name, 1 / 0 AS q FROM events WHERE id < month(CAST('2024-13-01' AS DATE));
SQL
expect statement 2 <<'END'
pipelines/a.sql:4:8: [UNRESOLVED_COLUMN.WITH_SUGGESTION] no column 'idd'
    4 | SELECT idd, uper(name) AS n, upper(nam) AS m, id + array(1) AS x
      |        ^~~
  did you mean 'id'?
pipelines/a.sql:4:13: [UNRESOLVED_ROUTINE] no function 'uper'
    4 | SELECT idd, uper(name) AS n, upper(nam) AS m, id + array(1) AS x
      |             ^~~~~~~~~~
  did you mean 'upper'?
pipelines/a.sql:4:36: [UNRESOLVED_COLUMN.WITH_SUGGESTION] no column 'nam'
    4 | SELECT idd, uper(name) AS n, upper(nam) AS m, id + array(1) AS x
      |                                    ^~~
  did you mean 'name'?
pipelines/a.sql:4:47: [DATATYPE_MISMATCH] there is no INT + ARRAY<INT>
    4 | SELECT idd, uper(name) AS n, upper(nam) AS m, id + array(1) AS x
      |                                               ^~~~~~~~~~~~~
  CAST one side
pipelines/a.sql:5:26: [UNRESOLVED_COLUMN.WITH_SUGGESTION] no column 'kind'
    5 | FROM STREAM events WHERE kind = 1 AND id > CAST('x' AS INT);
      |                          ^~~~
  did you mean 'id'?
pipelines/a.sql:5:44: [CAST_INVALID_INPUT] 'x' (string) is no INT
    5 | FROM STREAM events WHERE kind = 1 AND id > CAST('x' AS INT);
      |                                            ^~~~~~~~~~~~~~~~
  try_cast gives NULL instead
pipelines/a.sql:7:14: [DIVIDE_BY_ZERO] division by zero
    7 | SELECT name, 1 / 0 AS q FROM events WHERE id < month(CAST('2024-13-01' AS DATE));
      |              ^~~~~
  try_divide gives NULL instead
pipelines/a.sql:7:48: [CAST_INVALID_INPUT] '2024-13-01' (string) is no DATE
    7 | SELECT name, 1 / 0 AS q FROM events WHERE id < month(CAST('2024-13-01' AS DATE));
      |                                                ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  try_cast gives NULL instead
8 problems
END

# ---- files without a schema: one that fits is told

project guess <<'YML'
name: guess
YML
mkdir guess/logs
echo '{"id": 1, "a b": [1.5], "at": "2024-01-01T00:00:00Z"}' >guess/logs/1.json
cat >guess/pipelines/a.sql <<'SQL'
CREATE STREAMING TABLE logs AS SELECT * FROM STREAM read_files('logs', format => 'json');
SQL
expect guess 2 <<'END'
pipelines/a.sql:1:46: [CANNOT_INFER_EMPTY_SCHEMA] source 'read_files': read_files needs a schema
    1 | CREATE STREAMING TABLE logs AS SELECT * FROM STREAM read_files('logs', format => 'json');
      |                                              ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  this one fits the files that are there: schema => 'id bigint, `a b` ARRAY<double>, at TIMESTAMP'
1 problem
END

# ---- options of a table

project options <<'YML'
name: options
YML
cat >options/pipelines/a.sql <<'SQL'
CREATE STREAMING TABLE events AS
SELECT * FROM STREAM read_files('input', format => 'csv', schema => 'id INT, name STRING');
CREATE STREAMING TABLE misspelt AS
SELECT id FROM STREAM events WITH ('maxFilesPerTriger' = '1', 'maxBytesPerTrigger' = 'x');
CREATE MATERIALIZED VIEW no_stream AS SELECT id FROM events WITH ('versionAsOf' = '1');
SQL
expect options 2 <<'END'
pipelines/a.sql:4:36: [UNRECOGNIZED_PARAMETER_NAME] the stream of a Delta table has no option 'maxFilesPerTriger'
    4 | SELECT id FROM STREAM events WITH ('maxFilesPerTriger' = '1', 'maxBytesPerTrigger' = 'x');
      |                                    ^~~~~~~~~~~~~~~~~~~
  did you mean 'maxFilesPerTrigger'?
pipelines/a.sql:4:86: the stream of a Delta table: option 'maxBytesPerTrigger' must be a size such as '64m', not 'x'
    4 | SELECT id FROM STREAM events WITH ('maxFilesPerTriger' = '1', 'maxBytesPerTrigger' = 'x');
      |                                                                                      ^~~
pipelines/a.sql:5:67: [UNSUPPORTED_FEATURE] option 'versionAsOf' of a table that is not read as a stream is not supported
    5 | CREATE MATERIALIZED VIEW no_stream AS SELECT id FROM events WITH ('versionAsOf' = '1');
      |                                                                   ^~~~~~~~~~~~~
  options are for FROM STREAM; an older version is VERSION AS OF or TIMESTAMP AS OF
3 problems
END

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
