// CSV lines to rows, as Spark reads them with its default parser.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/random.h"
#include "duck/decode.h"

static Duck *duck;
static DuckConn *conn;
static Arena *arena;
static char shown[1 << 16];
static DecodeCounts counts;

static const char *show(const char *sql, Error *err)
{
    DuckRows *rows;
    if (!duck_query(conn, sql, &rows, err)) {
        return err->message;
    }
    size_t at = 0;
    shown[0] = '\0';
    size_t columns = duck_rows_schema(rows)->count;
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk) && at < 60000; row++) {
            for (size_t i = 0; i < columns; i++) {
                DuckColumn column = duck_rows_column(rows, chunk, i);
                Slice text = duck_is_null(&column, row) ? slice_of("-") : duck_text(&column, row);
                at += (size_t)snprintf(shown + at, sizeof shown - at, "%s%.*s", i > 0 ? "|" : "",
                                       SLICE_ARG(text));
            }
            at += (size_t)snprintf(shown + at, sizeof shown - at, ";");
        }
    }
    duck_rows_destroy(rows);
    return shown;
}

// Column types by letter: i int, s string, d double, t timestamp, b boolean, c corrupt record.
static const char *decode_inputs(const char *types, const DecodeInput *inputs, size_t count,
                                 const DecodeOptions *options, const char *select)
{
    static Error err;
    Schema schema = {0};
    for (size_t i = 0; types[i] != '\0'; i++) {
        TypeKind kind = types[i] == 'i'   ? TYPE_INT
                        : types[i] == 'd' ? TYPE_DOUBLE
                        : types[i] == 't' ? TYPE_TIMESTAMP
                        : types[i] == 'b' ? TYPE_BOOLEAN
                                          : TYPE_STRING;
        const char *name =
            types[i] == 'c' ? "_corrupt_record" : arena_printf(arena, "%c%zu", types[i], i);
        schema_add(arena, &schema, name, type_simple(kind), true);
    }
    DecodeTable *table;
    if (!decode_table_create(conn, "t", &schema, options, &table, &err)) {
        return err.message;
    }
    decode_table_set(table, inputs, count);
    const char *result = show(arena_printf(arena, "SELECT %s FROM t()", select), &err);
    counts = decode_table_counts(table);
    decode_table_destroy(table);
    return result;
}

static const char *decode_with(const char *types, const char *text, DecodeOptions options)
{
    options.format = DECODE_CSV;
    DecodeInput input = {.memory = slice_of(text)};
    return decode_inputs(types, &input, 1, &options, "CAST(COLUMNS(*) AS VARCHAR)");
}

static const char *decode(const char *types, const char *text)
{
    return decode_with(types, text, (DecodeOptions){0});
}

static void test_fields(void)
{
    CHECK_TEXT(decode("is", "1,a\n2,b\r\n3,c"), "1|a;2|b;3|c;");
    CHECK_TEXT(decode("is", "\n  \n1,a\n\r\n2,b\n"), "1|a;2|b;");
    CHECK_TEXT(decode("isd", ",,\n1,\"\",0.8\n"), "-|-|-;1|-|0.8;");
    CHECK_TEXT(decode("ss", "a b , c \n"), "a b | c ;");
    CHECK_TEXT(decode("sssss", "\"a,b\",\"c\\\"d\",\"e\\\\f\",\"g\\h\",\"\"\n"),
               "a,b|c\"d|e\\f|g\\h|-;");
    CHECK_TEXT(decode("ss", "\"a\" ,b\n x\"y,\"z\n"), "a|b; x\"y|z;");
    // A quote in the middle of a quoted field: as it stands, up to the separator.
    CHECK_TEXT(decode("ss", "\"a \"b\" c\",d\n"), "\"a \"b\" c\"|d;");
    CHECK_TEXT(decode_with("ss", "\"a \"\"b\"\", c\",d\n\"\",\"\"\"\"\n",
                           (DecodeOptions){.escape = '"', .null_value = "NULL"}),
               "a \"b\", c|d;|\";");
    CHECK_TEXT(
        decode_with("iss", "1,NULL,\n2,\"NULL\",\"\"\n", (DecodeOptions){.null_value = "NULL"}),
        "1|-|-;2|-|;");
    CHECK_TEXT(decode_with("ss", "a||b\n\"x||y\"||z|\n", (DecodeOptions){.separator = "||"}),
               "a|b;x||y|z|;");
    CHECK_TEXT(decode_with("is", "1\ta\n", (DecodeOptions){.separator = "\t"}), "1|a;");
    CHECK_TEXT(decode_with("is", " 1 , a \n 2 , \"b\" \n",
                           (DecodeOptions){.trim_leading = true, .trim_trailing = true}),
               "1|a;2|b;");
    CHECK_TEXT(decode_with("is", "#1,x\n2,y\n", (DecodeOptions){.comment = "#"}), "2|y;");
    CHECK_TEXT(decode_with("is", "1,'a,b'\n", (DecodeOptions){.quote = '\''}), "1|a,b;");
}

static void test_types(void)
{
    CHECK_TEXT(decode("i", "+7\n 7\n7.0\n2147483648\n-2147483648\n"), "7;-;-;-;-2147483648;");
    CHECK(counts.malformed == 3);
    CHECK_TEXT(decode("d", "1e3\n 2.5\nNaN\nInf\n-Inf\nInfinity\nx\n"),
               "1000.0;2.5;nan;inf;-inf;inf;-;");
    CHECK_TEXT(decode("b", "true\nFalse\n1\n"), "true;false;-;");
    CHECK_TEXT(decode("t", "2024-03-09 10:00:00\n2024-03-09T10:00:00+01:00\nx\n"),
               "2024-03-09 10:00:00+00;2024-03-09 09:00:00+00;-;");
    CHECK_TEXT(decode_with("t", "26/08/2015\n2015-08-26\n",
                           (DecodeOptions){.timestamp_format = "dd/MM/yyyy"}),
               "2015-08-26 00:00:00+00;-;");
}

static void test_modes(void)
{
    static const char text[] = "1,a\n2\n3,c,extra\nx,d\n4,\"e\n5,f\n";
    CHECK_TEXT(decode("isc", text), "1|a|-;2|-|2;3|c|3,c,extra;-|d|x,d;4|e|-;5|f|-;");
    CHECK(counts.rows == 6 && counts.malformed == 3);
    CHECK_TEXT(decode("cis", text), "-|1|a;2|2|-;3,c,extra|3|c;x,d|-|d;-|4|e;-|5|f;");
    CHECK_TEXT(decode_with("is", text, (DecodeOptions){.mode = DECODE_DROPMALFORMED}),
               "1|a;4|e;5|f;");
    CHECK_TEXT(decode_with("is", "1,a\n\nx,b\n", (DecodeOptions){.mode = DECODE_FAILFAST}),
               "[MALFORMED_RECORD_IN_PARSING] memory 1:line 3: cannot read 'x' as INT for column "
               "'i0' (mode FAILFAST; PERMISSIVE reads such fields as NULL)");
    CHECK_TEXT(decode_with("is", "1,a\n2\n", (DecodeOptions){.mode = DECODE_FAILFAST}),
               "[MALFORMED_RECORD_IN_PARSING] memory 1:line 2: cannot read '2': too few fields "
               "(mode FAILFAST; PERMISSIVE reads such fields as NULL)");
}

static void test_projection(void)
{
    DecodeOptions options = {.format = DECODE_CSV};
    DecodeInput input = {.memory = slice_of("1,a,x\n2,b,0.5\n")};
    // The third column is not asked for, so its 'x' does not matter.
    CHECK_TEXT(decode_inputs("isd", &input, 1, &options, "s1, CAST(i0 AS VARCHAR)"), "a|1;b|2;");
    CHECK(counts.malformed == 0);
    CHECK_TEXT(decode_inputs("isd", &input, 1, &options, "CAST(d2 AS VARCHAR)"), "-;0.5;");
    CHECK(counts.malformed == 1);
    CHECK_TEXT(decode_inputs("isd", &input, 1, &options, "CAST(count(*) AS VARCHAR)"), "2;");
}

static void test_headers(void)
{
    DecodeOptions options = {.format = DECODE_CSV, .header = true};
    DecodeInput inputs[] = {{.memory = slice_of("\xEF\xBB\xBFi,s\n1,a\n")},
                            {.memory = slice_of("\ni,s\r\n2,b")},
                            {.memory = slice_of("i,s\n")},
                            {.memory = slice_of("")}};
    CHECK_TEXT(
        decode_inputs("is", inputs, ARRAY_LEN(inputs), &options, "CAST(COLUMNS(*) AS VARCHAR)"),
        "1|a;2|b;");
    CHECK(counts.malformed == 0);
}

static void test_bytes(void)
{
    CHECK_TEXT(decode("isc", "1,a\xFFz\nx\xE2\x82,b\n"), "1|a\xEF\xBF\xBDz|-;-|b|x\xEF\xBF\xBD,b;");
}

static void test_refusals(void)
{
    Error err;
    DecodeTable *table;
    Schema schema = {0};
    schema_add(arena, &schema, "l", type_array(arena, type_simple(TYPE_INT)), true);
    DecodeOptions options = {.format = DECODE_CSV};
    CHECK(!decode_table_create(conn, "r", &schema, &options, &table, &err));
    CHECK_TEXT(err.message, "column 'l': type array<int> cannot be read from CSV");
    CHECK_TEXT(decode_with("i", "", (DecodeOptions){.separator = ""}),
               "option sep must not be empty");
    CHECK_TEXT(decode_with("t", "", (DecodeOptions){.timestamp_format = "EEE"}),
               "timestampFormat 'EEE': pattern letter 'EEE' is not supported; use y M d H h m s S "
               "a X x Z, or quote it");
}

// What a writer quotes, the reader gives back, however long and on however many threads.
static void test_round_trip(uint64_t seed)
{
    static const char alphabet[] = "abc ,\"\\;x\xC3\xA9";
    Random random = {seed};
    Error err;
    Schema schema = {0};
    schema_add(arena, &schema, "n", type_simple(TYPE_BIGINT), true);
    schema_add(arena, &schema, "s", type_simple(TYPE_STRING), true);
    schema_add(arena, &schema, "size", type_simple(TYPE_INT), true);
    DecodeOptions options = {.format = DECODE_CSV, .escape = '"'};
    DecodeTable *table;
    CHECK(decode_table_create(conn, "round", &schema, &options, &table, &err));
    Buffer text = {0};
    int64_t sum = 0;
    enum { ROWS = 30000 };
    for (int i = 0; i < ROWS; i++) {
        buffer_printf(&text, "%d,\"", i);
        int size = (int)random_below(&random, 40);
        int characters = 0;
        for (int k = 0; k < size; k++) {
            char c = alphabet[random_below(&random, 9)];
            if (c == '"') {
                buffer_append_text(&text, "\"\"");
            } else if (c == '\xC3') {
                buffer_append_text(&text, "\xC3\xA9");
            } else {
                buffer_append_char(&text, c);
            }
            characters++;
        }
        buffer_printf(&text, "\",%d\n", characters);
        sum += i;
    }
    DecodeInput input = {.memory = buffer_slice(&text)};
    decode_table_set(table, &input, 1);
    char expected[64];
    snprintf(expected, sizeof expected, "%d|%lld;", ROWS, (long long)sum);
    CHECK_TEXT(show("SELECT CAST(count(*) AS VARCHAR), CAST(sum(n) AS VARCHAR) FROM round() "
                    "WHERE length(coalesce(s, '')) = size",
                    &err),
               expected);
    CHECK(decode_table_counts(table).malformed == 0);
    decode_table_destroy(table);
    buffer_done(&text);
}

int main(void)
{
    Error err;
    DuckOptions options = {.threads = 2};
    uint64_t seed = random_seed();
    printf("seed %" PRIu64 "\n", seed);
    arena = arena_create(0);
    CHECK(duck_open(&options, &duck, &err) && duck_connect(duck, &conn, &err));
    test_fields();
    test_types();
    test_modes();
    test_projection();
    test_headers();
    test_bytes();
    test_refusals();
    test_round_trip(seed);
    duck_disconnect(conn);
    duck_close(duck);
    arena_destroy(arena);
    return check_done();
}
