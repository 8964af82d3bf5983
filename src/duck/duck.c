// SPDX-License-Identifier: Apache-2.0
#include "duck/duck_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool set_config(duckdb_config config, const char *name, const char *value, Error *err)
{
    if (duckdb_set_config(config, name, value) != DuckDBSuccess) {
        return fail(err, ERROR_FAILED, "DuckDB refuses the setting %s = '%s'", name, value);
    }
    return true;
}

static bool configure(duckdb_config config, const DuckOptions *options, Error *err)
{
    // Nothing is ever downloaded, and nothing is read from or written to the user's home.
    static const char *const fixed[][2] = {
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"allow_persistent_secrets", "false"},
    };
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        if (!set_config(config, fixed[i][0], fixed[i][1], err)) {
            return false;
        }
    }
    char text[64];
    if (options->memory_limit_bytes > 0) {
        snprintf(text, sizeof text, "%" PRId64 "B", options->memory_limit_bytes);
        if (!set_config(config, "memory_limit", text, err)) {
            return false;
        }
    }
    if (options->threads > 0) {
        snprintf(text, sizeof text, "%d", options->threads);
        if (!set_config(config, "threads", text, err)) {
            return false;
        }
    }
    if (options->unordered && !set_config(config, "preserve_insertion_order", "false", err)) {
        return false;
    }
    const char *folder = options->temp_directory == NULL ? "" : options->temp_directory;
    return set_config(config, "temp_directory", folder, err);
}

bool duck_open(const DuckOptions *options, Duck **duck, Error *err)
{
    static const DuckOptions defaults = {0};
    const DuckOptions *wanted = options == NULL ? &defaults : options;
    duckdb_config config = NULL;
    char *message = NULL;
    bool ok = false;

    Duck *made = calloc(1, sizeof *made);
    if (made == NULL || duckdb_create_config(&config) != DuckDBSuccess) {
        fail(err, ERROR_RETRY, "out of memory");
        goto out;
    }
    pthread_mutex_init(&made->lock, NULL);
    made->functions = map_create(true);
    made->time_zone = strdup(wanted->time_zone == NULL ? "UTC" : wanted->time_zone);
    if (!configure(config, wanted, err)) {
        goto out;
    }
    if (duckdb_open_ext(NULL, &made->database, config, &message) != DuckDBSuccess) {
        problem_fail(message, err);
        fail_context(err, "open DuckDB");
        goto out;
    }
    if (duckdb_connect(made->database, &made->registrar) != DuckDBSuccess) {
        fail(err, ERROR_FAILED, "open DuckDB: no connection");
        goto out;
    }
    *duck = made;
    made = NULL;
    ok = true;

out:
    duckdb_free(message);
    duckdb_destroy_config(&config);
    duck_close(made);
    return ok;
}

void duck_close(Duck *duck)
{
    if (duck == NULL) {
        return;
    }
    assert(duck->connections == 0); // a Function must outlive the statements that call it
    duckdb_disconnect(&duck->registrar);
    duckdb_close(&duck->database);
    function_destroy_all(duck);
    map_destroy(duck->functions);
    if (duck->functions != NULL) {
        pthread_mutex_destroy(&duck->lock);
    }
    free(duck->time_zone);
    free(duck);
}

bool duck_connect(Duck *duck, DuckConn **conn, Error *err)
{
    DuckConn *made = calloc(1, sizeof *made);
    if (made == NULL || duckdb_connect(duck->database, &made->connection) != DuckDBSuccess) {
        free(made);
        return fail(err, ERROR_FAILED, "no connection to DuckDB");
    }
    made->duck = duck;
    atomic_fetch_add(&duck->connections, 1);
    Buffer sql = {0};
    buffer_append_text(&sql, "SET errors_as_json = true; "
                             "SET partitioned_write_flush_threshold = 65536; SET TimeZone = ");
    duck_quote_text(&sql, slice_of(duck->time_zone));
    bool ok = duck_run(made, buffer_text(&sql), err);
    buffer_done(&sql);
    if (!ok) {
        duck_disconnect(made);
        return fail_context(err, "time zone '%s'", duck->time_zone);
    }
    *conn = made;
    return true;
}

void duck_disconnect(DuckConn *conn)
{
    if (conn == NULL) {
        return;
    }
    duckdb_disconnect(&conn->connection);
    atomic_fetch_sub(&conn->duck->connections, 1);
    free(conn);
}

void duck_interrupt(DuckConn *conn)
{
    duckdb_interrupt(conn->connection);
}

const char *duck_version(void)
{
    return duckdb_library_version();
}

bool duck_run(DuckConn *conn, const char *sql, Error *err)
{
    duckdb_result result;
    bool ok = duckdb_query(conn->connection, sql, &result) == DuckDBSuccess;
    if (!ok) {
        problem_fail(duckdb_result_error(&result), err);
    }
    duckdb_destroy_result(&result);
    return ok;
}

// Rows of a SELECT are taken while it runs: a finished result would hold them a second time. Other
// statements (COPY) give few, and would keep this thread spinning for the first one.
static bool execute(duckdb_prepared_statement prepared, DuckRows **rows, Error *err)
{
    duckdb_result result;
    bool streams =
        rows != NULL && duckdb_prepared_statement_type(prepared) == DUCKDB_STATEMENT_TYPE_SELECT;
    duckdb_state state = streams ? duckdb_execute_prepared_streaming(prepared, &result)
                                 : duckdb_execute_prepared(prepared, &result);
    if (state != DuckDBSuccess) {
        problem_fail(duckdb_result_error(&result), err);
        duckdb_destroy_result(&result);
        return false;
    }
    if (rows != NULL) {
        return duck_rows_take(&result, rows, err);
    }
    duckdb_destroy_result(&result);
    return true;
}

// Runs the statements before the last one, whose rows are wanted.
static bool prepare_last(DuckConn *conn, const char *sql, duckdb_prepared_statement *last,
                         Error *err)
{
    duckdb_extracted_statements statements = NULL;
    bool ok = false;
    idx_t count = duckdb_extract_statements(conn->connection, sql, &statements);
    if (count == 0) {
        const char *text = duckdb_extract_statements_error(statements);
        problem_fail(text == NULL ? "the SQL has no statement" : text, err);
        goto out;
    }
    for (idx_t i = 0; i < count; i++) {
        duckdb_prepared_statement prepared = NULL;
        if (duckdb_prepare_extracted_statement(conn->connection, statements, i, &prepared) !=
            DuckDBSuccess) {
            problem_fail(duckdb_prepare_error(prepared), err);
            duckdb_destroy_prepare(&prepared);
            goto out;
        }
        if (i + 1 == count) {
            *last = prepared;
            break;
        }
        bool done = execute(prepared, NULL, err);
        duckdb_destroy_prepare(&prepared);
        if (!done) {
            goto out;
        }
    }
    ok = true;

out:
    duckdb_destroy_extracted(&statements);
    return ok;
}

bool duck_query(DuckConn *conn, const char *sql, DuckRows **rows, Error *err)
{
    duckdb_prepared_statement prepared = NULL;
    if (!prepare_last(conn, sql, &prepared, err)) {
        return false;
    }
    bool ok = execute(prepared, rows, err);
    duckdb_destroy_prepare(&prepared);
    return ok;
}

// ---- prepared statements -------------------------------------------------------------------

struct DuckStatement {
    duckdb_prepared_statement prepared;
    int refused; // index of a parameter that DuckDB did not take, 0: none
};

bool duck_prepare(DuckConn *conn, const char *sql, DuckStatement **statement, Error *err)
{
    duckdb_prepared_statement prepared = NULL;
    if (duckdb_prepare(conn->connection, sql, &prepared) != DuckDBSuccess) {
        problem_fail(duckdb_prepare_error(prepared), err);
        duckdb_destroy_prepare(&prepared);
        return false;
    }
    DuckStatement *made = calloc(1, sizeof *made);
    if (made == NULL) {
        duckdb_destroy_prepare(&prepared);
        return fail(err, ERROR_RETRY, "out of memory");
    }
    made->prepared = prepared;
    *statement = made;
    return true;
}

void duck_statement_destroy(DuckStatement *statement)
{
    if (statement == NULL) {
        return;
    }
    duckdb_destroy_prepare(&statement->prepared);
    free(statement);
}

static void note_bind(DuckStatement *statement, int index, duckdb_state state)
{
    if (state != DuckDBSuccess && statement->refused == 0) {
        statement->refused = index;
    }
}

void duck_bind_bigint(DuckStatement *statement, int index_from_1, int64_t value)
{
    note_bind(statement, index_from_1,
              duckdb_bind_int64(statement->prepared, (idx_t)index_from_1, value));
}

void duck_bind_text(DuckStatement *statement, int index_from_1, Slice value)
{
    const char *data = value.size == 0 ? "" : value.data;
    note_bind(
        statement, index_from_1,
        duckdb_bind_varchar_length(statement->prepared, (idx_t)index_from_1, data, value.size));
}

bool duck_execute(DuckStatement *statement, DuckRows **rows, Error *err)
{
    if (statement->refused != 0) {
        int index = statement->refused;
        statement->refused = 0;
        return fail(err, ERROR_FAILED, "the statement does not take parameter %d", index);
    }
    return execute(statement->prepared, rows, err);
}

// DuckDB's parser counts characters where its binder counts bytes.
static int byte_position(const char *sql, int characters)
{
    const char *at = sql;
    for (; *at != '\0' && characters > 0; characters--) {
        for (at++; ((unsigned char)*at & 0xc0) == 0x80;) {
            at++;
        }
    }
    return (int)(at - sql);
}

bool duck_describe(DuckConn *conn, const char *sql, Schema *schema, Arena *arena,
                   DuckProblem *problem, Error *err)
{
    duckdb_prepared_statement prepared = NULL;
    if (duckdb_prepare(conn->connection, sql, &prepared) != DuckDBSuccess) {
        const char *text = duckdb_prepare_error(prepared);
        if (problem != NULL) {
            problem_parse(text == NULL ? "" : text, problem, arena);
            if (problem->position > 0 && strcmp(problem->exception, "Parser") == 0) {
                problem->position = byte_position(sql, problem->position);
            }
        }
        problem_fail(text, err);
        duckdb_destroy_prepare(&prepared);
        return false;
    }
    Schema found = {0};
    idx_t count = duckdb_prepared_statement_column_count(prepared);
    for (idx_t i = 0; i < count; i++) {
        const char *name = duckdb_prepared_statement_column_name(prepared, i);
        duckdb_logical_type logical = duckdb_prepared_statement_column_logical_type(prepared, i);
        schema_add(arena, &found, name, duck_type_from_logical(arena, logical), true);
        duckdb_destroy_logical_type(&logical);
        duckdb_free((void *)name);
    }
    duckdb_destroy_prepare(&prepared);
    *schema = found;
    return true;
}

// ---- quoting -------------------------------------------------------------------------------

static void quote(Buffer *out, Slice text, char mark)
{
    buffer_append_char(out, mark);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == mark) {
            buffer_append_char(out, mark);
        }
        buffer_append_char(out, text.data[i]);
    }
    buffer_append_char(out, mark);
}

void duck_quote_name(Buffer *out, Slice name)
{
    quote(out, name, '"');
}

void duck_quote_text(Buffer *out, Slice text)
{
    quote(out, text, '\'');
}

void duck_quote_path(Buffer *out, Slice path)
{
    Buffer escaped = {0};
    for (size_t i = 0; i < path.size; i++) {
        char c = path.data[i];
        if (c == '*' || c == '?' || c == '[') {
            buffer_append_char(&escaped, '[');
            buffer_append_char(&escaped, c);
            buffer_append_char(&escaped, ']');
        } else {
            buffer_append_char(&escaped, c);
        }
    }
    quote(out, buffer_slice(&escaped), '\'');
    buffer_done(&escaped);
}
