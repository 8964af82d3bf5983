// SPDX-License-Identifier: Apache-2.0
#include "duck/duck_internal.h"

#include <stdlib.h>

enum { FEW_ARGUMENTS = 16 };

// ---- errors of callbacks -------------------------------------------------------------------

// DuckDB turns a callback's error into text and throws it; the kind travels inside that text.
void function_pack_error(const Error *err, Buffer *out)
{
    ErrorKind kind = err->kind == ERROR_NONE ? ERROR_FAILED : err->kind;
    buffer_append_char(out, PROBLEM_MARK);
    buffer_append_char(out, (char)('a' + (int)kind));
    Slice message =
        slice_of(err->kind == ERROR_NONE ? "a callback failed without a message" : err->message);
    if (duck_text_is_valid(message)) {
        buffer_append(out, message);
        return;
    }
    for (size_t i = 0; i < message.size; i++) { // DuckDB's JSON writer takes only UTF-8
        buffer_append_char(out, (unsigned char)message.data[i] < 0x80 ? message.data[i] : '?');
    }
}

// ---- scalar calls --------------------------------------------------------------------------

// Types that differ from call to call (variadic) are asked of the vectors: to ask for them while
// binding, DuckDB copies the argument, which it cannot do with a subquery.
static const Type *type_of_vector(duckdb_vector vector, Arena **arena)
{
    duckdb_logical_type logical = duckdb_vector_get_column_type(vector);
    switch (duckdb_get_type_id(logical)) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        break; // the usual ones need no memory
    default:
        *arena = *arena == NULL ? arena_create(0) : *arena;
        break;
    }
    const Type *type = duck_type_from_logical(*arena, logical);
    duckdb_destroy_logical_type(&logical);
    return type;
}

// One call on one chunk.
typedef struct Call {
    const DuckScalar *scalar;
    const DuckColumn *arguments;
    size_t argument_count;
    uint64_t row_count;
} Call;

static bool call_directly(const Call *call, DuckColumn *result, Error *err)
{
    err->kind = ERROR_NONE;
    err->message[0] = '\0';
    return call->scalar->function(call->scalar->context, call->arguments, call->argument_count,
                                  call->row_count, result, err);
}

static bool row_has_null(const Call *call, uint64_t row)
{
    for (size_t i = 0; i < call->argument_count; i++) {
        if (duck_is_null(&call->arguments[i], row)) {
            return true;
        }
    }
    return false;
}

static bool call_has_null(const Call *call)
{
    bool possible = false;
    for (size_t i = 0; i < call->argument_count; i++) {
        possible |=
            call->arguments[i].validity != NULL || call->arguments[i].type->kind == TYPE_VOID;
    }
    for (uint64_t row = 0; possible && row < call->row_count; row++) {
        if (row_has_null(call, row)) {
            return true;
        }
    }
    return false;
}

// A new column with the rows of `column` that `rows` names.
static DuckColumn select_rows(const DuckColumn *column, duckdb_selection_vector rows,
                              uint64_t count)
{
    duckdb_logical_type logical = duckdb_vector_get_column_type(column->vector);
    duckdb_vector copy = duckdb_create_vector(logical, count);
    duckdb_destroy_logical_type(&logical);
    duckdb_vector_copy_sel(column->vector, copy, rows, count, 0, 0);
    return duck_column_of(copy, column->type);
}

// Calls the function for the rows `kept` and copies their results to where `back` wants them.
static bool call_selected(const Call *call, duckdb_selection_vector kept, uint64_t count,
                          duckdb_selection_vector back, DuckColumn *result, Error *err)
{
    DuckColumn *dense = calloc(call->argument_count + 1, sizeof *dense);
    if (dense == NULL) {
        return fail(err, ERROR_RETRY, "out of memory");
    }
    for (size_t i = 0; i < call->argument_count; i++) {
        dense[i] = select_rows(&call->arguments[i], kept, count);
    }
    duckdb_logical_type logical = duckdb_vector_get_column_type(result->vector);
    duckdb_vector output = duckdb_create_vector(logical, count);
    duckdb_destroy_logical_type(&logical);

    DuckColumn dense_result = duck_column_of(output, result->type);
    Call inner = {call->scalar, dense, call->argument_count, count};
    bool ok = call_directly(&inner, &dense_result, err);
    if (ok) {
        duckdb_vector_copy_sel(output, result->vector, back, call->row_count, 0, 0);
        *result = duck_column_of(result->vector, result->type);
    }
    duckdb_destroy_vector(&output);
    for (size_t i = 0; i < call->argument_count; i++) {
        duckdb_destroy_vector((duckdb_vector *)&dense[i].vector);
    }
    free(dense);
    return ok;
}

// Rows with a NULL argument are NULL, and the function never sees them.
static bool call_without_nulls(const Call *call, DuckColumn *result, Error *err)
{
    duckdb_selection_vector kept = duckdb_create_selection_vector(call->row_count);
    duckdb_selection_vector back = duckdb_create_selection_vector(call->row_count);
    uint32_t *kept_rows = duckdb_selection_vector_get_data_ptr(kept);
    uint32_t *back_rows = duckdb_selection_vector_get_data_ptr(back);
    uint32_t count = 0;
    for (uint64_t row = 0; row < call->row_count; row++) {
        bool null = row_has_null(call, row);
        back_rows[row] = null ? 0 : count;
        if (!null) {
            kept_rows[count++] = (uint32_t)row;
        }
    }
    bool ok = count == 0 || call_selected(call, kept, count, back, result, err);
    for (uint64_t row = 0; ok && row < call->row_count; row++) {
        if (row_has_null(call, row)) {
            duck_set_null(result, row);
        }
    }
    duckdb_destroy_selection_vector(kept);
    duckdb_destroy_selection_vector(back);
    return ok;
}

static bool run_scalar(Function *function, duckdb_data_chunk input, duckdb_vector output,
                       Error *err)
{
    if (atomic_load(&function->retired)) {
        return fail(err, ERROR_FAILED, "function '%s' is no longer there", function->name);
    }
    Arena *arena = NULL;
    DuckColumn few[FEW_ARGUMENTS];
    DuckColumn *arguments = few;
    size_t count = duckdb_data_chunk_get_column_count(input);
    if (function->schema.count == 0 && !function->scalar.variadic) {
        count = 0;
    }
    if (count > FEW_ARGUMENTS) {
        arguments = malloc(count * sizeof *arguments);
        if (arguments == NULL) {
            return fail(err, ERROR_RETRY, "out of memory");
        }
    }
    for (size_t i = 0; i < count; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(input, i);
        const Type *type = function->scalar.variadic ? type_of_vector(vector, &arena)
                                                     : function->schema.columns[i].type;
        arguments[i] = duck_column_of(vector, type);
    }
    Call call = {&function->scalar, arguments, count, duckdb_data_chunk_get_size(input)};
    DuckColumn result = duck_column_of(output, function->scalar.result);
    bool ok = !function->scalar.sees_null && call_has_null(&call)
                  ? call_without_nulls(&call, &result, err)
                  : call_directly(&call, &result, err);
    if (arguments != few) {
        free(arguments);
    }
    arena_destroy(arena);
    return ok;
}

static void scalar_function(duckdb_function_info info, duckdb_data_chunk input,
                            duckdb_vector output)
{
    Function *function = duckdb_scalar_function_get_extra_info(info);
    Error err;
    if (!run_scalar(function, input, output, &err)) {
        Buffer text = {0};
        function_pack_error(&err, &text);
        duckdb_scalar_function_set_error(info, buffer_text(&text));
        buffer_done(&text);
    }
}

static bool add_arguments(duckdb_scalar_function made, const Schema *schema, const char *name,
                          Error *err)
{
    for (size_t i = 0; i < schema->count; i++) {
        duckdb_logical_type logical = duck_type_to_logical(schema->columns[i].type);
        if (logical == NULL) {
            return fail(err, ERROR_FAILED, "function '%s': argument %zu has no DuckDB type", name,
                        i + 1);
        }
        duckdb_scalar_function_add_parameter(made, logical);
        duckdb_destroy_logical_type(&logical);
    }
    return true;
}

static bool create_scalar(Function *function, duckdb_connection connection, Error *err)
{
    const DuckScalar *scalar = &function->scalar;
    duckdb_scalar_function made = duckdb_create_scalar_function();
    duckdb_logical_type result = duck_type_to_logical(scalar->result);
    bool ok = false;
    if (result == NULL) {
        fail(err, ERROR_FAILED, "function '%s': its result has no DuckDB type", function->name);
        goto out;
    }
    duckdb_scalar_function_set_name(made, function->name);
    duckdb_scalar_function_set_return_type(made, result);
    if (!add_arguments(made, &function->schema, function->name, err)) {
        goto out;
    }
    if (scalar->variadic) {
        duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY);
        duckdb_scalar_function_set_varargs(made, any);
        duckdb_destroy_logical_type(&any);
    }
    if (scalar->is_volatile) {
        duckdb_scalar_function_set_volatile(made);
    }
    if (scalar->sees_null) {
        duckdb_scalar_function_set_special_handling(made);
    }
    duckdb_scalar_function_set_extra_info(made, function, NULL);
    duckdb_scalar_function_set_function(made, scalar_function);
    ok = duckdb_register_scalar_function(connection, made) == DuckDBSuccess;
    if (!ok) {
        fail(err, ERROR_FAILED, "DuckDB refuses the function '%s'", function->name);
    }

out:
    if (result != NULL) {
        duckdb_destroy_logical_type(&result);
    }
    duckdb_destroy_scalar_function(&made);
    return ok;
}

// ---- registry ------------------------------------------------------------------------------

static Function *function_create(Duck *duck, FunctionKind kind, const char *name)
{
    Function *function = calloc(1, sizeof *function);
    if (function == NULL) {
        return NULL;
    }
    function->kind = kind;
    function->duck = duck;
    function->arena = arena_create(0);
    function->name = arena_text(function->arena, slice_of(name));
    function->next = duck->all;
    duck->all = function;
    return function;
}

void function_destroy_all(Duck *duck)
{
    for (Function *function = duck->all; function != NULL;) {
        Function *next = function->next;
        arena_destroy(function->arena);
        free(function);
        function = next;
    }
    duck->all = NULL;
}

static bool same_arguments(const Function *function, const DuckScalar *scalar)
{
    Schema none = {0};
    const Schema *arguments = scalar->arguments == NULL ? &none : scalar->arguments;
    if (function->schema.count != arguments->count ||
        function->scalar.variadic != scalar->variadic) {
        return false;
    }
    for (size_t i = 0; i < arguments->count; i++) {
        if (!type_equal(function->schema.columns[i].type, arguments->columns[i].type)) {
            return false;
        }
    }
    return true;
}

// The retired function of this name that DuckDB would confuse with the new one.
static Function *find_overload(Duck *duck, const DuckScalar *scalar)
{
    for (Function *function = duck->all; function != NULL; function = function->next) {
        if (function->kind == FUNCTION_SCALAR && atomic_load(&function->retired) &&
            text_equal_nocase(function->name, scalar->name) && same_arguments(function, scalar)) {
            return function;
        }
    }
    return NULL;
}

// Result and behaviour are fixed in DuckDB's catalog.
static bool same_result(const DuckScalar *old, const DuckScalar *scalar)
{
    return type_equal(old->result, scalar->result) && old->is_volatile == scalar->is_volatile &&
           old->sees_null == scalar->sees_null;
}

// Finds what may be given a new meaning under this name; *reused is NULL when there is nothing.
static bool find_retired(Duck *duck, FunctionKind kind, const char *name, Function **reused,
                         Error *err)
{
    Function *old = map_find(duck->functions, slice_of(name));
    *reused = NULL;
    if (old == NULL) {
        return true;
    }
    if (!atomic_load(&old->retired)) {
        return fail(err, ERROR_FAILED, "function '%s' is registered already", name);
    }
    if (old->kind != kind) {
        return fail(err, ERROR_FAILED, "function '%s' was registered as another kind", name);
    }
    *reused = old;
    return true;
}

static void fill_scalar(Function *function, const DuckScalar *scalar)
{
    if (scalar->arguments != NULL) {
        function->schema = schema_copy(function->arena, scalar->arguments);
    }
    function->scalar = *scalar;
    function->scalar.name = function->name;
    function->scalar.arguments = &function->schema;
    function->scalar.result = type_copy(function->arena, scalar->result);
}

static bool register_scalar(Duck *duck, const DuckScalar *scalar, Error *err)
{
    Function *function;
    if (!find_retired(duck, FUNCTION_SCALAR, scalar->name, &function, err)) {
        return false;
    }
    // Other arguments make an overload; the retired ones stay, for statements prepared before.
    function = find_overload(duck, scalar);
    if (function != NULL) {
        if (!same_result(&function->scalar, scalar)) {
            return fail(err, ERROR_FAILED,
                        "function '%s' was registered with the same arguments and another result",
                        scalar->name);
        }
        function->scalar.function = scalar->function;
        function->scalar.context = scalar->context;
        atomic_store(&function->retired, false);
        map_put(duck->functions, slice_of(function->name), function);
        return true;
    }
    function = function_create(duck, FUNCTION_SCALAR, scalar->name);
    if (function == NULL) {
        return fail(err, ERROR_RETRY, "out of memory");
    }
    fill_scalar(function, scalar);
    if (!create_scalar(function, duck->registrar, err)) {
        return false; // not retired, so that nobody takes it for an entry of DuckDB's
    }
    map_put(duck->functions, slice_of(function->name), function);
    return true;
}

bool duck_register_scalar(DuckConn *conn, const DuckScalar *scalar, Error *err)
{
    pthread_mutex_lock(&conn->duck->lock);
    bool ok = register_scalar(conn->duck, scalar, err);
    pthread_mutex_unlock(&conn->duck->lock);
    return ok;
}

static bool register_scan(Duck *duck, const char *name, const Schema *schema, const ScanSpec *scan,
                          Error *err)
{
    Function *function;
    if (!find_retired(duck, FUNCTION_TABLE, name, &function, err)) {
        return false;
    }
    bool is_new = function == NULL;
    if (is_new) {
        function = function_create(duck, FUNCTION_TABLE, name);
        if (function == NULL) {
            return fail(err, ERROR_RETRY, "out of memory");
        }
    }
    for (size_t i = 0; i < schema->count; i++) {
        duckdb_logical_type logical = duck_type_to_logical(schema->columns[i].type);
        if (logical == NULL) {
            return fail(err, ERROR_FAILED, "table '%s': column '%s' has no DuckDB type", name,
                        schema->columns[i].name);
        }
        duckdb_destroy_logical_type(&logical);
    }
    // Old schemas stay in the arena: a statement bound before may still look at one.
    function->schema = schema_copy(function->arena, schema);
    function->scan = *scan;
    atomic_fetch_add(&function->generation, 1);
    if (is_new) {
        if (!scan_create_function(function, duck->registrar, err)) {
            return false;
        }
        map_put(duck->functions, slice_of(function->name), function);
    }
    atomic_store(&function->retired, false);
    return true;
}

bool duck_register_table(DuckConn *conn, const DuckTable *table, Error *err)
{
    ScanSpec scan = {.table = *table};
    pthread_mutex_lock(&conn->duck->lock);
    bool ok = register_scan(conn->duck, table->name, table->schema, &scan, err);
    pthread_mutex_unlock(&conn->duck->lock);
    return ok;
}

bool duck_register_rows(DuckConn *conn, const char *name, const Schema *schema,
                        DuckRows *const *rows, Error *err)
{
    ScanSpec scan = {.rows = rows};
    pthread_mutex_lock(&conn->duck->lock);
    bool ok = register_scan(conn->duck, name, schema, &scan, err);
    pthread_mutex_unlock(&conn->duck->lock);
    return ok;
}

void duck_function_retire(DuckConn *conn, const char *name)
{
    pthread_mutex_lock(&conn->duck->lock);
    Function *function = map_find(conn->duck->functions, slice_of(name));
    if (function != NULL) {
        atomic_store(&function->retired, true);
    }
    pthread_mutex_unlock(&conn->duck->lock);
}
