// connector_fixture.h -- a database, a scratch folder and a manual clock for the connector tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "check.h"
#include "connector/registry.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIXTURE_START ((TimeUs)1767225600000000) // 2026-01-01T00:00:00Z

typedef struct Fixture {
    Duck *duck;
    DuckConn *conn;
    Arena *arena;
    ManualClock clock;
    char folder[64];
    int sources; // for unique names
    Error err;
} Fixture;

static inline void fixture_init(Fixture *f)
{
    memset(f, 0, sizeof *f);
    f->arena = arena_create(0);
    f->clock = clock_manual(FIXTURE_START);
    snprintf(f->folder, sizeof f->folder, "/tmp/tarn_connector_XXXXXX");
    CHECK(mkdtemp(f->folder) != NULL);
    DuckOptions options = {.threads = 2};
    CHECK(duck_open(&options, &f->duck, &f->err));
    CHECK(duck_connect(f->duck, &f->conn, &f->err));
}

static inline int fixture_remove_entry(const char *path, const struct stat *st, int flag,
                                       struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void fixture_done(Fixture *f)
{
    duck_disconnect(f->conn);
    duck_close(f->duck);
    arena_destroy(f->arena);
    nftw(f->folder, fixture_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *fixture_path(Fixture *f, const char *name)
{
    return arena_printf(f->arena, "%s/%s", f->folder, name);
}

// A file of the scratch folder with this content and modification time (seconds).
static inline void fixture_file(Fixture *f, const char *name, const char *text, int64_t modified)
{
    const char *path = fixture_path(f, name);
    for (char *slash = strchr(path + strlen(f->folder) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
    struct timespec times[2] = {{.tv_sec = modified}, {.tv_sec = modified}};
    utimensat(AT_FDCWD, path, times, 0);
}

// options: name, value, name, value, ..., NULL
static inline Source *fixture_source(Fixture *f, const SourceType *type, const char *const *options)
{
    SqlSources *texts = sql_sources_create(f->arena);
    sql_sources_add(texts, "test.sql", slice_of("SELECT"));
    Diagnostics *problems = diagnostics_create(f->arena, texts);
    Relation *relation = ast_relation(f->arena, RELATION_FUNCTION, (Pos){0});
    for (; options != NULL && *options != NULL; options += 2) {
        Expr *value = ast_expr(f->arena, EXPR_STRING, (Pos){0});
        value->text = slice_of(options[1]);
        NamedArgument argument = {slice_of(options[0]), value, {0}};
        ARENA_PUSH(f->arena, relation->named.items, relation->named.count, relation->named.capacity,
                   argument);
    }
    void *config = arena_alloc(f->arena, type->config_size + 1);
    if (!options_fill(type->options, type->option_count, type->name, relation, type->positional,
                      config, f->arena, problems)) {
        (void)diagnostics_fail(problems, &f->err);
        return NULL;
    }
    SourceContext context = {
        .conn = f->conn,
        .clock = &f->clock.clock,
        .project_root = f->folder,
        .unique = arena_printf(f->arena, "%d", f->sources++),
        .arena = f->arena,
        .start_time = FIXTURE_START,
        .seed = 42,
    };
    Source *source = NULL;
    return source_open(type, "s", config, (Pos){0}, &context, &source, &f->err) ? source : NULL;
}

// Result of a query as text: rows end with \n, columns are separated by |. In the arena.
static inline const char *fixture_query(Fixture *f, const char *sql)
{
    DuckRows *rows = NULL;
    Buffer wrapped = {0};
    Buffer text = {0};
    buffer_printf(&wrapped, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (%s)", sql);
    if (!duck_query(f->conn, buffer_text(&wrapped), &rows, &f->err)) {
        fprintf(stderr, "%s\n%s\n", buffer_text(&wrapped), f->err.message);
        buffer_done(&wrapped);
        return "(failed)";
    }
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            for (size_t i = 0; i < duck_rows_schema(rows)->count; i++) {
                DuckColumn column = duck_rows_column(rows, chunk, i);
                buffer_append_text(&text, i == 0 ? "" : "|");
                buffer_append(&text, duck_is_null(&column, row) ? slice_of("NULL")
                                                                : duck_text(&column, row));
            }
            buffer_append_char(&text, '\n');
        }
    }
    const char *copy = arena_text(f->arena, buffer_slice(&text));
    duck_rows_destroy(rows);
    buffer_done(&wrapped);
    buffer_done(&text);
    return copy;
}

// Plans a batch after confirming the former one; *end is a copy. False: nothing new.
static inline bool fixture_plan(Fixture *f, Source *source, SourceLimit limit, Slice *end)
{
    Slice planned = {0};
    bool has_rows = false;
    if (source->is_planned) {
        source_confirmed(source, (Slice){0});
    }
    CHECK(source_plan(source, &limit, &planned, &has_rows, &f->err));
    *end = has_rows ? arena_copy(f->arena, planned) : (Slice){0};
    return has_rows;
}

// The rows of a batch, ordered by `order`.
static inline const char *fixture_rows(Fixture *f, Source *source, Slice start, Slice end,
                                       const char *order)
{
    Buffer relation = {0};
    if (!source_relation(source, start, end, &relation, &f->err)) {
        fprintf(stderr, "%s\n", f->err.message);
        return "(failed)";
    }
    const char *sql =
        arena_printf(f->arena, "SELECT * FROM %s ORDER BY %s", buffer_text(&relation), order);
    buffer_done(&relation);
    return fixture_query(f, sql);
}
