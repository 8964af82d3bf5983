// function.h -- Spark's functions as data: how each is written in DuckDB SQL.
//
// A template is DuckDB SQL with marks:
//     $1 .. $9   an argument as it is; a letter after it converts where the type is not evident:
//                s string  d double  l bigint  i int  D date  T timestamp  x binary
//                t string, binary refused  e the entries of a map  n number: a string is DOUBLE
//     $*  $2*    all arguments (from the 2nd), with commas; a letter may follow as well
//     $D         "DISTINCT " when the call has it
//     $W         FILTER (...) and OVER (...) of an aggregate or window function
//     $O         ORDER BY of WITHIN GROUP
//     $N         " IGNORE NULLS" when the call has it
//     ?          "_any" when an argument has no type yet (print_opaque.c)
// What a template cannot say is a function in print_call.c (PrintHook).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/map.h"
#include "sql/ast.h"

typedef enum FunctionKind {
    FUNCTION_SCALAR,
    FUNCTION_AGGREGATE,
    FUNCTION_WINDOW,
    FUNCTION_GENERATOR,
} FunctionKind;

typedef enum PrintHook {
    HOOK_NONE, // .sql is the template
    HOOK_ARRAY,
    HOOK_ARRAYS_ZIP,
    HOOK_CAST, // int(x), string(x) ...: .sql is the type
    HOOK_COALESCE,
    HOOK_CONCAT,
    HOOK_COUNT,
    HOOK_DATE_ADD_UNIT, // dateadd(HOUR, n, ts)
    HOOK_DECODE,
    HOOK_DIVIDE,
    HOOK_EXTRACT,
    HOOK_FROM_JSON,
    HOOK_GENERATOR,
    HOOK_GROUPING_ID,
    HOOK_HIGHER_ORDER,
    HOOK_IF,
    HOOK_MAP,
    HOOK_MODE,
    HOOK_NAMED_STRUCT,
    HOOK_NOW,
    HOOK_NULLS_FLAG, // first(x[, ignoreNulls])
    HOOK_PERCENTILE,
    HOOK_REGEXP_REPLACE,
    HOOK_SESSION, // session_window(ts, gap)
    HOOK_STRUCT,
    HOOK_WINDOW,
} PrintHook;

// What a call surely yields; KIND_UNKNOWN when it depends on the arguments' types.
typedef enum ValueKind {
    KIND_UNKNOWN,
    KIND_NULL,
    KIND_BOOLEAN,
    KIND_INT,
    KIND_BIGINT,
    KIND_DOUBLE,
    KIND_DECIMAL,
    KIND_STRING,
    KIND_BINARY,
    KIND_DATE,
    KIND_TIMESTAMP,
    KIND_NTZ,
    KIND_INTERVAL,
    KIND_ARRAY,
    KIND_MAP,
    KIND_STRUCT,
} ValueKind;

enum { ANY_COUNT = 127 };

typedef struct Function {
    const char *name; // lower case
    FunctionKind kind;
    ValueKind result;
    signed char least;
    signed char most;
    PrintHook hook;
    const char *sql;      // template, or a hook's parameter
    const char *shown;    // the name Spark shows where it is not the lower-case one
    const char *defaults; // shown for arguments left out, from the last one: "|2147483647"
} Function;

typedef struct FunctionGroup {
    const Function *functions;
    size_t count;
} FunctionGroup;

extern const FunctionGroup function_aggregates; // and window functions
extern const FunctionGroup function_strings;
extern const FunctionGroup function_numbers;
extern const FunctionGroup function_times;
extern const FunctionGroup function_collections; // with generators and lambdas
extern const FunctionGroup function_others;

// The entry for this name that takes so many arguments; else any entry of that name; else NULL.
const Function *function_find(Slice name, size_t argument_count);
bool function_takes(const Function *function, size_t argument_count);
// A function of Spark that this version does not have.
bool function_is_missing(Slice name);
// "did you mean 'x'?" or NULL.
const char *function_nearest(Arena *arena, Slice name);
