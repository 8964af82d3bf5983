// SPDX-License-Identifier: Apache-2.0
#include "sql/diagnostic.h"

#include "check.h"

typedef struct Fixture {
    Arena *arena;
    SqlSources *sources;
    Diagnostics *diagnostics;
} Fixture;

static Fixture open_fixture(void)
{
    Fixture fixture = {.arena = arena_create(0)};
    fixture.sources = sql_sources_create(fixture.arena);
    fixture.diagnostics = diagnostics_create(fixture.arena, fixture.sources);
    return fixture;
}

// The position of `word` in the text of a source, the first time it occurs.
static Pos find(const Fixture *fixture, uint32_t source, const char *word)
{
    Slice text = sql_sources_text(fixture->sources, source);
    const char *at = memmem(text.data, text.size, word, strlen(word));
    uint32_t start = at == NULL ? 0 : (uint32_t)(at - text.data);
    return (Pos){source, start, start + (uint32_t)strlen(word)};
}

static void check_print(const Fixture *fixture, const char *expected)
{
    Buffer out = {0};
    diagnostics_print(fixture->diagnostics, &out);
    CHECK_TEXT(buffer_text(&out), expected);
    buffer_done(&out);
}

static void test_drawing(void)
{
    Fixture fixture = open_fixture();
    uint32_t source = sql_sources_add(fixture.sources, "pipelines/logs.sql",
                                      slice_of("SELECT *\nFROM raw_logs\nWHERE statuss >= 400\n"));
    bool result =
        diagnose(fixture.diagnostics, find(&fixture, source, "statuss"), "UNRESOLVED_COLUMN",
                 "did you mean 'status'?", "no column '%s' in %s", "statuss", "raw_logs");
    CHECK(!result);
    check_print(&fixture, "pipelines/logs.sql:3:7: [UNRESOLVED_COLUMN] no column 'statuss' in "
                          "raw_logs\n"
                          "    3 | WHERE statuss >= 400\n"
                          "      |       ^~~~~~~\n"
                          "  did you mean 'status'?\n");
    Error err = {0};
    CHECK(!diagnostics_fail(fixture.diagnostics, &err));
    CHECK(err.kind == ERROR_INPUT);
    CHECK_TEXT(err.message, "pipelines/logs.sql:3:7: [UNRESOLVED_COLUMN] no column 'statuss' in "
                            "raw_logs\n"
                            "    3 | WHERE statuss >= 400\n"
                            "      |       ^~~~~~~\n"
                            "  did you mean 'status'?");
    arena_destroy(fixture.arena);
}

static void test_lines(void)
{
    Fixture fixture = open_fixture();
    // tabs keep their place, wide characters take two columns, accents one
    uint32_t source =
        sql_sources_add(fixture.sources, "t", slice_of("\tSELECT\t名前, bäd\r\nFROM (a\n  b)"));
    Pos span = find(&fixture, source, "(a");
    span.end += 4;
    diagnose(fixture.diagnostics, span, NULL, NULL, "over two lines");
    diagnose(fixture.diagnostics, find(&fixture, source, "bäd"), NULL, "", "accents");
    diagnose(fixture.diagnostics, find(&fixture, source, "名前"), NULL, NULL, "wide");
    Slice text = sql_sources_text(fixture.sources, source);
    uint32_t end = (uint32_t)text.size;
    diagnose(fixture.diagnostics, (Pos){source, end, end}, NULL, NULL, "the end");
    diagnose(fixture.diagnostics, (Pos){source, end + 10, end + 20}, NULL, NULL, "beyond the end");
    check_print(&fixture, "t:1:9: wide\n"
                          "    1 | \tSELECT\t名前, bäd\n"
                          "      | \t      \t^~~~\n"
                          "t:1:13: accents\n"
                          "    1 | \tSELECT\t名前, bäd\n"
                          "      | \t      \t      ^~~\n"
                          "t:2:6: over two lines\n"
                          "    2 | FROM (a\n"
                          "      |      ^~\n"
                          "t:3:5: the end\n"
                          "    3 |   b)\n"
                          "      |     ^\n"
                          "t:3:5: beyond the end\n"
                          "    3 |   b)\n"
                          "      |     ^\n");
    arena_destroy(fixture.arena);
}

static void test_order(void)
{
    Fixture fixture = open_fixture();
    uint32_t first = sql_sources_add(fixture.sources, "a.sql", slice_of("one two"));
    uint32_t second = sql_sources_add(fixture.sources, "b.sql", slice_of("three\x1B[2J"));
    Error err = {0};
    CHECK(!diagnostics_fail(fixture.diagnostics, &err)); // none: still a failure, never a success
    diagnose(fixture.diagnostics, find(&fixture, second, "three"), NULL, NULL, "third");
    diagnose(fixture.diagnostics, find(&fixture, first, "two"), NULL, NULL, "second");
    diagnose(fixture.diagnostics, find(&fixture, first, "one"), NULL, NULL, "fir\x1Bst");
    diagnose(fixture.diagnostics, find(&fixture, first, "two"), NULL, NULL, "second");
    CHECK(fixture.diagnostics->count == 3); // the repeated one is said once
    check_print(&fixture, "a.sql:1:1: fir?st\n"
                          "    1 | one two\n"
                          "      | ^~~\n"
                          "a.sql:1:5: second\n"
                          "    1 | one two\n"
                          "      |     ^~~\n"
                          "b.sql:1:1: third\n"
                          "    1 | three?[2J\n"
                          "      | ^~~~~\n");
    CHECK(!diagnostics_fail(fixture.diagnostics, &err));
    CHECK(strncmp(err.message, "a.sql:1:1: fir?st\n", 17) == 0);
    arena_destroy(fixture.arena);
}

static void test_nearest(void)
{
    Arena *arena = arena_create(0);
    Map *names = map_create(true);
    int value = 0;
    map_put(names, slice_of("status"), &value);
    map_put(names, slice_of("endpoint"), &value);
    CHECK_TEXT(diagnostic_nearest(arena, names, slice_of("STATSU")), "did you mean 'status'?");
    CHECK(diagnostic_nearest(arena, names, slice_of("customer")) == NULL);
    map_destroy(names);
    arena_destroy(arena);
}

int main(void)
{
    test_drawing();
    test_lines();
    test_order();
    test_nearest();
    return check_done();
}
