// SPDX-License-Identifier: Apache-2.0
#include "stream/aggregate.h"

#include <string.h>

#include "sql/parser.h"
#include "sql/print.h"
#include "stream/rewrite.h"

// ---- templates ---------------------------------------------------------------------------------

// The cast brings decimals and integers back to the partial's type; too large is an error.
#define EITHER_SIDE(both)                                                                          \
    "CASE WHEN $o IS NULL THEN $p WHEN $p IS NULL THEN $o ELSE CAST(" both " AS %P) END"
#define ADD       EITHER_SIDE("$o + $p")
#define SUM_OF    "CAST(sum($p) AS %P)"
#define LEAST     "least($o, $p)" // DuckDB's ignores NULLs
#define GREATEST  "greatest($o, $p)"
#define EITHER_OF "coalesce($o, $p)"
#define LAST_OF   "coalesce($p, $o)"
#define COUNT                                                                                      \
    {                                                                                              \
        NULL, ADD, SUM_OF                                                                          \
    }
#define COUNTED "coalesce($0, 0)"
#define ALL                                                                                        \
    {                                                                                              \
        "bool_and(:a)", "(coalesce($o, $p) AND coalesce($p, $o))", "bool_and($p)"                  \
    }
#define ANY                                                                                        \
    {                                                                                              \
        "bool_or(:a)", "(coalesce($o, $p) OR coalesce($p, $o))", "bool_or($p)"                     \
    }

// Exact: DuckDB would divide decimals as DOUBLE.
#define AVERAGE_OF_DECIMALS "CAST(spark_average($0, $1, '\"%T\"') AS %T)"
#define AVERAGE                                                                                    \
    {                                                                                              \
        {"sum(:x)", ADD, SUM_OF},                                                                  \
        {"count(:a)", ADD, SUM_OF},                                                                \
    },                                                                                             \
        2, "CASE WHEN $1 > 0 THEN CAST($0 / $1 AS %T) END", AVERAGE_OF_DECIMALS

// Once a sum is too large it stays NULL: it has rows, but no value.
#define TRIED_SUM                                                                                  \
    "CASE WHEN coalesce($p0, 0) = 0 THEN $o WHEN coalesce($o0, 0) = 0 THEN $p "                    \
    "ELSE TRY(CAST($o + $p AS %P)) END"

// A value that may be NULL is wrapped, so that NULL means no row.
#define WRAPPED      "named_struct('v', :a)"
#define FIRST_OF_ALL {{"first(" WRAPPED ")", EITHER_OF, "any_value($p)"}}, 1, "($0).v"
#define LAST_OF_ALL                                                                                \
    {{"last(" WRAPPED ")", LAST_OF, "last($p) FILTER ($p IS NOT NULL)"}}, 1, "($0).v"
#define FIRST_VALUE {{NULL, EITHER_OF, "any_value($p)"}}, 1, "$0"
#define LAST_VALUE  {{NULL, LAST_OF, "last($p) FILTER ($p IS NOT NULL)"}}, 1, "$0"

#define EXTREME(by, aggregate, than, merge, gather)                                                \
    {                                                                                              \
        {by "(" WRAPPED ", :b)",                                                                   \
         "CASE WHEN $p1 IS NULL THEN $o WHEN $o1 IS NULL OR $p1 " than " $o1 THEN $p ELSE $o END", \
         gather "($p, $p1)"},                                                                      \
        {aggregate "(:b)", merge, aggregate "($p)"},                                               \
    },                                                                                             \
        2, "($0).v"

// Moments by the pairwise formulas of Chan, Golub and LeVeque: stable, whatever the mean is. $0 is
// the number of rows, as DOUBLE.
#define EITHER(both)                                                                               \
    "CASE WHEN coalesce($p0, 0) = 0 THEN $o WHEN coalesce($o0, 0) = 0 THEN $p ELSE " both " END"
#define ROWS                                                                                       \
    {                                                                                              \
        "CAST(count(:x) AS DOUBLE)", ADD, NULL                                                     \
    }
#define PAIRS                                                                                      \
    {                                                                                              \
        "CAST(regr_count(:x, :y) AS DOUBLE)", ADD, NULL                                            \
    }
#define MEAN(mean)                                                                                 \
    {                                                                                              \
        mean, EITHER("$o + ($p - $o) * $p0 / ($o0 + $p0)"), NULL                                   \
    }
#define MOMENT(sum, a, b)                                                                          \
    {                                                                                              \
        sum,                                                                                       \
            EITHER("$o + $p + ($p" a " - $o" a ") * ($p" b " - $o" b                               \
                   ") * $o0 * $p0 / ($o0 + $p0)"),                                                 \
            NULL                                                                                   \
    }
#define VARIANCE {ROWS, MEAN("avg(:x)"), MOMENT("var_pop(:x) * count(:x)", "1", "1")}, 3
// y is the first argument of regr_*, x the second.
#define COVARIANCE                                                                                 \
    PAIRS, MEAN("regr_avgx(:x, :y)"), MEAN("regr_avgy(:x, :y)"),                                   \
        MOMENT("covar_pop(:x, :y) * regr_count(:x, :y)", "1", "2")
#define SQUARES_X                                                                                  \
    MOMENT("var_pop(CASE WHEN :x IS NOT NULL THEN :y END) * regr_count(:x, :y)", "1", "1")
#define SQUARES_Y                                                                                  \
    MOMENT("var_pop(CASE WHEN :y IS NOT NULL THEN :x END) * regr_count(:x, :y)", "2", "2")

// Third and fourth moments from sums of powers, as DuckDB's own aggregates have them.
#define POWER(x)                                                                                   \
    {                                                                                              \
        "sum(" x ")", ADD, SUM_OF                                                                  \
    }
#define POWERS3                                                                                    \
    {"CAST(count(:x) AS DOUBLE)", ADD, SUM_OF}, POWER(":x"), POWER(":x * :x"), POWER(":x * :x * :x")
#define SPREAD "(($2 - $1 * $1 / $0) / $0)"
#define SKEWNESS                                                                                   \
    "CASE WHEN $0 = 2 THEN 0.0::DOUBLE WHEN $0 > 2 THEN ($3 - 3 * $2 * $1 / $0 + 2 * $1 * $1 * "   \
    "$1 / $0 / $0) / $0 / pow(" SPREAD ", 1.5) END"
#define KURTOSIS                                                                                   \
    "CASE WHEN $0 > 1 AND " SPREAD                                                                 \
    " > 0 THEN ($4 - 4 * $3 * $1 / $0 + 6 * $2 * $1 * $1 / $0 / $0 - 3 * $1 * $1 * "               \
    "$1 * $1 / $0 / $0 / $0) / $0 / (" SPREAD " * " SPREAD ") - 3 END"

#define CONCATENATED(how) how("list_concat($o, $p)")
#define AS_IT_IS(text)    text
#define UNIQUE(text)      "list_distinct(" text ")"
#define FLAT              "flatten(list($p) FILTER ($p IS NOT NULL))"

// Each partial is itself a Spark aggregate, so its type and its overflow errors are Spark's.
static const AggregateRule rules[] = {
    {"count", {COUNT}, 1, COUNTED, NULL, false, 0},
    {"count_if", {COUNT}, 1, COUNTED, NULL, false, 0},
    {"regr_count", {COUNT}, 1, COUNTED, NULL, false, 0},
    {"sum", {{NULL, ADD, SUM_OF}}, 1, "$0", NULL, false, 0},
    {"try_sum", {{"count(:a)", ADD, NULL}, {NULL, TRIED_SUM, NULL}}, 2, "$1", NULL, false, 0},
    {"min", {{NULL, LEAST, "min($p)"}}, 1, "$0", NULL, true, 0},
    {"max", {{NULL, GREATEST, "max($p)"}}, 1, "$0", NULL, true, 0},
    {"avg", AVERAGE, false, 0},
    {"mean", AVERAGE, false, 0},
    {"try_avg", AVERAGE, false, 0},
    {"bool_and", {ALL}, 1, "$0", NULL, true, 0},
    {"every", {ALL}, 1, "$0", NULL, true, 0},
    {"bool_or", {ANY}, 1, "$0", NULL, true, 0},
    {"some", {ANY}, 1, "$0", NULL, true, 0},
    {"any", {ANY}, 1, "$0", NULL, true, 0},
    {"bit_and", {{NULL, EITHER_SIDE("$o & $p"), "bit_and($p)"}}, 1, "$0", NULL, true, 0},
    {"bit_or", {{NULL, EITHER_SIDE("$o | $p"), "bit_or($p)"}}, 1, "$0", NULL, true, 0},
    {"bit_xor", {{NULL, EITHER_SIDE("xor($o, $p)"), "bit_xor($p)"}}, 1, "$0", NULL, false, 0},
    {"first", FIRST_OF_ALL, NULL, true, 0},
    {"first_value", FIRST_OF_ALL, NULL, true, 0},
    {"any_value", FIRST_OF_ALL, NULL, true, 0},
    {"last", LAST_OF_ALL, NULL, true, 0},
    {"last_value", LAST_OF_ALL, NULL, true, 0},
    {"max_by", EXTREME("max_by", "max", ">", GREATEST, "arg_max"), NULL, true, 2},
    {"min_by", EXTREME("min_by", "min", "<", LEAST, "arg_min"), NULL, true, 2},
    {"collect_set",
     {{NULL, CONCATENATED(UNIQUE), "list_distinct(" FLAT ")"}},
     1,
     "coalesce($0, [])",
     NULL,
     true,
     0},
    {"stddev", VARIANCE, "CASE WHEN $0 > 1 THEN sqrt($2 / ($0 - 1)) END", NULL, false, 0},
    {"std", VARIANCE, "CASE WHEN $0 > 1 THEN sqrt($2 / ($0 - 1)) END", NULL, false, 0},
    {"stddev_samp", VARIANCE, "CASE WHEN $0 > 1 THEN sqrt($2 / ($0 - 1)) END", NULL, false, 0},
    {"stddev_pop", VARIANCE, "CASE WHEN $0 > 0 THEN sqrt($2 / $0) END", NULL, false, 0},
    {"variance", VARIANCE, "CASE WHEN $0 > 1 THEN $2 / ($0 - 1) END", NULL, false, 0},
    {"var_samp", VARIANCE, "CASE WHEN $0 > 1 THEN $2 / ($0 - 1) END", NULL, false, 0},
    {"var_pop", VARIANCE, "CASE WHEN $0 > 0 THEN $2 / $0 END", NULL, false, 0},
    {"covar_pop", {COVARIANCE}, 4, "CASE WHEN $0 > 0 THEN $3 / $0 END", NULL, false, 0},
    {"covar_samp", {COVARIANCE}, 4, "CASE WHEN $0 > 1 THEN $3 / ($0 - 1) END", NULL, false, 0},
    {"corr",
     {COVARIANCE, SQUARES_X, SQUARES_Y},
     6,
     "CASE WHEN $0 > 0 THEN $3 / (sqrt($4) * sqrt($5)) END",
     NULL,
     false,
     0},
    {"regr_avgx", {PAIRS, MEAN("regr_avgx(:x, :y)")}, 2, "$1", NULL, false, 0},
    {"regr_avgy", {PAIRS, MEAN("regr_avgy(:x, :y)")}, 2, "$1", NULL, false, 0},
    {"regr_slope", {COVARIANCE, SQUARES_X}, 5, "CASE WHEN $0 > 0 THEN $3 / $4 END", NULL, false, 0},
    {"regr_intercept",
     {COVARIANCE, SQUARES_X},
     5,
     "CASE WHEN $4 > 0 THEN $2 - $3 / $4 * $1 END",
     NULL,
     false,
     0},
    {"skewness", {POWERS3}, 4, SKEWNESS, NULL, false, 0},
    {"kurtosis", {POWERS3, POWER(":x * :x * :x * :x")}, 5, KURTOSIS, NULL, false, 0},
};

static const AggregateRule first_value = {"first", FIRST_VALUE, NULL, true, 0};
static const AggregateRule last_value = {"last", LAST_VALUE, NULL, true, 0};
static const AggregateRule list_rule = {
    "", {{"collect_list(:list)", CONCATENATED(AS_IT_IS), FLAT}}, 1, "", NULL, false, 0};

// ---- finding -----------------------------------------------------------------------------------

// IGNORE NULLS, or a second argument that is true.
static bool ignores_nulls(const Expr *call)
{
    const ExprList *list = &call->arguments;
    return call->ignore_nulls || (list->count == 2 && list->items[1]->kind == EXPR_BOOLEAN &&
                                  list->items[1]->integer != 0);
}

const AggregateRule *aggregate_find(const Expr *call)
{
    const AggregateRule *rule = &list_rule;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (slice_equal_nocase(slice_of(rules[i].name), call->text)) {
            rule = &rules[i];
        }
    }
    bool takes = rule->argument_count == 0 || (size_t)rule->argument_count == call->arguments.count;
    if (!takes) {
        return &list_rule;
    }
    if (ignores_nulls(call) && rule->final != NULL && strcmp(rule->final, "($0).v") == 0) {
        return strncmp(rule->name, "last", 4) == 0 ? &last_value : &first_value;
    }
    return rule;
}

bool aggregate_is_list(const AggregateRule *rule)
{
    return rule == &list_rule;
}

// ---- partials ----------------------------------------------------------------------------------

typedef struct Filling {
    Arena *arena;
    const Expr *call;
    bool as_double; // :x
    Expr *list;
} Filling;

static Expr *cast_to_double(Arena *arena, Expr *value)
{
    Expr *cast = ast_expr(arena, EXPR_CAST, value->pos);
    size_t capacity = 0;
    cast->type = type_simple(TYPE_DOUBLE);
    ARENA_PUSH(arena, cast->arguments.items, cast->arguments.count, capacity, value);
    return cast;
}

static Expr *fill(void *context, const Expr *expr)
{
    const Filling *filling = context;
    const ExprList *arguments = &filling->call->arguments;
    if (expr->kind == EXPR_PARAMETER) {
        if (expr->text.size > 1) {
            return filling->list;
        }
        char name = expr->text.data[0];
        Expr *value = arguments->items[name == 'a' || name == 'x' ? 0 : 1];
        bool casts = name == 'y' || (name == 'x' && filling->as_double);
        return casts ? cast_to_double(filling->arena, value) : value;
    }
    if (expr->kind == EXPR_CALL && filling->call->filter != NULL && sql_is_aggregate(expr->text)) {
        Filling bare = *filling;
        Expr call = *filling->call;
        call.filter = NULL;
        bare.call = &call;
        Expr *copy = rewrite_expr(filling->arena, expr, fill, &bare);
        copy->filter = filling->call->filter;
        return copy;
    }
    return NULL;
}

static bool place(void *context, const Expr *expr)
{
    ((Expr *)expr)->pos = *(const Pos *)context; // freshly parsed, nobody else's
    return true;
}

// A template is tarn's own text: its positions are not the user's, so it gets those of the call.
static Expr *parse_template(Arena *arena, const char *text, Pos pos)
{
    SqlSources *sources = sql_sources_create(arena);
    uint32_t source = sql_sources_add(sources, "aggregate", slice_of(text));
    Expr *expr = sql_parse_expression(arena, diagnostics_create(arena, sources), source);
    rewrite_visit(expr, place, &pos);
    return expr;
}

Expr *aggregate_partial(Arena *arena, const AggregateRule *rule, size_t index, const Expr *call,
                        const Type *result, Expr *list)
{
    const char *partial = rule->partials[index].partial;
    if (partial == NULL) {
        Expr *copy = ARENA_NEW(arena, Expr);
        *copy = *call;
        return copy;
    }
    Filling filling = {arena, call, result->kind != TYPE_DECIMAL, list};
    return rewrite_expr(arena, parse_template(arena, partial, call->pos), fill, &filling);
}

// ---- merge, gather, final ----------------------------------------------------------------------

static void print_column(const AggregateSides *sides, char side, size_t index, Buffer *sql)
{
    buffer_printf(sql, "%s%zu", side == 'o' ? sides->o : sides->p, sides->first + index);
}

// $p, $o, $p0, $o0 and %T or %P, which is `type`; a bare number is a column of the p side.
static void print_template(const char *template, size_t index, const AggregateSides *sides,
                           const Type *type, Buffer *sql)
{
    for (const char *c = template; *c != '\0'; c++) {
        if (*c == '%' && (c[1] == 'T' || c[1] == 'P')) {
            type_print_duck(type, sql);
            c++;
        } else if (*c != '$') {
            buffer_append_char(sql, *c);
        } else {
            char side = *++c;
            bool is_number = side >= '0' && side <= '9';
            bool numbered = is_number || (c[1] >= '0' && c[1] <= '9');
            c += numbered && !is_number;
            print_column(sides, side, numbered ? (size_t)(*c - '0') : index, sql);
        }
    }
}

void aggregate_print_merge(const AggregateRule *rule, size_t index, const AggregateSides *sides,
                           const Type *type, Buffer *sql)
{
    print_template(rule->partials[index].merge, index, sides, type, sql);
}

bool aggregate_print_gather(const AggregateRule *rule, const AggregateSides *sides,
                            const Type *const *types, const char *name, Buffer *sql)
{
    for (size_t i = 0; i < rule->partial_count; i++) {
        if (rule->partials[i].gather == NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < rule->partial_count; i++) {
        buffer_append_text(sql, ", ");
        print_template(rule->partials[i].gather, i, sides, types[i], sql);
        buffer_printf(sql, " AS %s%zu", name, sides->first + i);
    }
    return true;
}

void aggregate_print_final(const AggregateRule *rule, const AggregateSides *sides,
                           const Type *result, Buffer *sql)
{
    bool is_decimal = result->kind == TYPE_DECIMAL && rule->final_decimal != NULL;
    print_template(is_decimal ? rule->final_decimal : rule->final, 0, sides, result, sql);
}
