// Cutting a query at a join of two streams. See plan_join.h; what the stage does is in
// stage_join.h.
//
// When rows may be forgotten is Spark's rule (its state watermark):
//   * an equality compares event times, or windows of them: both sides are forgotten by that time,
//     once the watermark has reached it;
//   * bounds relate the event times of both sides, and both have watermarks: a side is forgotten
//     once its time is too old for any row of the other side that is still on time;
//   * otherwise never.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_join.h"

#include "duck/row_codec.h"

// ---- what Spark refuses ------------------------------------------------------------------------

static const char *join_name(JoinKind kind)
{
    static const char *const names[] = {"Inner",    "LeftOuter", "RightOuter", "FullOuter",
                                        "LeftSemi", "LeftAnti",  "Cross"};
    return names[kind];
}

static bool check_kind(JoinCut *cut)
{
    Diagnostics *diagnostics = cut->planner->diagnostics;
    OutputMode mode = cut->planner->request->mode;
    Pos pos = cut->relation->pos;
    if (mode != OUTPUT_APPEND) {
        return diagnose(diagnostics, pos, "_LEGACY_ERROR_TEMP_3102",
                        "leave outputMode out, which means append, or write the join into a "
                        "streaming table and read that",
                        "Join between two streaming DataFrames/Datasets is not supported in %s "
                        "output mode, only in Append output mode",
                        mode == OUTPUT_UPDATE ? "Update" : "Complete");
    }
    if (cut->relation->join == JOIN_ANTI) {
        return diagnose(diagnostics, pos, "_LEGACY_ERROR_TEMP_3102",
                        "LEFT JOIN and WHERE ... IS NULL gives the rows without a match",
                        "LeftAnti joins with a streaming DataFrame/Dataset on the right are not "
                        "supported");
    }
    if (cut->relation->lateral) {
        return diagnose(diagnostics, pos, "UNSUPPORTED_FEATURE", NULL,
                        "LATERAL joins of streams are not supported");
    }
    return true;
}

static bool check_keys(JoinCut *cut)
{
    return cut->key_count > 0 ||
           diagnose(cut->planner->diagnostics, cut->relation->pos, "_LEGACY_ERROR_TEMP_1181",
                    "add an equality of a column of each side, for example a.id = b.id",
                    "Stream-stream join without equality predicate is not supported");
}

// ---- event times -------------------------------------------------------------------------------

static const JoinColumn *column_of(const JoinInput *input, const EventColumn *event)
{
    return plan_join_names_find(&input->columns, event->alias, slice_of(event->name));
}

static const char *time_sql(Planner *planner, const char *sql, bool is_window)
{
    return arena_printf(planner->arena, is_window ? "epoch_us((%s).\"end\")" : "epoch_us(%s)", sql);
}

static bool is_key(const JoinCut *cut, int side, const EventColumn *event)
{
    Flowing one = {.events = (EventColumn *)event, .event_count = 1};
    for (size_t i = 0; i < cut->key_count; i++) {
        const Expr *expr = cut->keys[i].exprs[side];
        if (event->is_window ? plan_is_event_window(&one, expr)
                             : plan_is_event_column(&one, expr)) {
            return true;
        }
    }
    return false;
}

// The event times of the sides: those that nothing refers to are as if they were not there, as
// Spark leaves such columns out before it looks.
static void find_times(JoinCut *cut)
{
    for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
        JoinInput *input = &cut->inputs[side];
        for (size_t i = 0; i < input->flowing.event_count; i++) {
            const EventColumn *event = &input->flowing.events[i];
            const JoinColumn *column = column_of(input, event);
            if (column == NULL || (column->shown == NULL && !is_key(cut, side, event))) {
                continue;
            }
            input->late = input->late == NULL ? event : input->late;
            input->time = input->time == NULL && !event->is_window ? event : input->time;
        }
    }
}

// The key that compares event times, or their windows; NULL: none does.
static const JoinKey *time_key(const JoinCut *cut)
{
    for (size_t i = 0; i < cut->key_count; i++) {
        for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
            const Flowing *flowing = &cut->inputs[side].flowing;
            const Expr *expr = cut->keys[i].exprs[side];
            if (plan_is_event_column(flowing, expr) || plan_is_event_window(flowing, expr)) {
                return &cut->keys[i];
            }
        }
    }
    return NULL;
}

static TimeUs longest_delay(const JoinCut *cut)
{
    TimeUs longest = TIME_SECOND;
    for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
        const EventColumn *late = cut->inputs[side].late;
        TimeUs delay = late == NULL ? 0 : cut->planner->plan->watermarks[late->watermark].delay;
        longest = delay > longest ? delay : longest;
    }
    return longest;
}

static TimeUs whole_ms(TimeUs time)
{
    return window_last_start((WindowShape){TIME_MS, TIME_MS, 0}, time);
}

static void expire(JoinCut *cut, int side, TimeUs shift)
{
    PlanJoinSide *rule = &cut->plan->sides[side];
    if (!rule->expires || shift < rule->expiry_shift) { // of several bounds the most careful
        rule->expiry_shift = shift;
    }
    rule->expires = true;
    TimeUs span = longest_delay(cut) + (rule->expiry_shift < 0 ? -rule->expiry_shift : 0);
    rule->expiry_grain = whole_ms(span / 128) < TIME_SECOND ? TIME_SECOND : whole_ms(span / 128);
}

// Bounds on the event times of both sides.
static void use_bounds(JoinCut *cut)
{
    PlanJoin *plan = cut->plan;
    for (size_t i = 0; i < cut->bound_count; i++) {
        const JoinBound *bound = &cut->bounds[i];
        TimeUs past = bound->is_inclusive ? TIME_MS : 0; // a row at the bound still matches
        if (bound->is_high) {
            TimeUs high = bound->value + bound->slack;
            plan->high = high < plan->high ? high : plan->high;
            expire(cut, SIDE_LEFT, whole_ms(-bound->value) - past);
        } else {
            TimeUs low = bound->value - bound->slack;
            plan->low = low > plan->low ? low : plan->low;
            expire(cut, SIDE_RIGHT, whole_ms(bound->value) - past);
        }
    }
    bool is_range = plan->low != TIME_MIN && plan->high != TIME_NEVER;
    // A row looks at two or three buckets, in which few rows of its key are too far away.
    TimeUs span = is_range ? (plan->high - plan->low) / 2 : 10 * longest_delay(cut);
    TimeUs least = longest_delay(cut) / 32;
    least = least < TIME_SECOND ? TIME_SECOND : least;
    plan->grain = span < least ? least : span;
    for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
        JoinInput *input = &cut->inputs[side];
        input->time_sql = time_sql(cut->planner, column_of(input, input->time)->sql, false);
    }
}

static void decide_times(JoinCut *cut)
{
    PlanJoin *plan = cut->plan;
    plan->low = TIME_MIN;
    plan->high = TIME_NEVER;
    const JoinKey *key = time_key(cut);
    bool is_time =
        key != NULL && (key->type->kind == TYPE_TIMESTAMP || key->type->kind == TYPE_TIMESTAMP_NTZ);
    bool is_window = key != NULL && key->type->kind == TYPE_STRUCT;
    if (is_time || is_window) {
        plan->low = plan->high = 0;
        plan->grain = longest_delay(cut);
        for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
            expire(cut, side, 0);
            cut->inputs[side].time_sql = time_sql(cut->planner, key->sql[side], is_window);
        }
        return;
    }
    if (cut->inputs[SIDE_LEFT].time != NULL && cut->inputs[SIDE_RIGHT].time != NULL) {
        plan_join_condition_bounds(cut);
    }
    if (cut->bound_count > 0) {
        use_bounds(cut);
    }
}

// A row that comes out when it is forgotten must be forgotten some day.
static bool check_outer(JoinCut *cut)
{
    const PlanJoinSide *sides = cut->plan->sides;
    bool ok = cut->kind == JOIN_INNER || (cut->kind == JOIN_RIGHT && sides[SIDE_RIGHT].expires) ||
              (cut->kind == JOIN_FULL && (sides[SIDE_LEFT].expires || sides[SIDE_RIGHT].expires)) ||
              ((cut->kind == JOIN_LEFT || cut->kind == JOIN_SEMI) && sides[SIDE_LEFT].expires);
    return ok || diagnose(cut->planner->diagnostics, cut->relation->pos, "_LEGACY_ERROR_TEMP_3102",
                          cut->kind == JOIN_RIGHT
                              ? "give both sides a WATERMARK, and ON a bound such as right.ts >= "
                                "left.ts - INTERVAL 1 HOUR"
                              : "give both sides a WATERMARK, and ON a bound such as right.ts <= "
                                "left.ts + INTERVAL 1 HOUR",
                          "Stream-stream %s join between two streaming DataFrame/Datasets is not "
                          "supported without a watermark in the join keys, or a watermark on the "
                          "nullable side and an appropriate range condition",
                          join_name(cut->kind));
}

// ---- statements --------------------------------------------------------------------------------

static const char *all_of(Planner *planner, const SqlList *list)
{
    Buffer sql = {0};
    for (size_t i = 0; i < list->count; i++) {
        buffer_printf(&sql, "%s(%s)", i == 0 ? "" : " AND ", list->items[i]);
    }
    const char *text = arena_text(planner->arena, buffer_slice(&sql));
    buffer_done(&sql);
    return text;
}

static void add_item(Planner *planner, Select *select, Pos pos, const char *sql, const char *alias)
{
    SelectItem item = {.pos = pos, .expr = ast_raw(planner->arena, pos, sql)};
    item.alias = slice_of(alias);
    ARENA_PUSH(planner->arena, select->items, select->item_count, select->item_capacity, item);
}

static const char *late_sql(JoinCut *cut, const JoinInput *input)
{
    if (input->late == NULL) {
        return "false";
    }
    const char *time =
        time_sql(cut->planner, column_of(input, input->late)->sql, input->late->is_window);
    return arena_printf(cut->planner->arena, "%s(%s)", cut->stage->late_function, time);
}

// The rows of a side that LATE DATA INTO takes.
static bool add_late(JoinCut *cut, JoinInput *input, const Select *rows)
{
    Planner *planner = cut->planner;
    if (input->late == NULL || input->flowing.late_into == NULL) {
        return true;
    }
    Pos pos = cut->relation->pos;
    Select select = {.pos = pos, .from = rows->from};
    for (size_t i = 0; i < input->columns.count; i++) {
        add_item(planner, &select, pos, input->columns.items[i].sql, input->columns.items[i].name);
    }
    const char *late = late_sql(cut, input);
    const char *filter = all_of(planner, &input->filters);
    select.where = ast_raw(
        planner->arena, pos,
        input->filters.count == 0 ? late : arena_printf(planner->arena, "%s AND %s", filter, late));
    const char *sql = plan_sql(planner, plan_query_of(planner->arena, &select));
    return sql != NULL && plan_add_late(planner, cut->stage, &input->flowing, sql);
}

static bool make_side(JoinCut *cut, int side)
{
    Planner *planner = cut->planner;
    Arena *arena = planner->arena;
    JoinInput *input = &cut->inputs[side];
    PlanJoinSide *rule = &cut->plan->sides[side];
    Pos pos = cut->relation->pos;
    Select select = {.pos = pos, .from = input->relation};
    add_item(planner, &select, pos, late_sql(cut, input), "#late");
    add_item(planner, &select, pos, input->time_sql == NULL ? "NULL::BIGINT" : input->time_sql,
             "#time");
    add_item(planner, &select, pos,
             input->alone.count == 0 ? "true" : all_of(planner, &input->alone), "#joins");
    for (size_t i = 0; i < cut->key_count; i++) {
        add_item(planner, &select, pos, cut->keys[i].sql[side], arena_printf(arena, "#k%zu", i));
    }
    for (size_t i = 0; i < input->columns.count; i++) {
        const JoinColumn *column = &input->columns.items[i];
        if (column->shown != NULL) {
            add_item(planner, &select, pos, column->sql, column->shown);
            schema_add(arena, &rule->columns, column->shown, column->type, true);
        }
    }
    if (input->filters.count > 0) {
        select.where = ast_raw(arena, pos, all_of(planner, &input->filters));
    }
    rule->sql = plan_sql(planner, plan_query_of(arena, &select));
    Error err;
    if (!row_check_schema(&rule->columns, &err)) {
        return diagnose(planner->diagnostics, pos, NULL, NULL, "%s", err.message);
    }
    return rule->sql != NULL && add_late(cut, input, &select);
}

static bool make_pairs(JoinCut *cut)
{
    Planner *planner = cut->planner;
    PlanJoin *plan = cut->plan;
    for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
        for (size_t i = 0; i < plan->sides[side].columns.count; i++) {
            const Column *column = &plan->sides[side].columns.columns[i];
            schema_add(planner->arena, &plan->pair_columns, column->name, column->type, true);
        }
    }
    const Type *bigint = type_simple(TYPE_BIGINT);
    schema_add(planner->arena, &plan->pair_columns, "#left", bigint, true);
    schema_add(planner->arena, &plan->pair_columns, "#right", bigint, true);
    plan->pairs = arena_printf(planner->arena, "pairs_%d_%d", planner->plan->flow, cut->stage->id);
    return plan_declare_view(planner, plan->pairs, &plan->pair_columns, cut->relation->pos);
}

// The stage's columns: of each pair those of both sides, and which rows it is made of.
static void print_columns(const JoinCut *cut, Buffer *sql)
{
    const Schema *pair = &cut->plan->pair_columns;
    size_t left = cut->plan->sides[SIDE_LEFT].columns.count;
    size_t count = cut->kind == JOIN_INNER  ? pair->count - 2
                   : cut->kind == JOIN_SEMI ? left
                                            : pair->count;
    for (size_t i = 0; i < count; i++) {
        const char *name = pair->columns[i].name;
        buffer_append_text(sql, i == 0 ? "" : ", ");
        if (cut->kind == JOIN_SEMI) {
            buffer_printf(sql, "first(\"%s\") AS \"%s\"", name, name);
        } else {
            buffer_printf(sql, "\"%s\"", name);
        }
    }
    if (cut->kind == JOIN_SEMI) { // each left row once; "#right" is odd when a match was in state
        buffer_printf(sql, "%s\"#left\", max(\"#right\" & 1) AS \"#right\"",
                      count == 0 ? "" : ", ");
    } else if (count == 0) {
        buffer_append_text(sql, "\"#left\"");
    }
}

static bool make_statement(JoinCut *cut)
{
    Planner *planner = cut->planner;
    SqlList rest = {0};
    for (size_t i = 0; i < cut->rest_count; i++) {
        const char *sql = plan_expr_sql(planner, cut->rest[i]);
        if (sql == NULL) {
            return false;
        }
        ARENA_PUSH(planner->arena, rest.items, rest.count, rest.capacity, sql);
    }
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT ");
    print_columns(cut, &sql);
    bool ok = true;
    if (rest.count == 0) {
        buffer_printf(&sql, " FROM %s", cut->plan->pairs);
    } else {
        const char *named = plan_join_names_select(cut, cut->plan->pairs, true);
        ok = named != NULL;
        buffer_printf(&sql, " FROM (%s) WHERE %s", ok ? named : "", all_of(planner, &rest));
    }
    buffer_append_text(&sql, cut->kind == JOIN_SEMI ? " GROUP BY \"#left\"" : "");
    cut->stage->sql = arena_text(planner->arena, buffer_slice(&sql));
    buffer_done(&sql);
    return ok && plan_describe(planner, cut->stage->sql, cut->relation->pos, &cut->stage->output);
}

// ---- all together ------------------------------------------------------------------------------

static void forward_events(const JoinCut *cut, Flowing *flowing)
{
    for (int side = SIDE_LEFT; side <= (cut->kind == JOIN_SEMI ? SIDE_LEFT : SIDE_RIGHT); side++) {
        const JoinInput *input = &cut->inputs[side];
        for (size_t i = 0; i < input->flowing.event_count; i++) {
            const JoinColumn *column = column_of(input, &input->flowing.events[i]);
            if (column != NULL && column->shown != NULL) {
                ARENA_PUSH(cut->planner->arena, flowing->events, flowing->event_count,
                           flowing->event_capacity, input->flowing.events[i]);
            }
        }
    }
}

static bool fill_stage(JoinCut *cut)
{
    PlanStage *stage = cut->stage;
    PlanJoin *plan = cut->plan;
    stage->join = plan;
    plan->kind = cut->kind;
    for (size_t i = 0; i < cut->key_count; i++) {
        schema_add(cut->planner->arena, &stage->keys, arena_printf(cut->planner->arena, "k%zu", i),
                   cut->keys[i].type, true);
    }
    for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
        const PlanJoinSide *rule = &plan->sides[side];
        stage->has_event_time |= rule->expires;
        if (rule->expires && -rule->expiry_shift > stage->watermark_lag) {
            stage->watermark_lag = -rule->expiry_shift;
        }
    }
    Error err;
    if (!row_check_schema(&stage->keys, &err)) {
        return diagnose(cut->planner->diagnostics, cut->relation->pos, NULL, NULL, "%s",
                        err.message);
    }
    return make_side(cut, SIDE_LEFT) && make_side(cut, SIDE_RIGHT) && make_pairs(cut) &&
           make_statement(cut);
}

static void set_preserved(JoinCut *cut)
{
    JoinKind kind = cut->kind;
    PlanJoinSide *sides = cut->plan->sides;
    sides[SIDE_LEFT].is_preserved = kind == JOIN_LEFT || kind == JOIN_FULL;
    sides[SIDE_RIGHT].is_preserved = kind == JOIN_RIGHT || kind == JOIN_FULL;
    // Spark's count leaves out the sides whose rows it looks at for those without a match.
    for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
        sides[side].counts_removed = !sides[side].is_preserved;
        cut->inputs[side].is_preserved = sides[side].is_preserved;
    }
}

static Relation *join_streams(Planner *planner, const Relation *relation, JoinInput *left,
                              JoinInput *right, Flowing *flowing)
{
    JoinCut cut = {.planner = planner, .relation = relation, .inputs = {*left, *right}};
    cut.kind = relation->join == JOIN_CROSS ? JOIN_INNER : relation->join;
    cut.plan = ARENA_NEW(planner->arena, PlanJoin);
    set_preserved(&cut);
    if (!check_kind(&cut) ||
        !plan_join_names_columns(planner, left->relation, &cut.inputs[SIDE_LEFT].columns) ||
        !plan_join_names_columns(planner, right->relation, &cut.inputs[SIDE_RIGHT].columns) ||
        !plan_join_condition_split(&cut) || !check_keys(&cut)) {
        return NULL;
    }
    flowing->streaming = true;
    flowing->aggregated = left->flowing.aggregated || right->flowing.aggregated;
    flowing->below = left->flowing.below | right->flowing.below;
    plan_join_names_choose(&cut);
    find_times(&cut);
    decide_times(&cut);
    if (!check_outer(&cut)) {
        return NULL;
    }
    cut.stage = plan_begin_stage(planner, STAGE_JOIN, "join", relation->pos, flowing);
    if (cut.stage == NULL || !fill_stage(&cut) || !plan_add_stage(planner, cut.stage, flowing)) {
        return NULL;
    }
    plan_describe_join(&cut, &planner->plan->stages[cut.stage->id]);
    forward_events(&cut, flowing);
    return plan_join_names_relation(&cut);
}

// WHERE of the query around reaches a side only if each of its rows that WHERE drops may be dropped
// before the join.
static Relation *plan_input(Planner *planner, const Relation *join, int side, bool pushes,
                            Flowing *flowing)
{
    JoinKind kind = join->join;
    bool reaches = side == SIDE_LEFT
                       ? kind != JOIN_RIGHT && kind != JOIN_FULL
                       : kind == JOIN_INNER || kind == JOIN_CROSS || kind == JOIN_RIGHT;
    const Relation *relation = side == SIDE_LEFT ? join->left : join->right;
    relation = pushes ? plan_push_join(planner, join, side) : relation;
    bool before = planner->where_reaches;
    planner->where_reaches = before && reaches;
    Relation *planned = plan_relation(planner, relation, flowing);
    planner->where_reaches = before;
    return planned;
}

static bool is_streaming(Planner *planner, const Relation *relation)
{
    Select *select = ARENA_NEW(planner->arena, Select);
    select->from = (Relation *)relation;
    return plan_is_streaming(plan_query_of(planner->arena, select));
}

Relation *plan_join(Planner *planner, const Relation *relation, Flowing *flowing)
{
    JoinInput left = {0};
    JoinInput right = {0};
    JoinKind kind = relation->join;
    bool both = is_streaming(planner, relation->left) && is_streaming(planner, relation->right);
    left.relation = plan_input(planner, relation, SIDE_LEFT, both, &left.flowing);
    right.relation = left.relation == NULL
                         ? NULL
                         : plan_input(planner, relation, SIDE_RIGHT, both, &right.flowing);
    if (right.relation == NULL) {
        return NULL;
    }
    if (left.flowing.streaming && right.flowing.streaming) {
        return join_streams(planner, relation, &left, &right, flowing);
    }
    bool loses_stream_rows =
        (right.flowing.streaming &&
         (kind == JOIN_LEFT || kind == JOIN_SEMI || kind == JOIN_ANTI)) ||
        (left.flowing.streaming && kind == JOIN_RIGHT) ||
        ((left.flowing.streaming || right.flowing.streaming) && kind == JOIN_FULL);
    if (loses_stream_rows) {
        diagnose(planner->diagnostics, relation->pos, "STREAM_STATIC_JOIN_NOT_SUPPORTED",
                 "put the stream on the preserved side",
                 "this outer join keeps rows of the table, which a stream can never finish");
        return NULL;
    }
    *flowing = left.flowing.streaming ? left.flowing : right.flowing;
    Relation *copy = ARENA_NEW(planner->arena, Relation);
    *copy = *relation;
    copy->left = left.relation;
    copy->right = right.relation;
    return copy;
}
