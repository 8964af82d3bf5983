// duck.h -- DuckDB behind tarn's words. The only folder that includes duckdb.h is this one.
//
//     Duck *duck;                     // one in-memory database instance per process (or test)
//     duck_open(&options, &duck, err)
//     DuckConn *conn;                 // one connection belongs to one thread at a time
//     duck_connect(duck, &conn, err)
//     duck_run(conn, sql, err) / duck_query(conn, sql, &rows, err) / duck_describe(...)
//     duck_disconnect(conn); duck_close(duck);
//
// Every connection has TimeZone = UTC unless the options say otherwise. SQL given here is DuckDB's,
// written by sql/print.h or by tarn itself, never pasted from a user.
//
// Errors: a query that fails at run time because of the data (overflow, bad cast, division by
// zero, error('...')) is ERROR_INPUT with DuckDB's message; out of memory and full disk are
// ERROR_RETRY; interrupts and internal errors are ERROR_FAILED.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/type.h"
#include "duck/column.h"

typedef struct Duck Duck;
typedef struct DuckConn DuckConn;

typedef struct DuckOptions {
    int64_t memory_limit_bytes; // 0: DuckDB's default
    int threads;                // 0: all cores
    const char *temp_directory; // spill files; NULL: no spilling
    const char *time_zone;      // NULL: UTC
    bool unordered; // rows may come in any order where SQL gives none: COPY uses all cores
} DuckOptions;

MUST_USE bool duck_open(const DuckOptions *options, Duck **duck, Error *err);
void duck_close(Duck *duck);
MUST_USE bool duck_connect(Duck *duck, DuckConn **conn, Error *err);
void duck_disconnect(DuckConn *conn);
void duck_interrupt(DuckConn *conn); // from any thread: the running statement fails soon
const char *duck_version(void);

MUST_USE bool duck_run(DuckConn *conn, const char *sql, Error *err);
// Runs to the end and keeps all result chunks (DuckRows owns them).
MUST_USE bool duck_query(DuckConn *conn, const char *sql, DuckRows **rows, Error *err);

// A statement prepared once and run many times (plan kept by DuckDB). Parameters are by position.
typedef struct DuckStatement DuckStatement;
MUST_USE bool duck_prepare(DuckConn *conn, const char *sql, DuckStatement **statement, Error *err);
void duck_statement_destroy(DuckStatement *statement);
void duck_bind_bigint(DuckStatement *statement, int index_from_1, int64_t value);
void duck_bind_text(DuckStatement *statement, int index_from_1, Slice value);
MUST_USE bool duck_execute(DuckStatement *statement, DuckRows **rows,
                           Error *err); // rows may be NULL

// What DuckDB's binder says is wrong with a statement, in data: `position` is a byte offset into
// the SQL (-1: unknown), `subtype` e.g. COLUMN_NOT_FOUND, NO_MATCHING_FUNCTION, MISSING_ENTRY.
typedef struct DuckProblem {
    int position;
    const char *exception; // Binder, Catalog, Parser, Conversion, ...
    const char *subtype;
    const char *name;
    const char *candidates;
    const char *call; // "+(DATE, STRUCT)" where a function did not match
    const char *message;
} DuckProblem;

// Binds a query without running it. On failure *problem (texts in arena) says where; err has the
// plain message. Column types come back in Spark's words.
MUST_USE bool duck_describe(DuckConn *conn, const char *sql, Schema *schema, Arena *arena,
                            DuckProblem *problem, Error *err);

// ---- functions -----------------------------------------------------------------------------
// Registered functions live as long as the Duck; names are unique in it (tarn adds flow numbers).
// `context` must outlive every statement that uses the function; use duck_function_retire (below)
// before it goes away.

// Fills result rows [0, row_count) from the arguments; may run on several threads at once.
// On error: fill err, return false; the statement fails with that message.
typedef bool (*DuckScalarFn)(void *context, const DuckColumn *arguments, size_t argument_count,
                             uint64_t row_count, DuckColumn *result, Error *err);
typedef struct DuckScalar {
    const char *name;
    const Schema *arguments; // names unused
    bool variadic;           // any further arguments, of any type
    const Type *result;
    bool is_volatile; // not folded, not moved, called for every row
    bool sees_null;   // false: a NULL argument gives NULL without a call
    DuckScalarFn function;
    void *context;
} DuckScalar;
MUST_USE bool duck_register_scalar(DuckConn *conn, const DuckScalar *scalar, Error *err);

// A table function without arguments: name() scans whatever `context` holds when the statement
// starts, asking only for the columns used (projection pushdown).
typedef struct DuckScanState DuckScanState; // the callee's, one per statement
typedef struct DuckTable {
    const char *name;
    const Schema *schema;
    // Start of a scan: columns[i] is the schema index of output column i. Returns private state.
    // *max_threads says on how many threads next() may run at once (default 1).
    void *(*open)(void *context, const size_t *columns, size_t column_count, int *max_threads,
                  Error *err);         // NULL + err on failure
    void *(*open_thread)(void *state); // private per thread; may be NULL
    // Fills up to `capacity` rows; returns their number, 0 at the end, -1 with err on failure.
    int64_t (*next)(void *state, void *thread, DuckColumn *columns, uint64_t capacity, Error *err);
    void (*close_thread)(void *thread);
    void (*close)(void *state);
    void *context;
} DuckTable;
MUST_USE bool duck_register_table(DuckConn *conn, const DuckTable *table, Error *err);

// A table function that gives back the chunks of `*rows` (whatever it points to when the statement
// starts; NULL: no rows) without copying. The rows must outlive the statement.
MUST_USE bool duck_register_rows(DuckConn *conn, const char *name, const Schema *schema,
                                 DuckRows *const *rows, Error *err);
// Ends a function's use of its context: statements that still call it fail. The name may then be
// registered again: a table with any columns, a scalar function with its former result or with
// other arguments. Unknown names are ignored.
void duck_function_retire(DuckConn *conn, const char *name);

// "name" quoted for DuckDB, and a text literal with quotes doubled.
void duck_quote_name(Buffer *out, Slice name);
void duck_quote_text(Buffer *out, Slice text);
// A path for read_parquet and friends: glob characters are escaped as [*], [?], [[].
void duck_quote_path(Buffer *out, Slice path);
