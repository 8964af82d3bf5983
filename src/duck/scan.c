// SPDX-License-Identifier: Apache-2.0
#include "duck/duck_internal.h"

#include <stdlib.h>

enum { CHUNKS_PER_THREAD = 16 };

// One statement's scan. DuckDB drops the global and the per-thread states in no promised order, so
// the last of them to go closes the scan.
typedef struct Scan {
    atomic_int references;
    Function *function;
    DuckTable table;
    void *state;
    const DuckRows *rows;      // scan of rows: what it gives back
    _Atomic size_t next_chunk; // scan of rows
    size_t column_count;       // asked for
    size_t *columns;           // schema index of each
    size_t *outputs;           // where each goes in the output chunk
    const Type **types;
} Scan;

typedef struct ScanThread {
    Scan *scan; // NULL before the first call
    void *thread;
    DuckColumn *columns;
} ScanThread;

typedef struct ScanBind {
    int generation;
} ScanBind;

static void bind_error(duckdb_bind_info info, const Error *err)
{
    Buffer text = {0};
    function_pack_error(err, &text);
    duckdb_bind_set_error(info, buffer_text(&text));
    buffer_done(&text);
}

static void init_error(duckdb_init_info info, const Error *err)
{
    Buffer text = {0};
    function_pack_error(err, &text);
    duckdb_init_set_error(info, buffer_text(&text));
    buffer_done(&text);
}

static void next_error(duckdb_function_info info, const Error *err)
{
    Buffer text = {0};
    function_pack_error(err, &text);
    duckdb_function_set_error(info, buffer_text(&text));
    buffer_done(&text);
}

static void scan_bind(duckdb_bind_info info)
{
    Function *function = duckdb_bind_get_extra_info(info);
    Error err;
    ScanBind *bind = calloc(1, sizeof *bind);
    if (bind == NULL) {
        fail(&err, ERROR_RETRY, "out of memory");
        bind_error(info, &err);
        return;
    }
    pthread_mutex_lock(&function->duck->lock);
    bool retired = atomic_load(&function->retired);
    bind->generation = atomic_load(&function->generation);
    Schema schema = function->schema;
    DuckRows *const *rows = function->scan.rows;
    pthread_mutex_unlock(&function->duck->lock);

    duckdb_bind_set_bind_data(info, bind, free);
    if (retired) {
        fail(&err, ERROR_FAILED, "table '%s' is no longer there", function->name);
        bind_error(info, &err);
        return;
    }
    for (size_t i = 0; i < schema.count; i++) {
        duckdb_logical_type logical = duck_type_to_logical(schema.columns[i].type);
        duckdb_bind_add_result_column(info, schema.columns[i].name, logical);
        duckdb_destroy_logical_type(&logical);
    }
    if (rows != NULL && *rows != NULL) {
        duckdb_bind_set_cardinality(info, duck_rows_count(*rows), true);
    }
}

static void scan_release(Scan *scan)
{
    if (atomic_fetch_sub(&scan->references, 1) != 1) {
        return;
    }
    if (scan->state != NULL && scan->table.close != NULL) {
        scan->table.close(scan->state);
    }
    free(scan->columns);
    free(scan->outputs);
    free(scan->types);
    free(scan);
}

static void scan_global_done(void *data)
{
    scan_release(data);
}

static void scan_thread_done(void *data)
{
    ScanThread *thread = data;
    if (thread->scan != NULL) {
        if (thread->thread != NULL && thread->scan->table.close_thread != NULL) {
            thread->scan->table.close_thread(thread->thread);
        }
        scan_release(thread->scan);
    }
    free(thread->columns);
    free(thread);
}

// Which columns the statement wants. count(*) asks for one that is none of ours (the row id); its
// slot in the output is left alone.
static bool scan_project(Scan *scan, duckdb_init_info info, const Schema *schema, Error *err)
{
    idx_t count = duckdb_init_get_column_count(info);
    scan->columns = calloc(count + 1, sizeof *scan->columns);
    scan->outputs = calloc(count + 1, sizeof *scan->outputs);
    scan->types = calloc(count + 1, sizeof *scan->types);
    if (scan->columns == NULL || scan->outputs == NULL || scan->types == NULL) {
        return fail(err, ERROR_RETRY, "out of memory");
    }
    for (idx_t i = 0; i < count; i++) {
        idx_t column = duckdb_init_get_column_index(info, i);
        if (column < schema->count) {
            scan->columns[scan->column_count] = column;
            scan->outputs[scan->column_count] = i;
            scan->types[scan->column_count] = schema->columns[column].type;
            scan->column_count++;
        }
    }
    return true;
}

static bool scan_start(Scan *scan, const ScanBind *bind, duckdb_init_info info, Error *err)
{
    Function *function = scan->function;
    pthread_mutex_lock(&function->duck->lock);
    bool gone =
        atomic_load(&function->retired) || atomic_load(&function->generation) != bind->generation;
    Schema schema = function->schema;
    ScanSpec spec = function->scan;
    pthread_mutex_unlock(&function->duck->lock);
    if (gone) {
        return fail(err, ERROR_FAILED, "table '%s' is no longer there", function->name);
    }
    if (!scan_project(scan, info, &schema, err)) {
        return false;
    }
    int max_threads = 1;
    if (spec.rows != NULL) {
        scan->rows = *spec.rows;
        if (scan->rows != NULL) {
            if (!schema_equal(duck_rows_schema(scan->rows), &schema)) {
                return fail(err, ERROR_FAILED, "table '%s' is given rows of other columns",
                            function->name);
            }
            max_threads = (int)(duck_rows_chunk_count(scan->rows) / CHUNKS_PER_THREAD) + 1;
        }
    } else {
        scan->table = spec.table;
        err->kind = ERROR_NONE;
        scan->state = spec.table.open(spec.table.context, scan->columns, scan->column_count,
                                      &max_threads, err);
        if (scan->state == NULL) {
            return err->kind != ERROR_NONE
                       ? false
                       : fail(err, ERROR_FAILED, "table '%s' cannot be read", function->name);
        }
    }
    duckdb_init_set_max_threads(info, (idx_t)(max_threads < 1 ? 1 : max_threads));
    return true;
}

static void scan_init(duckdb_init_info info)
{
    Error err;
    Scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        fail(&err, ERROR_RETRY, "out of memory");
        init_error(info, &err);
        return;
    }
    scan->references = 1;
    scan->function = duckdb_init_get_extra_info(info);
    if (!scan_start(scan, duckdb_init_get_bind_data(info), info, &err)) {
        scan_release(scan);
        init_error(info, &err);
        return;
    }
    atomic_fetch_add(&scan->references, 0); // hands the scan over: see scan_function
    duckdb_init_set_init_data(info, scan, scan_global_done);
}

static void scan_init_thread(duckdb_init_info info)
{
    ScanThread *thread = calloc(1, sizeof *thread);
    if (thread == NULL) {
        Error err;
        fail(&err, ERROR_RETRY, "out of memory");
        init_error(info, &err);
        return;
    }
    duckdb_init_set_init_data(info, thread, scan_thread_done);
}

// The first call on a thread: the per-thread init of DuckDB cannot see the scan's state yet.
static bool scan_attach(ScanThread *thread, Scan *scan, Error *err)
{
    thread->columns = calloc(scan->column_count + 1, sizeof *thread->columns);
    if (thread->columns == NULL) {
        return fail(err, ERROR_RETRY, "out of memory");
    }
    atomic_fetch_add(&scan->references, 1);
    thread->scan = scan;
    if (scan->state != NULL && scan->table.open_thread != NULL) {
        thread->thread = scan->table.open_thread(scan->state);
    }
    return true;
}

static int64_t scan_next(Scan *scan, ScanThread *thread, duckdb_data_chunk output, Error *err)
{
    if (thread->scan == NULL && !scan_attach(thread, scan, err)) {
        return -1;
    }
    for (size_t i = 0; i < scan->column_count; i++) {
        thread->columns[i] =
            duck_column_of(duckdb_data_chunk_get_vector(output, scan->outputs[i]), scan->types[i]);
    }
    err->kind = ERROR_NONE;
    int64_t count =
        scan->table.next(scan->state, thread->thread, thread->columns, duckdb_vector_size(), err);
    if (count < 0 && err->kind == ERROR_NONE) {
        fail(err, ERROR_FAILED, "table '%s' cannot be read", scan->function->name);
    }
    return count;
}

// Hands out the next chunk by sharing its vectors' buffers.
static int64_t scan_next_rows(Scan *scan, duckdb_data_chunk output)
{
    if (scan->rows == NULL) {
        return 0;
    }
    size_t at = atomic_fetch_add(&scan->next_chunk, 1);
    if (at >= duck_rows_chunk_count(scan->rows)) {
        return 0;
    }
    duckdb_data_chunk chunk = duck_rows_chunk(scan->rows, at);
    for (size_t i = 0; i < scan->column_count; i++) {
        duckdb_vector_reference_vector(duckdb_data_chunk_get_vector(output, scan->outputs[i]),
                                       duckdb_data_chunk_get_vector(chunk, scan->columns[i]));
    }
    return (int64_t)duck_rows_chunk_size(scan->rows, at);
}

static void scan_function(duckdb_function_info info, duckdb_data_chunk output)
{
    Scan *scan = duckdb_function_get_init_data(info);
    ScanThread *thread = duckdb_function_get_local_init_data(info);
    Error err;
    // DuckDB orders init before this; its own atomics are not seen by ThreadSanitizer, this one is.
    (void)atomic_load(&scan->references);
    int64_t count = scan->function->scan.rows != NULL ? scan_next_rows(scan, output)
                                                      : scan_next(scan, thread, output, &err);
    if (count < 0) {
        next_error(info, &err);
        count = 0;
    }
    duckdb_data_chunk_set_size(output, (idx_t)count);
}

bool scan_create_function(Function *function, duckdb_connection connection, Error *err)
{
    duckdb_table_function made = duckdb_create_table_function();
    duckdb_table_function_set_name(made, function->name);
    duckdb_table_function_set_extra_info(made, function, NULL);
    duckdb_table_function_set_bind(made, scan_bind);
    duckdb_table_function_set_init(made, scan_init);
    duckdb_table_function_set_local_init(made, scan_init_thread);
    duckdb_table_function_set_function(made, scan_function);
    duckdb_table_function_supports_projection_pushdown(made, true);
    bool ok = duckdb_register_table_function(connection, made) == DuckDBSuccess;
    duckdb_destroy_table_function(&made);
    if (!ok) {
        return fail(err, ERROR_FAILED, "DuckDB refuses the table function '%s'", function->name);
    }
    return true;
}
