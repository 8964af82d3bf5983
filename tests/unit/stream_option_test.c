// SPDX-License-Identifier: Apache-2.0
// Options as data: defaults, every kind, and what is said about wrong ones.
#include "check.h"
#include "stream/option.h"

typedef struct TestConfig {
    const char *path;
    int64_t count;
    bool flag;
    TimeUs pause;
    int64_t size;
    double rate;
    const char *mode;
} TestConfig;

#define FIELD(name) offsetof(TestConfig, name)
static const Option options[] = {
    {"path", OPTION_TEXT, true, NULL, FIELD(path), "where | what"},
    {"maxFilesPerTrigger", OPTION_INT, false, "7", FIELD(count), "files"},
    {"flag", OPTION_BOOL, false, "true", FIELD(flag), "a flag"},
    {"pause", OPTION_DURATION, false, "10 seconds", FIELD(pause), "a pause"},
    {"size", OPTION_BYTES, false, "64m", FIELD(size), "a size"},
    {"rate", OPTION_NUMBER, false, "1.5", FIELD(rate), "a rate"},
    {"mode", OPTION_CHOICE, false, "KEEP|DROP|STOP", FIELD(mode), "a word"},
    {"gone", OPTION_REFUSED, false, NULL, 0, "not here"},
};
enum { OPTION_COUNT = ARRAY_LEN(options) };

typedef struct Fixture {
    Arena *arena;
    Diagnostics *problems;
    Relation relation;
    TestConfig config;
} Fixture;

static Fixture fixture_create(void)
{
    Arena *arena = arena_create(0);
    SqlSources *sources = sql_sources_create(arena);
    sql_sources_add(sources, "test.sql", slice_of("SELECT * FROM t('a', b => 1)"));
    return (Fixture){.arena = arena, .problems = diagnostics_create(arena, sources)};
}

static void give(Fixture *f, const char *name, ExprKind kind, const char *text)
{
    Expr *value = ast_expr(f->arena, kind, (Pos){0, 0, 3});
    value->text = slice_of(text);
    value->integer = strcmp(text, "true") == 0;
    if (name == NULL) {
        ARENA_PUSH(f->arena, f->relation.arguments.items, f->relation.arguments.count,
                   f->relation.arguments.capacity, value);
        return;
    }
    NamedArgument argument = {slice_of(name), value, {0, 4, 7}};
    ARENA_PUSH(f->arena, f->relation.named.items, f->relation.named.count,
               f->relation.named.capacity, argument);
}

static bool fill(Fixture *f)
{
    return options_fill(options, OPTION_COUNT, "t", &f->relation, "path", &f->config, f->arena,
                        f->problems);
}

static void test_values(void)
{
    Fixture f = fixture_create();
    give(&f, NULL, EXPR_STRING, "data/in");
    give(&f, "MAXFILESPERTRIGGER", EXPR_NUMBER, "12L"); // case is ignored
    give(&f, "flag", EXPR_BOOLEAN, "false");
    give(&f, "pause", EXPR_STRING, "2 minutes");
    give(&f, "size", EXPR_STRING, "3KB");
    give(&f, "rate", EXPR_NUMBER, "0.25");
    give(&f, "mode", EXPR_STRING, "drop"); // case is ignored, the table's spelling is kept
    CHECK(fill(&f));
    CHECK(f.problems->count == 0);
    CHECK_TEXT(f.config.path, "data/in");
    CHECK(f.config.count == 12);
    CHECK(!f.config.flag);
    CHECK(f.config.pause == 2 * TIME_MINUTE);
    CHECK(f.config.size == 3072);
    CHECK(f.config.rate == 0.25);
    CHECK_TEXT(f.config.mode, "DROP");
    CHECK(option_choice("KEEP|DROP|STOP", f.config.mode) == 1);
    arena_destroy(f.arena);
}

static void test_defaults(void)
{
    Fixture f = fixture_create();
    give(&f, "path", EXPR_STRING, "x");
    give(&f, "flag", EXPR_NULL, "");
    CHECK(fill(&f));
    CHECK(f.config.count == 7 && f.config.flag && f.config.rate == 1.5);
    CHECK(f.config.pause == 10 * (TimeUs)TIME_SECOND);
    CHECK(f.config.size == 64 << 20);
    CHECK_TEXT(f.config.mode, "KEEP");
    arena_destroy(f.arena);
}

static void test_interval(void)
{
    Fixture f = fixture_create();
    give(&f, NULL, EXPR_STRING, "x");
    give(&f, "pause", EXPR_INTERVAL, "");
    Expr *interval = f.relation.named.items[0].value;
    interval->interval_is_constant = true;
    interval->days = 1;
    interval->micros = 5;
    CHECK(fill(&f));
    CHECK(f.config.pause == TIME_DAY + 5);
    arena_destroy(f.arena);
}

// One wrong argument; `message` and `suggestion` are what is said about it.
static void check_problem(const char *name, ExprKind kind, const char *text, const char *message,
                          const char *suggestion)
{
    Fixture f = fixture_create();
    give(&f, NULL, EXPR_STRING, "x");
    give(&f, name, kind, text);
    CHECK(!fill(&f));
    CHECK(f.problems->count == 1);
    if (f.problems->count == 1) {
        CHECK_TEXT(f.problems->items[0].message, message);
        if (suggestion != NULL) {
            CHECK_TEXT(f.problems->items[0].suggestion, suggestion);
        }
    }
    arena_destroy(f.arena);
}

static void test_problems(void)
{
    check_problem("maxFilePerTrigger", EXPR_NUMBER, "1", "t has no option 'maxFilePerTrigger'",
                  "did you mean 'maxFilesPerTrigger'?");
    check_problem("flag", EXPR_STRING, "maybe",
                  "t: option 'flag' must be true or false, not 'maybe'", NULL);
    check_problem("maxFilesPerTrigger", EXPR_NUMBER, "1.5",
                  "t: option 'maxFilesPerTrigger' must be an integer, not '1.5'", NULL);
    check_problem("size", EXPR_STRING, "9999999999t",
                  "t: option 'size' must be a size such as '64m', not '9999999999t'", NULL);
    check_problem("rate", EXPR_STRING, "nan", "t: option 'rate' must be a number, not 'nan'", NULL);
    check_problem("mode", EXPR_STRING, "DORP", "t: option 'mode' cannot be 'DORP'",
                  "did you mean 'DROP'?");
    check_problem("mode", EXPR_STRING, "", "t: option 'mode' cannot be ''", "KEEP, DROP or STOP");
    check_problem("gone", EXPR_STRING, "1", "t: option 'gone' is not supported: not here", NULL);
    check_problem("path", EXPR_STRING, "y", "t: option 'path' is given twice", NULL);
    check_problem("flag", EXPR_COLUMN, "", "t: option 'flag' must be a constant", NULL);
}

static void test_missing(void)
{
    Fixture f = fixture_create();
    give(&f, "rat", EXPR_NUMBER, "1");
    CHECK(!fill(&f));
    CHECK(f.problems->count == 2); // the unknown one and the missing path, both at once
    arena_destroy(f.arena);
}

static void test_properties(void)
{
    Fixture f = fixture_create();
    Property items[] = {
        {slice_of("PATH"), slice_of("p"), {0}, {0}},
        {slice_of("outputMode"), slice_of("complete"), {0}, {0}},
        {slice_of("rate"), slice_of("2"), {0}, {0}},
    };
    Properties properties = {items, ARRAY_LEN(items), ARRAY_LEN(items)};
    CHECK(options_fill_properties(options, OPTION_COUNT, "sink", &properties, (Pos){0}, &f.config,
                                  f.arena, f.problems));
    CHECK_TEXT(f.config.path, "p");
    CHECK(f.config.rate == 2);
    items[0].key = slice_of("paht");
    CHECK(!options_fill_properties(options, OPTION_COUNT, "sink", &properties, (Pos){0}, &f.config,
                                   f.arena, f.problems));
    CHECK(f.problems->count == 2);
    items[0].key = slice_of("path");
    items[1].key = slice_of("outputMod"); // outputMode is in no table, but every sink has it
    CHECK(!options_fill_properties(options, OPTION_COUNT, "sink", &properties, (Pos){0}, &f.config,
                                   f.arena, f.problems));
    CHECK(f.problems->count == 3);
    CHECK_TEXT(f.problems->items[2].suggestion, "did you mean 'outputMode'?");
    arena_destroy(f.arena);
}

static void test_print(void)
{
    Buffer out = {0};
    options_print(options, 2, &out);
    CHECK_TEXT(buffer_text(&out), "| option | type | default | meaning |\n|---|---|---|---|\n"
                                  "| `path` | text | *required* | where \\| what |\n"
                                  "| `maxFilesPerTrigger` | integer | `7` | files |\n");
    buffer_reset(&out);
    options_print(options, OPTION_COUNT, &out);
    CHECK(strstr(buffer_text(&out), "gone") == NULL);
    CHECK(strstr(buffer_text(&out), "| `mode` | word | `KEEP` | a word |") != NULL);
    buffer_done(&out);
}

int main(void)
{
    test_values();
    test_defaults();
    test_interval();
    test_problems();
    test_missing();
    test_properties();
    test_print();
    return check_done();
}
