// print_relation.c -- what stands in FROM.
//
// The names of tables and table functions are the caller's (PrintOptions.relation); CTEs, range,
// VALUES and generators are known here. Watermarks mean nothing to a batch query; DROP DUPLICATES
// keeps one row of each key.
// SPDX-License-Identifier: Apache-2.0
#include "sql/print_internal.h"

static bool is_cte(const Printer *printer, const Name *name)
{
    for (const CteScope *scope = printer->ctes; scope != NULL && name->count == 1;
         scope = scope->next) {
        if (print_same_name(scope->name, name->parts[0])) {
            return true;
        }
    }
    return false;
}

static void print_alias(Printer *printer, const Relation *relation, Slice standard)
{
    Slice alias = relation->alias.size > 0 ? relation->alias : standard;
    if (alias.size == 0) {
        return;
    }
    print_text(printer, " AS ");
    print_name(printer, alias);
    for (size_t i = 0; i < relation->column_alias_count; i++) {
        print_text(printer, i == 0 ? "(" : ", ");
        print_name(printer, relation->column_aliases[i]);
    }
    print_text(printer, relation->column_alias_count > 0 ? ")" : "");
}

Slice print_relation_name(const Relation *relation)
{
    if (relation->alias.size > 0 || relation->kind == RELATION_FUNCTION) {
        return relation->alias.size > 0 ? relation->alias : relation->text;
    }
    Slice last = {0};
    if (relation->kind == RELATION_TABLE && relation->name.count > 0) {
        last = relation->name.parts[relation->name.count - 1];
    }
    return memchr(last.data, '/', last.size) != NULL ? (Slice){0} : last; // a path is no name
}

static void print_outside(Printer *printer, const Relation *relation)
{
    if (printer->options->relation == NULL) {
        for (size_t i = 0; i < relation->name.count; i++) {
            print_text(printer, i > 0 ? "." : "");
            print_name(printer, relation->name.parts[i]);
        }
    } else if (!printer->options->relation(printer->options->context, relation, printer->out)) {
        printer->failed = true;
        printer->lacks_relation = true;
        print_text(printer, "(SELECT NULL)");
    }
}

static void print_table(Printer *printer, const Relation *relation)
{
    if (relation->named.count > 0 && !relation->is_stream) {
        const NamedArgument *option = &relation->named.items[0];
        diagnose(
            printer->diagnostics, option->pos, "UNSUPPORTED_FEATURE",
            "options are for FROM STREAM; an older version is VERSION AS OF or TIMESTAMP AS OF",
            "option '%.*s' of a table that is not read as a stream is not supported",
            SLICE_ARG(option->name));
        printer->failed = true;
    }
    if (is_cte(printer, &relation->name)) {
        print_name(printer, relation->name.parts[0]);
    } else {
        print_outside(printer, relation);
    }
    print_alias(printer, relation, print_relation_name(relation));
}

static void print_values(Printer *printer, const Relation *relation)
{
    print_text(printer, "(VALUES ");
    for (size_t i = 0; i < relation->row_count; i++) {
        print_text(printer, i > 0 ? ", (" : "(");
        for (size_t j = 0; j < relation->rows[i].count; j++) {
            print_text(printer, j > 0 ? ", " : "");
            print_output(printer, relation->rows[i].items[j]);
        }
        print_text(printer, ")");
    }
    print_text(printer, ") AS ");
    print_name(printer, relation->alias.size > 0 ? relation->alias : slice_of("spark_values"));
    size_t width = relation->row_count == 0 ? 0 : relation->rows[0].count;
    for (size_t i = 0; i < width; i++) {
        print_text(printer, i == 0 ? "(" : ", ");
        if (i < relation->column_alias_count) {
            print_name(printer, relation->column_aliases[i]);
        } else {
            buffer_printf(printer->out, "\"col%zu\"", i + 1);
        }
    }
    print_text(printer, width > 0 ? ")" : "");
}

// range([start,] end[, step[, partitions]]) has one BIGINT column, id.
static void print_range(Printer *printer, const Relation *relation)
{
    size_t count = relation->arguments.count;
    if (count < 1 || count > 4) {
        print_problem(printer, relation->pos, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", NULL,
                      "range takes 1 to 4 arguments, not %zu", count);
        return;
    }
    print_text(printer, "(SELECT range AS id FROM range(");
    for (size_t i = 0; i < count && i < 3; i++) {
        print_text(printer, i > 0 ? ", CAST(" : "CAST(");
        print_expr(printer, relation->arguments.items[i]);
        print_text(printer, " AS BIGINT)");
    }
    print_text(printer, "))");
    print_alias(printer, relation, slice_of("range"));
}

static bool find_generator(Printer *printer, const Relation *relation, Generator *generator)
{
    Expr *call = ast_expr(printer->arena, EXPR_CALL, relation->pos);
    call->text = relation->text;
    call->arguments = relation->arguments;
    call->named = relation->named;
    return print_find_generator(call, generator);
}

static void print_function(Printer *printer, const Relation *relation)
{
    Generator generator;
    if (print_same_name(relation->text, slice_of("range"))) {
        print_range(printer, relation);
    } else if (find_generator(printer, relation, &generator)) {
        print_text(printer, "(SELECT ");
        print_generator(printer, &generator);
        print_text(printer, ")");
        print_alias(printer, relation, relation->text);
    } else {
        print_outside(printer, relation);
        print_alias(printer, relation, relation->text);
    }
}

static void print_lateral_view(Printer *printer, const Relation *relation)
{
    Generator generator;
    print_relation(printer, relation->left);
    if (!find_generator(printer, relation, &generator)) {
        print_problem(printer, relation->pos, "UNRESOLVED_ROUTINE",
                      function_nearest(printer->arena, relation->text),
                      "LATERAL VIEW takes explode, posexplode, inline, stack or json_tuple, not "
                      "'%.*s'",
                      SLICE_ARG(relation->text));
        return;
    }
    bool is_inline = strncmp(generator.function->sql, "inline", 6) == 0;
    if (!is_inline) { // the names of inline's columns are set by the alias of the join
        generator.aliases = relation->column_aliases;
        generator.alias_count = relation->column_alias_count;
    }
    print_text(printer,
               relation->outer ? " LEFT JOIN LATERAL (SELECT " : " CROSS JOIN LATERAL (SELECT ");
    printer->nested++;
    print_generator(printer, &generator);
    printer->nested--;
    print_text(printer, ")");
    Slice standard = slice_of(arena_printf(printer->arena, "spark_view%d", ++printer->serial));
    print_alias(printer, relation, standard);
    print_text(printer, relation->outer ? " ON true" : "");
}

static void print_join_operand(Printer *printer, const Relation *relation)
{
    bool compound = relation->kind == RELATION_JOIN || relation->kind == RELATION_LATERAL_VIEW;
    print_text(printer, compound ? "(" : "");
    print_relation(printer, relation);
    print_text(printer, compound ? ")" : "");
}

static void print_join(Printer *printer, const Relation *relation)
{
    static const char *const texts[] = {
        [JOIN_INNER] = "JOIN ",       [JOIN_LEFT] = "LEFT JOIN ", [JOIN_RIGHT] = "RIGHT JOIN ",
        [JOIN_FULL] = "FULL JOIN ",   [JOIN_SEMI] = "SEMI JOIN ", [JOIN_ANTI] = "ANTI JOIN ",
        [JOIN_CROSS] = "CROSS JOIN ",
    };
    bool has_condition = relation->on != NULL || relation->using_count > 0 || relation->natural;
    JoinKind kind = relation->join == JOIN_INNER && !has_condition ? JOIN_CROSS : relation->join;
    print_relation(printer, relation->left);
    print_mark(printer, relation->pos);
    print_text(printer, relation->natural ? " NATURAL " : " ");
    print_text(printer, texts[kind]);
    print_text(printer, relation->lateral ? "LATERAL " : "");
    printer->nested += relation->lateral ? 1 : 0;
    print_join_operand(printer, relation->right);
    printer->nested -= relation->lateral ? 1 : 0;
    if (relation->on != NULL) {
        print_text(printer, " ON ");
        print_expr(printer, relation->on);
    } else if (relation->using_count > 0) {
        for (size_t i = 0; i < relation->using_count; i++) {
            print_text(printer, i == 0 ? " USING (" : ", ");
            print_name(printer, relation->using_columns[i]);
        }
        print_text(printer, ")");
    } else if (!has_condition && kind != JOIN_CROSS) {
        print_text(printer, " ON true");
    }
}

static void print_plain(Printer *printer, const Relation *relation)
{
    print_mark(printer, relation->pos);
    switch (relation->kind) {
    case RELATION_TABLE:
        print_table(printer, relation);
        break;
    case RELATION_FUNCTION:
        print_function(printer, relation);
        break;
    case RELATION_QUERY:
        print_text(printer, "(");
        print_query(printer, relation->query);
        print_text(printer, ")");
        print_alias(printer, relation, (Slice){0});
        break;
    case RELATION_VALUES:
        print_values(printer, relation);
        break;
    case RELATION_JOIN:
        print_join(printer, relation);
        break;
    case RELATION_LATERAL_VIEW:
        print_lateral_view(printer, relation);
        break;
    case RELATION_RAW:
        buffer_append(printer->out, relation->text);
        print_alias(printer, relation, (Slice){0});
        break;
    }
}

void print_relation(Printer *printer, const Relation *relation)
{
    const Watermark *watermark = relation->watermark;
    const DropDuplicates *duplicates = relation->drop_duplicates;
    bool renames = watermark != NULL && watermark->alias.size > 0;
    if (duplicates != NULL) {
        print_text(printer, "(SELECT DISTINCT ");
        for (size_t i = 0; i < duplicates->key_count; i++) {
            print_text(printer, i == 0 ? "ON (" : ", ");
            const Name *key = &duplicates->keys[i];
            print_name(printer, key->parts[key->count - 1]);
        }
        print_text(printer, duplicates->key_count > 0 ? ") * FROM " : "* FROM ");
    }
    if (renames) {
        print_text(printer, "(SELECT *, ");
        print_expr(printer, watermark->column);
        print_text(printer, " AS ");
        print_name(printer, watermark->alias);
        print_text(printer, " FROM ");
    }
    print_plain(printer, relation);
    if (renames || duplicates != NULL) {
        Slice alias = relation->alias;
        if (alias.size == 0 && relation->name.count > 0) {
            alias = relation->name.parts[relation->name.count - 1];
        }
        for (int i = 0; i < (renames ? 1 : 0) + (duplicates != NULL ? 1 : 0); i++) {
            print_text(printer, ")");
            if (alias.size > 0) {
                print_text(printer, " AS ");
                print_name(printer, alias);
            }
        }
    }
}
