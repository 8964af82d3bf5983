// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "check.h"
#include "duck/duck.h"

static Duck *duck;
static DuckConn *conn;

static void run(const char *sql)
{
    Error err = {0};
    bool ok = duck_run(conn, sql, &err);
    if (!ok) {
        fprintf(stderr, "%s\n  %s\n", sql, err.message);
    }
    CHECK(ok);
}

static DuckRows *query(const char *sql)
{
    Error err = {0};
    DuckRows *rows = NULL;
    bool ok = duck_query(conn, sql, &rows, &err);
    if (!ok) {
        fprintf(stderr, "%s\n  %s\n", sql, err.message);
    }
    CHECK(ok);
    return rows;
}

static int64_t query_int(const char *sql)
{
    DuckRows *rows = query(sql);
    int64_t value = rows == NULL ? -999 : duck_rows_int(rows, 0, NULL);
    duck_rows_destroy(rows);
    return value;
}

// First column of all rows, joined with '|'.
static const char *query_text(const char *sql)
{
    static Buffer text;
    buffer_reset(&text);
    Buffer wrapped = {0};
    buffer_printf(&wrapped, "SELECT COLUMNS(*)::VARCHAR FROM (%s)", sql);
    DuckRows *rows = query(buffer_text(&wrapped));
    buffer_done(&wrapped);
    for (size_t chunk = 0; rows != NULL && chunk < duck_rows_chunk_count(rows); chunk++) {
        DuckColumn column = duck_rows_column(rows, chunk, 0);
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            if (text.size > 0) {
                buffer_append_char(&text, '|');
            }
            buffer_append(&text,
                          duck_is_null(&column, row) ? slice_of("NULL") : duck_text(&column, row));
        }
    }
    duck_rows_destroy(rows);
    return buffer_text(&text);
}

static Error query_error(const char *sql)
{
    Error err = {0};
    DuckRows *rows = NULL;
    CHECK(!duck_query(conn, sql, &rows, &err));
    duck_rows_destroy(rows);
    return err;
}

// ---- errors --------------------------------------------------------------------------------

static void test_errors(void)
{
    Error err = query_error("SELECT CAST('x' AS INT)");
    CHECK(err.kind == ERROR_INPUT);
    CHECK_TEXT(err.message,
               "[CAST_INVALID_INPUT] 'x' (string) is no INT; try_cast gives NULL instead");
    err = query_error("SELECT error('mine\n\nPossible')");
    CHECK(err.kind == ERROR_INPUT);
    CHECK_TEXT(err.message, "mine\n\nPossible");
    err = query_error("SELECT 9223372036854775807 + a FROM (SELECT 1::BIGINT AS a)");
    CHECK(err.kind == ERROR_INPUT && strstr(err.message, "OVERFLOW") != NULL);
    err = query_error("SELEC 1");
    CHECK(err.kind == ERROR_INPUT);
    CHECK_TEXT(err.message, "syntax error at or near \"SELEC\"");
    err = query_error("SELECT abs(DATE '2020-01-01')");
    CHECK(strstr(err.message, "abs(DATE)") != NULL && strstr(err.message, "Candidate") == NULL);
    err = query_error("COPY (SELECT 1 AS a) TO '/dev/full' (FORMAT parquet)");
    CHECK(err.kind == ERROR_RETRY && strstr(err.message, "No space left") != NULL);
    err = query_error("FROM read_csv('https://example.org/a.csv')");
    CHECK(err.kind == ERROR_INPUT && strstr(err.message, "\n") == NULL);
    CHECK(query_error("INSTALL httpfs FROM community").kind != ERROR_NONE);
}

static void test_out_of_memory(void)
{
    DuckOptions options = {.memory_limit_bytes = 30 << 20, .threads = 1};
    Duck *small = NULL;
    DuckConn *other = NULL;
    Error err = {0};
    CHECK(duck_open(&options, &small, &err));
    CHECK(duck_connect(small, &other, &err));
    DuckRows *rows = NULL;
    bool ok = duck_query(other, "SELECT list(hash(a)) FROM range(20000000) t(a)", &rows, &err);
    CHECK(!ok && err.kind == ERROR_RETRY);
    CHECK(strchr(err.message, '\n') == NULL);
    duck_rows_destroy(rows);
    CHECK(duck_run(other, "SELECT 1", &err));
    duck_disconnect(other);
    duck_close(small);
}

static void *interrupt_soon(void *done)
{
    while (!atomic_load((atomic_bool *)done)) {
        duck_interrupt(conn);
        sched_yield();
    }
    return NULL;
}

static void test_interrupt(void)
{
    atomic_bool done = false;
    pthread_t thread;
    pthread_create(&thread, NULL, interrupt_soon, &done);
    Error err = {0};
    bool failed = false;
    for (int i = 0; i < 20 && !failed; i++) { // an interrupt before the start is forgotten
        failed = !duck_run(conn, "SELECT sum(hash(a)) FROM range(30000000) t(a)", &err);
    }
    atomic_store(&done, true);
    pthread_join(thread, NULL);
    CHECK(failed && err.kind == ERROR_FAILED);
    CHECK(query_int("SELECT 1::BIGINT") == 1);
}

// ---- statements, types, reading ------------------------------------------------------------

static void test_describe(void)
{
    Arena *arena = arena_create(0);
    Schema schema = {0};
    DuckProblem problem = {0};
    Error err = {0};
    run("CREATE TABLE people (id BIGINT, name VARCHAR, born DATE)");
    CHECK(duck_describe(conn, "SELECT * FROM people", &schema, arena, &problem, &err));
    CHECK(schema.count == 3 && schema.columns[0].type->kind == TYPE_BIGINT);
    CHECK_TEXT(schema.columns[2].name, "born");

    CHECK(!duck_describe(conn, "SELECT  nam FROM people", &schema, arena, &problem, &err));
    CHECK(problem.position == 8);
    CHECK_TEXT(problem.exception, "Binder");
    CHECK_TEXT(problem.subtype, "COLUMN_NOT_FOUND");
    CHECK_TEXT(problem.name, "nam");
    CHECK(strstr(problem.candidates, "name") != NULL);
    CHECK_TEXT(err.message, "Referenced column \"nam\" not found in FROM clause!");
    CHECK(schema.count == 3); // untouched

    CHECK(!duck_describe(conn, "SELECT born + [1] FROM people", &schema, arena, &problem, &err));
    CHECK_TEXT(problem.subtype, "NO_MATCHING_FUNCTION");
    CHECK_TEXT(problem.call, "+(DATE, INTEGER[])");
    CHECK(!duck_describe(conn, "SELEC", &schema, arena, &problem, &err));
    CHECK_TEXT(problem.exception, "Parser");
    CHECK(problem.position == 0);
    CHECK(!duck_describe(conn, "SELECT 'é', 1 'x'", &schema, arena, &problem, &err));
    CHECK(problem.position == 15);
    CHECK(!duck_describe(conn, "SELECT 'é', nam FROM people", &schema, arena, &problem, &err));
    CHECK(problem.position == 13);
    CHECK(!duck_describe(conn, "FROM peopel", &schema, arena, &problem, &err));
    CHECK_TEXT(err.message, "Table with name peopel does not exist!");
    CHECK_TEXT(problem.candidates, "people");
    CHECK(!duck_describe(conn, "", &schema, arena, &problem, &err));
    CHECK(problem.position == -1);
    run("DROP TABLE people");
    arena_destroy(arena);
}

static void test_types_round_trip(void)
{
    static const char *const types[] = {
        "boolean",
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "float",
        "double",
        "decimal(4,1)",
        "decimal(9,2)",
        "string",
        "decimal(18,3)",
        "decimal(38,10)",
        "binary",
        "date",
        "timestamp",
        "timestamp_ntz",
        "interval",
        "array<int>",
        "map<string,array<decimal(5,2)>>",
        "struct<a:int,b c:struct<d\"e:timestamp,f:map<int,string>>>",
        "HUGEINT",
        "UBIGINT",
        "TIME",
        "TIMESTAMP_NS",
    };
    static const char *const duck_types[] = {
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL(4,1)",
        "DECIMAL(9,2)",
        "VARCHAR",
        "DECIMAL(18,3)",
        "DECIMAL(38,10)",
        "BLOB",
        "DATE",
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMP",
        "INTERVAL",
        "INTEGER[]",
        "MAP(VARCHAR, DECIMAL(5,2)[])",
        ("STRUCT(\"a\" INTEGER, \"b c\" STRUCT(\"d\"\"e\" TIMESTAMP WITH TIME ZONE, "
         "\"f\" MAP(INTEGER, VARCHAR)))"),
        "HUGEINT",
        "UBIGINT",
        "TIME",
        "TIMESTAMP_NS",
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        Buffer text = {0};
        buffer_printf(&text, "SELECT NULL::%s AS x", duck_types[i]);
        DuckRows *rows = query(buffer_text(&text));
        if (rows != NULL) {
            const Type *type = duck_rows_schema(rows)->columns[0].type;
            buffer_reset(&text);
            type_print(type, &text);
            CHECK_TEXT(buffer_text(&text), types[i]);
            buffer_reset(&text);
            type_print_duck(type, &text);
            CHECK_TEXT(buffer_text(&text), duck_types[i]);
            DuckColumn column = duck_rows_column(rows, 0, 0);
            CHECK(duck_is_null(&column, 0));
        }
        duck_rows_destroy(rows);
        buffer_done(&text);
    }
}

static void test_reading(void)
{
    DuckRows *rows = query(
        "SELECT -5::TINYINT, true, -300::SMALLINT, -70000, 1::BIGINT << 40, 1.5::FLOAT, "
        "2.5::DOUBLE,"
        " -12.3::DECIMAL(4,1), 170141183460469231731687303715884105727::HUGEINT,"
        " 'a longer text than twelve bytes', '\\x00\\xFF'::BLOB, DATE '1969-12-31',"
        " TIMESTAMPTZ '2024-01-01 00:00:01+01', [1,NULL,3], MAP {'k': 7}, {'x': 1, 'y': NULL},"
        " 123456.78::DECIMAL(20,2), 200::UTINYINT");
    DuckColumn c[18];
    for (size_t i = 0; i < 18; i++) {
        c[i] = duck_rows_column(rows, 0, i);
    }
    CHECK(duck_int(&c[0], 0) == -5 && duck_int(&c[1], 0) == 1 && duck_int(&c[2], 0) == -300);
    CHECK(duck_int(&c[3], 0) == -70000 && duck_int(&c[4], 0) == (int64_t)1 << 40);
    CHECK(duck_double(&c[5], 0) == 1.5 && duck_double(&c[6], 0) == 2.5);
    CHECK(duck_decimal(&c[7], 0) == -123);
    CHECK(duck_decimal(&c[8], 0) == (__int128)(((unsigned __int128)1 << 127) - 1));
    CHECK(slice_is(duck_text(&c[9], 0), "a longer text than twelve bytes"));
    CHECK(slice_equal(duck_text(&c[10], 0), (Slice){"\0\xFF", 2}));
    CHECK(duck_int(&c[11], 0) == -1);
    CHECK(duck_int(&c[12], 0) == ((int64_t)1704067201 - 3600) * TIME_SECOND);
    uint64_t offset;
    uint64_t length;
    duck_list(&c[13], 0, &offset, &length);
    DuckColumn child = duck_child(&c[13], 0);
    CHECK(length == 3 && duck_int(&child, offset) == 1 && duck_is_null(&child, offset + 1));
    duck_list(&c[14], 0, &offset, &length);
    DuckColumn key = duck_child(&c[14], 0);
    DuckColumn value = duck_child(&c[14], 1);
    CHECK(length == 1 && slice_is(duck_text(&key, offset), "k") && duck_int(&value, offset) == 7);
    child = duck_child(&c[15], 1);
    CHECK(duck_is_null(&child, 0) && !duck_is_null(&c[15], 0));
    CHECK(duck_decimal(&c[16], 0) == 12345678);
    CHECK(duck_int(&c[17], 0) == 200);
    duck_rows_destroy(rows);

    bool is_null = false;
    rows = query("SELECT 1 WHERE false");
    CHECK(duck_rows_count(rows) == 0 && duck_rows_int(rows, 0, &is_null) == 0 && is_null);
    duck_rows_destroy(rows);
    rows = query("SELECT a, repeat('x', 20) || a AS t FROM range(5000) r(a)");
    CHECK(duck_rows_count(rows) == 5000 && duck_rows_chunk_count(rows) == 3);
    DuckColumn last = duck_rows_column(rows, 2, 1);
    CHECK(slice_is(duck_text(&last, 5000 - 4096 - 1), "xxxxxxxxxxxxxxxxxxxx4999"));
    duck_rows_destroy(rows);
}

static void test_prepared(void)
{
    Error err = {0};
    DuckStatement *statement = NULL;
    DuckRows *rows = NULL;
    CHECK(duck_prepare(conn, "SELECT ?::BIGINT + 1, ?::VARCHAR", &statement, &err));
    for (int64_t i = 0; i < 3; i++) {
        duck_bind_bigint(statement, 1, i);
        duck_bind_text(statement, 2, (Slice){"it's", i == 0 ? 0 : 4});
        CHECK(duck_execute(statement, &rows, &err));
        CHECK(duck_rows_int(rows, 0, NULL) == i + 1);
        DuckColumn text = duck_rows_column(rows, 0, 1);
        CHECK(duck_text(&text, 0).size == (i == 0 ? 0 : 4));
        duck_rows_destroy(rows);
    }
    duck_bind_bigint(statement, 3, 1);
    CHECK(!duck_execute(statement, NULL, &err) && err.kind == ERROR_FAILED);
    duck_bind_bigint(statement, 1, INT64_MAX);
    CHECK(!duck_execute(statement, NULL, &err) && err.kind == ERROR_INPUT);
    duck_statement_destroy(statement);
    CHECK(!duck_prepare(conn, "SELECT nope", &statement, &err) && err.kind == ERROR_INPUT);
}

// duck_query takes rows while the statement runs.
static void test_query_forms(void)
{
    CHECK(query_int("CREATE TABLE t AS SELECT a FROM range(7000) r(a)") == 7000);
    CHECK(query_int("INSERT INTO t VALUES (1), (2)") == 2);
    CHECK(query_int("INSERT INTO t VALUES (5000000) RETURNING a") == 5000000);
    CHECK(query_int("DELETE FROM t WHERE a = 1; SELECT count(*) FROM t;") == 7001);
    Error err = query_error("DELETE FROM t WHERE a = 2; SELECT nope; DELETE FROM t");
    CHECK(err.kind == ERROR_INPUT && strstr(err.message, "nope") != NULL);
    CHECK(query_int("SELECT count(*) FROM t") == 6999);
    CHECK(query_error("").kind != ERROR_NONE);
    // Fails after thousands of rows were taken; the connection and its transaction go on.
    run("BEGIN");
    err = query_error("SELECT CAST(CASE WHEN a > 6000 THEN 'x' ELSE '1' END AS INT) FROM t");
    CHECK(err.kind == ERROR_INPUT && strstr(err.message, "'x'") != NULL);
    run("ROLLBACK");
    DuckRows *first = query("SELECT a FROM t ORDER BY a");
    run("DROP TABLE t"); // rows stand on their own
    DuckColumn column = duck_rows_column(first, 0, 0);
    CHECK(duck_rows_count(first) == 6999 && duck_int(&column, 0) == 0);
    duck_rows_destroy(first);
    CHECK(query_int("SELECT count(*) FROM (SELECT 1 WHERE false)") == 0);
}

static void test_quoting(void)
{
    Buffer sql = {0};
    duck_quote_name(&sql, slice_of("a\"b"));
    duck_quote_text(&sql, slice_of("it's"));
    duck_quote_path(&sql, slice_of("/x'/*?[1].csv"));
    CHECK_TEXT(buffer_text(&sql), "\"a\"\"b\"'it''s''/x''/[*][?][[]1].csv'");
    buffer_done(&sql);
    CHECK_TEXT(query_text("SELECT TIMESTAMPTZ '2024-01-01 00:00:00+02'"), "2023-12-31 22:00:00+00");
}

// ---- scalar functions ----------------------------------------------------------------------

typedef struct Probe {
    atomic_long calls;
    atomic_long rows;
    ErrorKind fail_kind;
} Probe;

static bool add_one(void *context, const DuckColumn *arguments, size_t count, uint64_t row_count,
                    DuckColumn *result, Error *err)
{
    Probe *probe = context;
    atomic_fetch_add(&probe->calls, 1);
    atomic_fetch_add(&probe->rows, (long)row_count);
    for (uint64_t row = 0; row < row_count; row++) {
        if (duck_is_null(&arguments[0], row) || count != 1) {
            return fail(err, ERROR_FAILED, "saw a NULL");
        }
        int64_t value = duck_int(&arguments[0], row);
        if (value == 666) {
            return fail(err, probe->fail_kind, "row \xff%lld", (long long)value);
        }
        if (value % 10 == 3) {
            duck_set_null(result, row);
        } else {
            duck_set_int(result, row, value + 1);
        }
    }
    return true;
}

static void add_column(Arena *arena, Schema *schema, const char *name, TypeKind kind)
{
    schema_add(arena, schema, name, type_simple(kind), true);
}

static void register_scalar(const DuckScalar *scalar)
{
    Error err = {0};
    bool ok = duck_register_scalar(conn, scalar, &err);
    if (!ok) {
        fprintf(stderr, "%s\n", err.message);
    }
    CHECK(ok);
}

// Copies any value of any type, element by element: exercises all reading and writing.
static void copy_value(const DuckColumn *from, uint64_t row, DuckColumn *to, uint64_t to_row)
{
    if (duck_is_null(from, row)) {
        duck_set_null(to, to_row);
        return;
    }
    uint64_t offset;
    uint64_t length;
    switch (from->type->kind) {
    case TYPE_STRING:
    case TYPE_BINARY:
        duck_set_text(to, to_row, duck_text(from, row));
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        duck_set_double(to, to_row, duck_double(from, row));
        break;
    case TYPE_DECIMAL:
        duck_set_decimal(to, to_row, duck_decimal(from, row));
        break;
    case TYPE_STRUCT:
        for (size_t i = 0; i < from->type->fields.count; i++) {
            DuckColumn a = duck_child(from, i);
            DuckColumn b = duck_child(to, i);
            copy_value(&a, row, &b, to_row);
        }
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        duck_list(from, row, &offset, &length);
        uint64_t start = duck_set_list(to, to_row, length);
        for (size_t i = 0; i < (from->type->kind == TYPE_MAP ? 2 : 1); i++) {
            DuckColumn a = duck_child(from, i);
            for (uint64_t at = 0; at < length; at++) {
                DuckColumn b = duck_child(to, i);
                copy_value(&a, offset + at, &b, start + at);
            }
        }
        break;
    default:
        duck_set_int(to, to_row, duck_int(from, row));
    }
}

static bool copy_function(void *context, const DuckColumn *arguments, size_t count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        copy_value(&arguments[0], row, result, row);
    }
    return true;
}

static void test_scalar_nulls_and_errors(Arena *arena)
{
    Probe probe = {.fail_kind = ERROR_CONFLICT};
    Schema arguments = {0};
    add_column(arena, &arguments, "a", TYPE_BIGINT);
    DuckScalar scalar = {
        .name = "add_one",
        .arguments = &arguments,
        .result = type_simple(TYPE_BIGINT),
        .function = add_one,
        .context = &probe,
    };
    register_scalar(&scalar);
    CHECK_TEXT(query_text("SELECT add_one(a) FROM (VALUES (1::BIGINT),(NULL),(3),(5)) t(a)"),
               "2|NULL|NULL|6");
    CHECK(probe.rows == 3);
    CHECK_TEXT(query_text("SELECT add_one(NULL)"), "NULL");
    CHECK(query_int("SELECT sum(add_one(a) - a)::BIGINT FROM range(100000) t(a) WHERE a <> 666") ==
          89999);
    CHECK(query_int("SELECT count(add_one(CASE WHEN a % 7 = 0 THEN NULL ELSE a END))"
                    " FROM range(70000) t(a) WHERE a <> 666") ==
          query_int("SELECT count(*) FROM range(70000) t(a)"
                    " WHERE a <> 666 AND a % 7 <> 0 AND a % 10 <> 3"));
    Error err = query_error("SELECT add_one(a) FROM range(1000) t(a)");
    CHECK(err.kind == ERROR_CONFLICT);
    CHECK_TEXT(err.message, "row ?666");
    Error again = {0};
    CHECK(!duck_register_scalar(conn, &scalar, &again)); // still in use

    Probe second = {.fail_kind = ERROR_INPUT};
    duck_function_retire(conn, "ADD_ONE");
    err = query_error("SELECT add_one(a) FROM range(10) t(a)");
    CHECK(err.kind == ERROR_FAILED);
    CHECK_TEXT(err.message, "function 'add_one' is no longer there");
    scalar.context = &second;
    register_scalar(&scalar);
    CHECK(query_int("SELECT add_one(a) FROM range(1) t(a)") == 1 && second.calls > 0);
    CHECK(query_error("SELECT add_one(a) FROM range(1000) t(a)").kind == ERROR_INPUT);
    duck_function_retire(conn, "add_one");

    scalar.result = type_simple(TYPE_INT);
    CHECK(!duck_register_scalar(conn, &scalar, &again)); // DuckDB could not tell them apart
    scalar.result = type_simple(TYPE_BIGINT);
    DuckStatement *old = NULL;
    CHECK(duck_prepare(conn, "SELECT add_one(a) FROM range(10) t(a)", &old, &again));
    Schema wider = {0};
    schema_add(arena, &wider, "s", type_array(arena, type_simple(TYPE_INT)), true);
    DuckScalar lists = {
        .name = "add_one",
        .arguments = &wider,
        .result = type_array(arena, type_simple(TYPE_INT)),
        .function = copy_function,
    };
    register_scalar(&lists);
    CHECK_TEXT(query_text("SELECT add_one([7, NULL]::INT[])"), "[7, NULL]");
    CHECK(query_error("SELECT add_one(1::BIGINT)").kind == ERROR_FAILED);
    CHECK(!duck_execute(old, NULL, &again) && again.kind == ERROR_FAILED);
    duck_function_retire(conn, "add_one");
    register_scalar(&scalar); // and back
    CHECK(query_int("SELECT add_one(1::BIGINT)") == 2);
    CHECK(query_error("SELECT add_one([7]::INT[])").kind == ERROR_FAILED);
    CHECK(duck_execute(old, NULL, &again));
    duck_statement_destroy(old);
}

static bool count_calls(void *context, const DuckColumn *arguments, size_t count,
                        uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)arguments;
    (void)err;
    Probe *probe = context;
    for (uint64_t row = 0; row < row_count; row++) {
        duck_set_int(result, row, atomic_fetch_add(&probe->rows, 1) + (int64_t)count * 1000000);
    }
    return true;
}

// Sums integers and the sizes of texts; 1000 for a NULL.
static bool measure(void *context, const DuckColumn *arguments, size_t count, uint64_t row_count,
                    DuckColumn *result, Error *err)
{
    (void)context;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            if (duck_is_null(&arguments[i], row)) {
                sum += 1000;
            } else if (arguments[i].type->kind == TYPE_STRING) {
                sum += (int64_t)duck_text(&arguments[i], row).size;
            } else if (type_is_integer(arguments[i].type)) {
                sum += duck_int(&arguments[i], row);
            } else {
                return fail(err, ERROR_INPUT, "argument %zu has a strange type", i + 1);
            }
        }
        duck_set_int(result, row, sum);
    }
    return true;
}

static bool broken_text(void *context, const DuckColumn *arguments, size_t count,
                        uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)count;
    (void)err;
    static const char *const texts[] = {
        "ok",
        "\xff bc",
        "long enough, then \xe2\x82 cut",
        "\xed\xa0\x80 surrogate",
        "\xf0\x9f\x98\x80",
        "\xc0\xaf",
        "end \xf0\x9f\x98",
    };
    for (uint64_t row = 0; row < row_count; row++) {
        duck_set_text(result, row, slice_of(texts[duck_int(&arguments[0], row)]));
    }
    return true;
}

// What java.lang.String makes of such bytes.
static void test_broken_text(Arena *arena)
{
    Schema arguments = {0};
    add_column(arena, &arguments, "a", TYPE_BIGINT);
    DuckScalar scalar = {
        .name = "broken_text",
        .arguments = &arguments,
        .result = type_simple(TYPE_STRING),
        .function = broken_text,
    };
    register_scalar(&scalar);
    CHECK_TEXT(query_text("SELECT broken_text(a) FROM range(7) t(a)"),
               "ok|\uFFFD bc|long enough, then \uFFFD cut|\uFFFD\uFFFD\uFFFD surrogate|\U0001F600|"
               "\uFFFD\uFFFD|end \uFFFD");
    CHECK(duck_text_is_valid(slice_of("12345678é12345678")));
    CHECK(!duck_text_is_valid(slice_of("12345678\xe9"
                                       "12345678")));
}

static void test_scalar_shapes(Arena *arena)
{
    Probe probe = {0};
    DuckScalar zero = {
        .name = "tick_now",
        .result = type_simple(TYPE_BIGINT),
        .is_volatile = true,
        .function = count_calls,
        .context = &probe,
    };
    register_scalar(&zero);
    CHECK(query_int("SELECT count(DISTINCT tick_now()) FROM range(5000) t(a)") == 5000);

    Schema first = {0};
    add_column(arena, &first, "a", TYPE_INT);
    DuckScalar variadic = {
        .name = "measure",
        .arguments = &first,
        .variadic = true,
        .sees_null = true,
        .result = type_simple(TYPE_BIGINT),
        .function = measure,
    };
    register_scalar(&variadic);
    CHECK(query_int("SELECT measure(1)") == 1);
    CHECK(query_int("SELECT measure(1, 'abc', 5::TINYINT)") == 9);
    CHECK(query_int("SELECT measure(NULL, NULL, 'twelve or more bytes')") == 2020);
    CHECK(query_int("SELECT sum(measure(a::INT, a::VARCHAR, NULL, 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1))"
                    "::BIGINT FROM range(3000) t(a)") ==
          query_int("SELECT sum(a + length(a::VARCHAR) + 1016)::BIGINT FROM range(3000) t(a)"));
    Error err = query_error("SELECT measure(1, 2.5::DOUBLE)");
    CHECK(err.kind == ERROR_INPUT);
    CHECK_TEXT(err.message, "argument 2 has a strange type");
}

// The vectors that reach a function come from slices, dictionaries, constants, nested ones too.
static void test_scalar_nested(Arena *arena)
{
    Schema fields = {0};
    add_column(arena, &fields, "n", TYPE_BIGINT);
    add_column(arena, &fields, "t", TYPE_STRING);
    schema_add(arena, &fields, "l", type_array(arena, type_simple(TYPE_STRING)), true);
    const Type *row_type = type_struct(arena, fields);
    const Type *type = type_array(arena, row_type);
    Schema arguments = {0};
    schema_add(arena, &arguments, "a", type, true);
    DuckScalar scalar = {
        .name = "copy_nested",
        .arguments = &arguments,
        .result = type,
        .sees_null = true,
        .function = copy_function,
    };
    register_scalar(&scalar);
    DuckScalar strict = scalar;
    strict.name = "copy_strict";
    strict.sees_null = false;
    register_scalar(&strict);

    run("CREATE TABLE nested AS SELECT a, CASE WHEN a % 11 = 0 THEN NULL ELSE list_transform("
        "range(a % 5), lambda x: CASE WHEN (a + x) % 7 = 0 THEN NULL ELSE {'n': x + a, 't': "
        "CASE WHEN x = 1 THEN NULL ELSE repeat('é', ((a + x) % 12)::INT) END, "
        "'l': CASE WHEN a % 3 = 0 THEN NULL ELSE [a::VARCHAR, NULL, repeat('z', 20)] END} END) END"
        " AS v FROM range(9000) t(a)");
    static const char *const forms[] = {
        "v",
        "list_filter(v, lambda x: x.n % 2 = 0)",
        "v[2:3]",
        "list_reverse(v)",
        "list_sort(v)",
        "CASE WHEN a % 2 = 0 THEN v END",
        "list_concat(v, v)",
        "(SELECT v FROM nested n WHERE n.a = 34)",
        "[v[1]]",
        "list_select(v, [3, 1])",
        "list_distinct(v)",
        "list_transform(v, lambda x: {'n': 1::BIGINT, 't': x.t, 'l': x.l})",
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        for (size_t k = 0; k < 2; k++) {
            Buffer sql = {0};
            buffer_printf(&sql,
                          "SELECT count(*) FROM (SELECT o, %s(o) AS c FROM (SELECT %s AS o FROM "
                          "nested WHERE a %% 13 <> 5)) WHERE o IS DISTINCT FROM c",
                          k == 0 ? "copy_nested" : "copy_strict", forms[i]);
            int64_t wrong = query_int(buffer_text(&sql));
            if (wrong != 0) {
                fprintf(stderr, "%s: %lld rows differ\n", forms[i], (long long)wrong);
            }
            CHECK(wrong == 0);
            buffer_done(&sql);
        }
    }
    // A NULL struct has NULL fields, also for operators that look only at the field.
    CHECK(query_int(
              "SELECT count(*) FROM (SELECT unnest(copy_nested(v)) AS s FROM nested)"
              " WHERE s IS NULL AND (s.n IS NOT NULL OR s.t IS NOT NULL OR s.l IS NOT NULL)") == 0);
    run("DROP TABLE nested");
}

// ---- table functions -----------------------------------------------------------------------

typedef struct Numbers {
    int64_t count;
    int threads;
    atomic_int opened;
    atomic_int closed;
    atomic_int threads_opened;
    atomic_int threads_closed;
    atomic_bool closed_early;
    size_t columns_asked;
    int64_t fail_at;
} Numbers;

typedef struct NumbersScan {
    Numbers *numbers;
    atomic_llong next;
    size_t columns[3];
    size_t column_count;
} NumbersScan;

static void *numbers_open(void *context, const size_t *columns, size_t column_count,
                          int *max_threads, Error *err)
{
    Numbers *numbers = context;
    if (numbers->fail_at == -1) {
        fail(err, ERROR_RETRY, "not now");
        return NULL;
    }
    NumbersScan *scan = calloc(1, sizeof *scan);
    scan->numbers = numbers;
    scan->column_count = column_count;
    memcpy(scan->columns, columns, column_count * sizeof *columns);
    numbers->columns_asked = column_count;
    atomic_fetch_add(&numbers->opened, 1);
    *max_threads = numbers->threads;
    return scan;
}

static void *numbers_open_thread(void *state)
{
    NumbersScan *scan = state;
    atomic_fetch_add(&scan->numbers->threads_opened, 1);
    return scan->numbers;
}

static int64_t numbers_next(void *state, void *thread, DuckColumn *columns, uint64_t capacity,
                            Error *err)
{
    NumbersScan *scan = state;
    if (thread != scan->numbers) {
        return fail(err, ERROR_FAILED, "wrong thread state") - 1;
    }
    int64_t start = atomic_fetch_add(&scan->next, (int64_t)capacity);
    int64_t left = scan->numbers->count - start;
    int64_t count = left < 0 ? 0 : left > (int64_t)capacity ? (int64_t)capacity : left;
    if (scan->numbers->fail_at > 0 && start >= scan->numbers->fail_at) {
        return fail(err, ERROR_CORRUPT, "broken at %lld", (long long)start) - 1;
    }
    for (size_t c = 0; c < scan->column_count; c++) {
        for (int64_t row = 0; row < count; row++) {
            int64_t value = start + row;
            uint64_t at = (uint64_t)row;
            if (scan->columns[c] == 0) {
                duck_set_int(&columns[c], at, value);
            } else if (value % 5 == 0) {
                duck_set_null(&columns[c], at);
            } else if (scan->columns[c] == 1) {
                char text[64];
                int size = snprintf(text, sizeof text, "number %lld", (long long)value);
                duck_set_text(&columns[c], at, (Slice){text, (size_t)size});
            } else {
                uint64_t offset = duck_set_list(&columns[c], at, 2);
                DuckColumn child = duck_child(&columns[c], 0);
                duck_set_int(&child, offset, value);
                duck_set_null(&child, offset + 1);
            }
        }
    }
    return count;
}

static void numbers_close_thread(void *thread)
{
    Numbers *numbers = thread;
    if (atomic_load(&numbers->closed) == atomic_load(&numbers->opened)) {
        atomic_store(&numbers->closed_early, true);
    }
    atomic_fetch_add(&numbers->threads_closed, 1);
}

static void numbers_close(void *state)
{
    NumbersScan *scan = state;
    atomic_fetch_add(&scan->numbers->closed, 1);
    free(scan);
}

static void test_table(Arena *arena)
{
    Numbers numbers = {.count = 50000, .threads = 2};
    Schema schema = {0};
    add_column(arena, &schema, "n", TYPE_BIGINT);
    add_column(arena, &schema, "t", TYPE_STRING);
    schema_add(arena, &schema, "l", type_array(arena, type_simple(TYPE_INT)), true);
    DuckTable table = {
        .name = "numbers",
        .schema = &schema,
        .open = numbers_open,
        .open_thread = numbers_open_thread,
        .next = numbers_next,
        .close_thread = numbers_close_thread,
        .close = numbers_close,
        .context = &numbers,
    };
    Error err = {0};
    CHECK(duck_register_table(conn, &table, &err));
    CHECK(query_int("SELECT count(*) FROM numbers()") == 50000);
    CHECK(numbers.columns_asked <= 1);
    CHECK(query_int("SELECT sum(n)::BIGINT FROM numbers()") == 50000LL * 49999 / 2);
    CHECK(numbers.columns_asked == 1);
    CHECK(query_int("SELECT count(*) FROM numbers() WHERE t = 'number ' || n"
                    " AND l = [n::INT, NULL]") == 40000);
    CHECK(query_int("SELECT count(*) FROM numbers() WHERE t IS NULL AND l IS NULL") == 10000);
    CHECK_TEXT(query_text("SELECT l FROM numbers() WHERE n = 49999"), "[49999, NULL]");
    CHECK(query_int("SELECT max(b.n) FROM numbers() a JOIN numbers() b ON a.n = b.n + 1") == 49998);
    CHECK(query_int("SELECT count(*) FROM (SELECT n FROM numbers() LIMIT 3)") == 3);

    numbers.fail_at = 10000;
    err = query_error("SELECT sum(n) FROM numbers()");
    CHECK(err.kind == ERROR_CORRUPT && strncmp(err.message, "broken at ", 10) == 0);
    numbers.fail_at = -1;
    err = query_error("SELECT sum(n) FROM numbers()");
    CHECK(err.kind == ERROR_RETRY);
    CHECK_TEXT(err.message, "not now");
    numbers.fail_at = 0;
    CHECK(numbers.opened == numbers.closed && numbers.threads_opened == numbers.threads_closed);
    CHECK(numbers.opened > 5 && !numbers.closed_early);

    // Registered outside the caller's transaction: a rollback does not take it back.
    duck_function_retire(conn, "numbers");
    CHECK(query_error("FROM numbers()").kind == ERROR_FAILED);
    Schema narrow = {0};
    add_column(arena, &narrow, "alone", TYPE_BIGINT);
    DuckStatement *old = NULL;
    table.schema = &narrow;
    run("BEGIN");
    CHECK(duck_register_table(conn, &table, &err));
    run("ROLLBACK");
    CHECK(duck_prepare(conn, "SELECT max(alone) FROM numbers()", &old, &err));
    CHECK(duck_execute(old, NULL, &err));
    duck_function_retire(conn, "numbers");
    CHECK(!duck_execute(old, NULL, &err));
    table.schema = &schema;
    CHECK(duck_register_table(conn, &table, &err));
    CHECK(!duck_execute(old, NULL, &err) && err.kind == ERROR_FAILED);
    duck_statement_destroy(old);
    CHECK(query_int("SELECT min(n) FROM numbers()") == 0);
    duck_function_retire(conn, "numbers");
}

static void test_rows_table(void)
{
    DuckRows *kept = NULL;
    DuckRows *source =
        query("SELECT a AS n, CASE WHEN a % 3 = 0 THEN NULL ELSE 'text number ' || a "
              "END AS t, [a, NULL] AS l, {'x': a, 'y': a::VARCHAR} AS s "
              "FROM range(30000) r(a)");
    Error err = {0};
    CHECK(duck_register_rows(conn, "kept", duck_rows_schema(source), &kept, &err));
    CHECK(query_int("SELECT count(*) FROM kept()") == 0); // NULL: no rows
    DuckStatement *statement = NULL;
    CHECK(duck_prepare(conn, "SELECT count(*), sum(n)::BIGINT FROM kept()", &statement, &err));
    kept = source;
    DuckRows *answer = NULL;
    CHECK(duck_execute(statement, &answer, &err));
    CHECK(duck_rows_int(answer, 0, NULL) == 30000);
    CHECK(duck_rows_int(answer, 1, NULL) == 30000LL * 29999 / 2);
    duck_rows_destroy(answer);
    duck_statement_destroy(statement);

    CHECK(query_int("SELECT count(*) FROM kept()") == 30000);
    CHECK(query_int("SELECT count(*) FROM kept() WHERE s.y = n::VARCHAR AND s.x = n AND l[1] = n"
                    " AND (t = 'text number ' || n OR (n % 3 = 0 AND t IS NULL))") == 30000);
    CHECK(query_int("SELECT count(t) FROM kept()") == 20000);
    CHECK(query_int("SELECT count(*) FROM (SELECT l, t FROM kept() ORDER BY t DESC, l)") == 30000);
    // Order is kept, and the rows come to no harm from being used twice and changed downstream.
    CHECK(query_int("SELECT count(*) FROM (SELECT n, row_number() OVER () - 1 AS i FROM kept()) "
                    "WHERE n <> i") == 0);
    run("CREATE TABLE copied AS SELECT a.n + 1 AS n, b.t FROM kept() a JOIN kept() b USING (n)");
    CHECK(query_int("SELECT count(*) FROM copied") == 30000);
    CHECK(query_int("SELECT sum(n)::BIGINT FROM kept()") == 30000LL * 29999 / 2);
    run("DROP TABLE copied");

    DuckRows *other = query("SELECT 1 AS other");
    kept = other;
    CHECK(query_error("FROM kept()").kind == ERROR_FAILED);
    duck_function_retire(conn, "kept");
    duck_rows_destroy(other);
    duck_rows_destroy(source);
}

int main(void)
{
    Error err = {0};
    DuckOptions options = {.threads = 2};
    Arena *arena = arena_create(0);
    if (!duck_open(&options, &duck, &err) || !duck_connect(duck, &conn, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    test_errors();
    test_out_of_memory();
    test_interrupt();
    test_describe();
    test_types_round_trip();
    test_reading();
    test_prepared();
    test_query_forms();
    test_quoting();
    test_scalar_nulls_and_errors(arena);
    test_broken_text(arena);
    test_scalar_shapes(arena);
    test_scalar_nested(arena);
    test_table(arena);
    test_rows_table();

    DuckOptions bad = {.time_zone = "Mars/Olympus"};
    Duck *refused = NULL;
    DuckConn *none = NULL;
    CHECK(duck_open(&bad, &refused, &err));
    CHECK(!duck_connect(refused, &none, &err) && strstr(err.message, "Mars") != NULL);
    duck_close(refused);
    duck_disconnect(conn);
    duck_close(duck);
    arena_destroy(arena);
    return check_done();
}
