// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"
#include "base/type.h"
#include "check.h"

static Arena *arena;

static const char *spark(const Type *type)
{
    static Buffer text;
    buffer_reset(&text);
    type_print(type, &text);
    return buffer_text(&text);
}

static const char *duck(const Type *type)
{
    static Buffer text;
    buffer_reset(&text);
    type_print_duck(type, &text);
    return buffer_text(&text);
}

static void test_print(void)
{
    Schema fields = {0};
    schema_add(arena, &fields, "a", type_simple(TYPE_INT), true);
    schema_add(arena, &fields, "say \"hi\"", type_decimal(arena, 38, 0), false);
    const Type *row = type_struct(arena, fields);
    const Type *all = type_map(arena, type_simple(TYPE_STRING), type_array(arena, row));
    CHECK_TEXT(spark(all), "map<string,array<struct<a:int,say \"hi\":decimal(38,0)>>>");
    CHECK_TEXT(duck(all),
               "MAP(VARCHAR, STRUCT(\"a\" INTEGER, \"say \"\"hi\"\"\" DECIMAL(38,0))[])");
    static const struct {
        TypeKind kind;
        const char *spark;
        const char *duck;
    } simple[] = {
        {TYPE_VOID, "void", "\"NULL\""},
        {TYPE_BOOLEAN, "boolean", "BOOLEAN"},
        {TYPE_TINYINT, "tinyint", "TINYINT"},
        {TYPE_SMALLINT, "smallint", "SMALLINT"},
        {TYPE_INT, "int", "INTEGER"},
        {TYPE_BIGINT, "bigint", "BIGINT"},
        {TYPE_FLOAT, "float", "FLOAT"},
        {TYPE_DOUBLE, "double", "DOUBLE"},
        {TYPE_STRING, "string", "VARCHAR"},
        {TYPE_BINARY, "binary", "BLOB"},
        {TYPE_DATE, "date", "DATE"},
        {TYPE_TIMESTAMP, "timestamp", "TIMESTAMP WITH TIME ZONE"},
        {TYPE_TIMESTAMP_NTZ, "timestamp_ntz", "TIMESTAMP"},
        {TYPE_INTERVAL, "interval", "INTERVAL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(simple); i++) {
        CHECK_TEXT(spark(type_simple(simple[i].kind)), simple[i].spark);
        CHECK_TEXT(duck(type_simple(simple[i].kind)), simple[i].duck);
        CHECK(type_simple(simple[i].kind)->kind == simple[i].kind);
    }
    CHECK_TEXT(duck(type_other(arena, "HUGEINT")), "HUGEINT");
}

static const Type *random_type(Random *random, int depth)
{
    static const char *const names[] = {"a", "b", "c d", "é"};
    switch (random_below(random, depth > 0 ? 7 : 3)) {
    case 0:
        return type_decimal(arena, 10 + (int)random_below(random, 3), (int)random_below(random, 3));
    case 1:
        return type_other(arena, random_below(random, 2) == 0 ? "HUGEINT" : "TIME");
    case 2:
    case 3:
        return type_simple(random_below(random, 2) == 0 ? TYPE_INT : TYPE_STRING);
    case 4:
        return type_array(arena, random_type(random, depth - 1));
    case 5:
        return type_map(arena, random_type(random, 0), random_type(random, depth - 1));
    default: {
        Schema fields = {0};
        for (uint64_t i = random_below(random, 3) + 1; i > 0; i--) {
            schema_add(arena, &fields, names[random_below(random, 4)],
                       random_type(random, depth - 1), random_below(random, 2) == 0);
        }
        return type_struct(arena, fields);
    }
    }
}

// Two types are equal exactly when they print the same; a copy is equal and shares nothing.
static void test_equal(uint64_t seed)
{
    Random random = {seed};
    const Type *types[60];
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        types[i] = random_type(&random, 3);
    }
    bool ok = true;
    size_t same = 0;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        Arena *other = arena_create(0);
        const Type *copy = type_copy(other, types[i]);
        ok &= type_equal(copy, types[i]);
        Buffer text = {0};
        type_print(copy, &text);
        for (size_t j = 0; j < ARRAY_LEN(types); j++) {
            bool equal = strcmp(spark(types[j]), buffer_text(&text)) == 0;
            ok &= type_equal(copy, types[j]) == equal && type_equal(types[j], copy) == equal;
            same += equal;
        }
        buffer_done(&text);
        arena_destroy(other);
    }
    if (!ok) {
        fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    }
    CHECK(ok && same > ARRAY_LEN(types));
}

static void test_schema(void)
{
    Schema schema = {0};
    char name[8] = "Id";
    schema_add(arena, &schema, name, type_simple(TYPE_BIGINT), false);
    name[0] = 'X'; // names are copied
    schema_add(arena, &schema, "Straße", type_simple(TYPE_STRING), true);
    schema.columns[1].comment = "where";
    CHECK(schema_find(&schema, slice_of("ID")) == 0);
    CHECK(schema_find(&schema, slice_of("straße")) == 1);
    CHECK(schema_find(&schema, slice_of("i")) == -1 && schema_find(&schema, slice_of("idx")) == -1);
    CHECK(schema_find(&schema, (Slice){"idx", 2}) == 0); // slices need no NUL
    Schema copy = schema_copy(arena, &schema);
    CHECK(schema_equal(&copy, &schema) && !copy.columns[0].nullable && copy.columns[1].nullable);
    CHECK_TEXT(copy.columns[1].comment, "where");
    CHECK(copy.columns[1].comment != schema.columns[1].comment);
    copy.columns[0].name = "iD";
    CHECK(schema_equal(&copy, &schema)); // case is ignored
    copy.columns[0].type = type_simple(TYPE_INT);
    CHECK(!schema_equal(&copy, &schema));
    Schema shorter = {schema.columns, 1, 1};
    CHECK(!schema_equal(&shorter, &schema));
    for (int i = 0; i < 100; i++) { // grows
        char column[16];
        snprintf(column, sizeof column, "c%d", i);
        schema_add(arena, &schema, column, type_simple(TYPE_INT), true);
    }
    CHECK(schema.count == 102 && schema_find(&schema, slice_of("C99")) == 101);
    CHECK(type_is_integer(type_simple(TYPE_TINYINT)) && type_is_integer(type_simple(TYPE_BIGINT)));
    CHECK(!type_is_integer(type_simple(TYPE_BOOLEAN)) && !type_is_integer(type_simple(TYPE_FLOAT)));
    CHECK(type_is_numeric(type_decimal(arena, 5, 2)) && type_is_numeric(type_simple(TYPE_FLOAT)));
    CHECK(!type_is_numeric(type_simple(TYPE_STRING)) && !type_is_numeric(type_simple(TYPE_DATE)));
}

int main(void)
{
    arena = arena_create(0);
    test_print();
    test_schema();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        test_equal(seed);
    }
    arena_destroy(arena);
    return check_done();
}
