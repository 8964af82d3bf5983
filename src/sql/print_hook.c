// print_hook.c -- calls whose form depends on their arguments.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parser.h"
#include "sql/print_internal.h"

static const Expr *argument(const Expr *call, size_t index)
{
    return call->arguments.items[index];
}

static void print_count(Printer *printer, const Expr *call)
{
    size_t count = call->arguments.count;
    print_text(printer, "count(");
    print_text(printer, call->distinct ? "DISTINCT " : "");
    bool star = count == 0 || (count == 1 && argument(call, 0)->kind == EXPR_STAR);
    if (star && !call->distinct) {
        print_text(printer, "*");
    } else if (count == 1) {
        print_expr(printer, argument(call, 0));
    } else { // rows where no argument is NULL
        print_text(printer, "CASE WHEN ");
        for (size_t i = 0; i < count; i++) {
            print_text(printer, i > 0 ? " AND (" : "(");
            print_expr(printer, argument(call, i));
            print_text(printer, ") IS NOT NULL");
        }
        print_text(printer, " THEN (");
        for (size_t i = 0; i < count; i++) {
            print_text(printer, i > 0 ? ", " : "");
            print_expr(printer, argument(call, i));
        }
        print_text(printer, ") END");
    }
    print_text(printer, ")");
    Function rest = {.sql = "$W"};
    print_template(printer, &rest, call);
}

static bool is_true(const Expr *expr)
{
    return expr->kind == EXPR_BOOLEAN && expr->integer != 0;
}

// first(x), last(x), any_value(x), as an aggregate or over a window.
static void print_nulls_flag(Printer *printer, const Function *function, const Expr *call)
{
    bool ignore = call->ignore_nulls;
    if (call->arguments.count == 2) {
        if (argument(call, 1)->kind != EXPR_BOOLEAN) {
            print_problem(printer, argument(call, 1)->pos, "DATATYPE_MISMATCH", NULL,
                          "the second argument of %s is true or false", function->name);
            return;
        }
        ignore = is_true(argument(call, 1));
    }
    if (call->over != NULL) {
        buffer_printf(printer->out, "%s_value(", function->sql);
        print_expr(printer, argument(call, 0));
        print_text(printer, ignore ? " IGNORE NULLS)" : ")");
    } else {
        buffer_printf(printer->out, "%s(", function->sql);
        print_expr(printer, argument(call, 0));
        print_text(printer, ")");
    }
    Function plain = {.sql = "$W"};
    Function only_values = {.sql = "$F(($1) IS NOT NULL)$G"};
    print_template(printer, ignore && call->over == NULL ? &only_values : &plain, call);
}

static void print_percentile(Printer *printer, const Function *function, const Expr *call)
{
    const Expr *value;
    const Expr *fraction;
    bool descending = false;
    if (call->within_group.count == 1 && call->arguments.count == 1) {
        value = call->within_group.items[0].expr;
        descending = call->within_group.items[0].descending;
        fraction = argument(call, 0);
    } else if (call->within_group.count == 0 && call->arguments.count >= 2) {
        value = argument(call, 0);
        fraction = argument(call, 1);
    } else {
        print_problem(printer, call->pos, "UNSUPPORTED_FUNCTION", NULL,
                      "this form of %s is not supported yet", function->name);
        return;
    }
    if (descending) {
        print_problem(printer, call->pos, "UNSUPPORTED_FUNCTION", "order ascending, with 1 - p",
                      "%s in descending order is not supported yet", function->name);
        return;
    }
    bool keeps_type = strstr(function->name, "approx") != NULL; // an element, as it is
    buffer_printf(printer->out, "%s(", function->sql);
    print_as(printer, value, keeps_type ? '\0' : 'd');
    bool is_list = print_kind(fraction) == KIND_ARRAY;
    print_text(printer, ", CAST(");
    print_expr(printer, fraction);
    print_text(printer, is_list ? " AS DOUBLE[]))" : " AS DOUBLE))");
    Function rest = {.sql = "$W"};
    print_template(printer, &rest, call);
}

// mode(x), mode(x, deterministic), mode() WITHIN GROUP (ORDER BY x): of equally frequent values the
// first in that order; DuckDB takes the one that it meets first.
static void print_mode(Printer *printer, const Expr *call)
{
    size_t count = call->arguments.count;
    const SortList *order = &call->within_group;
    Function any = {.sql = "mode($1)$W"};
    Function least = {.sql = "mode($1 ORDER BY $1)$W"};
    Function ordered = {.sql = "$O)$W"};
    if (count == 0 && order->count == 1) {
        print_text(printer, "mode(");
        print_expr(printer, order->items[0].expr);
        print_template(printer, &ordered, call);
    } else if (count == 1 && order->count == 0) {
        print_template(printer, &any, call);
    } else if (count == 2 && order->count == 0 && is_true(argument(call, 1))) {
        print_template(printer, &least, call);
    } else {
        print_problem(printer, call->pos, "UNSUPPORTED_FUNCTION",
                      "mode(x), mode(x, true) or mode() WITHIN GROUP (ORDER BY x)",
                      "this form of mode is not supported yet");
    }
}

// One struct of the n-th elements for every n; fields are named as the columns, or by position.
static void print_arrays_zip(Printer *printer, const Expr *call)
{
    const char *row = arena_printf(printer->arena, "spark_p%d", ++printer->serial);
    Function lists = {.sql = "list_zip($*)"};
    print_text(printer, "CASE WHEN ");
    for (size_t i = 0; i < call->arguments.count; i++) {
        print_text(printer, i > 0 ? " AND (" : "(");
        print_expr(printer, argument(call, i));
        print_text(printer, ") IS NOT NULL");
    }
    print_text(printer, " THEN list_transform(");
    print_template(printer, &lists, call);
    buffer_printf(printer->out, ", lambda %s: struct_pack(", row);
    for (size_t i = 0; i < call->arguments.count; i++) {
        const Expr *list = argument(call, i);
        print_text(printer, i > 0 ? ", " : "");
        if (list->kind == EXPR_COLUMN) {
            print_name(printer, list->name.parts[list->name.count - 1]);
        } else if (list->kind == EXPR_FIELD) {
            print_name(printer, list->text);
        } else {
            buffer_printf(printer->out, "\"%zu\"", i);
        }
        buffer_printf(printer->out, " := %s[%zu]", row, i + 1);
    }
    print_text(printer, ")) END");
}

// grouping_id() is about all expressions of GROUP BY.
static void print_grouping_id(Printer *printer, const Expr *call)
{
    const ExprList *list = &call->arguments;
    if (list->count == 0 && printer->select != NULL) {
        list = &printer->select->group_by;
    }
    if (list->count == 0) {
        print_problem(printer, call->pos, "UNSUPPORTED_GROUPING_EXPRESSION", NULL,
                      "grouping_id needs GROUP BY with ROLLUP, CUBE or GROUPING SETS");
        return;
    }
    print_text(printer, "CAST(grouping(");
    for (size_t i = 0; i < list->count; i++) {
        print_text(printer, i > 0 ? ", " : "");
        print_expr(printer, list->items[i]);
    }
    print_text(printer, ") AS BIGINT)");
}

// Columns and literals only: what is nested would be bound again and again.
static bool may_unify(const Printer *printer, const Expr *expr)
{
    return (expr->kind == EXPR_COLUMN || expr->kind == EXPR_STRING || expr->kind == EXPR_NUMBER) &&
           !print_is_opaque(printer, expr);
}

// coalesce(number, 'text') makes the text a number in Spark, and the number a text in DuckDB.
static void print_coalesce(Printer *printer, const Expr *call)
{
    Function plain = {.sql = "coalesce($*)"};
    Function unified = {.sql = "coalesce(spark_unify($1, $2), spark_unify($2, $1))"};
    bool unifies = call->arguments.count == 2 && may_unify(printer, argument(call, 0)) &&
                   may_unify(printer, argument(call, 1));
    print_template(printer, unifies ? &unified : &plain, call);
}

static void print_concat(Printer *printer, const Expr *call)
{
    size_t count = call->arguments.count;
    bool arrays = false;
    for (size_t i = 0; i < count; i++) {
        arrays |= print_kind(argument(call, i)) == KIND_ARRAY;
    }
    if (count == 0) {
        print_text(printer, "''");
        return;
    }
    if (arrays) {
        for (size_t i = 1; i < count; i++) {
            print_text(printer, "spark_array_concat(");
        }
        for (size_t i = 0; i < count; i++) {
            print_text(printer, i > 0 ? ", " : "");
            print_expr(printer, argument(call, i));
            print_text(printer, i > 0 ? ")" : "");
        }
        return;
    }
    print_text(printer, "(");
    for (size_t i = 0; i < count; i++) {
        print_text(printer, i > 0 ? " || " : "");
        print_as(printer, argument(call, i), 'p');
    }
    print_text(printer, ")");
}

// decode(bytes, charset), or decode(value, search, result, ...[, otherwise]).
static void print_decode(Printer *printer, const Expr *call)
{
    size_t count = call->arguments.count;
    if (count == 2) {
        Function charset = {.sql = "spark_decode($1x, $2s)"};
        print_template(printer, &charset, call);
        return;
    }
    print_text(printer, "CASE");
    for (size_t i = 1; i + 1 < count; i += 2) {
        print_text(printer, " WHEN (");
        print_expr(printer, argument(call, 0));
        print_text(printer, " IS NOT DISTINCT FROM ");
        print_expr(printer, argument(call, i));
        print_text(printer, ") THEN ");
        print_expr(printer, argument(call, i + 1));
    }
    if (count % 2 == 0) {
        print_text(printer, " ELSE ");
        print_expr(printer, argument(call, count - 1));
    }
    print_text(printer, " END");
}

static void print_if(Printer *printer, const Expr *call)
{
    Function branches = {.sql = "CASE WHEN $1 THEN $2 ELSE $3 END"};
    print_template(printer, &branches, call);
}

static void print_map(Printer *printer, const Expr *call)
{
    if (call->arguments.count % 2 != 0) {
        print_problem(printer, call->pos, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", NULL,
                      "map takes pairs of keys and values");
        return;
    }
    print_text(printer, "MAP {");
    for (size_t i = 0; i < call->arguments.count; i += 2) {
        print_text(printer, i > 0 ? ", " : "");
        print_expr(printer, argument(call, i));
        print_text(printer, ": ");
        print_expr(printer, argument(call, i + 1));
    }
    print_text(printer, "}");
}

// All columns of t as one value, which DuckDB writes as t itself; empty: there is no such name.
static Slice whole_row(const Printer *printer, const Expr *star)
{
    const Relation *from = printer->select == NULL ? NULL : printer->select->from;
    if (star->except_count > 0 || from == NULL) {
        return (Slice){0};
    }
    if (star->qualifier.count > 0) {
        return star->qualifier.parts[star->qualifier.count - 1];
    }
    bool has_name = from->alias.size == 0 && from->kind == RELATION_TABLE && from->name.count > 0;
    Slice name = has_name ? from->name.parts[from->name.count - 1] : from->alias;
    bool is_one = from->kind != RELATION_JOIN && from->kind != RELATION_LATERAL_VIEW;
    return is_one && memchr(name.data, '/', name.size) == NULL ? name : (Slice){0};
}

static void print_struct(Printer *printer, const Expr *call)
{
    const Expr *only = argument(call, 0);
    Slice row = call->arguments.count == 1 && only->kind == EXPR_STAR ? whole_row(printer, only)
                                                                      : (Slice){0};
    if (row.size > 0) {
        print_name(printer, row);
        return;
    }
    print_text(printer, "struct_pack(");
    for (size_t i = 0; i < call->arguments.count; i++) {
        const Expr *value = argument(call, i);
        print_text(printer, i > 0 ? ", " : "");
        if (value->kind == EXPR_STAR) {
            print_problem(printer, value->pos, "UNSUPPORTED_FEATURE",
                          "name the columns, or read from one named table",
                          "struct(*) is not supported here yet");
            continue;
        }
        if (value->kind == EXPR_COLUMN) {
            print_name(printer, value->name.parts[value->name.count - 1]);
        } else if (value->kind == EXPR_FIELD) {
            print_name(printer, value->text);
        } else {
            buffer_printf(printer->out, "\"col%zu\"", i + 1);
        }
        print_text(printer, " := ");
        print_expr(printer, value);
    }
    print_text(printer, ")");
}

static void print_named_struct(Printer *printer, const Expr *call)
{
    if (call->arguments.count % 2 != 0) {
        print_problem(printer, call->pos, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", NULL,
                      "named_struct takes pairs of names and values");
        return;
    }
    print_text(printer, "struct_pack(");
    for (size_t i = 0; i < call->arguments.count; i += 2) {
        print_text(printer, i > 0 ? ", " : "");
        if (argument(call, i)->kind != EXPR_STRING) {
            print_problem(printer, argument(call, i)->pos, "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                          NULL, "the name of a struct's field is a string");
            continue;
        }
        print_name(printer, argument(call, i)->text);
        print_text(printer, " := ");
        print_expr(printer, argument(call, i + 1));
    }
    print_text(printer, ")");
}

// Java writes groups as $1 in the replacement, DuckDB as \1.
static void print_regexp_replace(Printer *printer, const Expr *call)
{
    print_text(printer, "regexp_replace(");
    print_as(printer, argument(call, 0), 's');
    print_text(printer, ", ");
    print_as(printer, argument(call, 1), 's');
    print_text(printer, ", spark_replacement(");
    print_as(printer, argument(call, 2), 's');
    print_text(printer, "), 'g')");
}

static void print_now(Printer *printer, const Function *function)
{
    const char *now = printer->options->now_sql;
    const char *mark = strstr(function->sql, "%s");
    buffer_append(printer->out, (Slice){function->sql, (size_t)(mark - function->sql)});
    print_text(printer, now == NULL ? "now()" : now);
    print_text(printer, mark + 2);
}

static Slice unit_of(const Expr *expr)
{
    return expr->kind == EXPR_COLUMN && expr->name.count == 1 ? expr->name.parts[0] : expr->text;
}

static void print_date_add_unit(Printer *printer, const Function *function, const Expr *call)
{
    bool difference = function->sql[0] == '-';
    Function days = {.sql = difference ? "spark_datediff($1, $2)" : "spark_date_add($1, $2i)"};
    if (call->arguments.count == 2) {
        print_template(printer, &days, call);
        return;
    }
    print_text(printer, difference ? "spark_timestamp_diff(" : "spark_timestamp_add(");
    print_literal(printer, unit_of(argument(call, 0)));
    print_text(printer, ", ");
    Function rest = {.sql = difference ? "$2, $3" : "$2l, $3"};
    print_template(printer, &rest, call);
    print_text(printer, ")");
}

void print_extract(Printer *printer, const Expr *call, Slice field, const Expr *value)
{
    static const struct {
        const char *field;
        const char *function;
    } fields[] = {
        {"YEAR", "year"},
        {"YEARS", "year"},
        {"Y", "year"},
        {"YR", "year"},
        {"QUARTER", "quarter"},
        {"QTR", "quarter"},
        {"MONTH", "month"},
        {"MONTHS", "month"},
        {"MON", "month"},
        {"MONS", "month"},
        {"WEEK", "weekofyear"},
        {"WEEKS", "weekofyear"},
        {"W", "weekofyear"},
        {"DAY", "day"},
        {"DAYS", "day"},
        {"D", "day"},
        {"DAYOFWEEK", "dayofweek"},
        {"DOW", "dayofweek"},
        {"DAYOFWEEK_ISO", "isodow"},
        {"DOW_ISO", "isodow"},
        {"DOY", "dayofyear"},
        {"HOUR", "hour"},
        {"HOURS", "hour"},
        {"H", "hour"},
        {"HR", "hour"},
        {"HRS", "hour"},
        {"MINUTE", "minute"},
        {"MINUTES", "minute"},
        {"MIN", "minute"},
        {"MINS", "minute"},
        {"M", "minute"},
        {"YEAROFWEEK", "yearofweek"},
        {"SECOND", "seconds"},
        {"SECONDS", "seconds"},
        {"SEC", "seconds"},
        {"SECS", "seconds"},
        {"S", "seconds"},
    };
    char name[24] = {0};
    for (size_t i = 0; i < field.size && i + 1 < sizeof name; i++) {
        char c = field.data[i];
        name[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    if (print_kind(value) == KIND_INTERVAL) {
        print_problem(printer, call->pos, "UNSUPPORTED_FEATURE", NULL,
                      "fields of intervals are not supported yet");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (strcmp(name, fields[i].field) == 0) {
            buffer_printf(printer->out, "spark_%s(", fields[i].function);
            print_expr(printer, value);
            print_text(printer, ")");
            return;
        }
    }
    print_problem(printer, call->pos, "INVALID_EXTRACT_FIELD", NULL, "no field '%.*s' of a date",
                  SLICE_ARG(field));
}

static const char *map_option(const Expr *map, const char *key)
{
    for (size_t i = 0; i + 1 < map->arguments.count; i += 2) {
        const Expr *name = argument(map, i);
        if (name->kind == EXPR_STRING && argument(map, i + 1)->kind == EXPR_STRING) {
            char text[64] = {0};
            memcpy(text, name->text.data,
                   name->text.size < sizeof text - 1 ? name->text.size : sizeof text - 1);
            if (text_equal_nocase(text, key)) {
                return argument(map, i + 1)->text.data;
            }
        }
    }
    return NULL;
}

// The structure json_transform() wants: {"a": "INTEGER", "b": ["VARCHAR"]}.
static void append_structure(const Type *type, Buffer *out)
{
    Buffer name = {0};
    switch (type->kind) {
    case TYPE_ARRAY:
        buffer_append_char(out, '[');
        append_structure(type->element, out);
        buffer_append_char(out, ']');
        break;
    case TYPE_STRUCT:
        buffer_append_char(out, '{');
        for (size_t i = 0; i < type->fields.count; i++) {
            buffer_append_text(out, i > 0 ? "," : "");
            buffer_append_json(out, slice_of(type->fields.columns[i].name));
            buffer_append_char(out, ':');
            append_structure(type->fields.columns[i].type, out);
        }
        buffer_append_char(out, '}');
        break;
    default:
        type_print_duck(type, &name);
        buffer_append_json(out, buffer_slice(&name));
        break;
    }
    buffer_done(&name);
}

static const Type *schema_type(Printer *printer, const Expr *schema)
{
    Error err;
    Schema columns = {0};
    if (schema->kind != EXPR_STRING) {
        print_problem(printer, schema->pos, "INVALID_SCHEMA.NON_STRING_LITERAL", NULL,
                      "the schema of from_json is a string like 'a INT, b STRING'");
        return NULL;
    }
    if (sql_parse_columns(printer->arena, schema->text, &columns, &err)) {
        return type_struct(printer->arena, columns);
    }
    const Type *type = sql_parse_type(printer->arena, schema->text, &err);
    if (type == NULL) {
        print_problem(printer, schema->pos, "PARSE_SYNTAX_ERROR", NULL, "%s", err.message);
    }
    return type;
}

// The C function reads the text as Spark does and gives clean JSON (dates and numbers checked,
// NULL where the record or field is bad); json_transform then only builds the value.
static void print_from_json(Printer *printer, const Expr *call)
{
    const Type *type = schema_type(printer, argument(call, 1));
    if (type == NULL) {
        return;
    }
    const char *format = NULL;
    const char *mode = "PERMISSIVE";
    const char *corrupt = "";
    if (call->arguments.count == 3) {
        const Expr *options = argument(call, 2);
        format = map_option(options, "timestampFormat");
        mode = map_option(options, "mode") == NULL ? mode : map_option(options, "mode");
        corrupt = map_option(options, "columnNameOfCorruptRecord");
        corrupt = corrupt == NULL ? "" : corrupt;
    }
    Buffer ddl = {0};
    type_print(type, &ddl);
    print_text(printer, "json_transform(spark_clean_json(");
    print_as(printer, argument(call, 0), 's');
    print_text(printer, ", ");
    print_literal(printer, buffer_slice(&ddl));
    print_text(printer, ", ");
    print_literal(printer, slice_of(format == NULL ? "" : format));
    print_text(printer, ", ");
    print_literal(printer, slice_of(mode));
    print_text(printer, ", ");
    print_literal(printer, slice_of(corrupt));
    print_text(printer, "), ");
    buffer_reset(&ddl);
    append_structure(type, &ddl);
    print_literal(printer, buffer_slice(&ddl));
    print_text(printer, ")");
    buffer_done(&ddl);
}

static void print_cast_call(Printer *printer, const Function *function, const Expr *call)
{
    Error err;
    const Type *type = sql_parse_type(printer->arena, slice_of(function->sql), &err);
    if (type == NULL) {
        print_problem(printer, call->pos, NULL, NULL, "%s", err.message);
        return;
    }
    print_cast(printer, argument(call, 0), type, false);
}

// Hooks that need only the call.
static const struct {
    PrintHook hook;
    void (*print)(Printer *printer, const Expr *call);
} plain_hooks[] = {
    {HOOK_ARRAYS_ZIP, print_arrays_zip},
    {HOOK_COALESCE, print_coalesce},
    {HOOK_CONCAT, print_concat},
    {HOOK_COUNT, print_count},
    {HOOK_DECODE, print_decode},
    {HOOK_FROM_JSON, print_from_json},
    {HOOK_GROUPING_ID, print_grouping_id},
    {HOOK_IF, print_if},
    {HOOK_MAP, print_map},
    {HOOK_MODE, print_mode},
    {HOOK_NAMED_STRUCT, print_named_struct},
    {HOOK_REGEXP_REPLACE, print_regexp_replace},
    {HOOK_SESSION, print_session_call},
    {HOOK_STRUCT, print_struct},
    {HOOK_WINDOW, print_window_call},
};

void print_hook(Printer *printer, const Function *function, const Expr *call)
{
    Function list = {.sql = "[$*]"};
    for (size_t i = 0; i < ARRAY_LEN(plain_hooks); i++) {
        if (plain_hooks[i].hook == function->hook) {
            plain_hooks[i].print(printer, call);
            return;
        }
    }
    switch (function->hook) {
    case HOOK_ARRAY:
        print_template(printer, &list, call);
        break;
    case HOOK_CAST:
        print_cast_call(printer, function, call);
        break;
    case HOOK_DATE_ADD_UNIT:
        print_date_add_unit(printer, function, call);
        break;
    case HOOK_DIVIDE:
        print_divide(printer, argument(call, 0), argument(call, 1), true);
        break;
    case HOOK_EXTRACT:
        print_extract(printer, call, argument(call, 0)->text, argument(call, 1));
        break;
    case HOOK_HIGHER_ORDER:
        print_higher_order(printer, function, call);
        break;
    case HOOK_NOW:
        print_now(printer, function);
        break;
    case HOOK_NULLS_FLAG:
        print_nulls_flag(printer, function, call);
        break;
    case HOOK_PERCENTILE:
        print_percentile(printer, function, call);
        break;
    default: // a generator or a template: not printed here
        break;
    }
}
