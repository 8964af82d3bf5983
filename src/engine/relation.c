// SPDX-License-Identifier: Apache-2.0
#include "engine/relation.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "connector/registry.h"
#include "connector/sink_memory.h"
#include "engine/inspect.h"
#include "stream/rewrite.h"

struct Tables {
    Map *open; // path -> DeltaTable
};

Tables *relation_tables_create(void)
{
    Tables *tables = calloc(1, sizeof *tables);
    if (tables == NULL) {
        abort();
    }
    tables->open = map_create(false);
    return tables;
}

void relation_tables_destroy(Tables *tables)
{
    if (tables == NULL) {
        return;
    }
    for (size_t i = 0; i < map_count(tables->open); i++) {
        delta_close(map_value_at(tables->open, i));
    }
    map_destroy(tables->open);
    free(tables);
}

DeltaTable *relation_tables_open(Tables *tables, const char *path)
{
    DeltaTable *table = map_find(tables->open, slice_of(path));
    if (table == NULL) {
        table = delta_open(path);
        map_put(tables->open, slice_of(path), table);
    }
    return table;
}

void relation_print_empty(const Schema *schema, Buffer *sql)
{
    buffer_append_text(sql, "(SELECT ");
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(sql, i == 0 ? "CAST(NULL AS " : ", CAST(NULL AS ");
        type_print_duck(schema->columns[i].type, sql);
        buffer_append_text(sql, ") AS ");
        duck_quote_name(sql, slice_of(schema->columns[i].name));
    }
    buffer_append_text(sql, " WHERE false)");
}

// ---- names -------------------------------------------------------------------------------------

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool is_delta_folder(const char *path, Arena *arena)
{
    return is_folder(arena_printf(arena, "%s/_delta_log", path));
}

static bool starts_here(const Catalog *catalog, Pos pos)
{
    return catalog->project == NULL || (catalog->has_here && pos.source == catalog->here);
}

const char *relation_root(const Catalog *catalog, Pos pos)
{
    return starts_here(catalog, pos) ? "." : project_root(catalog->project);
}

// The path in delta.`path` and its like.
static const char *user_path(const Catalog *catalog, const Name *name)
{
    return starts_here(catalog, name->pos)
               ? arena_text(catalog->arena, name->parts[1])
               : project_path(catalog->project, name->parts[1], catalog->arena);
}

const char *relation_table_path(Catalog *catalog, const Name *name)
{
    if (name->count == 2 && slice_equal_nocase(name->parts[0], slice_of("delta"))) {
        const char *path = user_path(catalog, name);
        return is_delta_folder(path, catalog->arena) ? path : NULL;
    }
    if (catalog->project == NULL || name->count > 2) {
        return NULL;
    }
    Slice database =
        name->count == 2 ? name->parts[0] : slice_of(project_database(catalog->project));
    const char *path = project_table_path(catalog->project, database, name->parts[name->count - 1],
                                          catalog->arena);
    return is_delta_folder(path, catalog->arena) ? path : NULL;
}

static bool is_name_byte(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_word(Slice text, Slice word)
{
    for (size_t i = 0; i + word.size <= text.size; i++) {
        Slice part = {text.data + i, word.size};
        bool starts = i == 0 || !is_name_byte(text.data[i - 1]);
        bool ends = i + word.size == text.size || !is_name_byte(text.data[i + word.size]);
        if (starts && ends && slice_equal_nocase(part, word)) {
            return true;
        }
    }
    return false;
}

// Whether a statement that could not be parsed may have declared it: told once is enough.
static bool is_in_broken_statement(const Catalog *catalog, Slice name)
{
    const Diagnostics *diagnostics = catalog->diagnostics;
    for (size_t i = 0; i < diagnostics->count; i++) {
        const Diagnostic *problem = &diagnostics->items[i];
        Slice text = sql_sources_text(diagnostics->sources, problem->pos.source);
        size_t start = problem->pos.start < text.size ? problem->pos.start : text.size;
        size_t end = start;
        while (start > 0 && text.data[start - 1] != ';') {
            start--;
        }
        if (problem->condition != NULL && strncmp(problem->condition, "PARSE_", 6) == 0 &&
            has_word((Slice){text.data + start, end - start}, name)) {
            return true;
        }
    }
    return false;
}

bool relation_not_found(Catalog *catalog, const Relation *relation)
{
    const Name *name = &relation->name;
    Slice last = name->parts[name->count - 1];
    if (is_in_broken_statement(catalog, last)) {
        return false;
    }
    Map *names = map_create(true);
    for (size_t i = 0; i < map_count(catalog->datasets); i++) {
        const Dataset *dataset = map_value_at(catalog->datasets, i);
        map_put(names, slice_of(dataset->name), NULL);
    }
    if (name->count == 2 && slice_equal_nocase(name->parts[0], slice_of("delta"))) {
        diagnose(catalog->diagnostics, relation->pos, "PATH_NOT_FOUND", NULL,
                 "there is no Delta table at '%.*s'", SLICE_ARG(last));
    } else {
        diagnose(catalog->diagnostics, relation->pos, "TABLE_OR_VIEW_NOT_FOUND",
                 catalog->project == NULL
                     ? "there is no project here: say where with -C, or read delta.`path`"
                     : diagnostic_nearest(catalog->arena, names, last),
                 "no table or view '%.*s%s%.*s'", name->count > 1 ? (int)name->parts[0].size : 0,
                 name->parts[0].data, name->count > 1 ? "." : "", SLICE_ARG(last));
    }
    map_destroy(names);
    return false;
}

// parquet.`path` and friends, by DuckDB's own readers.
static bool file_relation(Catalog *catalog, const Relation *relation, Buffer *sql, bool *is_file)
{
    static const char *const readers[][2] = {
        {"parquet", "read_parquet"}, {"csv", "read_csv"}, {"json", "read_json"}};
    const Name *name = &relation->name;
    *is_file = false;
    for (size_t i = 0; name->count == 2 && i < ARRAY_LEN(readers); i++) {
        if (!slice_equal_nocase(name->parts[0], slice_of(readers[i][0]))) {
            continue;
        }
        *is_file = true;
        const char *path = user_path(catalog, name);
        struct stat info;
        if (strpbrk(path, "*?[") == NULL && stat(path, &info) != 0) {
            return diagnose(catalog->diagnostics, relation->pos, "PATH_NOT_FOUND", NULL,
                            "'%.*s' does not exist", SLICE_ARG(name->parts[1]));
        }
        if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
            path = arena_printf(catalog->arena, "%s/**/*.%s", path, readers[i][0]);
        }
        buffer_printf(sql, "%s(", readers[i][1]);
        duck_quote_text(sql, slice_of(path));
        buffer_append_char(sql, ')');
    }
    return true;
}

// ---- reading -----------------------------------------------------------------------------------

static bool read_failed(Catalog *catalog, const Relation *relation, const Error *err)
{
    catalog->failure = err->kind;
    return diagnose(catalog->diagnostics, relation->pos, NULL, NULL, "%s", err->message);
}

static bool constant_text(const Expr *expr, Slice *text)
{
    if (expr->kind != EXPR_STRING && expr->kind != EXPR_NUMBER && expr->kind != EXPR_TYPED) {
        return false;
    }
    *text = expr->text;
    return true;
}

// A snapshot for VERSION AS OF / TIMESTAMP AS OF; NULL when there is neither.
static bool past_snapshot(RelationReader *reader, const Relation *relation, DeltaTable *table,
                          DeltaSnapshot **snapshot)
{
    Catalog *catalog = reader->catalog;
    const Expr *expr = relation->version != NULL ? relation->version : relation->timestamp;
    Slice text;
    Error err;
    if (!constant_text(expr, &text)) {
        return diagnose(catalog->diagnostics, expr->pos, NULL, NULL,
                        "the version or time to read must be a constant");
    }
    const char *constant = arena_text(catalog->arena, text);
    if (relation->version != NULL) {
        char *end = NULL;
        long long version = strtoll(constant, &end, 10);
        if (end == constant || *end != '\0') {
            return diagnose(catalog->diagnostics, expr->pos, NULL, "for example VERSION AS OF 3",
                            "'%s' is no version of a table", constant);
        }
        return delta_snapshot_at_version(table, reader->conn, version, snapshot, &err) ||
               read_failed(catalog, relation, &err);
    }
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT epoch_us(CAST(");
    duck_quote_text(&sql, text);
    buffer_append_text(&sql, " AS TIMESTAMPTZ))");
    DuckRows *rows = NULL;
    bool ok = duck_query(reader->conn, buffer_text(&sql), &rows, &err);
    buffer_done(&sql);
    bool is_null = false;
    TimeUs time = ok ? duck_rows_int(rows, 0, &is_null) : 0;
    duck_rows_destroy(rows);
    return (ok && delta_snapshot_at_time(table, reader->conn, time, snapshot, &err)) ||
           read_failed(catalog, relation, &err);
}

static bool read_delta(RelationReader *reader, const Relation *relation, const char *path,
                       const Dataset *dataset, Buffer *sql)
{
    Catalog *catalog = reader->catalog;
    DeltaTable *table = relation_tables_open(reader->tables, path);
    bool exists = false;
    Error err;
    if (!delta_refresh(table, reader->conn, &exists, &err)) {
        return read_failed(catalog, relation, &err);
    }
    if (!exists) {
        if (dataset != NULL && dataset->resolved && relation->version == NULL &&
            relation->timestamp == NULL) {
            relation_print_empty(&dataset->schema, sql); // nothing has been written yet
            return true;
        }
        if (dataset != NULL && !dataset->resolved) {
            return diagnose(catalog->diagnostics, relation->pos, NULL, "see: tarn dry-run",
                            "'%s' is declared with problems and has no rows yet", dataset->name);
        }
        return relation_not_found(catalog, relation);
    }
    if (relation->version == NULL && relation->timestamp == NULL) {
        return delta_scan_sql(delta_snapshot(table), sql, &err) ||
               read_failed(catalog, relation, &err);
    }
    DeltaSnapshot *snapshot = NULL;
    if (!past_snapshot(reader, relation, table, &snapshot)) {
        return false;
    }
    bool ok = delta_scan_sql(snapshot, sql, &err) || read_failed(catalog, relation, &err);
    delta_snapshot_destroy(snapshot);
    return ok;
}

static bool read_function(RelationReader *reader, const Relation *relation, Buffer *sql)
{
    Catalog *catalog = reader->catalog;
    const SourceSpec *spec = catalog_source(catalog, relation);
    if (spec == NULL) {
        return false;
    }
    if ((spec->type->flags & SOURCE_BATCH) == 0) {
        return diagnose(catalog->diagnostics, relation->pos, NULL, "write STREAM before it",
                        "%s can only be read as a stream", spec->type->name);
    }
    SourceContext context = {
        .conn = reader->conn,
        .clock = catalog->clock,
        .project_root = relation_root(catalog, relation->pos),
        .unique = arena_printf(catalog->arena, "read_%u_%u_%d", relation->pos.source,
                               relation->pos.start, atomic_fetch_add(catalog->read_count, 1)),
        .arena = catalog->arena,
    };
    Source *source = NULL;
    Error err;
    if (!source_open(spec->type, spec->name, spec->config, relation->pos, &context, &source,
                     &err) ||
        !source_whole(source, sql, &err)) {
        source_close(source);
        return read_failed(catalog, relation, &err);
    }
    // The source must outlive the statement; it goes with the catalog.
    ARENA_PUSH(catalog->arena, catalog->open_sources, catalog->open_count, catalog->open_capacity,
               source);
    return true;
}

bool relation_read(void *context, const Relation *relation, Buffer *sql)
{
    RelationReader *reader = context;
    Catalog *catalog = reader->catalog;
    if (inspect_is(relation)) {
        return inspect_read(reader, relation, sql);
    }
    if (relation->kind == RELATION_FUNCTION) {
        return read_function(reader, relation, sql);
    }
    Dataset *dataset = catalog_find(catalog, &relation->name);
    if (dataset != NULL && dataset->kind == DATASET_SINK) {
        const char *rows = dataset->sink == &sink_memory
                               ? sink_memory_relation(catalog->arena, dataset->name)
                               : NULL;
        if (rows == NULL) {
            return diagnose(catalog->diagnostics, relation->pos, NULL, NULL,
                            "sink '%s' cannot be read", dataset->name);
        }
        char *probe = arena_printf(catalog->arena, "SELECT 1 FROM %s LIMIT 0", rows);
        Error err;
        if (duck_run(reader->conn, probe, &err)) {
            buffer_append_text(sql, rows);
        } else { // no batch since the start: a memory sink begins empty
            relation_print_empty(&dataset->schema, sql);
        }
        return true;
    }
    if (dataset != NULL) {
        return read_delta(reader, relation, dataset->table_path, dataset, sql);
    }
    bool is_file = false;
    if (!file_relation(catalog, relation, sql, &is_file)) {
        return false;
    }
    if (is_file) {
        return true;
    }
    const char *path = relation_table_path(catalog, &relation->name);
    return path == NULL ? relation_not_found(catalog, relation)
                        : read_delta(reader, relation, path, NULL, sql);
}

bool relation_declared(Catalog *catalog, const Relation *relation, Buffer *sql)
{
    if (relation->kind == RELATION_FUNCTION || relation->is_stream) {
        const SourceSpec *spec = catalog_source(catalog, relation);
        if (spec != NULL) {
            relation_print_empty(&spec->schema, sql);
        }
        return spec != NULL;
    }
    Dataset *dataset = catalog_find(catalog, &relation->name);
    if (dataset != NULL && dataset->kind == DATASET_SINK) {
        return diagnose(catalog->diagnostics, relation->pos, "UNSUPPORTED_FEATURE",
                        "write into a streaming table, and read that",
                        "sink '%s' cannot be read by another dataset", dataset->name);
    }
    if (dataset != NULL) {
        relation_print_empty(&dataset->schema, sql);
        return true;
    }
    RelationReader reader = {catalog, relation_tables_create(), catalog->conn};
    bool ok = relation_read(&reader, relation, sql);
    relation_tables_destroy(reader.tables);
    return ok;
}
