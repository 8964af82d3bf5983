// The pure parts of lake/: paths, actions, schemas, statistics, log names, features.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <stdlib.h>

#include "base/random.h"
#include "lake/delta_checkpoint.h"
#include "lake/delta_feature.h"
#include "lake/delta_log.h"
#include "lake/delta_path.h"
#include "lake/delta_schema.h"
#include "lake/delta_stats.h"

static Arena *arena;
static Error err;

static const char *take(Buffer *buffer)
{
    const char *text = arena_text(arena, buffer_slice(buffer));
    buffer_done(buffer);
    return text;
}

// ---- paths ---------------------------------------------------------------------------------

static const char *folder_of(const char *value)
{
    Buffer out = {0};
    delta_path_hive_escape(value, &out);
    return take(&out);
}

static const char *uri_of(const char *path)
{
    Buffer out = {0};
    delta_path_encode(slice_of(path), &out);
    return take(&out);
}

static void test_path_tables(void)
{
    // value, folder, add.path
    static const char *const rows[][3] = {
        {"Serbia/srb%", "Serbia%2Fsrb%25", "Serbia%252Fsrb%2525"},
        {"2024-06-15 12:30:45", "2024-06-15 12%3A30%3A45", "2024-06-15%2012%253A30%253A45"},
        {"a b", "a b", "a%20b"},
        {"}", "}", "%7D"},
        {"{", "%7B", "%257B"},
        {"é", "é", "é"},
        {"a=b?c#d", "a%3Db%3Fc%23d", "a%253Db%253Fc%2523d"},
        {"<|>`", "<|>`", "%3C%7C%3E%60"},
        {"\"'*:[]\\^", "%22%27%2A%3A%5B%5D%5C%5E", "%2522%2527%252A%253A%255B%255D%255C%255E"},
        {"\x01\x1F\x7F", "%01%1F%7F", "%2501%251F%257F"},
        {"", "__HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__"},
        {NULL, "__HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__"},
        {"plain-1_~!$&()+,;@.", "plain-1_~!$&()+,;@.", "plain-1_~!$&()+,;@."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_TEXT(folder_of(rows[i][0]), rows[i][1]);
        CHECK_TEXT(uri_of(rows[i][1]), rows[i][2]);
    }
}

static void test_path_round_trip(void)
{
    uint64_t seed = random_seed();
    Random random = {seed};
    for (int round = 0; round < 2000; round++) {
        char text[20];
        size_t size = random_below(&random, sizeof text - 1);
        for (size_t i = 0; i < size; i++) {
            text[i] = (char)(1 + random_below(&random, 255));
        }
        text[size] = '\0';
        Buffer decoded = {0};
        bool ok = delta_path_decode(slice_of(uri_of(text)), &decoded, &err);
        if (!ok || strcmp(buffer_text(&decoded), text) != 0) {
            fprintf(stderr, "seed %lu\n", (unsigned long)seed);
            CHECK(false);
        }
        buffer_done(&decoded);
    }
    CHECK(true);
}

static const char *resolve(const char *uri)
{
    Buffer out = {0};
    if (!delta_path_resolve("/data/t", uri, &out, &err)) {
        buffer_done(&out);
        return "refused";
    }
    return take(&out);
}

static void test_path_resolve(void)
{
    CHECK_TEXT(resolve("a%20b.parquet"), "/data/t/a b.parquet");
    CHECK_TEXT(resolve("p=a%252Fb/x"), "/data/t/p=a%2Fb/x"); // once, not twice
    CHECK_TEXT(resolve("/data/t/x"), "/data/t/x");
    CHECK_TEXT(resolve("file:/data/t/x"), "/data/t/x");
    CHECK_TEXT(resolve("file:///data/t/x"), "/data/t/x");
    CHECK_TEXT(resolve("p=12:30/x"), "/data/t/p=12:30/x"); // a colon is not a scheme
    CHECK_TEXT(resolve("/data/table/x"), "refused");
    CHECK_TEXT(resolve("/etc/passwd"), "refused");
    CHECK_TEXT(resolve("../x"), "refused");
    CHECK_TEXT(resolve("a/%2e%2e/%2E%2E/x"), "refused");
    CHECK_TEXT(resolve("/data/t/../x"), "refused");
    CHECK_TEXT(resolve("s3a://bucket/x"), "refused");
    CHECK_TEXT(resolve("x%00y"), "refused");
    CHECK_TEXT(resolve("x%zz"), "refused");
    CHECK_TEXT(resolve("..a/b..c"), "/data/t/..a/b..c");
}

// ---- actions -------------------------------------------------------------------------------

static bool parse(const char *text, DeltaActions *actions)
{
    *actions = (DeltaActions){0};
    return delta_action_parse(slice_of(text), "0.json", actions, arena, &err);
}

static void test_actions(void)
{
    DeltaActions actions;
    CHECK(parse("\xEF\xBB\xBF{\"add\":{\"path\":\"a%20b\",\"partitionValues\":{\"d\":null,\"e\":"
                "\"x\"},\"size\":9007199254740993,\"modificationTime\":5,\"dataChange\":true,"
                "\"stats\":\"{\\\"numRecords\\\":1}\",\"tags\":{\"k\":\"v\"},\"unknown\":[1]}}\r\n"
                "\r\n\n{\"whatever\":{}}\n{\"txn\":{\"appId\":\"a\",\"version\":3}}",
                &actions));
    CHECK(actions.adds.count == 1 && actions.txn_count == 1);
    CHECK(actions.adds.items[0].size_bytes == 9007199254740993);
    CHECK(actions.adds.items[0].partition.items[0].value == NULL);
    Buffer out = {0};
    delta_action_print_add(&actions.adds.items[0], &out);
    CHECK_TEXT(take(&out),
               "{\"add\":{\"path\":\"a%20b\",\"partitionValues\":{\"d\":null,\"e\":\"x\"},\"size\":"
               "9007199254740993,\"modificationTime\":5,\"dataChange\":true,\"stats\":\"{\\\""
               "numRecords\\\":1}\",\"tags\":{\"k\":\"v\"}}}\n");
    CHECK(parse("{\"remove\":{\"path\":\"x\",\"deletionVector\":{\"storageType\":\"u\","
                "\"pathOrInlineDv\":\"ab\",\"offset\":1,\"sizeInBytes\":3,\"cardinality\":2}}}",
                &actions));
    CHECK_TEXT(actions.removes.items[0].vector_id, "uab@1");
    CHECK(parse("{\"commitInfo\":{\"timestamp\":1,\"operationParameters\":{\"a\":[1,{}]},\"txnId\":"
                "\"t\"}}",
                &actions));
    CHECK_TEXT(actions.commit_id, "t");
    CHECK(!parse("{\"add\":{}}", &actions) && err.kind == ERROR_CORRUPT);
    CHECK(strstr(err.message, "0.json line 1") != NULL);
    CHECK(!parse("{\"add\":", &actions));
    CHECK(!parse("[]", &actions));
    CHECK(!parse("{\"metaData\":{\"id\":\"x\"}}", &actions));
    CHECK(parse("", &actions));
}

static void test_protocol_text(void)
{
    DeltaPairs none = {0};
    Schema schema = {0};
    DeltaProtocol protocol;
    Buffer out = {0};
    schema_add(arena, &schema, "a", type_array(arena, type_simple(TYPE_TIMESTAMP_NTZ)), true);
    CHECK(delta_feature_choose(&schema, &none, &protocol, arena, &err));
    delta_action_print_protocol(&protocol, &out);
    CHECK_TEXT(take(&out), "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,"
                           "\"readerFeatures\":[\"timestampNtz\"],\"writerFeatures\":"
                           "[\"appendOnly\",\"invariants\",\"timestampNtz\"]}}\n");
}

// ---- features ------------------------------------------------------------------------------

static bool may(const char *protocol, const char *configuration, bool write)
{
    DeltaActions actions;
    DeltaSchema schema;
    const char *text = arena_printf(
        arena,
        "{\"protocol\":%s}\n{\"metaData\":{\"id\":\"i\",\"schemaString\":\"{\\\"type\\\":"
        "\\\"struct\\\",\\\"fields\\\":[]}\",\"configuration\":%s}}",
        protocol, configuration);
    err = (Error){0};
    return parse(text, &actions) &&
           delta_schema_parse(actions.metadata->schema_string, false, &schema, arena, &err) &&
           (write
                ? delta_feature_check_write(actions.protocol, actions.metadata, &schema, "/t", &err)
                : delta_feature_check_read(actions.protocol, "/t", &err));
}

static void test_features(void)
{
    const char *strange = "{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"
                          "[\"variantType\"],\"writerFeatures\":[\"variantType\"]}";
    CHECK(!may(strange, "{}", false));
    CHECK_TEXT(
        err.message,
        "table /t needs the Delta reader feature 'variantType', which tarn does not support");
    CHECK(!may("{\"minReaderVersion\":4,\"minWriterVersion\":7}", "{}", false));
    CHECK(may("{\"minReaderVersion\":1,\"minWriterVersion\":6}", "{}", true));
    CHECK(!may("{\"minReaderVersion\":1,\"minWriterVersion\":3}",
               "{\"delta.constraints.c\":\"a > 0\"}", true));
    CHECK(strstr(err.message, "'checkConstraints'") != NULL);
    const char *rows = "{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":"
                       "[\"rowTracking\",\"domainMetadata\"]}";
    CHECK(may(rows, "{}", false));
    CHECK(!may(rows, "{}", true));
    CHECK(strstr(err.message, "'rowTracking'") != NULL);
    CHECK(!may("{\"minReaderVersion\":2,\"minWriterVersion\":5}",
               "{\"delta.columnMapping.mode\":\"name\"}", true));
    // The property without the feature is inert.
    CHECK(may("{\"minReaderVersion\":1,\"minWriterVersion\":2}",
              "{\"delta.columnMapping.mode\":\"name\"}", true));
    DeltaPair pair = {"delta.enableDeletionVectors", "true"};
    DeltaPairs pairs = {&pair, 1, 1};
    DeltaProtocol protocol;
    Schema schema = {0};
    CHECK(!delta_feature_choose(&schema, &pairs, &protocol, arena, &err));
    CHECK(strstr(err.message, "'deletionVectors'") != NULL);
}

// ---- schemas -------------------------------------------------------------------------------

static void test_schema_round_trip(void)
{
    Schema inner = {0};
    schema_add(arena, &inner, "x", type_simple(TYPE_TINYINT), false);
    schema_add(arena, &inner, "y \"q\"", type_decimal(arena, 38, 7), true);
    Schema schema = {0};
    for (TypeKind kind = TYPE_BOOLEAN; kind <= TYPE_TIMESTAMP_NTZ; kind++) {
        const Type *type = kind == TYPE_DECIMAL ? type_decimal(arena, 10, 0) : type_simple(kind);
        schema_add(arena, &schema, arena_printf(arena, "c%d", (int)kind), type, kind % 2 == 0);
    }
    const Type *nested = type_struct(arena, inner);
    schema_add(arena, &schema, "s", nested, true);
    schema_add(arena, &schema, "l", type_array(arena, nested), true);
    schema_add(arena, &schema, "m", type_map(arena, type_simple(TYPE_STRING), nested), true);
    schema.columns[3].comment = "why \\ not";
    Buffer json = {0};
    DeltaSchema read;
    delta_schema_print(&schema, &json);
    CHECK(delta_schema_parse(buffer_text(&json), false, &read, arena, &err));
    CHECK(schema_equal(read.logical, &schema));
    CHECK_TEXT(read.logical->columns[3].comment, "why \\ not");
    CHECK(!read.logical->columns[0].nullable == !schema.columns[0].nullable);
    CHECK(read.physical == read.logical);
    buffer_done(&json);
}

static void test_schema_mapping(void)
{
    const char *json =
        "{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"decimal\",\"nullable\":true,"
        "\"metadata\":{\"delta.columnMapping.physicalName\":\"col-1\",\"delta.invariants\":\"x\"}}]"
        "}";
    DeltaSchema schema;
    CHECK(delta_schema_parse(json, true, &schema, arena, &err));
    CHECK_TEXT(schema.logical->columns[0].name, "a");
    CHECK_TEXT(schema.physical->columns[0].name, "col-1");
    CHECK_TEXT(schema.invariant, "a");
    CHECK(schema.logical->columns[0].type->precision == 10);
    CHECK(!delta_schema_parse("{\"type\":\"struct\",\"fields\":[{\"name\":\"v\",\"type\":"
                              "\"variant\"}]}",
                              false, &schema, arena, &err));
    CHECK(strstr(err.message, "'variant'") != NULL);
}

static void test_fits(void)
{
    const Type *const order[] = {type_simple(TYPE_TINYINT),  type_simple(TYPE_SMALLINT),
                                 type_simple(TYPE_INT),      type_simple(TYPE_BIGINT),
                                 type_decimal(arena, 19, 0), type_decimal(arena, 21, 2)};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        for (size_t j = 0; j < ARRAY_LEN(order); j++) {
            CHECK(delta_schema_fits(order[i], order[j]) == (i <= j));
        }
    }
    CHECK(!delta_schema_fits(type_simple(TYPE_BIGINT), type_simple(TYPE_DOUBLE)));
    CHECK(!delta_schema_fits(type_simple(TYPE_INT), type_simple(TYPE_STRING)));
    CHECK(delta_schema_fits(type_simple(TYPE_VOID), type_simple(TYPE_STRING)));
}

// ---- statistics ----------------------------------------------------------------------------

static const char *repeat(const char *text, int count)
{
    Buffer out = {0};
    for (int i = 0; i < count; i++) {
        buffer_append_text(&out, text);
    }
    return take(&out);
}

static const char *cut(const char *text, bool max)
{
    Buffer out = {0};
    bool ok =
        max ? delta_stats_cut_max(slice_of(text), &out) : delta_stats_cut_min(slice_of(text), &out);
    const char *result = take(&out);
    return ok ? result : "none";
}

static void test_stats_text(void)
{
    const char *last = "\xF4\x8F\xBF\xBF"; // U+10FFFF
    const char *a32 = repeat("a", 32);
    CHECK_TEXT(cut(a32, true), a32);
    CHECK_TEXT(cut(repeat("a", 33), false), a32);
    CHECK_TEXT(cut(repeat("a", 33), true), arena_printf(arena, "%s\x7F", a32));
    CHECK_TEXT(cut(arena_printf(arena, "%s\x7Fz", a32), true),
               arena_printf(arena, "%s%s", a32, last));
    CHECK_TEXT(cut(arena_printf(arena, "%séz", a32), true), arena_printf(arena, "%s%s", a32, last));
    // A pair of UTF-16 units is not split: 31 letters and one character outside the BMP.
    const char *pair = arena_printf(arena, "%s\xF0\x9F\x98\x80zz", repeat("a", 31));
    CHECK_TEXT(cut(pair, false), repeat("a", 31));
    CHECK_TEXT(cut(pair, true), arena_printf(arena, "%s%s", repeat("a", 31), last));
    CHECK_TEXT(cut(repeat(last, 16), true), repeat(last, 16)); // exactly 32 units
    CHECK_TEXT(cut(repeat(last, 20), true), repeat(last, 20)); // ran to the end: the original
    CHECK_TEXT(cut(repeat(last, 65), true), "none");
    CHECK_TEXT(cut("\xC3", true), "none");

    uint64_t seed = random_seed();
    Random random = {seed};
    static const char *const parts[] = {
        "a", "\x7F", "é", "\xEF\xBF\xBF", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"};
    for (int round = 0; round < 3000; round++) {
        Buffer text = {0};
        for (uint64_t i = random_below(&random, 90); i > 0; i--) {
            buffer_append_text(&text, parts[random_below(&random, ARRAY_LEN(parts))]);
        }
        const char *value = take(&text);
        const char *max = cut(value, true);
        bool bounds = strcmp(cut(value, false), value) <= 0 &&
                      (strcmp(max, "none") == 0 || strcmp(max, value) >= 0);
        if (!bounds) {
            fprintf(stderr, "seed %lu\n", (unsigned long)seed);
            CHECK(false);
            return;
        }
    }
}

static const char *time_of(const char *text, bool up, bool zoned)
{
    static char out[32];
    return delta_stats_time(slice_of(text), up, zoned, out) ? out : "none";
}

static void test_stats_time(void)
{
    CHECK_TEXT(time_of("2024-01-01 00:00:00.0005+00", false, true), "2024-01-01T00:00:00.000Z");
    CHECK_TEXT(time_of("2024-01-01 00:00:00.0005+00", true, true), "2024-01-01T00:00:00.001Z");
    CHECK_TEXT(time_of("2024-12-31 23:59:59.999001", true, false), "2025-01-01T00:00:00.000");
    CHECK_TEXT(time_of("1969-12-31 23:59:59.9995+00", false, true), "1969-12-31T23:59:59.999Z");
    CHECK_TEXT(time_of("1969-12-31 23:59:59.9995+00", true, true), "1970-01-01T00:00:00.000Z");
    CHECK_TEXT(time_of("9999-12-31 23:59:59.9995+00", true, true), "none");
    CHECK_TEXT(time_of("0044-03-15 00:00:00+00 (BC)", true, true), "none");
    CHECK_TEXT(time_of("2024-01-01 00:00:00+01", true, true), "none");
    CHECK_TEXT(time_of("infinity", true, true), "none");
}

// ---- the log -------------------------------------------------------------------------------

static void test_log_names(void)
{
    DeltaLogName name;
    CHECK(delta_log_parse_name("00000000000000000012.json", &name) && name.version == 12 &&
          name.kind == DELTA_LOG_COMMIT);
    CHECK(delta_log_parse_name("00000000000000000012.checkpoint.parquet", &name) &&
          name.kind == DELTA_LOG_CLASSIC);
    CHECK(delta_log_parse_name("00000000000000000012.checkpoint.0000000002.0000000003.parquet",
                               &name) &&
          name.kind == DELTA_LOG_PART && name.part == 2 && name.parts == 3);
    CHECK(delta_log_parse_name(
              "00000000000000000002.checkpoint.e8fa2696-9728-4e9c-b285-634743fdd4fb.parquet",
              &name) &&
          name.kind == DELTA_LOG_V2_PARQUET);
    CHECK(delta_log_parse_name(
              "00000000000000000002.checkpoint.e8fa2696-9728-4e9c-b285-634743fdd4fb.json", &name) &&
          name.kind == DELTA_LOG_V2_JSON);
    static const char *const others[] = {
        "_last_checkpoint",
        "00000000000000000012.crc",
        ".00000000000000000012.json.crc",
        "0000000000000000012.json",
        "00000000000000000012.json.tmp",
        "99999999999999999999.json",
        "00000000000000000001.00000000000000000003.compacted.json",
        "00000000000000000012.checkpoint.0000000004.0000000003.parquet",
        "00000000000000000012.checkpoint.parquet.tmp",
        "00000000000000000012.e8fa2696-9728-4e9c-b285-634743fdd4fb.json",
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        CHECK(!delta_log_parse_name(others[i], &name));
    }
}

static void test_intervals(void)
{
    CHECK(delta_checkpoint_interval("interval 30 days", 0) == 30 * TIME_DAY);
    CHECK(delta_checkpoint_interval("interval 1 week", 0) == 7 * TIME_DAY);
    CHECK(delta_checkpoint_interval("24 hours", 0) == TIME_DAY);
    CHECK(delta_checkpoint_interval("interval x days", 5) == 5);
    CHECK(delta_checkpoint_interval(NULL, 6) == 6);
}

int main(void)
{
    arena = arena_create(0);
    test_path_tables();
    test_path_round_trip();
    test_path_resolve();
    test_actions();
    test_protocol_text();
    test_features();
    test_schema_round_trip();
    test_schema_mapping();
    test_fits();
    test_stats_text();
    test_stats_time();
    test_log_names();
    test_intervals();
    arena_destroy(arena);
    return check_done();
}
