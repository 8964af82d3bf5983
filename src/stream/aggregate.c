// SPDX-License-Identifier: Apache-2.0
#include "stream/aggregate.h"

#include <stdlib.h>

// Exact: DuckDB would divide decimals as DOUBLE.
#define AVERAGE_OF_DECIMALS "CAST(spark_average($0, $1, '\"%T\"') AS %T)"

// Each partial is itself a Spark aggregate, so its type and its overflow errors are Spark's.
static const AggregateRule rules[] = {
    {"count", {{"count", false, MERGE_ADD}}, 1, "coalesce($0, 0)", NULL},
    {"count_if", {{"count_if", false, MERGE_ADD}}, 1, "coalesce($0, 0)", NULL},
    {"sum", {{"sum", false, MERGE_ADD}}, 1, "$0", NULL},
    {"min", {{"min", false, MERGE_LEAST}}, 1, "$0", NULL},
    {"max", {{"max", false, MERGE_GREATEST}}, 1, "$0", NULL},
    {"avg",
     {{"sum", true, MERGE_ADD}, {"count", false, MERGE_ADD}},
     2,
     "CASE WHEN $1 > 0 THEN CAST($0 / $1 AS %T) END",
     AVERAGE_OF_DECIMALS},
    {"mean",
     {{"sum", true, MERGE_ADD}, {"count", false, MERGE_ADD}},
     2,
     "CASE WHEN $1 > 0 THEN CAST($0 / $1 AS %T) END",
     AVERAGE_OF_DECIMALS},
    {"bool_and", {{"bool_and", false, MERGE_AND}}, 1, "$0", NULL},
    {"every", {{"bool_and", false, MERGE_AND}}, 1, "$0", NULL},
    {"bool_or", {{"bool_or", false, MERGE_OR}}, 1, "$0", NULL},
    {"some", {{"bool_or", false, MERGE_OR}}, 1, "$0", NULL},
    {"any", {{"bool_or", false, MERGE_OR}}, 1, "$0", NULL},
};

const AggregateRule *aggregate_find(Slice function)
{
    char name[32];
    if (function.size >= sizeof name) {
        return NULL;
    }
    memcpy(name, function.data, function.size);
    name[function.size] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (text_equal_nocase(rules[i].name, name)) {
            return &rules[i];
        }
    }
    return NULL;
}

void aggregate_print_merge(MergeKind merge, const char *p, const char *o, const Type *type,
                           Buffer *sql)
{
    switch (merge) {
    case MERGE_ADD:
        // The cast brings decimals and integers back to the partial's type; too large is an error.
        buffer_printf(sql,
                      "CASE WHEN %s IS NULL THEN %s WHEN %s IS NULL THEN %s ELSE CAST(%s + %s AS ",
                      o, p, p, o, o, p);
        type_print_duck(type, sql);
        buffer_append_text(sql, ") END");
        break;
    case MERGE_LEAST:
        buffer_printf(sql, "least(%s, %s)", o, p); // DuckDB's ignores NULLs
        break;
    case MERGE_GREATEST:
        buffer_printf(sql, "greatest(%s, %s)", o, p);
        break;
    case MERGE_AND:
        buffer_printf(sql, "(coalesce(%s, %s) AND coalesce(%s, %s))", o, p, p, o);
        break;
    case MERGE_OR:
        buffer_printf(sql, "(coalesce(%s, %s) OR coalesce(%s, %s))", o, p, p, o);
        break;
    }
}

void aggregate_print_final(const AggregateRule *rule, const char *const *partials,
                           const Type *result, Buffer *sql)
{
    bool is_decimal = result->kind == TYPE_DECIMAL && rule->final_decimal != NULL;
    for (const char *c = is_decimal ? rule->final_decimal : rule->final; *c != '\0'; c++) {
        if (*c == '$') {
            c++;
            buffer_append_text(sql, partials[*c - '0']);
        } else if (*c == '%' && c[1] == 'T') {
            c++;
            type_print_duck(result, sql);
        } else {
            buffer_append_char(sql, *c);
        }
    }
}
