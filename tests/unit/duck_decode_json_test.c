// JSON lines to rows, as Spark 4 reads them: values, modes, malformed records, slicing.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "duck/decode.h"

static Duck *duck;
static DuckConn *conn;
static Arena *arena;
static char shown[1 << 20];

// A schema from "a:int,b:string" and the types below.
static void add_column(Schema *schema, const char *name, const char *type)
{
    static const struct {
        const char *name;
        TypeKind kind;
    } simple[] = {{"int", TYPE_INT},       {"bigint", TYPE_BIGINT},       {"string", TYPE_STRING},
                  {"double", TYPE_DOUBLE}, {"timestamp", TYPE_TIMESTAMP}, {"date", TYPE_DATE},
                  {"float", TYPE_FLOAT},   {"boolean", TYPE_BOOLEAN},     {"tinyint", TYPE_TINYINT},
                  {"binary", TYPE_BINARY}};
    const Type *made = NULL;
    for (size_t i = 0; i < ARRAY_LEN(simple); i++) {
        if (strcmp(simple[i].name, type) == 0) {
            made = type_simple(simple[i].kind);
        }
    }
    const Type *integer = type_simple(TYPE_INT);
    const Type *text = type_simple(TYPE_STRING);
    Schema fields = {0};
    schema_add(arena, &fields, "x", integer, true);
    schema_add(arena, &fields, "y", text, true);
    const Type *pair = type_struct(arena, fields);
    if (strcmp(type, "decimal") == 0) {
        made = type_decimal(arena, 10, 2);
    } else if (strcmp(type, "huge") == 0) {
        made = type_decimal(arena, 38, 4);
    } else if (strcmp(type, "ints") == 0) {
        made = type_array(arena, integer);
    } else if (strcmp(type, "texts") == 0) {
        made = type_array(arena, text);
    } else if (strcmp(type, "pairs") == 0) {
        made = type_array(arena, pair);
    } else if (strcmp(type, "lists") == 0) {
        made = type_array(arena, type_array(arena, integer));
    } else if (strcmp(type, "pair") == 0) {
        made = pair;
    } else if (strcmp(type, "map") == 0) {
        made = type_map(arena, text, integer);
    }
    schema_add(arena, schema, name, made, true);
}

static Schema schema_of(const char *text)
{
    Schema schema = {0};
    char copy[512];
    char *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *part; (part = strsep(&rest, ",")) != NULL;) {
        char *name = strsep(&part, ":");
        add_column(&schema, arena_text(arena, slice_of(name)), part);
    }
    return schema;
}

static const char *run(const char *sql, Error *err)
{
    DuckRows *rows;
    if (!duck_query(conn, sql, &rows, err)) {
        return err->message;
    }
    size_t at = 0;
    shown[0] = '\0';
    size_t columns = duck_rows_schema(rows)->count;
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
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

static DecodeCounts counts;

// All columns of the records in `text`, as text; rows end with ';', NULL is '-'.
static const char *decode_with(const char *columns, Slice text, DecodeOptions options)
{
    static Error err;
    Schema schema = schema_of(columns);
    DecodeTable *table;
    if (!decode_table_create(conn, "t", &schema, &options, &table, &err)) {
        return err.message;
    }
    DecodeInput input = {.memory = text};
    decode_table_set(table, &input, 1);
    const char *result = run("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM t()", &err);
    counts = decode_table_counts(table);
    decode_table_destroy(table);
    return result;
}

static const char *decode(const char *columns, const char *text)
{
    return decode_with(columns, slice_of(text), (DecodeOptions){.format = DECODE_JSON});
}

static void test_scalars(void)
{
    CHECK_TEXT(decode("a:int,b:string", "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\",\"a\":2}\n"),
               "1|x;2|y;");
    CHECK_TEXT(decode("a:int", "{\"a\":-2147483648}\n{\"a\":2147483647}\n{\"a\":2147483648}"),
               "-2147483648;2147483647;-;");
    CHECK(counts.rows == 3 && counts.malformed == 1);
    CHECK_TEXT(
        decode("a:int", "{\"a\":\"5\"}\n{\"a\":1.5}\n{\"a\":1e2}\n{\"a\":true}\n{\"a\":[1]}"),
        "-;-;-;-;-;");
    CHECK(counts.malformed == 5);
    CHECK_TEXT(decode("a:tinyint", "{\"a\":127}\n{\"a\":128}"), "127;-;");
    CHECK_TEXT(decode("a:bigint", "{\"a\":123456789012}\n{\"a\":9223372036854775808}\n{\"a\":00}"),
               "123456789012;-;-;");
    CHECK_TEXT(decode("a:double", "{\"a\":1}\n{\"a\":2.5e-1}\n{\"a\":\"NaN\"}\n{\"a\":-Infinity}\n"
                                  "{\"a\":\"1.5\"}\n{\"a\":NaN}\n{\"a\":\"-INF\"}"),
               "1.0;0.25;nan;-inf;-;nan;-inf;");
    CHECK(counts.malformed == 1);
    CHECK_TEXT(decode("a:float", "{\"a\":0.1}"), "0.1;");
    CHECK_TEXT(decode("a:boolean", "{\"a\":true}\n{\"a\":false}\n{\"a\":\"true\"}\n{\"a\":1}"),
               "true;false;-;-;");
    CHECK_TEXT(
        decode("a:decimal", "{\"a\":1.005}\n{\"a\":\"2.5\"}\n{\"a\":123456789.1}\n{\"a\":-3}"),
        "1.01;2.50;-;-3.00;");
    CHECK_TEXT(decode("a:huge", "{\"a\":1234567890123456789012345678901234.56785}"),
               "1234567890123456789012345678901234.5679;");
    CHECK_TEXT(decode("a:date", "{\"a\":\"2024-02-29\"}\n{\"a\":\"2024-02-30\"}\n{\"a\":\"\"}"),
               "2024-02-29;-;-;");
    CHECK_TEXT(decode("a:timestamp", "{\"a\":\"2024-03-09T10:00:00.5+01:00\"}\n{\"a\":86400}\n"
                                     "{\"a\":\"2024-03-09\"}\n{\"a\":\"soon\"}"),
               "2024-03-09 09:00:00.5+00;1970-01-02 00:00:00+00;2024-03-09 00:00:00+00;-;");
    CHECK_TEXT(decode("a:binary", "{\"a\":\"aGk=\"}\n{\"a\":\"?\"}"), "hi;-;");
}

static void test_strings(void)
{
    CHECK_TEXT(decode("a:string",
                      "{\"a\":1.50}\n{\"a\":{\"x\": [1, 2]}}\n{\"a\":[ 1 ]}\n{\"a\":true}\n"
                      "{\"a\":null}\n{\"a\":\"\"}"),
               "1.50;{\"x\": [1, 2]};[ 1 ];true;-;;");
    CHECK(counts.malformed == 0);
    CHECK_TEXT(decode("a:string", "{\"a\":\"q\\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00\\'\"}"),
               "q\"\\/\n\xC3\xA9\xF0\x9F\x98\x80';");
    CHECK_TEXT(decode("a:string", "{\"a\":\"x\\ud83dy\"}\n{\"a\":\"\\ude00\"}"), "x?y;?;");
    CHECK_TEXT(decode("a:string", "{\"a\":\"\\q\"}\n{\"a\":\"\\u12g4\"}\n{\"a\":\"tab\there\"}"),
               "-;-;-;");
    CHECK(counts.malformed == 3);
    // Twelve bytes are kept inside DuckDB's string, thirteen outside.
    CHECK_TEXT(decode("a:string", "{\"a\":\"123456789012\"}\n{\"a\":\"1234567890123\"}"),
               "123456789012;1234567890123;");
    CHECK_TEXT(decode("\xC3\xA9:string", "{\"\\u00e9\":\"k\"}\n{\"\xC3\xA9\":\"l\"}"), "k;l;");
}

static void test_keys(void)
{
    CHECK_TEXT(decode("a:int", "{\"A\":1}\n{\"A\":1,\"a\":2}\n{\"a\":3,\"A\":4}"), "1;2;3;");
    CHECK_TEXT(decode_with("a:int", slice_of("{\"A\":1}\n{\"a\":2}"),
                           (DecodeOptions){.format = DECODE_JSON, .exact_names = true}),
               "-;2;");
    CHECK_TEXT(decode("a:int,b:string", "{\"a\":1,\"b\":\"x\",\"a\":2,\"b\":null}"), "2|-;");
    CHECK_TEXT(decode("a:int", "{\"a\":1,\"a\":null,\"a\":3}\n{\"a\":1,\"a\":\"x\"}"), "3;1;");
    CHECK_TEXT(decode("a:pair", "{\"a\":{\"x\":1},\"a\":{\"y\":\"z\"}}"), "{'x': NULL, 'y': z};");
    // A changing order, missing and new keys.
    CHECK_TEXT(
        decode("a:int,b:int,c:int",
               "{\"a\":1,\"b\":2,\"c\":3}\n{\"c\":3,\"a\":1}\n{\"b\":2}\n{}\n"
               "{\"n\":{\"a\":9},\"a\":1,\"b\":2,\"m\":\"}\",\"c\":3}\n{\"a\":1,\"b\":2,\"c\":3}"),
        "1|2|3;1|-|3;-|2|-;-|-|-;1|2|3;1|2|3;");
    CHECK_TEXT(decode("a_very_long_key_that_no_word_holds:int,b:int",
                      "{\"a_very_long_key_that_no_word_holds\":1,\"b\":2}\n"
                      "{\"a_very_long_key_that_no_word_holds\":3,\"b\":4}\n"
                      "{\"a_very_long_key_that_no_word_holdt\":5,\"b\":6}"),
               "1|2;3|4;-|6;");
}

static void test_nested(void)
{
    CHECK_TEXT(decode("a:ints",
                      "{\"a\":[1,2,null]}\n{\"a\":[]}\n{\"a\":null}\n{\"a\":[1,\"x\",3]}\n"
                      "{\"a\":5}\n{\"a\":[7]}"),
               "[1, 2, NULL];[];-;-;-;[7];");
    CHECK(counts.malformed == 2);
    CHECK_TEXT(decode("a:pair", "{\"a\":{\"x\":1,\"y\":\"k\"}}\n{\"a\":{}}\n{\"a\":null}\n"
                                "{\"a\":{\"x\":\"bad\",\"y\":\"k\"}}\n{\"a\":[]}"),
               "{'x': 1, 'y': k};{'x': NULL, 'y': NULL};-;{'x': NULL, 'y': k};-;");
    CHECK(counts.malformed == 2);
    CHECK_TEXT(decode("a:pairs", "{\"a\":[{\"x\":1},null,{\"y\":\"a long enough string\"}]}\n"
                                 "{\"a\":[{\"x\":1.5,\"y\":\"k\"}]}\n{\"a\":[1]}"),
               "[{'x': 1, 'y': NULL}, NULL, {'x': NULL, 'y': a long enough string}];"
               "[{'x': NULL, 'y': k}];-;");
    CHECK_TEXT(decode("a:lists", "{\"a\":[[1],[],null,[2,3]]}\n{\"a\":[[4]]}"),
               "[[1], [], NULL, [2, 3]];[[4]];");
    CHECK_TEXT(decode("a:map", "{\"a\":{\"k\":1,\"l\":null}}\n{\"a\":{}}\n{\"a\":{\"k\":\"v\"}}\n"
                               "{\"a\":{\"a key longer than twelve\":2}}"),
               "{k=1, l=NULL};{};-;{a key longer than twelve=2};");
    CHECK_TEXT(decode("a:pair,b:int", "{\"a\":null,\"b\":1}\n{\"a\":{\"x\":2},\"b\":2}"),
               "-|1;{'x': 2, 'y': NULL}|2;");
}

static void test_malformed(void)
{
    static const char text[] = "{\"a\":1}\n"
                               "\n"
                               "  \r\n"
                               "not json\n"
                               "{\"a\":2,\"b\":}\n"
                               "{\"a\":3\r\n"
                               "{\"a\":\"x\"}\n"
                               "5\n"
                               "null\n"
                               "{\n"
                               "}\n"
                               "{\"a\":4,\"z\":tru}\n"
                               "{\"a\":5,\"z\":[1,}\n"
                               "{\"a\":6 \"z\":1}\n"
                               "{\"a\":7,}\n"
                               "{\"a\":8} trailing\n"
                               "{\"a\":01}\n"
                               "{\"a\":9}";
    CHECK_TEXT(decode("a:int,_corrupt_record:string", text),
               "1|-;-|not json;-|{\"a\":2,\"b\":};-|{\"a\":3;-|{\"a\":\"x\"};-|5;-|null;-|{;-|};"
               "-|{\"a\":4,\"z\":tru};-|{\"a\":5,\"z\":[1,};-|{\"a\":6 \"z\":1};-|{\"a\":7,};"
               "8|-;-|{\"a\":01};9|-;");
    CHECK(counts.rows == 16 && counts.malformed == 13);
    CHECK_TEXT(decode_with("a:int", slice_of(text),
                           (DecodeOptions){.format = DECODE_JSON, .mode = DECODE_DROPMALFORMED}),
               "1;8;9;");
    CHECK(counts.rows == 16 && counts.malformed == 13);
    const char *message =
        decode_with("a:int", slice_of("{\"a\":1}\n\n{\"a\":\"abc\"}\n"),
                    (DecodeOptions){.format = DECODE_JSON, .mode = DECODE_FAILFAST});
    CHECK_TEXT(message,
               "[MALFORMED_RECORD_IN_PARSING] memory 1:line 3: cannot read '\"abc\"' as INT for "
               "column 'a' (mode FAILFAST; PERMISSIVE reads such fields as NULL)");
    message = decode_with("a:int", slice_of("{\"a\":1}\n{oops\n"),
                          (DecodeOptions){.format = DECODE_JSON, .mode = DECODE_FAILFAST});
    CHECK_TEXT(message, "[MALFORMED_RECORD_IN_PARSING] memory 1:line 2: cannot read '{oops': not a "
                        "JSON object (mode FAILFAST; PERMISSIVE reads such fields as NULL)");
}

// Partial fields, then rows that reuse the same place, must not leave traces.
static void test_dropped_rows_leave_no_trace(void)
{
    CHECK_TEXT(decode_with("a:int,b:string,c:pair",
                           slice_of("{\"b\":null,\"c\":null,\"a\":\"x\"}\n"
                                    "{\"a\":1,\"b\":\"k\",\"c\":{\"x\":2}}\n{\"a\":9,\"b\":\"z\"\n"
                                    "{\"a\":3}\n"),
                           (DecodeOptions){.format = DECODE_JSON, .mode = DECODE_DROPMALFORMED}),
               "1|k|{'x': 2, 'y': NULL};3|-|-;");
}

// One bad line takes the index of its block away; the others must still be read.
static void test_bad_bytes(void)
{
    CHECK_TEXT(decode("a:int,b:string,_corrupt_record:string",
                      "{\"a\":1}\n{\"a\":2,\"b\":\"\xFF\"}\n\n{\"a\":3}\n{\"a\":4,\"b\":\"open\n"
                      "{\"a\":5,\"b\":\"c\x01\"}\n{\"a\":6}\n"),
               "1|-|-;-|-|{\"a\":2,\"b\":\"\xEF\xBF\xBD\"};3|-|-;-|-|{\"a\":4,\"b\":\"open;"
               "-|-|{\"a\":5,\"b\":\"c\x01\"};6|-|-;");
    CHECK_TEXT(decode("a:int", "\xEF\xBB\xBF{\"a\":1}\r\n{\"a\":2}\r\n"), "1;2;");
    CHECK_TEXT(decode_with("a:int", (Slice){"{\"a\":1}\0\n{\"a\":2}", 17},
                           (DecodeOptions){.format = DECODE_JSON}),
               "1;2;");
}

static void test_single_quotes_and_arrays(void)
{
    CHECK_TEXT(decode("a:string,b:int", "{'a':'it\\'s \"it\"','b':1}\n{\"a\":'x',\"b\":2}\n{'a':1"),
               "it's \"it\"|1;x|2;-|-;");
    CHECK_TEXT(
        decode(
            "a:int,_corrupt_record:string",
            "[{\"a\":1},{\"a\":\"x\"}]\n[]\n[ {\"a\":3} ]\n[1]\n[{\"a\":4},]\n[{'a':5},{'a':6}]\n"),
        "1|-;-|[{\"a\":1},{\"a\":\"x\"}];3|-;-|[1];-|[{\"a\":4},];5|-;6|-;");
}

// Nesting is bounded, and lines that open brackets without end cost no more than their length.
static void test_deep(void)
{
    static const int depths[] = {900, 1100, 100000};
    for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
        Buffer text = {0};
        buffer_append_text(&text, "{\"a\":1,\"b\":");
        for (int k = 0; k < depths[i]; k++) {
            buffer_append_char(&text, '[');
        }
        for (int k = 0; k < depths[i]; k++) {
            buffer_append_char(&text, ']');
        }
        buffer_append_text(&text, "}\n{\"a\":2}");
        CHECK_TEXT(
            decode_with("a:int", buffer_slice(&text), (DecodeOptions){.format = DECODE_JSON}),
            depths[i] < 1000 ? "1;2;" : "-;2;");
        buffer_reset(&text);
        for (int k = 0; k < depths[i]; k++) {
            buffer_append_text(&text, "{\"a\":[1,\n");
        }
        buffer_append_text(&text, "{\"a\":2}");
        (void)decode_with("b:int", buffer_slice(&text), (DecodeOptions){.format = DECODE_JSON});
        CHECK(counts.rows == depths[i] + 1 && counts.malformed == depths[i]);
        buffer_done(&text);
    }
}

static void write_file(const char *path, const Buffer *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fwrite(text->data, 1, text->size, file) == text->size);
    if (file != NULL) {
        fclose(file);
    }
}

// Random records with a known sum and count, some malformed, some lines far longer than a block.
static Buffer random_records(Random *random, int64_t count, int64_t *good, int64_t *sum)
{
    Buffer text = {0};
    *good = *sum = 0;
    for (int64_t i = 0; i < count; i++) {
        if (random_below(random, 50) == 0) {
            buffer_append_text(&text, random_below(random, 2) == 0 ? "{\"n\":\"open\n" : "{bad}\n");
            continue;
        }
        size_t pad = random_below(random, 200) == 0 ? random_below(random, 400000)
                                                    : random_below(random, 100);
        int64_t number = (int64_t)random_below(random, 1000000);
        buffer_printf(&text, "{\"k\":\"key %d of some length\",\"pad\":\"", (int)(number % 7));
        for (size_t k = 0; k < pad; k++) {
            buffer_append_char(&text, 'x');
        }
        buffer_printf(&text, "\",\"n\":%lld}%s", (long long)number,
                      random_below(random, 3) == 0 ? "\r\n" : "\n");
        *good += 1;
        *sum += number;
    }
    return text;
}

// The same records give the same rows however they are cut, in files and in memory.
static void test_slicing(uint64_t seed)
{
    Random random = {seed};
    Error err;
    Schema schema = schema_of("k:string,n:bigint");
    DecodeOptions options = {.format = DECODE_JSON, .mode = DECODE_DROPMALFORMED};
    DecodeTable *table;
    CHECK(decode_table_create(conn, "sliced", &schema, &options, &table, &err));
    for (int round = 0; round < 6; round++) {
        int64_t good, sum;
        Buffer text = random_records(&random, 5000, &good, &sum);
        if (round % 2 == 0) {
            text.size--; // no newline at the end
        }
        char path[] = "/tmp/tarn_decode_XXXXXX";
        int fd = mkstemp(path);
        close(fd);
        write_file(path, &text);
        DecodeInput inputs[] = {
            {.path = path, .size_bytes = (int64_t)text.size},
            {.memory = buffer_slice(&text)},
            {.memory = {"{\"n\":1}", 7}},
            {.memory = {"", 0}},
            {.memory = {"{\"n\":2}\n", 8}},
        };
        decode_table_set(table, inputs, ARRAY_LEN(inputs));
        char expected[128];
        snprintf(expected, sizeof expected, "%lld|%lld|%lld;", (long long)(2 * good + 2),
                 (long long)(2 * sum + 3), (long long)good * 2);
        CHECK_TEXT(run("SELECT CAST(count(*) AS VARCHAR), CAST(sum(n) AS VARCHAR), "
                       "CAST(count(*) FILTER (k = 'key ' || n % 7 || ' of some length') AS VARCHAR)"
                       " FROM sliced()",
                       &err),
                   expected);
        DecodeCounts seen = decode_table_counts(table);
        CHECK(seen.rows - seen.malformed == 2 * good + 2);

        inputs[0].size_bytes += 10; // planned when the file was longer
        decode_table_set(table, inputs, 1);
        const char *message = run("SELECT CAST(sum(n) AS VARCHAR) FROM sliced()", &err);
        CHECK(err.kind == ERROR_RETRY && strstr(message, path) != NULL &&
              strstr(message, "has shrunk") != NULL);
        unlink(path);
        inputs[0].size_bytes -= 10;
        message = run("SELECT CAST(sum(n) AS VARCHAR) FROM sliced()", &err);
        CHECK(err.kind == ERROR_RETRY && strstr(message, "has vanished") != NULL);
        buffer_done(&text);
    }
    decode_table_destroy(table);
}

// Only the planned bytes count; the message names the line in a later slice.
static void test_files(void)
{
    Error err;
    Buffer text = {0};
    for (int i = 0; i < 100000; i++) {
        buffer_printf(&text, "{\"n\":%d}\n", i);
    }
    size_t planned = text.size;
    buffer_append_text(&text, "{\"n\":\"later\"}\n");
    char path[] = "/tmp/tarn_decode_XXXXXX";
    int fd = mkstemp(path);
    close(fd);
    write_file(path, &text);
    Schema schema = schema_of("n:bigint,path:string");
    DecodeOptions options = {
        .format = DECODE_JSON, .mode = DECODE_FAILFAST, .file_path_column = "path"};
    DecodeTable *table;
    CHECK(decode_table_create(conn, "file", &schema, &options, &table, &err));
    DecodeInput input = {.path = path, .size_bytes = (int64_t)planned};
    decode_table_set(table, &input, 1);
    char expected[256];
    snprintf(expected, sizeof expected, "4999950000|%s;", path);
    CHECK_TEXT(run("SELECT CAST(sum(n) AS VARCHAR), max(path) FROM file()", &err), expected);
    CHECK(decode_table_counts(table).rows == 100000);
    CHECK_TEXT(run("SELECT CAST(count(*) AS VARCHAR) FROM file()", &err), "100000;");
    input.size_bytes = (int64_t)text.size;
    decode_table_set(table, &input, 1);
    snprintf(expected, sizeof expected,
             "[MALFORMED_RECORD_IN_PARSING] %s:line 100001: cannot read '\"later\"' as BIGINT for "
             "column 'n' (mode FAILFAST; PERMISSIVE reads such fields as NULL)",
             path);
    CHECK_TEXT(run("SELECT CAST(sum(n) AS VARCHAR) FROM file()", &err), expected);
    CHECK(err.kind == ERROR_INPUT);
    decode_table_set(table, NULL, 0);
    CHECK_TEXT(run("SELECT CAST(count(*) AS VARCHAR) FROM file()", &err), "0;");
    decode_table_destroy(table);
    unlink(path);
    buffer_done(&text);
}

// More rows than a chunk, with NULLs and lists, so that vectors are used again.
static void test_many_chunks(void)
{
    Error err;
    Buffer text = {0};
    for (int i = 0; i < 20000; i++) {
        if (i % 3 == 0) {
            buffer_printf(&text, "{\"n\":%d,\"l\":null,\"s\":{\"x\":null}}\n", i);
        } else {
            buffer_printf(&text,
                          "{\"n\":%d,\"l\":[%d,null,%d],\"s\":{\"x\":%d,\"y\":\"string %08d\"}}\n",
                          i, i, i, i, i);
        }
    }
    Schema schema = schema_of("n:int,l:ints,s:pair");
    DecodeOptions options = {.format = DECODE_JSON};
    DecodeTable *table;
    CHECK(decode_table_create(conn, "many", &schema, &options, &table, &err));
    DecodeInput input = {.memory = buffer_slice(&text)};
    decode_table_set(table, &input, 1);
    CHECK_TEXT(run("SELECT CAST(count(*) AS VARCHAR) FROM many() WHERE CASE WHEN n % 3 = 0 THEN "
                   "l IS NULL AND s.x IS NULL AND s.y IS NULL ELSE l[1] = n AND l[2] IS NULL AND "
                   "l[3] = n AND len(l) = 3 AND s.x = n AND s.y = printf('string %08d', n) END",
                   &err),
               "20000;");
    decode_table_destroy(table);
    buffer_done(&text);
}

static void test_refusals(void)
{
    Error err;
    DecodeTable *table;
    Schema schema = {0};
    schema_add(arena, &schema, "m", type_map(arena, type_simple(TYPE_INT), type_simple(TYPE_INT)),
               true);
    DecodeOptions options = {.format = DECODE_JSON};
    CHECK(!decode_table_create(conn, "r", &schema, &options, &table, &err));
    CHECK_TEXT(err.message, "column 'm': type map<int,int> cannot be read from JSON (keys of a map "
                            "must be STRING)");
    Schema interval = {0};
    schema_add(arena, &interval, "i", type_simple(TYPE_INTERVAL), true);
    CHECK(!decode_table_create(conn, "r", &interval, &options, &table, &err));
    CHECK(err.kind == ERROR_INPUT);
}

static void test_text(void)
{
    CHECK_TEXT(decode_with("value:string", slice_of("a\n\n  b\r\n\xFF\nlast"),
                           (DecodeOptions){.format = DECODE_TEXT}),
               "a;;  b;\xEF\xBF\xBD;last;");
}

int main(void)
{
    Error err;
    DuckOptions options = {.threads = 2};
    uint64_t seed = random_seed();
    printf("seed %" PRIu64 "\n", seed);
    arena = arena_create(0);
    CHECK(duck_open(&options, &duck, &err) && duck_connect(duck, &conn, &err));
    test_scalars();
    test_strings();
    test_keys();
    test_nested();
    test_malformed();
    test_dropped_rows_leave_no_trace();
    test_bad_bytes();
    test_single_quotes_and_arrays();
    test_deep();
    test_slicing(seed);
    test_files();
    test_many_chunks();
    test_refusals();
    test_text();
    duck_disconnect(conn);
    duck_close(duck);
    arena_destroy(arena);
    return check_done();
}
