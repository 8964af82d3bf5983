// What stages keep, gathered while a query is planned. See plan_facts.h.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_cut.h"
#include "stream/plan_join.h"

void plan_add_fact(Planner *planner, PlanStage *stage, const char *label, Pos pos, const char *text)
{
    PlanFact fact = {.label = label, .text = text, .pos = pos};
    ARENA_PUSH(planner->arena, stage->facts.items, stage->facts.count, stage->facts.capacity, fact);
}

void plan_add_origin(Planner *planner, PlanStage *stage, Buffer *origin)
{
    if (origin->size > 0) {
        PlanFact *fact = &stage->facts.items[stage->facts.count - 1];
        fact->origin = arena_text(planner->arena, buffer_slice(origin));
    }
    buffer_done(origin);
}

void plan_show_column(Planner *planner, PlanStage *stage, const PlanShown *shown)
{
    ARENA_PUSH(planner->arena, stage->facts.shown, stage->facts.shown_count,
               stage->facts.shown_capacity, *shown);
}

static size_t skip_quoted(Slice text, size_t i)
{
    char quote = text.data[i++];
    while (i < text.size && text.data[i] != quote) {
        i += text.data[i] == '\\' && quote != '`' ? 2 : 1;
    }
    return i < text.size ? i + 1 : text.size;
}

// Copies the text with one space for any white space and comments, and none inside brackets.
void plan_append_words(Slice text, Buffer *out)
{
    bool space = false;
    for (size_t i = 0; i < text.size;) {
        char c = text.data[i];
        if (c == '-' && i + 1 < text.size && text.data[i + 1] == '-') {
            const char *end = memchr(text.data + i, '\n', text.size - i);
            i = end == NULL ? text.size : (size_t)(end - text.data);
            continue;
        }
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            space = true;
            i++;
            continue;
        }
        bool opened = out->size > 0 && out->data[out->size - 1] == '(';
        if (space && out->size > 0 && !opened && c != ')' && c != ',') {
            buffer_append_char(out, ' ');
        }
        space = false;
        size_t end = c == '\'' || c == '"' || c == '`' ? skip_quoted(text, i) : i + 1;
        buffer_append(out, (Slice){text.data + i, end - i});
        i = end;
    }
}

static void append_span(Planner *planner, const Expr *expr, Buffer *out)
{
    Slice text = sql_sources_text(planner->diagnostics->sources, expr->pos.source);
    if (expr->pos.end > expr->pos.start && expr->pos.end <= text.size) {
        plan_append_words((Slice){text.data + expr->pos.start, expr->pos.end - expr->pos.start},
                          out);
    } else { // made by the planner
        sql_expr_name(expr, out);
    }
}

// The place of a call ends with its ')'.
static void append_over(Planner *planner, const WindowSpec *over, Buffer *out)
{
    buffer_append_text(out, " OVER (");
    for (size_t i = 0; i < over->partition_by.count; i++) {
        buffer_append_text(out, i == 0 ? "PARTITION BY " : ", ");
        append_span(planner, over->partition_by.items[i], out);
    }
    for (size_t i = 0; i < over->order_by.count; i++) {
        const char *before = over->partition_by.count > 0 ? " ORDER BY " : "ORDER BY ";
        buffer_append_text(out, i == 0 ? before : ", ");
        append_span(planner, over->order_by.items[i].expr, out);
        buffer_append_text(out, over->order_by.items[i].descending ? " DESC" : "");
    }
    buffer_append_char(out, ')');
}

const char *plan_words(Planner *planner, const Expr *expr)
{
    Buffer words = {0};
    append_span(planner, expr, &words);
    if (expr->kind == EXPR_CALL && expr->filter != NULL) {
        buffer_append_text(&words, " FILTER (WHERE ");
        append_span(planner, expr->filter, &words);
        buffer_append_char(&words, ')');
    }
    if (expr->kind == EXPR_CALL && expr->over != NULL) {
        append_over(planner, expr->over, &words);
    }
    const char *copy = arena_text(planner->arena, buffer_slice(&words));
    buffer_done(&words);
    return copy;
}

// ---- aggregations ------------------------------------------------------------------------------

// The column of the result that an expression alone makes; NULL: none.
static const char *result_name(const Cut *cut, const char *words)
{
    for (size_t i = 0; i < cut->select->item_count; i++) {
        const SelectItem *item = &cut->select->items[i];
        if (item->alias.size > 0 && strcmp(plan_words(cut->planner, item->expr), words) == 0) {
            return arena_text(cut->planner->arena, item->alias);
        }
    }
    return NULL;
}

static const char *expr_name(const Cut *cut, const Expr *expr)
{
    const char *name = result_name(cut, plan_words(cut->planner, expr));
    if (name != NULL) {
        return name;
    }
    Buffer text = {0};
    sql_expr_name(expr, &text);
    name = arena_text(cut->planner->arena, buffer_slice(&text));
    buffer_done(&text);
    return name;
}

static const char *key_name(const Cut *cut, const GroupKey *key)
{
    const char *name = result_name(cut, plan_words(cut->planner, key->expr));
    return name != NULL || !key->is_window ? expr_name(cut, key->expr) : "window";
}

static void show_keys(Cut *cut, Buffer *list)
{
    Arena *arena = cut->planner->arena;
    for (size_t i = 0; i < cut->key_count; i++) {
        const GroupKey *key = &cut->keys[i];
        buffer_printf(list, "%s%s", i == 0 ? "" : ", ", plan_words(cut->planner, key->expr));
        PlanShown shown = {
            .column = arena_printf(arena, "k%zu", i),
            .name = key_name(cut, key),
            .window = key->is_window ? key->shape.size : 0,
            .time = key->time_type,
        };
        plan_show_column(cut->planner, cut->stage, &shown);
    }
}

// An aggregate of several partial values has a number behind its name.
static void show_calls(Cut *cut, Buffer *list)
{
    Arena *arena = cut->planner->arena;
    for (size_t i = 0; i < cut->call_count; i++) {
        const AggregateCall *call = &cut->calls[i];
        const char *name = expr_name(cut, call->expr);
        buffer_printf(list, "%s%s", i == 0 ? "" : ", ", plan_words(cut->planner, call->expr));
        for (size_t p = 0; p < call->rule->partial_count; p++) {
            PlanShown shown = {.column = arena_printf(arena, "v%zu", call->first_partial + p)};
            shown.name =
                call->rule->partial_count == 1 ? name : arena_printf(arena, "%s#%zu", name, p + 1);
            plan_show_column(cut->planner, cut->stage, &shown);
        }
    }
}

bool plan_describe_groups(Cut *cut)
{
    Buffer list = {0};
    Arena *arena = cut->planner->arena;
    Pos pos = cut->key_count > 0 ? cut->keys[0].expr->pos : cut->select->pos;
    show_keys(cut, &list);
    plan_add_fact(cut->planner, cut->stage, "keys", pos, arena_text(arena, buffer_slice(&list)));
    Buffer origin = {0};
    for (size_t i = 0; i < cut->key_count; i++) {
        plan_append_origin(cut->planner, cut->planner->written, cut->keys[i].expr, &origin);
    }
    plan_add_origin(cut->planner, cut->stage, &origin);
    buffer_reset(&list);
    show_calls(cut, &list);
    pos = cut->call_count > 0 ? cut->calls[0].expr->pos : cut->select->pos;
    plan_add_fact(cut->planner, cut->stage, "aggregates", pos,
                  arena_text(arena, buffer_slice(&list)));
    for (size_t i = 0; i < cut->call_count; i++) {
        plan_append_origin(cut->planner, cut->planner->written, cut->calls[i].expr, &origin);
    }
    plan_add_origin(cut->planner, cut->stage, &origin);
    buffer_done(&list);
    return true;
}

// ---- first rows of each group ------------------------------------------------------------------

void plan_describe_top(Planner *planner, PlanStage *stage, const Expr *ranking, int64_t limit)
{
    const char *text = arena_printf(planner->arena, "%s up to %lld", plan_words(planner, ranking),
                                    (long long)limit);
    plan_add_fact(planner, stage, "ranking", ranking->pos, text);
    Buffer origin = {0};
    plan_append_origin(planner, planner->written, ranking, &origin);
    plan_add_origin(planner, stage, &origin);
    const ExprList *keys = &ranking->over->partition_by;
    for (size_t i = 0; i < keys->count && i < stage->keys.count; i++) {
        PlanShown key = {.column = stage->keys.columns[i].name};
        key.name = plan_words(planner, keys->items[i]);
        plan_show_column(planner, stage, &key);
    }
    PlanShown rows = {.column = stage->values.columns[0].name, .name = "rows"};
    plan_show_column(planner, stage, &rows);
}

// ---- joins -------------------------------------------------------------------------------------

static bool is_inside(const Expr *expr, const Expr *whole)
{
    return whole != NULL && expr->pos.source == whole->pos.source &&
           expr->pos.start >= whole->pos.start && expr->pos.end <= whole->pos.end;
}

// Keys that USING or WHERE ask for; the bounds of WHERE are in the origin.
static const char *join_condition(const JoinCut *cut)
{
    const Relation *join = cut->relation;
    Planner *planner = cut->planner;
    Buffer text = {0};
    if (join->on != NULL) {
        buffer_append_text(&text, plan_words(planner, join->on));
    }
    for (size_t i = 0; i < join->using_count; i++) {
        buffer_printf(&text, "%s%.*s", i == 0 ? "USING " : ", ", SLICE_ARG(join->using_columns[i]));
    }
    for (size_t i = 0; join->using_count == 0 && i < cut->key_count; i++) {
        const JoinKey *key = &cut->keys[i];
        if (!is_inside(key->exprs[SIDE_LEFT], join->on)) {
            buffer_printf(&text, "%s%s = %s", text.size == 0 ? "" : " AND ",
                          plan_words(planner, key->exprs[SIDE_LEFT]),
                          plan_words(planner, key->exprs[SIDE_RIGHT]));
        }
    }
    const char *copy = arena_text(planner->arena, buffer_slice(&text));
    buffer_done(&text);
    return copy;
}

void plan_describe_join(const JoinCut *cut, PlanStage *stage)
{
    static const char *const kinds[] = {
        [JOIN_INNER] = "inner", [JOIN_LEFT] = "left", [JOIN_RIGHT] = "right", [JOIN_FULL] = "full",
        [JOIN_SEMI] = "semi",   [JOIN_ANTI] = "anti", [JOIN_CROSS] = "inner",
    };
    const Relation *join = cut->relation;
    Planner *planner = cut->planner;
    Buffer origin = {0};
    plan_add_fact(planner, stage, "kind", join->pos, kinds[join->join]);
    plan_add_fact(planner, stage, "condition", join->on != NULL ? join->on->pos : join->pos,
                  join_condition(cut));
    for (size_t i = 0; i < cut->key_count; i++) {
        plan_append_origin(planner, join->left, cut->keys[i].exprs[SIDE_LEFT], &origin);
        plan_append_origin(planner, join->right, cut->keys[i].exprs[SIDE_RIGHT], &origin);
    }
    if (join->on != NULL) {
        plan_append_origin(planner, join, join->on, &origin);
    }
    const Select *select = planner->select;
    if (select != NULL && select->where != NULL && planner->where_reaches && cut->bound_count > 0) {
        buffer_printf(&origin, "%stimes from %lld to %lld us", origin.size == 0 ? "" : ", ",
                      (long long)cut->plan->low, (long long)cut->plan->high);
    }
    plan_add_origin(planner, stage, &origin);
}
