// ast.h -- Spark SQL as a tree. Every node knows where it stands in the user's file.
//
// Nodes live in the parser's arena and are shared freely; whoever rewrites a tree (stream/plan.c
// splits a query at its stateful operators) builds new nodes and never changes old ones, unless it
// made them. Names keep the user's spelling; comparisons ignore ASCII case.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/type.h"

typedef struct Pos {
    uint32_t source; // index into SqlSources (sql/diagnostic.h)
    uint32_t start;  // byte offset
    uint32_t end;    // exclusive
} Pos;

typedef struct Expr Expr;
typedef struct Query Query;
typedef struct Relation Relation;

typedef struct ExprList {
    Expr **items;
    size_t count;
    size_t capacity;
} ExprList;

typedef struct Name { // a.b.c
    Slice parts[4];
    size_t count;
    Pos pos;
} Name;

typedef struct SortItem {
    Expr *expr;
    bool descending;
    int nulls; // -1 first, 1 last, 0 Spark's default (first when ascending, last when descending)
} SortItem;

typedef struct SortList {
    SortItem *items;
    size_t count;
    size_t capacity;
} SortList;

typedef enum FrameBound {
    FRAME_UNBOUNDED_PRECEDING,
    FRAME_PRECEDING,
    FRAME_CURRENT,
    FRAME_FOLLOWING,
    FRAME_UNBOUNDED_FOLLOWING,
} FrameBound;

typedef struct WindowSpec {
    Slice name; // OVER w, or the name in WINDOW w AS (...)
    ExprList partition_by;
    SortList order_by;
    bool has_frame;
    bool frame_is_rows; // else RANGE
    FrameBound start;
    Expr *start_offset;
    FrameBound end;
    Expr *end_offset;
} WindowSpec;

typedef struct NamedArgument { // f(name => value)
    Slice name;
    Expr *value;
    Pos pos;
} NamedArgument;

typedef struct NamedArguments {
    NamedArgument *items;
    size_t count;
    size_t capacity;
} NamedArguments;

typedef enum ExprKind {
    EXPR_NULL,
    EXPR_BOOLEAN,   // .integer 0 or 1
    // .text as written, suffix and all (1L, 2.5, 1e3, 1.5BD, 3S, 4Y, 1.0F, 2D); a sign directly
    // before it belongs to it, as in Spark: "-1"
    EXPR_NUMBER,
    EXPR_STRING,    // .text unescaped
    EXPR_BINARY_LITERAL, // X'1F': .text the hex digits
    // DATE '...', TIMESTAMP, TIMESTAMP_NTZ, TIMESTAMP_LTZ, TIME (TYPE_OTHER "TIME"): .type, .text
    EXPR_TYPED,
    // INTERVAL 3 MINUTES, INTERVAL '1' DAY, INTERVAL '1-2' YEAR TO MONTH, '2 minutes 3 seconds';
    // .text is Spark's range in its type: "DAY", "DAY TO SECOND", "YEAR TO MONTH"
    EXPR_INTERVAL,
    EXPR_COLUMN,    // .name: a, t.a, t.a.field
    EXPR_STAR,      // *, t.*, * EXCEPT (a, b)
    // .text the function's name as written (db.f with its dot); arguments, DISTINCT, FILTER, OVER.
    // Keyword forms are calls too, with the arguments of the plain form:
    //     SUBSTRING(x FROM a FOR b) = substring(x, a, b)   POSITION(a IN b) = position(a, b)
    //     OVERLAY(x PLACING y FROM a FOR b) = overlay(x, y, a, b)
    //     TRIM([BOTH | LEADING | TRAILING] c FROM x) = trim | ltrim | rtrim (c, x)
    //     x COLLATE c = collate(x, 'c')   a >>> b = shiftrightunsigned(a, b)
    //     struct(1 AS q, b) = named_struct('q', 1, 'b', b)   CURRENT_DATE = current_date()
    // The unit of timestampdiff(MONTH, a, b) and its kind is a COLUMN named as the unit.
    EXPR_CALL,
    EXPR_UNARY,     // .op NOT, -, +, ~
    EXPR_BINARY,    // .op
    EXPR_BETWEEN,   // arguments: value, low, high; .negated
    EXPR_IN,        // arguments: value, items...; or .query; .negated
    EXPR_LIKE,      // .op LIKE ILIKE RLIKE; arguments: value, pattern[, escape]; .negated
    EXPR_IS,        // .op IS_NULL IS_TRUE IS_FALSE IS_UNKNOWN IS_DISTINCT; .negated
    EXPR_CASE,      // .operand?; arguments: when, then, when, then ...; .otherwise?
    EXPR_CAST,      // arguments[0], .type; .is_try for TRY_CAST; .is_colon for a::t
    EXPR_EXTRACT,   // .text the field; arguments[0]
    EXPR_FIELD,     // arguments[0] . .text (after an expression: f(x).a, (e).a)
    EXPR_INDEX,     // arguments[0] [ arguments[1] ]
    EXPR_SUBQUERY,  // .query scalar
    EXPR_EXISTS,    // .query; .negated
    EXPR_LAMBDA,    // .parameters -> arguments[0]
    EXPR_ROW,       // (a, b); with aliases it is named_struct(...)
    EXPR_PARAMETER, // :name (.text the name) or ? (.text empty)
    EXPR_RAW,       // .text is DuckDB SQL, written by tarn itself, printed as it is in parentheses
} ExprKind;

typedef enum Op {
    OP_NONE,
    OP_OR,
    OP_AND,
    OP_NOT,
    OP_EQ,
    OP_NULL_SAFE_EQ, // <=>
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,     // /
    OP_INT_DIV, // DIV
    OP_MOD,
    OP_CONCAT, // ||
    OP_BIT_AND,
    OP_BIT_OR,
    OP_BIT_XOR,
    OP_BIT_NOT,
    OP_SHIFT_LEFT,
    OP_SHIFT_RIGHT,
    OP_NEGATE,
    OP_PLUS,
    OP_LIKE,
    OP_ILIKE,
    OP_RLIKE,
    OP_IS_NULL,
    OP_IS_TRUE,
    OP_IS_FALSE,
    OP_IS_UNKNOWN,
    OP_IS_DISTINCT, // IS DISTINCT FROM
} Op;

struct Expr {
    ExprKind kind;
    Pos pos;
    Op op;
    Slice text;
    Name name;
    int64_t integer;
    const Type *type;
    ExprList arguments;
    bool negated;
    bool is_try;
    bool is_colon;
    // CALL
    bool distinct;
    NamedArguments named;
    Expr *filter;
    SortList within_group; // and ORDER BY inside the call
    WindowSpec *over;
    bool ignore_nulls;
    // CASE
    Expr *operand;
    Expr *otherwise;
    // STAR
    Name qualifier;
    Slice *except;
    size_t except_count;
    // INTERVAL: sum of these (months and days keep their calendar meaning)
    int64_t months;
    int64_t days;
    TimeUs micros;
    bool interval_is_constant; // false: arguments[0] unit .text (INTERVAL expr DAYS)
    // LAMBDA
    Slice *parameters;
    size_t parameter_count;
    Query *query;
};

typedef struct SelectItem {
    Expr *expr;
    Slice alias;   // empty: none
    Slice *aliases; // AS (a, b) of a generator
    size_t alias_count;
    Pos pos;
} SelectItem;

typedef enum JoinKind {
    JOIN_INNER, // without .on, .using and .natural: every pair
    JOIN_LEFT,
    JOIN_RIGHT,
    JOIN_FULL,
    JOIN_SEMI,
    JOIN_ANTI,
    JOIN_CROSS,
} JoinKind;

typedef enum RelationKind {
    // .name, with .version or .timestamp; delta.`path` has name parts {delta, path};
    // WITH ('k' = 'v') after the name is in .named
    RELATION_TABLE,
    RELATION_FUNCTION, // read_files(...), range(...), .text the name; .arguments, .named
    RELATION_QUERY,    // (SELECT ...)
    RELATION_VALUES,   // VALUES (..), (..): .rows
    RELATION_JOIN,     // .left .join .right .on .using .natural .lateral
    // .left LATERAL VIEW [OUTER] .text(.arguments, .named) .alias AS .column_aliases
    RELATION_LATERAL_VIEW,
    RELATION_RAW,      // .text is DuckDB SQL of a relation, written by tarn itself
} RelationKind;

typedef struct Watermark { // WATERMARK expr [AS alias] DELAY OF interval
    Expr *column;
    Slice alias;
    Expr *delay;
    Pos pos;
    Name late_data_into; // LATE DATA INTO t; count 0: none
} Watermark;

typedef struct DropDuplicates { // DROP DUPLICATES [WITHIN WATERMARK] [ON (k, ...)]
    bool within_watermark;
    Name *keys;
    size_t key_count; // 0: all columns
    Pos pos;
} DropDuplicates;

struct Relation {
    RelationKind kind;
    Pos pos;
    bool is_stream; // FROM STREAM t, STREAM(t)
    Name name;
    Slice text;
    ExprList arguments;
    NamedArguments named;
    Expr *version;   // VERSION AS OF, t@v3
    Expr *timestamp; // TIMESTAMP AS OF
    Query *query;
    ExprList *rows;
    size_t row_count;
    // JOIN
    Relation *left;
    Relation *right;
    JoinKind join;
    Expr *on;
    Slice *using_columns;
    size_t using_count;
    bool natural;
    bool lateral;
    bool outer; // LATERAL VIEW OUTER
    // after the relation, in this order
    Watermark *watermark;
    DropDuplicates *drop_duplicates;
    Slice alias;
    Slice *column_aliases;
    size_t column_alias_count;
};

typedef enum GroupingKind {
    GROUPING_PLAIN,
    GROUPING_ALL, // GROUP BY ALL
    GROUPING_ROLLUP,
    GROUPING_CUBE,
    GROUPING_SETS,
} GroupingKind;

typedef struct Select {
    Pos pos;
    bool distinct;
    SelectItem *items;
    size_t item_count;
    size_t item_capacity;
    Relation *from; // NULL: none
    Expr *where;
    GroupingKind grouping;
    ExprList group_by; // also with GROUPING_SETS: every distinct expression of the sets, in order
    ExprList *sets;    // GROUPING SETS; mixed forms (a, ROLLUP (b)) are expanded to these
    size_t set_count;
    Expr *having;
    WindowSpec **windows; // WINDOW w AS (...)
    size_t window_count;
    Expr *qualify;
} Select;

typedef enum SetOp {
    SET_UNION_ALL,
    SET_UNION,
    SET_INTERSECT,
    SET_INTERSECT_ALL,
    SET_EXCEPT,
    SET_EXCEPT_ALL,
} SetOp;

typedef struct Cte {
    Slice name;
    Slice *columns;
    size_t column_count;
    Query *query;
    Pos pos;
} Cte;

struct Query {
    Pos pos;
    Cte *ctes;
    size_t cte_count;
    Select *select;     // or left/right
    Query *left;
    Query *right;
    SetOp set_op;
    Relation *values;   // VALUES as a whole query
    SortList order_by; // ORDER BY ALL is one COLUMN named ALL; SORT BY and CLUSTER BY are here too
    Expr *limit;       // NULL: none, or LIMIT ALL
    Expr *offset;
};

// ---- statements ----------------------------------------------------------------------------

typedef struct Property { // 'key' = 'value' of TBLPROPERTIES; key 'value' of OPTIONS
    Slice key;
    Slice value;
    Pos pos;
    Pos value_pos;
} Property;

typedef struct Properties {
    Property *items;
    size_t count;
    size_t capacity;
} Properties;

typedef enum Violation {
    VIOLATION_KEEP,
    VIOLATION_DROP_ROW,
    VIOLATION_FAIL_UPDATE,
    VIOLATION_QUARANTINE,
} Violation;

typedef struct Expectation {
    Slice name;
    Expr *condition;
    Violation violation;
    Pos pos;
} Expectation;

typedef struct ColumnDefinition {
    Slice name;
    const Type *type; // NULL: not given
    bool not_null;
    Slice comment;
    Pos pos;
} ColumnDefinition;

typedef enum StatementKind {
    STATEMENT_QUERY,
    STATEMENT_CREATE_STREAMING_TABLE,
    STATEMENT_CREATE_MATERIALIZED_VIEW,
    STATEMENT_CREATE_TEMPORARY_VIEW,
    STATEMENT_CREATE_SINK,
    STATEMENT_CREATE_FLOW,   // AS INSERT INTO target [BY NAME] query
    STATEMENT_EXPLAIN_STREAMING,
    STATEMENT_SHOW_TABLES,
    STATEMENT_DESCRIBE, // DESCRIBE [TABLE] [EXTENDED] t
    STATEMENT_UNSUPPORTED, // recognised but not executed by this version: .text names it
} StatementKind;

typedef struct Statement {
    StatementKind kind;
    Pos pos;
    Name name; // of the dataset, sink or flow
    Name target; // CREATE FLOW: INSERT INTO target
    bool if_not_exists;
    bool or_refresh;
    ColumnDefinition *columns;
    size_t column_count;
    Expectation *expectations;
    size_t expectation_count;
    Slice *partitioned_by;
    size_t partition_count;
    Slice comment;
    Properties properties; // TBLPROPERTIES
    Properties options;    // OPTIONS (...) of a sink or streaming table
    Slice using_format;    // CREATE SINK s USING kafka
    Slice schedule_every;  // SCHEDULE EVERY 1 DAY -> "1 DAY"
    Slice schedule_cron;
    Slice schedule_zone;
    Query *query; // NULL: a streaming table that flows feed
    bool by_name;
    Slice text;   // UNSUPPORTED: what it is, e.g. "MERGE INTO"
    bool extended;
} Statement;

typedef struct StatementList {
    Statement **items;
    size_t count;
    size_t capacity;
} StatementList;

Expr *ast_expr(Arena *arena, ExprKind kind, Pos pos);
Expr *ast_raw(Arena *arena, Pos pos, const char *duck_sql);
Relation *ast_relation(Arena *arena, RelationKind kind, Pos pos);
// True when some path from the root passes more than `limit` nodes: whoever walks a tree that the
// parser let through (limit SQL_MAX_HEIGHT) may recurse.
enum { SQL_MAX_HEIGHT = 1000 };
bool ast_expr_is_deeper(const Expr *expr, int limit);
bool ast_query_is_deeper(const Query *query, int limit);
