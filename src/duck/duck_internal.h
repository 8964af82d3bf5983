// duck_internal.h -- what the files of src/duck share; nobody else includes it.
//
//     duck.c      instance, connections, statements     duck_type.c  Type <-> logical type
//     rows.c      results, reading and writing columns (column.h)  problem.c    DuckDB's error
//     texts function.c  scalar functions, the registry        scan.c       table functions
//     row_codec.c rows as bytes                         decode*      text records to vectors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#pragma GCC diagnostic push // DuckDB's header declares functions without parameters as f()
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <duckdb.h>
#pragma GCC diagnostic pop
// Exported by the library, but not yet declared by the header that npm has. The checked form turns
// text that is not UTF-8 into NULL without a word.
void duckdb_unsafe_vector_assign_string_element_len(duckdb_vector vector, idx_t index,
                                                    const char *text, idx_t size);
#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "duck/duck.h"

typedef struct Function Function;

struct Duck {
    duckdb_database database;
    char *time_zone;
    atomic_int connections;
    // Functions are registered through a connection of their own: a rollback on the caller's
    // would silently take the catalog entry back. The lock guards everything below.
    pthread_mutex_t lock;
    duckdb_connection registrar;
    Map *functions; // name -> Function, the current one
    Function *all;  // every Function ever made; they live as long as the instance
};

struct DuckConn {
    Duck *duck;
    duckdb_connection connection;
};

// ---- duck_type.c ---------------------------------------------------------------------------

const Type *duck_type_from_logical(Arena *arena, duckdb_logical_type logical);
// The caller destroys it. NULL when DuckDB cannot make the type (an unknown OTHER).
duckdb_logical_type duck_type_to_logical(const Type *type);
// How many bytes a value has in a vector's data; 0 for STRUCT (data is in the children).
size_t duck_type_width(const Type *type);

// ---- rows.c --------------------------------------------------------------------------------

// Takes the result over, also on failure (then it is destroyed).
MUST_USE bool duck_rows_take(duckdb_result *result, DuckRows **rows, Error *err);
duckdb_data_chunk duck_rows_chunk(const DuckRows *rows, size_t chunk);
DuckColumn duck_column_of(duckdb_vector vector, const Type *type);
// duck_set_text for bytes that are known to be UTF-8 (or BINARY).
void duck_set_bytes(DuckColumn *column, uint64_t row, Slice value);

// ---- function.c ----------------------------------------------------------------------------

void function_destroy_all(Duck *duck);
// The message of a callback's error with its kind packed in, so that problem.c finds it again.
void function_pack_error(const Error *err, Buffer *out);

// ---- scan.c --------------------------------------------------------------------------------

typedef struct ScanSpec {
    DuckTable table;       // name and schema unused
    DuckRows *const *rows; // not NULL: gives these back, `table` is unused
} ScanSpec;

typedef enum FunctionKind {
    FUNCTION_SCALAR,
    FUNCTION_TABLE,
} FunctionKind;

// A registered name. DuckDB cannot drop functions, so a Function is retired and later given a new
// meaning (I3 in README.md); `generation` tells old statements apart.
struct Function {
    Function *next;
    FunctionKind kind;
    Arena *arena; // name; of the current generation: schema and types
    char *name;
    Duck *duck;
    atomic_bool retired;
    atomic_int generation;
    Schema schema; // of the arguments, or of the table
    DuckScalar scalar;
    ScanSpec scan;
};

MUST_USE bool scan_create_function(Function *function, duckdb_connection connection, Error *err);

// ---- problem.c -----------------------------------------------------------------------------

// Fills err from what DuckDB says (JSON as of errors_as_json, or plain). Returns false.
bool problem_fail(const char *text, Error *err);
// The same, in data; every text is in the arena.
void problem_parse(const char *text, DuckProblem *problem, Arena *arena);
// Marks a callback's message: the kind follows as one letter, then the message itself.
enum { PROBLEM_MARK = 0x1d };
