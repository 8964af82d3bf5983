// Names behind a join of two streams. See plan_join.h.
//
//     FROM a JOIN b ON ...      becomes      FROM (SELECT {k: "#l0", ts: "#l1"} AS a,
//                                                         {k: "#r0", v: "#r1"} AS b,
//                                                         "#l1" AS ts, "#r1" AS v
//                                                  FROM batch_0_0)
//
// so that a.k, ts and b.v mean to DuckDB what they meant before: a relation's name is a struct of
// its columns, and columns whose name is the only one of its kind also stand for themselves. Stars
// are spelt out. Columns that nothing refers to are not there, neither here nor in the state.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_join.h"

static const char *quoted(Arena *arena, Slice name)
{
    Buffer text = {0};
    duck_quote_name(&text, name);
    const char *copy = arena_text(arena, buffer_slice(&text));
    buffer_done(&text);
    return copy;
}

static Slice relation_name(const Relation *relation)
{
    bool is_named = relation->alias.size > 0 || relation->kind != RELATION_TABLE;
    return is_named ? relation->alias : relation->name.parts[relation->name.count - 1];
}

// ---- columns of FROM ---------------------------------------------------------------------------

static const PlanJoined *find_joined(const Planner *planner, const Relation *relation)
{
    const PlanJoined *joined = planner->joined;
    while (joined != NULL && joined->relation != relation) {
        joined = joined->next;
    }
    return joined;
}

static void add_column(Planner *planner, JoinColumns *columns, Slice alias, const Column *column)
{
    Arena *arena = planner->arena;
    const char *name = quoted(arena, slice_of(column->name));
    JoinColumn added = {.alias = alias, .name = column->name, .type = column->type};
    added.sql = alias.size == 0 ? name : arena_printf(arena, "%s.%s", quoted(arena, alias), name);
    ARENA_PUSH(arena, columns->items, columns->count, columns->capacity, added);
}

static bool describe_star(Planner *planner, const Relation *from, Slice qualifier, Schema *schema)
{
    Arena *arena = planner->arena;
    Select *all = ARENA_NEW(arena, Select);
    all->pos = from->pos;
    all->from = (Relation *)from;
    all->items = ARENA_NEW(arena, SelectItem);
    all->items[0].expr = ast_expr(arena, EXPR_STAR, from->pos);
    if (qualifier.size > 0) {
        all->items[0].expr->qualifier.parts[0] = qualifier;
        all->items[0].expr->qualifier.count = 1;
    }
    all->item_count = 1;
    const char *sql = plan_sql(planner, plan_query_of(arena, all));
    return sql != NULL && plan_describe(planner, sql, from->pos, schema);
}

bool plan_join_names_columns(Planner *planner, const Relation *relation, JoinColumns *columns)
{
    if (relation->kind == RELATION_JOIN) {
        bool one = relation->join == JOIN_SEMI || relation->join == JOIN_ANTI;
        return plan_join_names_columns(planner, relation->left, columns) &&
               (one || plan_join_names_columns(planner, relation->right, columns));
    }
    const PlanJoined *joined = find_joined(planner, relation);
    for (size_t i = 0; joined != NULL && i < joined->count; i++) {
        const JoinColumn *column = &joined->columns[i];
        Column plain = {.name = column->name, .type = column->type};
        add_column(planner, columns, column->alias, &plain);
    }
    if (joined != NULL) {
        return true;
    }
    bool is_view = relation->kind == RELATION_LATERAL_VIEW;
    if (is_view && !plan_join_names_columns(planner, relation->left, columns)) {
        return false;
    }
    Slice alias = relation_name(relation);
    Schema schema = {0};
    if (!describe_star(planner, relation, is_view ? alias : (Slice){0}, &schema)) {
        return false;
    }
    for (size_t i = 0; i < schema.count; i++) {
        add_column(planner, columns, alias, &schema.columns[i]);
    }
    return true;
}

JoinColumn *plan_join_names_find(const JoinColumns *columns, Slice alias, Slice name)
{
    for (size_t i = 0; i < columns->count; i++) {
        JoinColumn *column = &columns->items[i];
        if (slice_equal_nocase(slice_of(column->name), name) &&
            (alias.size == 0 || slice_equal_nocase(column->alias, alias))) {
            return column;
        }
    }
    return NULL;
}

// ---- what is referred to -----------------------------------------------------------------------

typedef struct References {
    Map *names; // any part of a name
    Map *plain; // names without their relation's
    Map *stars; // relations of which all columns are wanted
    bool all;
} References;

static bool note_reference(void *context, const Expr *expr)
{
    References *references = context;
    if (expr->kind == EXPR_COLUMN) {
        for (size_t i = 0; i < expr->name.count; i++) {
            map_put(references->names, expr->name.parts[i], references);
        }
        if (expr->name.count == 1) {
            map_put(references->plain, expr->name.parts[0], references);
        }
    } else if (expr->kind == EXPR_STAR && expr->qualifier.count > 0) {
        map_put(references->stars, expr->qualifier.parts[expr->qualifier.count - 1], references);
    } else if (expr->kind == EXPR_STAR || expr->query != NULL) {
        references->all = true;
    } else if (expr->kind == EXPR_CALL && slice_equal_nocase(expr->text, slice_of("count")) &&
               expr->arguments.count == 1 && expr->arguments.items[0]->kind == EXPR_STAR) {
        return false; // count(*) refers to no column
    }
    return true;
}

static void note_expr(References *references, const Expr *expr)
{
    if (expr != NULL) {
        rewrite_visit(expr, note_reference, references);
    }
}

static void note_relation(References *references, const Relation *relation, const Relation *except)
{
    if (relation == NULL ||
        (relation->kind != RELATION_JOIN && relation->kind != RELATION_LATERAL_VIEW)) {
        return;
    }
    note_relation(references, relation->left, except);
    note_relation(references, relation->kind == RELATION_JOIN ? relation->right : NULL, except);
    for (size_t i = 0; i < relation->arguments.count; i++) {
        note_expr(references, relation->arguments.items[i]);
    }
    for (size_t i = 0; relation != except && i < relation->using_count; i++) {
        map_put(references->names, relation->using_columns[i], references);
    }
    references->all |= relation->natural && relation != except;
    if (relation != except) {
        note_expr(references, relation->on);
    }
}

static void note_select(References *references, const Select *select, const Relation *except)
{
    for (size_t i = 0; i < select->item_count; i++) {
        note_expr(references, select->items[i].expr);
    }
    note_expr(references, select->where);
    for (size_t i = 0; i < select->group_by.count; i++) {
        note_expr(references, select->group_by.items[i]);
    }
    note_expr(references, select->having);
    note_expr(references, select->qualify);
    for (size_t i = 0; i < select->set_count; i++) {
        for (size_t j = 0; j < select->sets[i].count; j++) {
            note_expr(references, select->sets[i].items[j]);
        }
    }
    note_relation(references, select->from, except);
}

static bool is_referred(const References *references, const JoinColumn *column)
{
    return references->all || map_has(references->names, slice_of(column->name)) ||
           map_has(references->stars, column->alias);
}

static bool is_merged(const JoinCut *cut, const char *name)
{
    for (size_t i = 0; i < cut->merged_count; i++) {
        if (slice_equal_nocase(cut->merged[i], slice_of(name))) {
            return true;
        }
    }
    return false;
}

void plan_join_names_choose(JoinCut *cut)
{
    Arena *arena = cut->planner->arena;
    References references = {
        .names = map_create(true),
        .plain = map_create(true),
        .stars = map_create(true),
        .all = cut->planner->select == NULL,
    };
    if (cut->planner->select != NULL) {
        note_select(&references, cut->planner->select, cut->relation);
    }
    for (size_t i = 0; i < cut->rest_count; i++) {
        note_expr(&references, cut->rest[i]);
    }
    for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
        JoinColumns *columns = &cut->inputs[side].columns;
        size_t shown = 0;
        for (size_t i = 0; i < columns->count; i++) {
            JoinColumn *column = &columns->items[i];
            if (is_referred(&references, column)) {
                column->shown =
                    arena_printf(arena, "#%c%zu", side == SIDE_LEFT ? 'l' : 'r', shown++);
            }
            column->is_plain = map_has(references.plain, slice_of(column->name));
        }
    }
    map_destroy(references.names);
    map_destroy(references.plain);
    map_destroy(references.stars);
}

// ---- the names again ---------------------------------------------------------------------------

// Appends {k: "#l0", ...} AS alias for the columns of a relation, of which `first` is the first.
static void print_struct(const JoinColumns *columns, size_t first, Buffer *sql)
{
    Slice alias = columns->items[first].alias;
    buffer_append_text(sql, "struct_pack(");
    const char *separator = "";
    for (size_t i = first; i < columns->count; i++) {
        const JoinColumn *column = &columns->items[i];
        if (column->shown == NULL || !slice_equal_nocase(column->alias, alias)) {
            continue;
        }
        buffer_append_text(sql, separator);
        duck_quote_name(sql, slice_of(column->name));
        buffer_append_text(sql, " := ");
        duck_quote_name(sql, slice_of(column->shown));
        separator = ", ";
    }
    buffer_append_text(sql, ") AS ");
    duck_quote_name(sql, alias);
}

static bool is_first_of_alias(const JoinColumns *columns, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (columns->items[i].shown != NULL &&
            slice_equal_nocase(columns->items[i].alias, columns->items[index].alias)) {
            return false;
        }
    }
    return columns->items[index].shown != NULL && columns->items[index].alias.size > 0;
}

static size_t visible_sides(const JoinCut *cut, bool all)
{
    return cut->kind == JOIN_SEMI && !all ? 1 : 2;
}

static size_t count_named(const JoinCut *cut, bool all, const char *name)
{
    size_t count = 0;
    for (size_t side = 0; side < visible_sides(cut, all); side++) {
        const JoinColumns *columns = &cut->inputs[side].columns;
        for (size_t i = 0; i < columns->count; i++) {
            count +=
                columns->items[i].shown != NULL && text_equal_nocase(columns->items[i].name, name);
        }
    }
    return count;
}

static bool is_alias(const JoinCut *cut, const char *name)
{
    for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
        const JoinColumns *columns = &cut->inputs[side].columns;
        for (size_t i = 0; i < columns->count; i++) {
            if (columns->items[i].shown != NULL &&
                slice_equal_nocase(columns->items[i].alias, slice_of(name))) {
                return true;
            }
        }
    }
    return false;
}

// USING: the one column that both sides' stand for.
static void print_merged(const JoinCut *cut, Slice name, Buffer *sql)
{
    const JoinColumn *left =
        plan_join_names_find(&cut->inputs[SIDE_LEFT].columns, (Slice){0}, name);
    const JoinColumn *right =
        plan_join_names_find(&cut->inputs[SIDE_RIGHT].columns, (Slice){0}, name);
    if (left->shown == NULL || right->shown == NULL) {
        return;
    }
    bool both = cut->kind == JOIN_FULL;
    buffer_append_text(sql, both ? ", coalesce(" : ", (");
    if (cut->kind != JOIN_RIGHT) {
        duck_quote_name(sql, slice_of(left->shown));
    }
    buffer_append_text(sql, both ? ", " : "");
    if (both || cut->kind == JOIN_RIGHT) {
        duck_quote_name(sql, slice_of(right->shown));
    }
    buffer_append_text(sql, ") AS ");
    duck_quote_name(sql, name);
}

const char *plan_join_names_select(JoinCut *cut, const char *source, bool all)
{
    Buffer sql = {0};
    buffer_append_text(&sql, all ? "SELECT *" : "SELECT true AS \"#\"");
    bool ok = true;
    for (size_t side = 0; side < visible_sides(cut, all); side++) {
        const JoinColumns *columns = &cut->inputs[side].columns;
        for (size_t i = 0; i < columns->count; i++) {
            const JoinColumn *column = &columns->items[i];
            if (is_first_of_alias(columns, i)) {
                buffer_append_text(&sql, ", ");
                print_struct(columns, i, &sql);
            }
            if (column->shown == NULL || count_named(cut, all, column->name) > 1 ||
                (is_merged(cut, column->name) && visible_sides(cut, all) == 2)) {
                continue;
            }
            if (is_alias(cut, column->name)) {
                ok = ok && !column->is_plain;
                continue;
            }
            buffer_append_text(&sql, ", ");
            duck_quote_name(&sql, slice_of(column->shown));
            buffer_append_text(&sql, " AS ");
            duck_quote_name(&sql, slice_of(column->name));
        }
    }
    for (size_t i = 0; visible_sides(cut, all) == 2 && i < cut->merged_count; i++) {
        print_merged(cut, cut->merged[i], &sql);
    }
    buffer_printf(&sql, " FROM %s", source);
    const char *text = arena_text(cut->planner->arena, buffer_slice(&sql));
    buffer_done(&sql);
    if (!ok) {
        diagnose(cut->planner->diagnostics, cut->relation->pos, "UNSUPPORTED_FEATURE",
                 "write its relation before it, or give the other relation another alias",
                 "in a join of streams a name without its relation cannot be the alias of one");
    }
    return ok ? text : NULL;
}

Relation *plan_join_names_relation(JoinCut *cut)
{
    Planner *planner = cut->planner;
    const char *select = plan_join_names_select(cut, cut->stage->batch_relation, false);
    if (select == NULL) {
        return NULL;
    }
    PlanJoined *joined = ARENA_NEW(planner->arena, PlanJoined);
    joined->relation =
        plan_raw_relation(planner->arena, cut->relation->pos,
                          slice_of(arena_printf(planner->arena, "#%s", cut->stage->name)),
                          arena_printf(planner->arena, "(%s)", select));
    size_t capacity = 0;
    for (size_t side = 0; side < visible_sides(cut, false); side++) {
        const JoinColumns *columns = &cut->inputs[side].columns;
        for (size_t i = 0; i < columns->count; i++) {
            if (columns->items[i].shown != NULL) {
                ARENA_PUSH(planner->arena, joined->columns, joined->count, capacity,
                           columns->items[i]);
            }
        }
    }
    joined->merged = cut->merged;
    joined->merged_count = visible_sides(cut, false) == 2 ? cut->merged_count : 0;
    joined->next = planner->joined;
    planner->joined = joined;
    return joined->relation;
}

// ---- stars -------------------------------------------------------------------------------------

typedef struct StarItems {
    Planner *planner;
    const SelectItem *star;
    SelectItem *items;
    size_t count;
    size_t capacity;
    bool failed;
} StarItems;

static bool is_left_out(const StarItems *out, const char *name)
{
    const Expr *star = out->star->expr;
    for (size_t i = 0; i < star->except_count; i++) {
        if (slice_equal_nocase(star->except[i], slice_of(name))) {
            return true;
        }
    }
    return false;
}

static void add_star_column(StarItems *out, Slice alias, const char *name)
{
    if (is_left_out(out, name)) {
        return;
    }
    Arena *arena = out->planner->arena;
    const char *text = arena_text(arena, alias);
    SelectItem item = {.pos = out->star->pos, .alias = slice_of(name)};
    item.expr = alias.size > 0 ? plan_column(arena, item.pos, text, name)
                               : plan_column(arena, item.pos, name, NULL);
    ARENA_PUSH(arena, out->items, out->count, out->capacity, item);
}

static void spell_joined(StarItems *out, const PlanJoined *joined)
{
    const Name *of = &out->star->expr->qualifier;
    for (size_t i = 0; of->count == 0 && i < joined->merged_count; i++) {
        add_star_column(out, (Slice){0}, arena_text(out->planner->arena, joined->merged[i]));
    }
    for (size_t i = 0; i < joined->count; i++) {
        const JoinColumn *column = &joined->columns[i];
        bool is_merged_column = false;
        for (size_t m = 0; of->count == 0 && m < joined->merged_count; m++) {
            is_merged_column |= slice_equal_nocase(joined->merged[m], slice_of(column->name));
        }
        if (!is_merged_column &&
            (of->count == 0 || slice_equal_nocase(of->parts[of->count - 1], column->alias))) {
            add_star_column(out, column->alias, column->name);
        }
    }
}

static void spell_relation(StarItems *out, const Relation *relation)
{
    if (relation->kind == RELATION_JOIN) {
        spell_relation(out, relation->left);
        if (relation->join != JOIN_SEMI && relation->join != JOIN_ANTI) {
            spell_relation(out, relation->right);
        }
        return;
    }
    if (relation->kind == RELATION_LATERAL_VIEW) {
        spell_relation(out, relation->left);
    }
    const PlanJoined *joined = find_joined(out->planner, relation);
    if (joined != NULL) {
        spell_joined(out, joined);
        return;
    }
    Slice alias = relation_name(relation);
    const Name *of = &out->star->expr->qualifier;
    if (of->count > 0 && !slice_equal_nocase(of->parts[of->count - 1], alias)) {
        return;
    }
    if (alias.size == 0) {
        diagnose(out->planner->diagnostics, out->star->pos, "UNSUPPORTED_FEATURE",
                 "give it an alias, or name the columns",
                 "* beside a join of streams needs a name for each relation in FROM");
        out->failed = true;
        return;
    }
    Expr *star = ast_expr(out->planner->arena, EXPR_STAR, out->star->pos);
    *star = *out->star->expr;
    star->qualifier.parts[0] = alias;
    star->qualifier.count = 1;
    SelectItem item = {.pos = out->star->pos, .expr = star};
    ARENA_PUSH(out->planner->arena, out->items, out->count, out->capacity, item);
}

static bool has_joined(const Planner *planner, const Relation *relation)
{
    if (relation == NULL || find_joined(planner, relation) != NULL) {
        return relation != NULL;
    }
    bool is_tree = relation->kind == RELATION_JOIN || relation->kind == RELATION_LATERAL_VIEW;
    return is_tree && (has_joined(planner, relation->left) || has_joined(planner, relation->right));
}

bool plan_join_spell_stars(Planner *planner, Select *select)
{
    if (!has_joined(planner, select->from)) {
        return true;
    }
    StarItems out = {.planner = planner};
    for (size_t i = 0; i < select->item_count; i++) {
        out.star = &select->items[i];
        if (out.star->expr->kind == EXPR_STAR) {
            spell_relation(&out, select->from);
        } else {
            ARENA_PUSH(planner->arena, out.items, out.count, out.capacity, select->items[i]);
        }
    }
    select->items = out.items;
    select->item_count = out.count;
    return !out.failed;
}
