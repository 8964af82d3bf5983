// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/random.h"
#include "check.h"
#include "duck/row_codec.h"

static Duck *duck;
static DuckConn *conn;

enum { MAX_COLUMNS = 12, ROWS = 3000 };

// What the two functions of a round share: encode() writes rows to `bytes`, decode() reads them.
typedef struct Round {
    Schema schema;
} Round;

static bool encode_function(void *context, const DuckColumn *arguments, size_t count,
                            uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)err;
    Buffer bytes = {0};
    for (uint64_t row = 0; row < row_count; row++) {
        buffer_reset(&bytes);
        row_encode(arguments, count, row, &bytes);
        duck_set_text(result, row, buffer_slice(&bytes));
    }
    buffer_done(&bytes);
    return true;
}

// A struct's fields are the row's columns.
static bool decode_function(void *context, const DuckColumn *arguments, size_t count,
                            uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)count;
    DuckColumn columns[MAX_COLUMNS];
    size_t column_count = result->type->fields.count;
    for (uint64_t row = 0; row < row_count; row++) {
        for (size_t i = 0; i < column_count; i++) {
            columns[i] = duck_child(result, i);
        }
        if (!row_decode(duck_text(&arguments[0], row), columns, column_count, row, err)) {
            return false;
        }
    }
    return true;
}

// ---- random types and values ---------------------------------------------------------------

static const Type *picked_type(Arena *arena, Random *random, uint64_t pick, int depth);

static const Type *random_type(Arena *arena, Random *random, int depth)
{
    return picked_type(arena, random, random_below(random, depth > 0 ? 18 : 14), depth);
}

static const Type *picked_type(Arena *arena, Random *random, uint64_t pick, int depth)
{
    static const TypeKind simple[] = {
        TYPE_BOOLEAN, TYPE_TINYINT, TYPE_SMALLINT, TYPE_INT,  TYPE_BIGINT,    TYPE_FLOAT,
        TYPE_DOUBLE,  TYPE_STRING,  TYPE_BINARY,   TYPE_DATE, TYPE_TIMESTAMP, TYPE_TIMESTAMP_NTZ,
    };
    static const int precisions[] = {1, 4, 5, 9, 10, 18, 19, 38};
    if (pick < 12) {
        return type_simple(simple[pick]);
    }
    if (pick < 14) {
        int precision = precisions[random_below(random, 8)];
        return type_decimal(arena, precision, (int)random_below(random, (uint64_t)precision + 1));
    }
    if (pick < 16) {
        return type_array(arena, random_type(arena, random, depth - 1));
    }
    if (pick == 16) {
        return type_map(arena, random_type(arena, random, 0),
                        random_type(arena, random, depth - 1));
    }
    Schema fields = {0};
    uint64_t count = 1 + random_below(random, 9);
    for (uint64_t i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", (int)i);
        schema_add(arena, &fields, name, random_type(arena, random, depth - 1), true);
    }
    return type_struct(arena, fields);
}

static void random_real(Random *random, const char *name, Buffer *out)
{
    static const char *const special[] = {"0.0", "-0.0", "'NaN'",    "'-NaN'",    "'inf'", "'-inf'",
                                          "1.5", "-1.5", "1.17e-38", "3.4028e38", "1e-45"};
    buffer_printf(out, "%s::%s", special[random_below(random, ARRAY_LEN(special))], name);
}

static void random_string(Random *random, Buffer *out)
{
    static const char *const pieces[] = {"a", "é", "€", "\U0001F600", "zz"};
    buffer_append_char(out, '\'');
    uint64_t count = random_below(random, 3) == 0 ? 0 : random_below(random, 14);
    for (uint64_t i = 0; i < count; i++) {
        buffer_append_text(out, pieces[random_below(random, ARRAY_LEN(pieces))]);
    }
    buffer_append_char(out, '\'');
}

static void random_decimal(const Type *type, Random *random, Buffer *out)
{
    buffer_append_text(out, random_below(random, 2) == 0 ? "'-" : "'");
    int start = (int)random_below(random, (uint64_t)type->precision); // leading zeros
    for (int i = 0; i < type->precision; i++) {
        if (i == type->precision - type->scale) {
            buffer_append_text(out, i == 0 ? "0." : ".");
        }
        buffer_append_char(out, (char)('0' + (i < start ? 0 : (int)random_below(random, 10))));
    }
    buffer_append_text(out, "'::");
    type_print_duck(type, out);
}

// Few different values, so that equal rows happen.
static void random_value(const Type *type, Random *random, Buffer *out)
{
    static const int64_t limits[] = {INT8_MAX, INT16_MAX, INT32_MAX, INT64_MAX};
    if (random_below(random, 6) == 0) {
        buffer_append_text(out, "NULL::");
        type_print_duck(type, out);
        return;
    }
    switch (type->kind) {
    case TYPE_BOOLEAN:
        buffer_append_text(out, random_below(random, 2) == 0 ? "true" : "false");
        return;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT: {
        int64_t limit = limits[type->kind - TYPE_TINYINT];
        int64_t values[] = {0, 1, -1, limit, -limit - 1, (int64_t)random_below(random, 100)};
        buffer_printf(out, "'%lld'::", (long long)values[random_below(random, 6)]);
        type_print_duck(type, out);
        return;
    }
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        random_real(random, type->kind == TYPE_FLOAT ? "FLOAT" : "DOUBLE", out);
        return;
    case TYPE_DECIMAL:
        random_decimal(type, random, out);
        return;
    case TYPE_STRING:
        random_string(random, out);
        return;
    case TYPE_BINARY:
        buffer_printf(out, "unhex('%0*d')", (int)random_below(random, 12) * 4 + 2,
                      (int)random_below(random, 3));
        return;
    case TYPE_DATE:
        buffer_printf(out, "(DATE '1970-01-01' + %d)", (int)random_below(random, 40000) - 20000);
        return;
    case TYPE_TIMESTAMP:
        buffer_printf(out, "make_timestamptz(%lld)",
                      (long long)random_below(random, (uint64_t)1 << 52) - ((int64_t)1 << 51));
        return;
    case TYPE_TIMESTAMP_NTZ:
        buffer_printf(out, "make_timestamp(%lld)", (long long)random_below(random, 100));
        return;
    default:
        break;
    }
    if (type->kind == TYPE_STRUCT) {
        buffer_append_char(out, '{');
        for (size_t i = 0; i < type->fields.count; i++) {
            buffer_printf(out, "%s'%s': ", i == 0 ? "" : ", ", type->fields.columns[i].name);
            random_value(type->fields.columns[i].type, random, out);
        }
        buffer_append_char(out, '}');
        return;
    }
    uint64_t count = random_below(random, type->kind == TYPE_MAP ? 2 : 11);
    if (type->kind == TYPE_MAP) { // keys are unique and never NULL: one entry, or none
        if (count == 0) {
            buffer_append_text(out, "MAP {}::");
            type_print_duck(type, out);
            return;
        }
        buffer_append_text(out, "MAP {coalesce(");
        random_value(type->key, random, out);
        buffer_append_text(out, ", ");
        Random fixed = {7};
        do { // a value that is not NULL
            random_next(&fixed);
        } while (random_below(&(Random){fixed.state}, 6) == 0);
        random_value(type->key, &fixed, out);
        buffer_append_text(out, "): ");
        random_value(type->element, random, out);
        buffer_append_char(out, '}');
        return;
    }
    buffer_append_char(out, '[');
    for (uint64_t i = 0; i < count; i++) {
        buffer_append_text(out, i == 0 ? "" : ", ");
        random_value(type->element, random, out);
    }
    buffer_append_text(out, "]::");
    type_print_duck(type, out);
}

// ---- properties ----------------------------------------------------------------------------

static bool run(const char *sql)
{
    Error err = {0};
    bool ok = duck_run(conn, sql, &err);
    if (!ok) {
        fprintf(stderr, "%.300s\n  %s\n", sql, err.message);
    }
    return ok;
}

static int64_t query_int(const char *sql)
{
    Error err = {0};
    DuckRows *rows = NULL;
    if (!duck_query(conn, sql, &rows, &err)) {
        fprintf(stderr, "%.300s\n  %s\n", sql, err.message);
        return -1;
    }
    int64_t value = duck_rows_int(rows, 0, NULL);
    duck_rows_destroy(rows);
    return value;
}

// A table `data` of random rows: 60 distinct-ish tuples spread over ROWS rows.
static bool make_data(const Schema *schema, Random *random)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "CREATE OR REPLACE TABLE data AS SELECT * EXCLUDE (pick_, k_) FROM (");
    for (int k = 0; k < 60; k++) {
        buffer_printf(&sql, "%sSELECT %d AS k_", k == 0 ? "" : " UNION ALL ", k);
        for (size_t i = 0; i < schema->count; i++) {
            buffer_append_text(&sql, ", ");
            random_value(schema->columns[i].type, random, &sql);
            buffer_append_text(&sql, "::");
            type_print_duck(schema->columns[i].type, &sql);
            buffer_printf(&sql, " AS c%d", (int)i);
        }
    }
    buffer_printf(&sql,
                  ") JOIN (SELECT (hash(a) %% 60)::INT AS pick_ FROM range(%d) t(a)) "
                  "ON pick_ = k_",
                  ROWS);
    bool ok = run(buffer_text(&sql));
    buffer_done(&sql);
    return ok;
}

static void register_pair(int seed, const Schema *schema, Arena *arena)
{
    char encode_name[32];
    char decode_name[32];
    snprintf(encode_name, sizeof encode_name, "encode_%d", seed);
    snprintf(decode_name, sizeof decode_name, "decode_%d", seed);
    Schema *bytes = ARENA_NEW(arena, Schema);
    schema_add(arena, bytes, "bytes", type_simple(TYPE_BINARY), true);
    DuckScalar encode = {
        .name = encode_name,
        .arguments = schema,
        .result = type_simple(TYPE_BINARY),
        .sees_null = true,
        .function = encode_function,
    };
    DuckScalar decode = {
        .name = decode_name,
        .arguments = bytes,
        .result = type_struct(arena, *schema),
        .function = decode_function,
    };
    Error err = {0};
    CHECK(duck_register_scalar(conn, &encode, &err));
    CHECK(duck_register_scalar(conn, &decode, &err));
}

// decode(encode(row)) = row, and rows are equal exactly when their bytes are.
static void test_round_trip(int seed)
{
    Random random = {(uint64_t)seed};
    Arena *arena = arena_create(0);
    Schema schema = {0};
    // The first seeds have one column of each type, so that rows which differ only in what makes
    // no difference (-0.0) occur.
    uint64_t only = (uint64_t)seed - 1;
    size_t count = only < 18 ? 1 : 1 + random_below(&random, MAX_COLUMNS);
    Buffer names = {0};
    for (size_t i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", (int)i);
        const Type *type =
            only < 18 ? picked_type(arena, &random, only, 2) : random_type(arena, &random, 2);
        schema_add(arena, &schema, name, type, true);
        buffer_printf(&names, "%s%s", i == 0 ? "" : ", ", name);
    }
    register_pair(seed, &schema, arena);
    Error err = {0};
    bool ok = row_check_schema(&schema, &err) && make_data(&schema, &random);
    CHECK(ok);
    if (ok) {
        Buffer sql = {0};
        const char *list = buffer_text(&names);
        buffer_append_text(&sql, "SELECT count(*) FROM (SELECT *, ");
        buffer_printf(&sql, "decode_%d(encode_%d(%s)) AS d FROM data) WHERE false", seed, seed,
                      list);
        for (size_t i = 0; i < count; i++) {
            buffer_printf(&sql, " OR c%zu IS DISTINCT FROM d.c%zu", i, i);
        }
        int64_t wrong = query_int(buffer_text(&sql));
        buffer_reset(&sql);
        buffer_printf(&sql,
                      "SELECT (count(DISTINCT b) - count(DISTINCT r)) * 1000000 + "
                      "count(DISTINCT (r, b)) - count(DISTINCT b) FROM "
                      "(SELECT row(%s) AS r, encode_%d(%s) AS b FROM data)",
                      list, seed, list);
        int64_t difference = query_int(buffer_text(&sql));
        if (wrong != 0 || difference != 0) {
            Buffer text = {0};
            type_print(type_struct(arena, schema), &text);
            fprintf(stderr, "seed %d: %s: %lld rows differ, classes %lld\n", seed,
                    buffer_text(&text), (long long)wrong, (long long)difference);
            buffer_done(&text);
        }
        CHECK(wrong == 0);
        CHECK(difference == 0);
        buffer_done(&sql);
    }
    buffer_done(&names);
    arena_destroy(arena);
}

// Any bytes either decode or are refused; nothing is read or written outside.
static void test_damaged(void)
{
    Error err = {0};
    DuckRows *rows = NULL;
    CHECK(duck_query(conn,
                     "SELECT a, a::VARCHAR || ' and some more text' AS t, [a, NULL, 7] AS l, "
                     "{'x': a, 'y': [t]} AS s, MAP {t: a} AS m, a % 2 = 0 AS b FROM range(3) r(a)",
                     &rows, &err));
    DuckRows *target = NULL; // its vectors are written over, as a callback's result would be
    CHECK(duck_query(conn,
                     "SELECT 0::BIGINT AS a, '' AS t, []::BIGINT[] AS l, {'x': 0::BIGINT, 'y': "
                     "['']} AS s, MAP {'': 0::BIGINT} AS m, false AS b FROM range(2000)",
                     &target, &err));
    DuckColumn from[6];
    DuckColumn to[6];
    for (size_t i = 0; i < 6; i++) {
        from[i] = duck_rows_column(rows, 0, i);
        to[i] = duck_rows_column(target, 0, i);
        CHECK(type_equal(from[i].type, to[i].type));
    }
    Buffer bytes = {0};
    row_encode(from, 6, 1, &bytes);
    Random random = {20240101};
    int refused = 0;
    for (size_t size = 0; size < bytes.size; size++) { // no prefix is a row
        CHECK(!row_decode((Slice){bytes.data, size}, to, 6, size % 2000, &err));
        CHECK(err.kind == ERROR_CORRUPT);
    }
    for (int i = 0; i < 20000; i++) {
        char *copy = malloc(bytes.size);
        memcpy(copy, bytes.data, bytes.size);
        copy[random_below(&random, bytes.size)] = (char)random_next(&random);
        if (random_below(&random, 4) == 0) {
            copy[random_below(&random, bytes.size)] = (char)random_next(&random);
        }
        refused += !row_decode((Slice){copy, bytes.size}, to, 6, (uint64_t)i % 2000, &err);
        free(copy);
    }
    CHECK(refused > 1000 && refused < 20000);
    buffer_append_char(&bytes, 'x');
    CHECK(!row_decode(buffer_slice(&bytes), to, 6, 0, &err)); // nothing may follow
    bytes.size--;

    // Columns that nobody asked for are read past.
    for (size_t i = 0; i < 6; i++) {
        if (i != 1) {
            to[i] = (DuckColumn){.type = from[i].type};
        }
    }
    CHECK(row_decode(buffer_slice(&bytes), to, 6, 5, &err));
    CHECK(slice_is(duck_text(&to[1], 5), "1 and some more text"));
    buffer_done(&bytes);
    duck_rows_destroy(rows);
    duck_rows_destroy(target);
}

// The bytes are part of the checkpoint's format: a change here needs a new version of the log.
static void test_format(void)
{
    Error err = {0};
    DuckRows *rows = NULL;
    CHECK(duck_query(conn,
                     "SELECT -2::SMALLINT AS a, 'hé' AS b, NULL::INT AS c, -0.0::DOUBLE AS d, "
                     "[1::TINYINT, NULL, 3::TINYINT] AS e, {'x': true, 'y': 'z'} AS f, "
                     "MAP {5::TINYINT: 'v'} AS g, 'NaN'::FLOAT AS h, 1.5::DECIMAL(4,1) AS i",
                     &rows, &err));
    static const unsigned char expected[] = {
        0x04, 0x00,                                                // c is NULL
        0xfe, 0xff,                                                // a
        0,    0,    0,    0,    0,    0,    0,    0,               // d
        0x00, 0x00, 0xc0, 0x7f,                                    // h
        0x0f, 0x00,                                                // i
        3,    0,    0,    0,    'h',  0xc3, 0xa9,                  // b
        3,    0,    0,    0,    0x02, 1,    3,                     // e
        0x00, 1,    1,    0,    0,    0,    'z',                   // f
        1,    0,    0,    0,    0x00, 5,    0x00, 1, 0, 0, 0, 'v', // g
    };
    DuckColumn columns[9];
    for (size_t i = 0; i < 9; i++) {
        columns[i] = duck_rows_column(rows, 0, i);
    }
    Buffer bytes = {0};
    row_encode(columns, 9, 0, &bytes);
    CHECK(bytes.size == sizeof expected && memcmp(bytes.data, expected, sizeof expected) == 0);
    buffer_done(&bytes);
    duck_rows_destroy(rows);
}

static void test_schema(void)
{
    Arena *arena = arena_create(0);
    Error err = {0};
    Schema schema = {0};
    schema_add(arena, &schema, "fine", type_array(arena, type_simple(TYPE_INT)), true);
    CHECK(row_check_schema(&schema, &err));
    schema_add(arena, &schema, "d",
               type_map(arena, type_simple(TYPE_INT), type_simple(TYPE_INTERVAL)), true);
    CHECK(!row_check_schema(&schema, &err) && err.kind == ERROR_INPUT);
    CHECK_TEXT(err.message, "column 'd' of type map<int,interval> cannot be kept in a stream's "
                            "state; CAST it to another type");
    arena_destroy(arena);
}

int main(int argc, char **argv)
{
    Error err = {0};
    DuckOptions options = {.threads = 2};
    if (!duck_open(&options, &duck, &err) || !duck_connect(duck, &conn, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    test_format();
    test_schema();
    test_damaged();
    int first = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1; // a failing seed is in the output
    int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 40;
    for (int seed = first; seed < first + count; seed++) {
        test_round_trip(seed);
    }
    duck_disconnect(conn);
    duck_close(duck);
    return check_done();
}
