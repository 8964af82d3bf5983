// Filters asked for below a watermark: WHERE, and what a join demands of one side's rows. See
// plan_internal.h and plan_join.h.
//
// Spark filters before it looks at event times wherever the filter does not need them: a row that
// cannot match, and would not come out alone, does not move the watermark.
//
//     FROM STREAM a WATERMARK ts DELAY OF ... JOIN b ON a.k = b.k
//     FROM (SELECT * FROM STREAM a WHERE k IS NOT NULL) WATERMARK ts DELAY OF ... AS a JOIN b ...
//
// Of a join only names with their relation's alias are looked at; what stands above filters again.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_join.h"

typedef struct Push {
    Planner *planner;
    Relation *relation; // the side as it is rewritten
    Slice alias;
    bool needs_alias; // other relations are in sight
    bool is_preserved;
} Push;

static Slice name_of(const Relation *relation)
{
    bool is_named = relation->alias.size > 0 || relation->kind != RELATION_TABLE;
    return is_named ? relation->alias : relation->name.parts[relation->name.count - 1];
}

// ---- names one relation further down -----------------------------------------------------------

typedef struct Renaming {
    Arena *arena;
    Slice alias;          // that qualifies the names
    const Select *select; // whose output they are; NULL: the relation's own columns
    bool needs_alias;     // a name without it may be another relation's
    bool failed;
} Renaming;

static Expr *column_from(Arena *arena, const Expr *expr, size_t skip)
{
    Expr *column = ast_expr(arena, EXPR_COLUMN, expr->pos);
    for (size_t i = skip; i < expr->name.count; i++) {
        column->name.parts[column->name.count++] = expr->name.parts[i];
    }
    return column;
}

// The column that an output name stands for; NULL: it is computed, or may be. A star gives the
// names that no other item has, so an item whose name is not written leaves it open what is the
// star's.
static Expr *column_behind(Renaming *renaming, const Expr *output)
{
    bool is_of_star = false;
    bool has_unnamed = false;
    for (size_t i = 0; i < renaming->select->item_count; i++) {
        const SelectItem *item = &renaming->select->items[i];
        const Expr *expr = item->expr;
        if (expr->kind == EXPR_STAR) {
            is_of_star |= expr->qualifier.count == 0 && expr->except_count == 0;
            continue;
        }
        bool is_column = expr->kind == EXPR_COLUMN;
        if (item->alias.size == 0 && !is_column) {
            has_unnamed = true;
            continue;
        }
        Slice name = item->alias.size > 0 ? item->alias : expr->name.parts[expr->name.count - 1];
        if (slice_equal_nocase(name, output->name.parts[0])) {
            bool is_whole = is_column && output->name.count == 1;
            return is_whole ? column_from(renaming->arena, expr, 0) : NULL;
        }
    }
    return is_of_star && !has_unnamed ? column_from(renaming->arena, output, 0) : NULL;
}

static Expr *rename_column(void *context, const Expr *expr)
{
    Renaming *renaming = context;
    if (expr->kind != EXPR_COLUMN) {
        return NULL;
    }
    bool is_qualified =
        expr->name.count > 1 && slice_equal_nocase(expr->name.parts[0], renaming->alias);
    Expr *column = column_from(renaming->arena, expr, is_qualified ? 1 : 0);
    if (renaming->needs_alias && !is_qualified) {
        renaming->failed = true;
    } else if (renaming->select != NULL) {
        Expr *behind = column_behind(renaming, column);
        renaming->failed |= behind == NULL;
        return behind == NULL ? column : behind;
    }
    return column;
}

static const Expr *rename(Renaming *renaming, const Expr *condition)
{
    const Expr *renamed = rewrite_expr(renaming->arena, condition, rename_column, renaming);
    return renaming->failed ? NULL : renamed;
}

// ---- below the watermark -----------------------------------------------------------------------

static bool note_name(void *context, const Expr *expr)
{
    Slice *name = context;
    if (expr->kind == EXPR_COLUMN && slice_equal_nocase(expr->name.parts[0], *name)) {
        name->size = 0; // found
    }
    return true;
}

static bool needs_time(const Watermark *watermark, const Expr *condition)
{
    const Expr *column = watermark->column;
    Slice name = watermark->alias;
    if (name.size == 0 && column->kind == EXPR_COLUMN) {
        name = column->name.parts[column->name.count - 1];
    }
    Slice seen = name;
    rewrite_visit(condition, note_name, &seen);
    return seen.size != name.size;
}

static Relation *filtered(Arena *arena, const Relation *relation, const Expr *condition)
{
    Relation *rows = ARENA_NEW(arena, Relation);
    *rows = *relation;
    rows->watermark = NULL;
    Select *select = ARENA_NEW(arena, Select);
    select->pos = relation->pos;
    select->from = rows;
    select->where = (Expr *)condition;
    select->items = ARENA_NEW(arena, SelectItem);
    select->items[0].expr = ast_expr(arena, EXPR_STAR, relation->pos);
    select->item_count = 1;
    Relation *outer = ast_relation(arena, RELATION_QUERY, relation->pos);
    outer->query = plan_query_of(arena, select);
    outer->watermark = relation->watermark;
    outer->alias = name_of(relation);
    return outer;
}

static bool is_plain(const Query *query)
{
    const Select *select = query->select;
    return select != NULL && select->from != NULL && query->order_by.count == 0 &&
           query->limit == NULL && query->offset == NULL && !select->distinct &&
           select->qualify == NULL && !plan_is_aggregating(select);
}

// The relation with the condition on its own columns asked for below its watermark; NULL: there is
// none in reach.
static Relation *push_down(Arena *arena, const Relation *relation, const Expr *condition)
{
    if (relation->drop_duplicates != NULL || relation->column_alias_count > 0) {
        return NULL;
    }
    if (relation->watermark != NULL) {
        return needs_time(relation->watermark, condition) ? NULL
                                                          : filtered(arena, relation, condition);
    }
    if (relation->kind != RELATION_QUERY || !is_plain(relation->query)) {
        return NULL;
    }
    const Select *inner = relation->query->select;
    const Relation *from = inner->from;
    Renaming outputs = {.arena = arena, .select = inner};
    Renaming columns = {.arena = arena, .alias = name_of(from)};
    const Expr *below = rename(&outputs, condition);
    below = below == NULL ? NULL : rename(&columns, below);
    Relation *pushed = below == NULL ? NULL : push_down(arena, from, below);
    if (pushed == NULL) {
        return NULL;
    }
    Relation *copy = ARENA_NEW(arena, Relation);
    *copy = *relation;
    copy->query = ARENA_NEW(arena, Query);
    *copy->query = *relation->query;
    copy->query->select = ARENA_NEW(arena, Select);
    *copy->query->select = *inner;
    copy->query->select->from = pushed;
    return copy;
}

static void push(Push *push, const Expr *condition)
{
    Arena *arena = push->planner->arena;
    Renaming own = {.arena = arena, .alias = push->alias, .needs_alias = push->needs_alias};
    const Expr *renamed = rename(&own, condition);
    Relation *pushed = renamed == NULL ? NULL : push_down(arena, push->relation, renamed);
    if (pushed != NULL) {
        push->relation = pushed;
    }
}

// ---- conditions --------------------------------------------------------------------------------

static void push_not_null(Push *push_to, const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN) {
        Arena *arena = push_to->planner->arena;
        Expr *not_null = ast_expr(arena, EXPR_IS, expr->pos);
        not_null->op = OP_IS_NULL;
        not_null->negated = true;
        ExprList *of = &not_null->arguments;
        ARENA_PUSH(arena, of->items, of->count, of->capacity, (Expr *)expr);
        push(push_to, not_null);
    }
    for (size_t i = 0; plan_join_condition_passes_null(expr) && i < expr->arguments.count; i++) {
        push_not_null(push_to, expr->arguments.items[i]);
    }
}

static bool note_column(void *context, const Expr *expr)
{
    *(bool *)context |= expr->kind == EXPR_COLUMN;
    return true;
}

static void push_condition(Push *push_to, const Expr *expr)
{
    if (expr->kind == EXPR_BINARY && expr->op == OP_AND) {
        push_condition(push_to, expr->arguments.items[0]);
        push_condition(push_to, expr->arguments.items[1]);
        return;
    }
    bool has_columns = false;
    rewrite_visit(expr, note_column, &has_columns);
    if (!has_columns || !plan_join_condition_is_pure(expr)) {
        return;
    }
    push(push_to, expr);
    for (size_t i = 0; plan_join_condition_compares(expr) && i < expr->arguments.count; i++) {
        push_not_null(push_to, expr->arguments.items[i]);
    }
}

const Relation *plan_push_join(Planner *planner, const Relation *join, int side)
{
    static const bool preserved[2][JOIN_CROSS + 1] = {
        {[JOIN_LEFT] = true, [JOIN_FULL] = true},
        {[JOIN_RIGHT] = true, [JOIN_FULL] = true},
    };
    const Relation *relation = side == SIDE_LEFT ? join->left : join->right;
    Push push_to = {
        .planner = planner,
        .relation = (Relation *)relation,
        .alias = name_of(relation),
        .needs_alias = true,
        .is_preserved = preserved[side][join->join],
    };
    bool inner = join->join == JOIN_INNER || join->join == JOIN_CROSS;
    if (push_to.alias.size == 0 || relation->kind == RELATION_JOIN) {
        return relation;
    }
    if (!push_to.is_preserved && join->on != NULL) {
        push_condition(&push_to, join->on);
    }
    for (size_t i = 0; !push_to.is_preserved && i < join->using_count; i++) {
        Expr *column =
            plan_column(planner->arena, join->pos, arena_text(planner->arena, push_to.alias), NULL);
        column->name.parts[column->name.count++] = join->using_columns[i];
        push_not_null(&push_to, column);
    }
    bool where = planner->select != NULL && planner->select->where != NULL &&
                 planner->where_reaches &&
                 (inner || (push_to.is_preserved && join->join != JOIN_FULL));
    if (where) {
        push_condition(&push_to, planner->select->where);
    }
    return push_to.relation;
}

const Relation *plan_push_where(Planner *planner, const Relation *relation, const Expr *where)
{
    Push push_to = {
        .planner = planner, .relation = (Relation *)relation, .alias = name_of(relation)};
    push_condition(&push_to, where);
    return push_to.relation;
}
