// GROUP BY in all its forms.
//
// GROUP BY a, b; GROUP BY ALL; ROLLUP (a, b) and CUBE (a, b) of plain expressions stay as they are.
// Everything else (GROUPING SETS, several elements, lists inside ROLLUP) becomes the sets it stands
// for: each element is a list of sets, and elements beside each other are multiplied.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

#include <strings.h>

enum { MAX_SETS = 4096, MAX_CUBE = 12 };

typedef struct Sets {
    ExprList *items;
    size_t count;
    size_t capacity;
} Sets;

static void push_expr(Parser *parser, ExprList *list, Expr *expr)
{
    ARENA_PUSH(parser->arena, list->items, list->count, list->capacity, expr);
}

static void append_list(Parser *parser, ExprList *list, const ExprList *more)
{
    for (size_t i = 0; i < more->count; i++) {
        push_expr(parser, list, more->items[i]);
    }
}

static void push_set(Parser *parser, Sets *sets, ExprList set)
{
    ARENA_PUSH(parser->arena, sets->items, sets->count, sets->capacity, set);
}

static bool too_many(Parser *parser, size_t first)
{
    return diagnose(parser->diagnostics, parse_span(parser, first), "GROUPING_SIZE_LIMIT_EXCEEDED",
                    NULL, "more than %d grouping sets", MAX_SETS);
}

// `(a, b)` or `a` or `()` as one list.
static bool parse_set(Parser *parser, ExprList *set)
{
    if (parse_is(parser, TOKEN_LEFT_PAREN) && parse_is_at(parser, 1, TOKEN_RIGHT_PAREN)) {
        parser->at += 2;
        return true;
    }
    Expr *expr = parse_expr(parser);
    if (expr == NULL) {
        return false;
    }
    if (expr->kind == EXPR_ROW) {
        append_list(parser, set, &expr->arguments);
    } else {
        push_expr(parser, set, expr);
    }
    return true;
}

// (x, (y, z)) after ROLLUP or CUBE: one list per member.
static bool parse_members(Parser *parser, Sets *members)
{
    size_t open = parser->at;
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "'('")) {
        return false;
    }
    do {
        ExprList set = {0};
        if (!parse_set(parser, &set)) {
            return false;
        }
        push_set(parser, members, set);
    } while (parse_accept(parser, TOKEN_COMMA));
    return parse_expect_close(parser, open);
}

// ROLLUP (a, b): (a, b), (a), ()
static void expand_rollup(Parser *parser, const Sets *members, Sets *sets)
{
    for (size_t size = members->count + 1; size > 0; size--) {
        ExprList set = {0};
        for (size_t i = 0; i + 1 < size; i++) {
            append_list(parser, &set, &members->items[i]);
        }
        push_set(parser, sets, set);
    }
}

// CUBE (a, b): (a, b), (a), (b), ()
static bool expand_cube(Parser *parser, size_t first, const Sets *members, Sets *sets)
{
    if (members->count > MAX_CUBE) {
        return too_many(parser, first);
    }
    for (size_t left_out = 0; left_out < (size_t)1 << members->count; left_out++) {
        ExprList set = {0};
        for (size_t i = 0; i < members->count; i++) {
            if ((left_out >> (members->count - 1 - i) & 1) == 0) {
                append_list(parser, &set, &members->items[i]);
            }
        }
        push_set(parser, sets, set);
    }
    return true;
}

static bool parse_element(Parser *parser, Sets *sets);

static bool parse_grouping_sets(Parser *parser, Sets *sets)
{
    size_t open = parser->at;
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "'(' after GROUPING SETS")) {
        return false;
    }
    do {
        if (!parse_element(parser, sets)) {
            return false;
        }
    } while (parse_accept(parser, TOKEN_COMMA));
    return parse_expect_close(parser, open);
}

static bool is_call_of(Parser *parser, const char *word)
{
    return parse_is_word(parser, word) && parse_is_at(parser, 1, TOKEN_LEFT_PAREN);
}

// The sets of one element of GROUP BY or GROUPING SETS, appended.
static bool parse_element_sets(Parser *parser, Sets *sets)
{
    size_t first = parser->at;
    if (parse_accept_words(parser, "GROUPING", "SETS")) {
        return parse_grouping_sets(parser, sets);
    }
    bool cube = is_call_of(parser, "CUBE");
    if (cube || is_call_of(parser, "ROLLUP")) {
        Sets members = {0};
        parser->at++;
        if (!parse_members(parser, &members)) {
            return false;
        }
        if (cube) {
            return expand_cube(parser, first, &members, sets);
        }
        expand_rollup(parser, &members, sets);
        return true;
    }
    ExprList set = {0};
    if (!parse_set(parser, &set)) {
        return false;
    }
    push_set(parser, sets, set);
    return true;
}

static bool parse_element(Parser *parser, Sets *sets)
{
    if (!parse_enter(parser)) {
        return false;
    }
    bool ok = parse_element_sets(parser, sets);
    parse_leave(parser);
    return ok;
}

static bool multiply(Parser *parser, size_t first, Sets *sets, const Sets *more)
{
    if (sets->count * more->count > MAX_SETS) {
        return too_many(parser, first);
    }
    Sets product = {0};
    for (size_t i = 0; i < sets->count; i++) {
        for (size_t j = 0; j < more->count; j++) {
            ExprList set = {0};
            append_list(parser, &set, &sets->items[i]);
            append_list(parser, &set, &more->items[j]);
            push_set(parser, &product, set);
        }
    }
    *sets = product;
    return true;
}

static bool same_text(const Parser *parser, const Expr *a, const Expr *b)
{
    size_t size = a->pos.end - a->pos.start;
    return size == b->pos.end - b->pos.start &&
           strncasecmp(parser->text.data + a->pos.start, parser->text.data + b->pos.start, size) ==
               0;
}

static void collect_distinct(Parser *parser, const Sets *sets, ExprList *list)
{
    for (size_t i = 0; i < sets->count; i++) {
        for (size_t j = 0; j < sets->items[i].count; j++) {
            Expr *expr = sets->items[i].items[j];
            bool found = false;
            for (size_t k = 0; k < list->count && !found; k++) {
                found = same_text(parser, list->items[k], expr);
            }
            if (!found) {
                push_expr(parser, list, expr);
            }
        }
    }
}

static void use_sets(Parser *parser, Select *select, const Sets *sets)
{
    select->grouping = GROUPING_SETS;
    select->sets = sets->items;
    select->set_count = sets->count;
    if (select->group_by.count == 0) {
        collect_distinct(parser, sets, &select->group_by);
    }
}

// True when ROLLUP or CUBE is the only element and its members are single expressions.
static bool is_simple(const Parser *parser, const Sets *members)
{
    for (size_t i = 0; i < members->count; i++) {
        if (members->items[i].count != 1) {
            return false;
        }
    }
    return !parse_is(parser, TOKEN_COMMA);
}

// ROLLUP (a, b) as the first element; *done when it is the only one and stays what it is.
static bool parse_first_call(Parser *parser, Select *select, Sets *sets, bool *done)
{
    size_t first = parser->at;
    bool cube = is_call_of(parser, "CUBE");
    Sets members = {0};
    parser->at++;
    if (!parse_members(parser, &members)) {
        return false;
    }
    *done = is_simple(parser, &members);
    if (*done) {
        select->grouping = cube ? GROUPING_CUBE : GROUPING_ROLLUP;
        for (size_t i = 0; i < members.count; i++) {
            push_expr(parser, &select->group_by, members.items[i].items[0]);
        }
        return true;
    }
    if (cube) {
        return expand_cube(parser, first, &members, sets);
    }
    expand_rollup(parser, &members, sets);
    return true;
}

// a, b [WITH ROLLUP | WITH CUBE | GROUPING SETS (...)], from what was read as single sets.
static bool finish_plain(Parser *parser, Select *select, const Sets *sets)
{
    append_list(parser, &select->group_by, &sets->items[0]);
    if (parse_accept_words(parser, "WITH", "ROLLUP")) {
        select->grouping = GROUPING_ROLLUP;
    } else if (parse_accept_words(parser, "WITH", "CUBE")) {
        select->grouping = GROUPING_CUBE;
    } else if (parse_accept_words(parser, "GROUPING", "SETS")) {
        Sets own = {0};
        if (!parse_grouping_sets(parser, &own)) {
            return false;
        }
        use_sets(parser, select, &own);
    }
    return true;
}

bool parse_grouping(Parser *parser, Select *select)
{
    size_t first = parser->at;
    if (parse_is_word(parser, "ALL") && !parse_is_at(parser, 1, TOKEN_COMMA) &&
        !parse_is_at(parser, 1, TOKEN_DOT)) {
        parser->at++;
        select->grouping = GROUPING_ALL;
        return true;
    }
    Sets sets = {0};
    bool plain = true;
    bool done = false;
    if (is_call_of(parser, "ROLLUP") || is_call_of(parser, "CUBE")) {
        plain = false;
        if (!parse_first_call(parser, select, &sets, &done) || done) {
            return done;
        }
        if (!parse_accept(parser, TOKEN_COMMA)) {
            use_sets(parser, select, &sets);
            return true;
        }
    } else {
        push_set(parser, &sets, (ExprList){0});
    }
    do {
        Sets element = {0};
        plain = plain && !parse_is_words(parser, "GROUPING", "SETS") &&
                !is_call_of(parser, "ROLLUP") && !is_call_of(parser, "CUBE");
        if (!parse_element(parser, &element) || !multiply(parser, first, &sets, &element)) {
            return false;
        }
    } while (parse_accept(parser, TOKEN_COMMA));
    if (plain) {
        return finish_plain(parser, select, &sets);
    }
    use_sets(parser, select, &sets);
    return true;
}
