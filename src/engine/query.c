// Ad-hoc SQL over a project's tables, or over files without a project. See engine.h.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/log.h"
#include "connector/registry.h"
#include "engine/engine.h"
#include "engine/explain.h"
#include "engine/query.h"
#include "sql/format.h"
#include "stream/rewrite.h"

typedef struct Asking {
    Catalog *catalog;
    Tables *tables;
    DuckConn *conn;
    const char *format;
    const char *output;
    Clock *clock;
} Asking;

static bool print_rows(const Asking *asking, const DuckRows *rows, Buffer *out, Error *err)
{
    if (strcmp(asking->format, "table") == 0) {
        format_show(rows, (ShowOptions){.max_rows = -1, .truncate = 0}, out);
    } else if (strcmp(asking->format, "csv") == 0) {
        format_csv(rows, out);
    } else if (strcmp(asking->format, "json") == 0) {
        format_json_array(rows, out);
    } else if (strcmp(asking->format, "jsonl") == 0) {
        format_jsonl(rows, out);
    } else if (strcmp(asking->format, "markdown") == 0) {
        format_markdown(rows, out);
    } else {
        return fail(err, ERROR_INPUT, "no format '%s': table, csv, json, jsonl or markdown%s",
                    asking->format,
                    strcmp(asking->format, "parquet") == 0 ? "; parquet needs -o" : "");
    }
    return true;
}

static bool write_file(const Asking *asking, Slice text, Error *err)
{
    FILE *file = fopen(asking->output, "we");
    bool ok = file != NULL && fwrite(text.data, 1, text.size, file) == text.size;
    ok = (file == NULL || fclose(file) == 0) && ok;
    return ok || fail_errno(err, "cannot write %s", asking->output);
}

static bool copy_parquet(const Asking *asking, const char *sql, Error *err)
{
    Buffer copy = {0};
    buffer_printf(&copy, "COPY (%s) TO ", sql);
    duck_quote_text(&copy, slice_of(asking->output));
    buffer_append_text(&copy, " (FORMAT parquet, COMPRESSION snappy)");
    bool ok = duck_run(asking->conn, buffer_text(&copy), err);
    buffer_done(&copy);
    return ok;
}

static bool show(const Asking *asking, const char *sql, Error *err)
{
    if (strcmp(asking->format, "parquet") == 0 && asking->output != NULL) {
        return copy_parquet(asking, sql, err);
    }
    DuckRows *rows = NULL;
    Buffer out = {0};
    bool ok = duck_query(asking->conn, sql, &rows, err) && print_rows(asking, rows, &out, err);
    if (ok && asking->output != NULL) {
        ok = write_file(asking, buffer_slice(&out), err);
    } else if (ok) {
        fwrite(out.data, 1, out.size, stdout);
    }
    buffer_done(&out);
    duck_rows_destroy(rows);
    return ok;
}

bool query_print(RelationReader *reader, const Query *query, TimeUs now, Buffer *sql)
{
    Catalog *catalog = reader->catalog;
    SourceMap map = {0};
    PrintOptions options = {
        .relation = relation_read,
        .context = reader,
        .now_sql = arena_printf(catalog->arena, "make_timestamptz(%lld)", (long long)now),
    };
    Query *inlined = catalog_inline(catalog, query);
    Schema schema = {0};
    if (inlined == NULL || (!sql_print_query(rewrite_as_batch(catalog->arena, inlined), &options,
                                             catalog->diagnostics, sql, &map, catalog->arena) &&
                            !map.has_gaps)) {
        return false;
    }
    if (sql_bind(reader->conn, buffer_text(sql), &map, query->pos, catalog->diagnostics, &schema,
                 catalog->arena)) {
        return true;
    }
    // A damaged data file shows when it is bound; it decides the exit code.
    Error err;
    DuckProblem problem;
    if (!duck_describe(reader->conn, buffer_text(sql), &schema, catalog->arena, &problem, &err) &&
        err.kind == ERROR_CORRUPT) {
        catalog->failure = err.kind;
    }
    return false;
}

// False after a problem (in the catalog's Diagnostics) or an error (err filled).
static bool ask_query(const Asking *asking, const Query *query, bool *is_problem, Error *err)
{
    Buffer sql = {0};
    RelationReader reader = {asking->catalog, asking->tables, asking->conn};
    *is_problem = !query_print(&reader, query, clock_now(asking->clock), &sql);
    bool ok = !*is_problem && show(asking, buffer_text(&sql), err);
    buffer_done(&sql);
    return ok;
}

static bool ask_show_tables(const Asking *asking, Error *err)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT * FROM (VALUES ('', '', false)");
    const Catalog *catalog = asking->catalog;
    for (size_t i = 0; i < catalog->order.count; i++) {
        const Dataset *dataset = catalog->order.items[i];
        if (dataset->kind == DATASET_SINK) {
            continue;
        }
        bool is_view = dataset->kind == DATASET_TEMPORARY_VIEW;
        Slice key = slice_of(dataset->key);
        const char *dot = strchr(dataset->key, '.');
        Slice database = {key.data, (size_t)(dot - key.data)};
        buffer_append_text(&sql, ", (");
        duck_quote_text(&sql, is_view ? (Slice){0} : database);
        buffer_append_text(&sql, ", ");
        duck_quote_text(&sql, slice_of(dot + 1));
        buffer_append_text(&sql, is_view ? ", true)" : ", false)");
    }
    buffer_append_text(&sql, ") t(\"namespace\", \"tableName\", \"isTemporary\") "
                             "WHERE \"tableName\" <> '' ORDER BY ALL");
    bool ok = show(asking, buffer_text(&sql), err);
    buffer_done(&sql);
    return ok;
}

static bool ask_describe(const Asking *asking, const Statement *statement, bool *is_problem,
                         Error *err)
{
    Arena *arena = asking->catalog->arena;
    Query *query = ARENA_NEW(arena, Query);
    Select *select = ARENA_NEW(arena, Select);
    query->pos = statement->pos;
    query->select = select;
    select->pos = statement->pos;
    select->items = ARENA_NEW(arena, SelectItem);
    select->items[0].expr = ast_expr(arena, EXPR_STAR, statement->pos);
    select->item_count = 1;
    select->from = ast_relation(arena, RELATION_TABLE, statement->name.pos);
    select->from->name = statement->name;
    Schema schema = {0};
    *is_problem = !catalog_bind(asking->catalog, query, &schema);
    if (*is_problem) {
        return false;
    }
    Buffer sql = {0};
    Buffer type = {0};
    buffer_append_text(&sql, "SELECT * FROM (VALUES ");
    for (size_t i = 0; i < schema.count; i++) {
        buffer_reset(&type);
        type_print(schema.columns[i].type, &type);
        buffer_append_text(&sql, i == 0 ? "(" : ", (");
        duck_quote_text(&sql, slice_of(schema.columns[i].name));
        buffer_append_text(&sql, ", ");
        duck_quote_text(&sql, buffer_slice(&type));
        buffer_append_text(&sql, ", NULL)");
    }
    buffer_append_text(&sql, ") t(col_name, data_type, comment)");
    bool ok = show(asking, buffer_text(&sql), err);
    buffer_done(&type);
    buffer_done(&sql);
    return ok;
}

static bool ask_explain(const Asking *asking, const Statement *statement, bool *is_problem,
                        Error *err)
{
    Buffer text = {0};
    bool ok = explain_statement(asking->catalog, statement, &text, is_problem, err);
    if (ok && asking->output != NULL) {
        ok = write_file(asking, buffer_slice(&text), err);
    } else if (ok) {
        fputs(buffer_text(&text), stdout);
    }
    buffer_done(&text);
    return ok;
}

static bool ask_statement(const Asking *asking, const Statement *statement, bool *is_problem,
                          Error *err)
{
    *is_problem = false;
    switch (statement->kind) {
    case STATEMENT_QUERY:
        return ask_query(asking, statement->query, is_problem, err);
    case STATEMENT_SHOW_TABLES:
        return ask_show_tables(asking, err);
    case STATEMENT_DESCRIBE:
        return ask_describe(asking, statement, is_problem, err);
    case STATEMENT_EXPLAIN_STREAMING:
        return ask_explain(asking, statement, is_problem, err);
    default:
        *is_problem = true;
        return diagnose(asking->catalog->diagnostics, statement->pos, "UNSUPPORTED_FEATURE", NULL,
                        "%s is not supported by tarn query in this version",
                        statement->text.size > 0
                            ? arena_text(asking->catalog->arena, statement->text)
                            : "this statement");
    }
}

static int report_problems(const Catalog *catalog)
{
    Buffer text = {0};
    diagnostics_print(catalog->diagnostics, &text);
    fputs(buffer_text(&text), stderr);
    buffer_done(&text);
    return catalog->failure == ERROR_NONE ? 2 : error_exit_code(catalog->failure);
}

// Between the results of two statements: a line that no row can be, where the format has one. A
// table begins with its own line, an array of JSON says where it ends.
static void begin_result(const Asking *asking, size_t index)
{
    bool is_parted = strcmp(asking->format, "csv") == 0 || strcmp(asking->format, "jsonl") == 0 ||
                     strcmp(asking->format, "markdown") == 0;
    if (index > 0 && is_parted) {
        fputc('\n', stdout);
    }
}

static int ask_all(Asking *asking, const char *name, Slice sql)
{
    Catalog *catalog = asking->catalog;
    if (catalog->project != NULL) {
        // Problems of the project's own files are told by dry-run; what can be read, is.
        catalog_add_files(catalog);
        catalog_resolve(catalog);
        catalog->diagnostics->count = 0;
    }
    uint32_t source = sql_sources_add(catalog->diagnostics->sources, name, sql);
    catalog->has_here = true;
    catalog->here = source;
    StatementList statements = {0};
    const SqlVariables *variables =
        catalog->project == NULL ? NULL : project_variables(catalog->project);
    if (!sql_parse(catalog->arena, catalog->diagnostics, source, variables, &statements)) {
        return report_problems(catalog);
    }
    if (asking->output != NULL && statements.count > 1) {
        diagnose(catalog->diagnostics, statements.items[1]->pos, NULL,
                 "ask them one by one, each with its own file",
                 "-o FILE takes the rows of one statement, this is the second");
        return report_problems(catalog);
    }
    for (size_t i = 0; i < statements.count; i++) {
        Error err = {0};
        bool is_problem = false;
        begin_result(asking, i);
        if (ask_statement(asking, statements.items[i], &is_problem, &err)) {
            continue;
        }
        if (is_problem) {
            return report_problems(catalog);
        }
        log_error("%s", err.message);
        return error_exit_code(err.kind);
    }
    return 0;
}

static bool open_asking(Project *project, Arena *arena, Duck *duck, Asking *asking, Error *err)
{
    Diagnostics *diagnostics = project != NULL
                                   ? project_diagnostics(project)
                                   : diagnostics_create(arena, sql_sources_create(arena));
    return duck_connect(duck, &asking->conn, err) && sql_prelude(asking->conn, err) &&
           catalog_create(project, arena, diagnostics, duck, asking->clock, &asking->catalog, err);
}

int engine_query(Project *project, const char *name, Slice sql, const char *format,
                 const char *output)
{
    Error err;
    Arena *arena = arena_create(0);
    Asking asking = {.format = format, .output = output, .clock = clock_system()};
    DuckOptions options = {0};
    if (project != NULL) {
        options.memory_limit_bytes = project_bytes(project, "tarn.memory.limit");
        options.time_zone = project_text(project, "spark.sql.session.timeZone");
    }
    Duck *duck = NULL;
    int code;
    asking.tables = relation_tables_create();
    if (!duck_open(&options, &duck, &err) ||
        !open_asking(project, project != NULL ? project_arena(project) : arena, duck, &asking,
                     &err)) {
        log_error("%s", err.message);
        code = error_exit_code(err.kind);
    } else {
        code = ask_all(&asking, name, sql);
    }
    relation_tables_destroy(asking.tables);
    duck_disconnect(asking.conn);
    catalog_destroy(asking.catalog);
    duck_close(duck);
    arena_destroy(arena);
    return code;
}
