// The runner of .test files: a project on a manual clock, in process. See engine.h and testfile.h.
//
// Each file runs in scratch storage, and again under permutations that must give the same rows:
// with a restart after every tick, with crashes at the fault points of a batch in every tick, on
// four threads, and (unless `batches fixed`) with batches of one row. A crash is a fault point that
// unwinds without touching anything durable; the session is then opened anew. All sessions use one
// database, as opening one takes longer than most ticks.
// SPDX-License-Identifier: Apache-2.0
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/store.h"
#include "connector/registry.h"
#include "connector/source_script.h"
#include "engine/engine.h"
#include "engine/query.h"
#include "engine/session.h"
#include "engine/settings.h"
#include "engine/testfile.h"
#include "sql/format.h"

#define TEST_START (19723 * TIME_DAY) // 2024-01-01T00:00:00Z
enum { TEST_SEED = 1, CRASHES_MAX = 8, TEST_THREADS = 4 };

typedef struct Permutation {
    const char *name;
    bool restart_every_tick;
    int64_t max_batch_rows;
    int threads;
    int crashes; // 0: only those of the file; else which crash of a committed batch comes first
} Permutation;

static const Permutation permutations[] = {
    {.name = ""},
    {.name = " (restart after every tick)", .restart_every_tick = true},
    {.name = " (batches of one row)", .max_batch_rows = 1},
    {.name = " (4 threads)", .threads = TEST_THREADS},
    {.name = " (crashes in every tick, 1)", .crashes = 1},
    {.name = " (crashes in every tick, 2)", .crashes = 2},
    {.name = " (crashes in every tick, 3)", .crashes = 3},
};

// A batch that crashes at one of the first is run again, so all of them may come in one tick; after
// one of the others it has happened.
static const char *const undone_points[] = {"flow.after_run", "state.mid_record", "flow.after_log",
                                            "delta.before_commit"};
static const char *const done_points[] = {"delta.after_commit", "flow.after_sink",
                                          "flow.after_side"};

typedef struct Tester {
    const Project *origin; // the project whose tests run; NULL: an empty one
    const TestFile *file;
    const Permutation *permutation;
    SessionDuck *duck; // for all its sessions
    Arena *arena;
    char scratch[64];
    char storage[80];
    ManualClock clock;
    Map *feeds; // name as pushed -> ScriptFeed
    Project *project;
    Session *session;
    DuckConn *conn;
    Tables *tables;
    Slice *statements; // added by the file so far, for reopening
    size_t statement_count;
    size_t statement_capacity;
    bool is_prepared;
    const char *armed; // fault point of a crash directive
    Buffer failure;
} Tester;

static bool failed(Tester *tester, const TestBlock *block, const char *format, ...)
    PRINTF_LIKE(3, 4);

static bool failed(Tester *tester, const TestBlock *block, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[8192];
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buffer_printf(&tester->failure, "%s:%d%s: %s\n", tester->file->path, block->line,
                  tester->permutation->name, text);
    return false;
}

// ---- the session under test --------------------------------------------------------------------

static void close_session(Tester *tester)
{
    relation_tables_destroy(tester->tables);
    duck_disconnect(tester->conn);
    session_close(tester->session);
    project_close(tester->project);
    tester->tables = NULL;
    tester->conn = NULL;
    tester->session = NULL;
    tester->project = NULL;
    tester->is_prepared = false;
}

static void problems_text(Tester *tester, Buffer *text)
{
    diagnostics_print(project_diagnostics(tester->project), text);
    while (text->size > 0 && text->data[text->size - 1] == '\n') {
        text->data[--text->size] = '\0';
    }
    project_diagnostics(tester->project)->count = 0;
}

static bool parse(Tester *tester, Slice sql, StatementList *statements)
{
    Diagnostics *diagnostics = project_diagnostics(tester->project);
    uint32_t source = sql_sources_add(diagnostics->sources, "statement", sql);
    return sql_parse(project_arena(tester->project), diagnostics, source,
                     project_variables(tester->project), statements);
}

static bool add_statements(Tester *tester, Slice sql)
{
    StatementList statements = {0};
    bool ok = parse(tester, sql, &statements);
    for (size_t i = 0; ok && i < statements.count; i++) {
        ok = catalog_add_statement(tester->session->catalog, statements.items[i]);
    }
    return ok;
}

static void connect_feeds(Tester *tester)
{
    Catalog *catalog = tester->session->catalog;
    const char *database = project_database(tester->project);
    for (size_t i = 0; i < map_count(tester->feeds); i++) {
        Slice name = map_key_at(tester->feeds, i);
        const char *key = memchr(name.data, '.', name.size) != NULL
                              ? arena_text(tester->arena, name)
                              : arena_printf(tester->arena, "%s.%.*s", database, SLICE_ARG(name));
        map_put(catalog->feeds, slice_of(key), map_value_at(tester->feeds, i));
    }
}

static bool open_session(Tester *tester, Error *err)
{
    ProjectOptions options = {
        .folder = tester->origin == NULL ? tester->scratch : project_root(tester->origin),
        .profile = tester->origin == NULL ? NULL : project_profile(tester->origin),
        .storage = tester->storage,
        .seed = TEST_SEED,
    };
    SessionOptions session = {
        .clock = &tester->clock.clock,
        .max_batch_rows = tester->permutation->max_batch_rows,
        .threads = tester->permutation->threads,
        .shared = tester->duck,
    };
    if (!project_open(&options, &tester->project, err) ||
        !session_open(tester->project, &session, &tester->session, err) ||
        !duck_connect(tester->session->duck, &tester->conn, err)) {
        return false;
    }
    tester->tables = relation_tables_create();
    connect_feeds(tester);
    bool ok = catalog_add_files(tester->session->catalog);
    for (size_t i = 0; ok && i < tester->statement_count; i++) {
        ok = add_statements(tester, tester->statements[i]);
    }
    return (ok && session_resolve(tester->session)) ||
           diagnostics_fail(project_diagnostics(tester->project), err);
}

// What a process keeps in memory ends with it: the tables of memory sinks.
static bool forget_tables(Tester *tester, Error *err)
{
    static const char list[] =
        "SELECT string_agg('DROP TABLE \"' || replace(table_name, '\"', '\"\"') || '\"', ';') "
        "FROM duckdb_tables() WHERE NOT temporary";
    DuckConn *conn = NULL;
    DuckRows *rows = NULL;
    bool ok = tester->duck->duck == NULL ||
              (duck_connect(tester->duck->duck, &conn, err) && duck_query(conn, list, &rows, err));
    if (ok && rows != NULL) {
        DuckColumn column = duck_rows_column(rows, 0, 0);
        ok = duck_is_null(&column, 0) ||
             duck_run(conn, arena_text(tester->arena, duck_text(&column, 0)), err);
    }
    duck_rows_destroy(rows);
    duck_disconnect(conn);
    return ok;
}

static bool reopen(Tester *tester, const TestBlock *block)
{
    Error err;
    close_session(tester);
    return (forget_tables(tester, &err) && open_session(tester, &err)) ||
           failed(tester, block, "cannot reopen: %s", err.message);
}

// ---- directives --------------------------------------------------------------------------------

static bool is_declaration(const Statement *statement)
{
    return statement->kind == STATEMENT_CREATE_STREAMING_TABLE ||
           statement->kind == STATEMENT_CREATE_MATERIALIZED_VIEW ||
           statement->kind == STATEMENT_CREATE_TEMPORARY_VIEW ||
           statement->kind == STATEMENT_CREATE_SINK || statement->kind == STATEMENT_CREATE_FLOW;
}

// Runs a statement; on failure `message` is what the user would see.
static bool run_statement(Tester *tester, const TestBlock *block, DuckRows **rows, Buffer *message)
{
    StatementList statements = {0};
    Error err = {0};
    if (!parse(tester, block->body, &statements)) {
        problems_text(tester, message);
        return false;
    }
    bool declares = statements.count > 0 && is_declaration(statements.items[0]);
    bool ok = statements.count > 0;
    if (declares) {
        for (size_t i = 0; ok && i < statements.count; i++) {
            ok = catalog_add_statement(tester->session->catalog, statements.items[i]);
        }
        ok = ok && catalog_resolve(tester->session->catalog);
        tester->is_prepared = false;
        if (ok) {
            ARENA_PUSH(tester->arena, tester->statements, tester->statement_count,
                       tester->statement_capacity, block->body);
        }
    } else if (ok && statements.items[0]->kind == STATEMENT_QUERY) {
        Buffer sql = {0};
        RelationReader reader = {tester->session->catalog, tester->tables, tester->conn};
        ok = query_print(&reader, statements.items[0]->query, tester->clock.time, &sql) &&
             duck_query(tester->conn, buffer_text(&sql), rows, &err);
        buffer_done(&sql);
    } else if (ok) {
        ok = catalog_add_statement(tester->session->catalog, statements.items[0]);
    }
    if (!ok && err.kind != ERROR_NONE) {
        buffer_append_text(message, err.message);
    } else if (!ok) {
        problems_text(tester, message);
    }
    return ok;
}

static bool test_statement(Tester *tester, const TestBlock *block)
{
    Buffer message = {0};
    DuckRows *rows = NULL;
    bool ok = run_statement(tester, block, &rows, &message);
    bool wants_error = block->word_count > 1 && slice_is(block->words[1], "error");
    bool pass = true;
    if (!wants_error && !ok) {
        pass = failed(tester, block, "statement failed:\n%s", buffer_text(&message));
    } else if (wants_error && ok) {
        pass = failed(tester, block, "statement should have failed");
    } else if (wants_error && !slice_equal(buffer_slice(&message), block->expected)) {
        pass = failed(tester, block, "the message is\n%s\ninstead of\n%.*s", buffer_text(&message),
                      SLICE_ARG(block->expected));
    }
    if (wants_error && !ok) {
        pass = reopen(tester, block) && pass; // a failed declaration leaves nothing behind
    }
    duck_rows_destroy(rows);
    buffer_done(&message);
    return pass;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *join_rows(Tester *tester, char **lines, size_t count, bool sorted)
{
    if (sorted) {
        qsort(lines, count, sizeof *lines, compare_lines);
    }
    Buffer text = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_printf(&text, "%s%s", i == 0 ? "" : "\n", lines[i]);
    }
    const char *copy = arena_text(tester->arena, buffer_slice(&text));
    buffer_done(&text);
    return copy;
}

static const char *result_text(Tester *tester, const DuckRows *rows, bool sorted)
{
    size_t columns = duck_rows_schema(rows)->count;
    char **lines = ARENA_ARRAY(tester->arena, char *, duck_rows_count(rows) + 1);
    size_t count = 0;
    Buffer line = {0};
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            buffer_reset(&line);
            for (size_t c = 0; c < columns; c++) {
                DuckColumn column = duck_rows_column(rows, chunk, c);
                buffer_append_text(&line, c == 0 ? "" : "\t");
                size_t before = line.size;
                if (duck_is_null(&column, row)) {
                    buffer_append_text(&line, "NULL");
                } else {
                    format_value(&column, row, &line);
                    buffer_append_text(&line, line.size == before ? "(empty)" : "");
                }
            }
            lines[count++] = arena_text(tester->arena, buffer_slice(&line));
        }
    }
    buffer_done(&line);
    return join_rows(tester, lines, count, sorted);
}

static const char *expected_text(Tester *tester, Slice expected, bool sorted)
{
    char **lines = ARENA_ARRAY(tester->arena, char *, expected.size + 1);
    size_t count = 0;
    while (expected.size > 0) {
        const char *end = memchr(expected.data, '\n', expected.size);
        size_t size = end == NULL ? expected.size : (size_t)(end - expected.data);
        lines[count++] = arena_text(tester->arena, (Slice){expected.data, size});
        size_t taken = size + (end != NULL);
        expected = (Slice){expected.data + taken, expected.size - taken};
    }
    return join_rows(tester, lines, count, sorted);
}

static bool test_query(Tester *tester, const TestBlock *block)
{
    DuckRows *rows = NULL;
    Buffer message = {0};
    bool pass = run_statement(tester, block, &rows, &message);
    if (!pass) {
        failed(tester, block, "query failed:\n%s", buffer_text(&message));
    } else if (rows == NULL) {
        pass = failed(tester, block, "this statement gives no rows");
    } else {
        bool sorted = block->word_count > 2 && slice_is(block->words[2], "sort");
        size_t columns = duck_rows_schema(rows)->count;
        size_t wanted = strtoul(arena_text(tester->arena, block->words[1]), NULL, 10);
        const char *actual = result_text(tester, rows, sorted);
        const char *expected = expected_text(tester, block->expected, sorted);
        if (columns != wanted) {
            pass = failed(tester, block, "%zu columns instead of %zu", columns, wanted);
        } else if (strcmp(actual, expected) != 0) {
            pass = failed(tester, block, "the rows are\n%s\ninstead of\n%s", actual, expected);
        }
    }
    buffer_done(&message);
    duck_rows_destroy(rows);
    return pass;
}

static bool test_push(Tester *tester, const TestBlock *block)
{
    Name name = {.parts = {block->words[1]}, .count = 1};
    if (catalog_find(tester->session->catalog, &name) == NULL) {
        return failed(tester, block, "no dataset '%.*s' to push rows into",
                      SLICE_ARG(block->words[1]));
    }
    ScriptFeed *feed = map_find(tester->feeds, block->words[1]);
    script_feed_push(feed, block->body);
    return true;
}

static bool test_clock(Tester *tester, const TestBlock *block)
{
    Error err;
    TimeUs value = 0;
    Slice text = block->rest;
    if (text.size > 0 && text.data[0] == '+') {
        const char *duration = arena_text(tester->arena, (Slice){text.data + 1, text.size - 1});
        if (!settings_parse_duration(duration, &value)) {
            return failed(tester, block, "'%s' is not a duration like 10s or 5 minutes", duration);
        }
        tester->clock.time += value;
        return true;
    }
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT epoch_us(CAST(");
    duck_quote_text(&sql, text);
    buffer_append_text(&sql, " AS TIMESTAMPTZ))");
    DuckRows *rows = NULL;
    bool ok = duck_query(tester->conn, buffer_text(&sql), &rows, &err);
    bool is_null = true;
    tester->clock.time = ok ? duck_rows_int(rows, 0, &is_null) : tester->clock.time;
    buffer_done(&sql);
    duck_rows_destroy(rows);
    return ok || failed(tester, block, "%s", err.message);
}

static bool prepare(Tester *tester, const TestBlock *block)
{
    Error err;
    if (tester->is_prepared) {
        return true;
    }
    if (tester->session->flows != NULL && !reopen(tester, block)) {
        return false;
    }
    tester->is_prepared = session_prepare(tester->session, &err);
    return tester->is_prepared || failed(tester, block, "%s", err.message);
}

// What a crash leaves behind, without the time of reading the project again: flows are opened anew
// from what is durable.
static bool lose_flows(Tester *tester, const TestBlock *block)
{
    Session *session = tester->session;
    for (size_t i = 0; i < session->flow_count; i++) {
        if (session->flows[i] != NULL) {
            session_close_flow(session, i);
        }
    }
    Error err;
    return forget_tables(tester, &err) || failed(tester, block, "cannot reopen: %s", err.message);
}

// Runs what is due with a crash at `point`, if it is reached.
static bool crash_once(Tester *tester, const TestBlock *block, const char *point)
{
    Error err = {0};
    if (!prepare(tester, block)) {
        return false;
    }
    fault_arm(point);
    bool ok = session_drain(tester->session, false, &err);
    fault_disarm();
    if (!ok && err.kind == ERROR_CRASH) {
        return lose_flows(tester, block);
    }
    return (ok && tester->session->worst == ERROR_NONE) ||
           failed(tester, block, "a flow failed (its message is above)");
}

static bool crash_in_tick(Tester *tester, const TestBlock *block)
{
    // Once is enough of those that change nothing.
    for (size_t i = 0; tester->permutation->crashes == 1 && i < ARRAY_LEN(undone_points); i++) {
        if (!crash_once(tester, block, undone_points[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(done_points); i++) {
        size_t first = (size_t)tester->permutation->crashes - 1;
        if (!crash_once(tester, block, done_points[(first + i) % ARRAY_LEN(done_points)])) {
            return false;
        }
    }
    return true;
}

static bool test_tick(Tester *tester, const TestBlock *block)
{
    if (tester->permutation->crashes > 0 && !crash_in_tick(tester, block)) {
        return false;
    }
    for (int crashes = 0; crashes < CRASHES_MAX; crashes++) {
        if (!prepare(tester, block)) {
            return false;
        }
        Error err = {0};
        bool ok = session_drain(tester->session, false, &err);
        if (!ok && err.kind == ERROR_CRASH) {
            tester->armed = NULL;
            if (!reopen(tester, block)) {
                return false;
            }
            continue;
        }
        if (!ok || tester->session->worst != ERROR_NONE) {
            return failed(tester, block, "a flow failed (its message is above)");
        }
        if (tester->armed != NULL) {
            fault_disarm();
            const char *point = tester->armed;
            tester->armed = NULL;
            return failed(tester, block, "fault point %s was not reached", point);
        }
        return !tester->permutation->restart_every_tick || reopen(tester, block);
    }
    return failed(tester, block, "it crashes again and again");
}

static bool test_crash(Tester *tester, const TestBlock *block)
{
    const char *point = arena_text(tester->arena, block->words[1]);
    if (!fault_arm(point)) {
        return failed(tester, block, "no fault point '%s'", point);
    }
    if (tester->permutation->crashes > 0) {
        fault_disarm(); // there are others
        return true;
    }
    tester->armed = point;
    return true;
}

static void mask_json(json_t *value, Slice mask)
{
    const char *key;
    json_t *member;
    size_t index;
    if (json_is_array(value)) {
        json_array_foreach(value, index, member)
        {
            mask_json(member, mask);
        }
    }
    json_object_foreach(value, key, member)
    {
        size_t size = strlen(key);
        bool masked = false;
        for (size_t i = 0; i + size <= mask.size && !masked; i++) {
            bool starts = i == 0 || mask.data[i - 1] == ',';
            bool ends = i + size == mask.size || mask.data[i + size] == ',';
            masked = starts && ends && memcmp(mask.data + i, key, size) == 0;
        }
        if (masked) {
            json_object_set_new(value, key, json_string("*"));
        } else {
            mask_json(member, mask);
        }
    }
}

static void append_masked(Buffer *out, Slice line, Slice mask)
{
    json_t *value = json_loadb(line.data, line.size, 0, NULL);
    if (value == NULL) {
        buffer_append(out, line);
        return;
    }
    mask_json(value, mask);
    char *text = json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER);
    buffer_append_text(out, text);
    free(text);
    json_decref(value);
}

static bool test_file(Tester *tester, const TestBlock *block)
{
    Store *store = store_local(tester->storage);
    Buffer bytes = {0};
    Buffer masked = {0};
    Error err;
    bool found = false;
    Slice mask = {0};
    if (block->word_count > 2 && block->words[2].size > 5) {
        mask = (Slice){block->words[2].data + 5, block->words[2].size - 5}; // mask=
    }
    bool pass = store_get(store, arena_text(tester->arena, block->words[1]), &bytes, &found, &err);
    if (!pass || !found) {
        pass = failed(tester, block, "%s", pass ? "no such file" : err.message);
    } else {
        Slice rest = buffer_slice(&bytes);
        while (rest.size > 0) {
            const char *end = memchr(rest.data, '\n', rest.size);
            size_t size = end == NULL ? rest.size : (size_t)(end - rest.data);
            buffer_append_text(&masked, masked.size > 0 ? "\n" : "");
            append_masked(&masked, (Slice){rest.data, size}, mask);
            size_t taken = size + (end != NULL);
            rest = (Slice){rest.data + taken, rest.size - taken};
        }
        if (!slice_equal(buffer_slice(&masked), block->body)) {
            pass = failed(tester, block, "the file is\n%s\ninstead of\n%.*s", buffer_text(&masked),
                          SLICE_ARG(block->body));
        }
    }
    buffer_done(&bytes);
    buffer_done(&masked);
    store_destroy(store);
    return pass;
}

// What a file may require, and what shows that this program has it.
static const struct {
    const char *name;
    const char *type; // of a source or sink
} services[] = {{"kafka", "read_kafka"}, {"postgres", "postgres"}};

// The `require` blocks at the start of a file; their number.
static size_t requirement_count(const TestFile *file)
{
    size_t count = 0;
    while (count < file->count && slice_is(file->blocks[count].words[0], "require")) {
        count++;
    }
    return count;
}

static bool find_service(Slice name, bool *is_there)
{
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        if (slice_is(name, services[i].name)) {
            Slice type = slice_of(services[i].type);
            *is_there = source_type_find(type) != NULL || sink_type_find(type) != NULL;
            return true;
        }
    }
    return false;
}

// A service that is absent has skipped the file before it came here.
static bool test_require(Tester *tester, const TestBlock *block)
{
    bool is_there = false;
    if (!find_service(block->words[1], &is_there)) {
        Buffer list = {0};
        for (size_t i = 0; i < ARRAY_LEN(services); i++) {
            buffer_printf(&list, "%s%s", i == 0 ? "" : ", ", services[i].name);
        }
        failed(tester, block, "no service '%.*s' to require; there are %s",
               SLICE_ARG(block->words[1]), buffer_text(&list));
        buffer_done(&list);
        return false;
    }
    size_t index = (size_t)(block - tester->file->blocks);
    return index < requirement_count(tester->file) ||
           failed(tester, block, "'require' comes before all other directives");
}

static bool test_restart(Tester *tester, const TestBlock *block)
{
    return reopen(tester, block);
}

// ---- files -------------------------------------------------------------------------------------

typedef struct Directive {
    const char *name;
    size_t words; // at least
    bool (*run)(Tester *tester, const TestBlock *block);
} Directive;

static const Directive directives[] = {
    {"statement", 2, test_statement}, {"query", 2, test_query}, {"push", 2, test_push},
    {"clock", 2, test_clock},         {"tick", 1, test_tick},   {"restart", 1, test_restart},
    {"crash", 2, test_crash},         {"file", 2, test_file},   {"require", 2, test_require},
};

static bool run_block(Tester *tester, const TestBlock *block)
{
    for (size_t i = 0; i < ARRAY_LEN(directives); i++) {
        if (slice_is(block->words[0], directives[i].name)) {
            return block->word_count >= directives[i].words
                       ? directives[i].run(tester, block)
                       : failed(tester, block, "'%s' needs an argument", directives[i].name);
        }
    }
    return failed(tester, block, "no directive '%.*s'", SLICE_ARG(block->words[0]));
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

// A folder for the storage, and for the empty project of files that belong to none.
static bool make_scratch(Tester *tester, Error *err)
{
    const char *temp = getenv("TMPDIR");
    snprintf(tester->scratch, sizeof tester->scratch, "%s/tarn-test-XXXXXX",
             temp == NULL || strlen(temp) > 40 ? "/tmp" : temp);
    if (mkdtemp(tester->scratch) == NULL) {
        return fail_errno(err, "cannot make %s", tester->scratch);
    }
    snprintf(tester->storage, sizeof tester->storage, "%s/data", tester->scratch);
    Store *store = store_local(tester->scratch);
    bool ok = store_put(store, "tarn.yml", slice_of("name: test\n"), err);
    store_destroy(store);
    return ok;
}

static bool run_file(const Project *origin, const TestFile *file, const Permutation *permutation,
                     SessionDuck *duck, Buffer *failure)
{
    Tester tester = {.origin = origin, .file = file, .permutation = permutation, .duck = duck};
    tester.arena = arena_create(0);
    tester.clock = clock_manual(TEST_START);
    tester.feeds = map_create(true);
    Error err;
    TestBlock start = {.line = 1};
    bool ok = make_scratch(&tester, &err) || failed(&tester, &start, "%s", err.message);
    for (size_t i = 0; i < file->count; i++) {
        const TestBlock *block = &file->blocks[i];
        if (slice_is(block->words[0], "push") && block->word_count > 1 &&
            map_find(tester.feeds, block->words[1]) == NULL) {
            map_put(tester.feeds, block->words[1], script_feed_create());
        }
    }
    ok = ok && ((forget_tables(&tester, &err) && open_session(&tester, &err)) ||
                failed(&tester, &start, "%s", err.message));
    for (size_t i = 0; ok && i < file->count; i++) {
        ok = run_block(&tester, &file->blocks[i]);
    }
    fault_disarm();
    close_session(&tester);
    for (size_t i = 0; i < map_count(tester.feeds); i++) {
        script_feed_destroy(map_value_at(tester.feeds, i));
    }
    map_destroy(tester.feeds);
    // The folder was made by mkdtemp: only this test's files are below it.
    nftw(tester.scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    arena_destroy(tester.arena);
    buffer_append(failure, buffer_slice(&tester.failure));
    buffer_done(&tester.failure);
    return ok;
}

// A file that requires what this version does not have is skipped, with its reason, and counted.
static bool is_skipped(const TestFile *file)
{
    for (size_t i = 0; i < requirement_count(file); i++) {
        Slice name = file->blocks[i].words[1];
        bool is_there = false;
        if (find_service(name, &is_there) && !is_there) {
            log_info("skipped %s: it requires %.*s, which this version does not have", file->path,
                     SLICE_ARG(name));
            return true;
        }
    }
    return false;
}

static bool has_tick(const TestFile *file)
{
    for (size_t i = 0; i < file->count; i++) {
        if (slice_is(file->blocks[i].words[0], "tick")) {
            return true;
        }
    }
    return false;
}

// `ducks`: one for the project's number of threads, one for more.
static void run_permutations(const Project *project, const TestFile *file, bool as_written,
                             SessionDuck *ducks, int *passed, int *failures)
{
    size_t count = has_tick(file) && !as_written ? ARRAY_LEN(permutations) : 1; // no batches: same
    for (size_t i = 0; i < count; i++) {
        const Permutation *permutation = &permutations[i];
        bool restarts = permutation->restart_every_tick || permutation->crashes > 0;
        if ((permutation->max_batch_rows > 0 && file->batches_fixed) ||
            (restarts && file->restarts_fixed)) {
            continue;
        }
        Buffer failure = {0};
        SessionDuck *duck = &ducks[permutation->threads > 0];
        bool ok = run_file(project, file, permutation, duck, &failure);
        *passed += ok;
        *failures += !ok;
        fputs(buffer_text(&failure), stderr);
        buffer_done(&failure);
    }
}

int engine_test(Project *project, const TestOptions *options)
{
    size_t count = options->file_count;
    const char *const *files = options->files;
    if (count == 0) {
        files = project_tests(project, &count);
    }
    int passed = 0;
    int failures = 0;
    int skipped = 0;
    SessionDuck ducks[2] = {0};
    for (size_t i = 0; i < count; i++) {
        Arena *arena = arena_create(0);
        TestFile file;
        Error err;
        const char *path =
            options->file_count > 0 ? files[i] : project_path(project, slice_of(files[i]), arena);
        if (!testfile_read(path, arena, &file, &err)) {
            log_error("%s", err.message);
            failures++;
        } else if (is_skipped(&file)) {
            skipped++;
        } else {
            run_permutations(project, &file, options->as_written, ducks, &passed, &failures);
        }
        arena_destroy(arena);
    }
    duck_close(ducks[0].duck);
    duck_close(ducks[1].duck);
    printf("%d passed, %d failed", passed, failures);
    printf(skipped > 0 ? ", %d skipped\n" : "\n", skipped);
    return failures > 0;
}
