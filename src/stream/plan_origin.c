// What the columns of an expression are further down, in the user's words. See plan_internal.h.
//
// The state of a query holds values, not names: GROUP BY w keeps other groups once the subquery
// below makes another w. So a stage tells how the columns it keeps by are made:
//
//     SELECT w, count(*) FROM (SELECT window(ts, '10 seconds') AS w FROM STREAM e ...) GROUP BY w
//     w = window(ts, '10 seconds')
//
// A name is followed through subqueries down to the sources. Where that is not possible, the text
// of the query that has it stands for it: any edit there is one of the column. It may tell too
// much, never too little. SPDX-License-Identifier: Apache-2.0
#include "stream/plan_internal.h"
#include "stream/rewrite.h"

typedef enum Found {
    FOUND_NOT,
    FOUND_SOURCE, // a column of a source, or perhaps one
    FOUND_MADE,   // told
} Found;

typedef struct Origin {
    Planner *planner;
    const void **seen; // expressions and queries that have been told
    size_t seen_count;
    size_t seen_capacity;
    Buffer *out;
} Origin;

typedef struct Scope {
    Origin *origin;
    const Relation *from;
    const Select *select; // whose aliases are in sight, too; NULL: none
} Scope;

static void note(Origin *origin, const Relation *from, const Select *select, const Expr *expr);

static bool is_new(Origin *origin, const void *what)
{
    for (size_t i = 0; i < origin->seen_count; i++) {
        if (origin->seen[i] == what) {
            return false;
        }
    }
    ARENA_PUSH(origin->planner->arena, origin->seen, origin->seen_count, origin->seen_capacity,
               what);
    return true;
}

static void tell(Origin *origin, Slice name, const char *what)
{
    buffer_append_text(origin->out, origin->out->size == 0 ? "" : ", ");
    if (name.size > 0) {
        buffer_printf(origin->out, "%.*s = ", SLICE_ARG(name));
    }
    buffer_append_text(origin->out, what);
}

// ---- texts -------------------------------------------------------------------------------------

static void tell_span(Origin *origin, Pos pos)
{
    Slice text = sql_sources_text(origin->planner->diagnostics->sources, pos.source);
    if (pos.end > pos.start && pos.end <= text.size) {
        Buffer words = {0};
        plan_append_words((Slice){text.data + pos.start, pos.end - pos.start}, &words);
        if (origin->out->size == 0 ||
            strstr(buffer_text(origin->out), buffer_text(&words)) == NULL) {
            tell(origin, (Slice){0}, buffer_text(&words));
        }
        buffer_done(&words);
    }
}

static bool is_inside(Pos inner, Pos outer)
{
    return inner.source == outer.source && inner.start >= outer.start && inner.end <= outer.end;
}

static void tell_query(Origin *origin, const Query *query, const Pos *around);

static void tell_relation(Origin *origin, const Relation *relation, const Pos *around)
{
    if (relation == NULL) {
        return;
    }
    if (around == NULL) {
        tell_span(origin, relation->pos);
    }
    if (relation->query != NULL) {
        tell_query(origin, relation->query, around);
    }
    tell_relation(origin, relation->left, around);
    tell_relation(origin, relation->right, around);
}

// The text of a query, and of the views in it, which stand elsewhere.
static void tell_query(Origin *origin, const Query *query, const Pos *around)
{
    bool has_text = query->pos.end > query->pos.start;
    if (has_text && (around == NULL || !is_inside(query->pos, *around))) {
        if (!is_new(origin, query)) {
            return;
        }
        tell_span(origin, query->pos);
        around = &query->pos;
    }
    for (size_t i = 0; i < query->cte_count; i++) {
        tell_query(origin, query->ctes[i].query, around);
    }
    if (query->left != NULL) {
        tell_query(origin, query->left, around);
        tell_query(origin, query->right, around);
    }
    if (query->select != NULL) {
        tell_relation(origin, query->select->from, around);
    }
}

// ---- names -------------------------------------------------------------------------------------

static Found find(Origin *origin, const Relation *from, Name name);

static Slice name_of(const Relation *relation)
{
    bool is_named = relation->alias.size > 0 || relation->kind != RELATION_TABLE;
    return is_named ? relation->alias : relation->name.parts[relation->name.count - 1];
}

static bool item_has(const SelectItem *item, Slice name)
{
    for (size_t i = 0; i < item->alias_count; i++) {
        if (slice_equal_nocase(item->aliases[i], name)) {
            return true;
        }
    }
    if (item->alias.size > 0) {
        return slice_equal_nocase(item->alias, name);
    }
    Buffer text = {0};
    sql_expr_name(item->expr, &text);
    bool has = slice_equal_nocase(buffer_slice(&text), name);
    if (item->expr->kind == EXPR_COLUMN) {
        has = slice_equal_nocase(item->expr->name.parts[item->expr->name.count - 1], name);
    }
    buffer_done(&text);
    return has;
}

static bool is_plain(const SelectItem *item, Slice name)
{
    const Expr *expr = item->expr;
    return expr->kind == EXPR_COLUMN &&
           slice_equal_nocase(expr->name.parts[expr->name.count - 1], name);
}

static void tell_item(Origin *origin, const Select *select, const SelectItem *item, Slice name)
{
    if (is_new(origin, item->expr)) {
        if (!is_plain(item, name) || item->expr->name.count > 1) {
            tell(origin, name, plan_words(origin->planner, item->expr));
        }
        note(origin, select->from, select, item->expr);
    }
}

static Found find_in_query(Origin *origin, const Relation *relation, Name name)
{
    const Query *query = relation->query;
    const Select *select = query->select;
    bool has_star = false;
    bool found = false;
    bool is_known = select != NULL && query->cte_count == 0 && relation->column_alias_count == 0;
    for (size_t i = 0; is_known && i < select->item_count; i++) {
        const SelectItem *item = &select->items[i];
        has_star |= item->expr->kind == EXPR_STAR;
        if (item->expr->kind != EXPR_STAR && item_has(item, name.parts[0])) {
            tell_item(origin, select, item, name.parts[0]);
            found = true;
        }
    }
    if (found) {
        return FOUND_MADE;
    }
    if (is_known && has_star && select->from != NULL) {
        return find(origin, select->from, name);
    }
    if (is_known && !has_star) {
        return FOUND_NOT;
    }
    for (size_t i = 0; i < relation->column_alias_count; i++) {
        tell(origin, (Slice){0}, arena_text(origin->planner->arena, relation->column_aliases[i]));
    }
    tell_query(origin, query, NULL);
    return FOUND_MADE;
}

static Found find_in_view(Origin *origin, const Relation *view, Name name)
{
    bool is_its = view->column_alias_count == 0 || slice_equal_nocase(view->alias, name.parts[0]);
    for (size_t i = 0; i < view->column_alias_count; i++) {
        is_its |= slice_equal_nocase(view->column_aliases[i], name.parts[0]);
    }
    if (!is_its) {
        return find(origin, view->left, name);
    }
    for (size_t i = 0; i < view->arguments.count && is_new(origin, view); i++) {
        tell(origin, name.parts[0], plan_words(origin->planner, view->arguments.items[i]));
        note(origin, view->left, NULL, view->arguments.items[i]);
    }
    if (is_new(origin, &view->text)) {
        tell(origin, view->alias, arena_text(origin->planner->arena, view->text));
    }
    return FOUND_MADE;
}

static Found find(Origin *origin, const Relation *from, Name name)
{
    if (from->kind == RELATION_JOIN) {
        Found left = find(origin, from->left, name);
        Found right = find(origin, from->right, name);
        return left > right ? left : right;
    }
    if (name.count > 1 && slice_equal_nocase(name.parts[0], name_of(from))) {
        name.count--;
        memmove(name.parts, name.parts + 1, name.count * sizeof name.parts[0]);
    }
    if (from->watermark != NULL && slice_equal_nocase(from->watermark->alias, name.parts[0])) {
        Relation *below = ARENA_NEW(origin->planner->arena, Relation);
        *below = *from;
        below->watermark = NULL;
        if (is_new(origin, from->watermark)) {
            const Expr *time = from->watermark->column;
            tell(origin, name.parts[0], plan_words(origin->planner, time));
            note(origin, below, NULL, time);
        }
        return FOUND_MADE;
    }
    if (from->kind == RELATION_LATERAL_VIEW) {
        return find_in_view(origin, from, name);
    }
    if (from->kind == RELATION_QUERY) {
        return find_in_query(origin, from, name);
    }
    if ((from->kind == RELATION_VALUES || from->column_alias_count > 0) && is_new(origin, from)) {
        tell_relation(origin, from, NULL);
    }
    return FOUND_SOURCE;
}

static bool note_column(void *context, const Expr *expr)
{
    Scope *scope = context;
    Origin *origin = scope->origin;
    if (expr->query != NULL) {
        tell_query(origin, expr->query, NULL);
    }
    for (size_t i = 0; expr->over != NULL && i < expr->over->partition_by.count; i++) {
        note(origin, scope->from, scope->select, expr->over->partition_by.items[i]);
    }
    for (size_t i = 0; expr->over != NULL && i < expr->over->order_by.count; i++) {
        note(origin, scope->from, scope->select, expr->over->order_by.items[i].expr);
    }
    if (expr->kind != EXPR_COLUMN) {
        return true;
    }
    Found found = scope->from == NULL ? FOUND_NOT : find(origin, scope->from, expr->name);
    bool is_alias = false;
    for (size_t i = 0; found != FOUND_MADE && scope->select != NULL && expr->name.count == 1 &&
                       i < scope->select->item_count;
         i++) { // the alias of an item beside it
        const SelectItem *item = &scope->select->items[i];
        if (item->alias.size > 0 && slice_equal_nocase(item->alias, expr->name.parts[0])) {
            tell_item(origin, scope->select, item, item->alias);
            is_alias = true;
        }
    }
    if (found == FOUND_NOT && !is_alias && scope->from != NULL && is_new(origin, scope->from)) {
        tell_relation(origin, scope->from, NULL);
    }
    return true;
}

static void note(Origin *origin, const Relation *from, const Select *select, const Expr *expr)
{
    Scope scope = {origin, from, select};
    rewrite_visit(expr, note_column, &scope);
}

void plan_append_origin(Planner *planner, const Relation *from, const Expr *expr, Buffer *out)
{
    Buffer own = {0};
    Origin origin = {.planner = planner, .out = &own};
    note(&origin, from, NULL, expr);
    // The same column is asked for by several keys; once is enough.
    if (own.size > 0 && (out->size == 0 || strstr(buffer_text(out), buffer_text(&own)) == NULL)) {
        buffer_append_text(out, out->size == 0 ? "" : ", ");
        buffer_append(out, buffer_slice(&own));
    }
    buffer_done(&own);
}
