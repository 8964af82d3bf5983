// layers: base duck
// Any bytes as CSV lines: no crash, no read outside of them, and the modes agree on what is bad.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "duck/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static DuckConn *conn;
static DecodeTable *tables[2]; // PERMISSIVE, DROPMALFORMED
static DuckStatement *statements[2];

static void require(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

// Hashing and printing every value makes DuckDB look at all that was written.
static const char *const queries[] = {
    "SELECT count(h) * 100000 + count(c) FROM (SELECT hash(i, s, d, n, t, o, a, CAST(t AS "
    "VARCHAR)) h, _corrupt_record c "
    "FROM kept())",
    "SELECT count(hash(i, s, d, n, t, o, a)) FROM dropped()",
};

static void open_tables(void)
{
    Error err;
    Duck *duck;
    DuckOptions options = {.threads = 1};
    Arena *arena = arena_create(0);
    Schema schema = {0};
    schema_add(arena, &schema, "i", type_simple(TYPE_BIGINT), true);
    schema_add(arena, &schema, "s", type_simple(TYPE_STRING), true);
    schema_add(arena, &schema, "d", type_simple(TYPE_DOUBLE), true);
    schema_add(arena, &schema, "n", type_decimal(arena, 20, 3), true);
    schema_add(arena, &schema, "t", type_simple(TYPE_TIMESTAMP), true);
    schema_add(arena, &schema, "o", type_simple(TYPE_BOOLEAN), true);
    schema_add(arena, &schema, "a", type_simple(TYPE_DATE), true);
    schema_add(arena, &schema, "_corrupt_record", type_simple(TYPE_STRING), true);
    require(duck_open(&options, &duck, &err) && duck_connect(duck, &conn, &err), "open");
    for (int i = 0; i < 2; i++) {
        DecodeOptions decode = {.format = DECODE_CSV,
                                .mode = i == 0 ? DECODE_PERMISSIVE : DECODE_DROPMALFORMED};
        require(decode_table_create(conn, i == 0 ? "kept" : "dropped", &schema, &decode, &tables[i],
                                    &err),
                "create");
        require(duck_prepare(conn, queries[i], &statements[i], &err), err.message);
    }
    arena_destroy(arena);
}

static int64_t run(int which, const uint8_t *data, size_t size, DecodeCounts *counts)
{
    Error err;
    DuckRows *rows;
    bool is_null;
    DecodeInput input = {.memory = {(const char *)data, size}};
    decode_table_set(tables[which], &input, 1);
    if (!duck_execute(statements[which], &rows, &err)) {
        require(false, err.message);
    }
    int64_t result = duck_rows_int(rows, 0, &is_null);
    *counts = decode_table_counts(tables[which]);
    duck_rows_destroy(rows);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (conn == NULL) {
        open_tables();
    }
    DecodeCounts kept, dropped;
    int64_t sums = run(0, data, size, &kept);
    require(sums / 100000 == kept.rows, "every record is a row");
    require(sums % 100000 == kept.malformed, "the text of each malformed record is kept");
    int64_t good = run(1, data, size, &dropped);
    require(kept.rows == dropped.rows && kept.malformed == dropped.malformed,
            "both modes see the same records");
    require(good == dropped.rows - dropped.malformed, "malformed records are dropped");
    return 0;
}
