// Cutting a query at an aggregation. See plan.h; the form of the stage's SQL is drawn there.
//
//     SELECT window.start AS minute, page, avg(ms) + 1 AS m
//     FROM logs GROUP BY window(ts, '1 minute'), page
//
// becomes the stage
//
//     partial   SELECT <start of window> AS k0, page AS k1, sum(ms) AS p0, count(ms) AS p1
//               FROM logs GROUP BY 1, 2
//     merge     SELECT bucket, is_late, k0, k1, p0 + o.v0 AS v0, p1 + o.v1 AS v1
//               FROM (partial with o := state_get(...))
//
// and the output
//
//     SELECT k0.start AS minute, k1 AS page, a0 + 1 AS m
//     FROM (SELECT {k0, k0 + size} AS k0, k1, v0 / v1 AS a0 FROM state)
// SPDX-License-Identifier: Apache-2.0
#include "duck/row_codec.h"
#include "stream/plan_cut.h"

// ---- SQL of the stage --------------------------------------------------------------------------

static void describe_keys(Cut *cut, const Schema *partial)
{
    for (size_t i = 0; i < cut->key_count; i++) {
        schema_add(cut->planner->arena, &cut->stage->keys,
                   arena_printf(cut->planner->arena, "k%zu", i), partial->columns[i].type, true);
    }
}

static void describe_output(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    for (size_t i = 0; i < cut->partials.count; i++) {
        schema_add(arena, &cut->stage->values, arena_printf(arena, "v%zu", i),
                   cut->partials.columns[i].type, true);
    }
    Schema *output = &cut->stage->output;
    schema_add(arena, output, "bucket", type_simple(TYPE_BIGINT), true);
    schema_add(arena, output, "is_late", type_simple(TYPE_BOOLEAN), true);
    const Schema *parts[] = {&cut->stage->keys, &cut->stage->values};
    for (size_t part = 0; part < ARRAY_LEN(parts); part++) {
        for (size_t i = 0; i < parts[part]->count; i++) {
            schema_add(arena, output, parts[part]->columns[i].name, parts[part]->columns[i].type,
                       true);
        }
    }
}

static void describe_sets(const Cut *cut, Buffer *text)
{
    static const char *const names[] = {
        [GROUPING_ROLLUP] = "rollup", [GROUPING_CUBE] = "cube", [GROUPING_SETS] = "sets"};
    buffer_printf(text, "; %s", names[cut->select->grouping]);
    for (size_t i = 0; i < cut->select->set_count; i++) {
        buffer_append_text(text, i == 0 ? " (" : ", (");
        for (size_t k = 0; k < cut->select->sets[i].count; k++) {
            buffer_append_text(text, k == 0 ? "" : " ");
            sql_expr_name(cut->select->sets[i].items[k], text);
        }
        buffer_append_char(text, ')');
    }
}

// What keys and values are, in the user's words: a query that computes others must not go on from
// this state, even where the types are the same.
static const char *describe_meaning(const Cut *cut)
{
    Buffer text = {0};
    buffer_append_text(&text, "; by");
    for (size_t i = 0; i < cut->key_count; i++) {
        if ((int)i != cut->grouping) {
            buffer_append_char(&text, ' ');
            sql_expr_name(cut->keys[i].expr, &text);
        }
    }
    if (cut->grouping >= 0) {
        describe_sets(cut, &text);
    }
    buffer_append_text(&text, "; of");
    for (size_t i = 0; i < cut->call_count; i++) {
        buffer_append_char(&text, ' ');
        sql_expr_name(cut->calls[i].expr, &text);
    }
    const char *copy = arena_text(cut->planner->arena, buffer_slice(&text));
    buffer_done(&text);
    return copy;
}

// The key that decides when a group closes; NULL: none does.
static const GroupKey *event_key(const Cut *cut)
{
    const GroupKey *event = NULL;
    for (size_t i = 0; i < cut->key_count; i++) {
        // Of several event-time keys a window decides: it closes last.
        const GroupKey *key = &cut->keys[i];
        bool decides = key->is_window || key->is_window_column || key->is_session;
        if (key->is_event_time && (event == NULL || decides)) {
            event = key;
        }
    }
    return event;
}

void plan_aggregate_bucket(const Cut *cut, Buffer *sql)
{
    const GroupKey *event = event_key(cut);
    size_t index = event == NULL ? 0 : (size_t)(event - cut->keys);
    if (event == NULL) {
        buffer_append_text(sql, "0::BIGINT");
    } else if (event->is_window) {
        buffer_printf(sql, cut->grouping < 0 ? "k%zu + %lld" : "coalesce(k%zu + %lld, %lld)", index,
                      (long long)event->shape.size, (long long)INT64_MAX);
    } else {
        buffer_printf(sql, "coalesce(epoch_us(k%zu%s), 9223372036854775807)", index,
                      event->is_window_column ? ".\"end\"" : "");
    }
}

// The end of the last window that holds a row whose window, or pane, starts at `start`.
static const char *last_end(const Cut *cut, const GroupKey *key, const char *start)
{
    Arena *arena = cut->planner->arena;
    const char *last = plan_panes_last_start(cut, key, start);
    return arena_printf(arena, "%s + %lld", key->shape.slide == key->shape.size ? start : last,
                        (long long)key->shape.size);
}

// Rows of the input whose group, or the last of whose windows, is late, each once.
static bool add_late(Cut *cut, Flowing *flowing)
{
    Planner *planner = cut->planner;
    Arena *arena = planner->arena;
    const GroupKey *event = event_key(cut);
    if (flowing->late_into == NULL || event == NULL ||
        (planner->request->mode == OUTPUT_COMPLETE && !event->is_session)) {
        return true;
    }
    const char *time = event->is_window ? event->partial : plan_expr_sql(planner, event->expr);
    if (time == NULL) {
        return false;
    }
    time = event->is_window ? last_end(cut, event, time)
                            : arena_printf(arena, "epoch_us((%s)%s)", time,
                                           event->is_window_column ? ".\"end\"" : "");
    if (event->is_session) { // a row without a session is not late
        time = arena_printf(arena, "CASE WHEN %s > %s THEN %s END", event->session_end,
                            event->session_start, event->session_end);
    }
    Expr *where = ast_raw(arena, cut->select->pos,
                          arena_printf(arena, "%s(%s)", cut->stage->late_function, time));
    Select *late = ARENA_NEW(arena, Select);
    late->pos = cut->select->pos;
    late->from = cut->from;
    late->items = ARENA_NEW(arena, SelectItem);
    late->items[0].expr = ast_expr(arena, EXPR_STAR, late->pos);
    late->item_count = 1;
    late->where = where;
    if (cut->select->where != NULL) {
        late->where = ast_expr(arena, EXPR_BINARY, late->pos);
        late->where->op = OP_AND;
        size_t capacity = 0;
        ExprList *both = &late->where->arguments;
        ARENA_PUSH(arena, both->items, both->count, capacity, (Expr *)cut->select->where);
        ARENA_PUSH(arena, both->items, both->count, capacity, where);
    }
    const char *sql = plan_sql(planner, plan_query_of(arena, late));
    return sql != NULL && plan_add_late(planner, cut->stage, flowing, sql);
}

static const char *stage_sql(Cut *cut, const char *groups)
{
    Buffer bucket = {0};
    plan_aggregate_bucket(cut, &bucket);
    bool filters = cut->stage->has_event_time && cut->planner->request->mode != OUTPUT_COMPLETE;
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT bucket, is_late");
    for (size_t i = 0; i < cut->key_count; i++) {
        buffer_printf(&sql, ", k%zu", i);
    }
    plan_merge_pairs(cut, "p", "o.v", "v", &sql);
    buffer_printf(&sql, " FROM (SELECT *, %s(bucket", cut->stage->aggregate->get_function);
    for (size_t i = 0; i < cut->key_count; i++) {
        buffer_printf(&sql, ", k%zu", i);
    }
    buffer_printf(&sql, ") AS o FROM (SELECT *, %s AS bucket, %s%s AS is_late FROM (%s)",
                  buffer_text(&bucket), filters ? cut->stage->late_function : "false",
                  filters ? "(bucket)" : "", groups);
    // Rows without an event time belong to no window.
    const char *before = " WHERE ";
    for (size_t i = 0; i < cut->key_count; i++) {
        const GroupKey *key = &cut->keys[i];
        if (cut->grouping < 0 && (key->is_window || key->is_window_column)) {
            const char *field = key->is_window ? "" : ".\"end\"";
            buffer_printf(&sql, "%sk%zu%s IS NOT NULL", before, i, field);
            before = " AND ";
        }
    }
    buffer_append_text(&sql, "))");
    const char *text = arena_text(cut->planner->arena, buffer_slice(&sql));
    buffer_done(&sql);
    buffer_done(&bucket);
    return text;
}

// ---- the query that reads the stage ------------------------------------------------------------

static const char *output_relation(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    Buffer sql = {0};
    buffer_append_text(&sql, "(SELECT ");
    for (size_t i = 0; i < cut->key_count; i++) {
        const GroupKey *key = &cut->keys[i];
        if (key->is_window) {
            const char *make =
                key->time_type->kind == TYPE_TIMESTAMP ? "make_timestamptz" : "make_timestamp";
            buffer_printf(&sql,
                          "CASE WHEN k%zu IS NOT NULL THEN struct_pack(\"start\" := %s(k%zu), "
                          "\"end\" := %s(k%zu + %lld)) END AS k%zu, ",
                          i, make, i, make, i, (long long)key->shape.size, i);
        } else {
            buffer_printf(&sql, "k%zu, ", i);
        }
    }
    bool ok = true;
    for (size_t i = 0; ok && i < cut->call_count; i++) {
        ok = plan_merge_final(cut, i, "v", &sql);
        buffer_printf(&sql, " AS a%zu, ", i);
    }
    bool update = cut->planner->request->mode == OUTPUT_UPDATE;
    const char *own = update ? cut->stage->batch_relation : cut->stage->state_relation;
    buffer_printf(&sql, "true AS present FROM %s%s)", cut->relation != NULL ? cut->relation : own,
                  update && cut->relation == NULL ? " WHERE NOT is_late" : "");
    const char *text = ok ? arena_text(arena, buffer_slice(&sql)) : NULL;
    buffer_done(&sql);
    return text;
}

// Qualified, so that no alias of the user's select list stands before it.
static Expr *stage_column(const Cut *cut, Pos pos, char kind, size_t i, Slice field)
{
    Arena *arena = cut->planner->arena;
    Expr *expr = plan_column(arena, pos, STAGE_ALIAS, arena_printf(arena, "%c%zu", kind, i));
    if (field.size > 0) {
        expr->name.parts[expr->name.count++] = field;
    }
    return expr;
}

// A field of a key: w.start where w is grouped by. NULL: it is none.
static Expr *key_field(const Cut *cut, const Expr *expr)
{
    if (expr->kind != EXPR_COLUMN || expr->name.count < 2) {
        return NULL;
    }
    Expr base = {.kind = EXPR_COLUMN, .name = expr->name};
    base.name.count--;
    for (size_t i = 0; i < cut->key_count; i++) {
        if (rewrite_equal(cut->keys[i].expr, &base)) {
            return stage_column(cut, expr->pos, 'k', i, expr->name.parts[expr->name.count - 1]);
        }
    }
    return NULL;
}

// Whether a subquery means the same beside the aggregation as it does alone.
static bool stands_alone(const Cut *cut, const Expr *expr)
{
    Arena *arena = cut->planner->arena;
    Planner trial = *cut->planner;
    trial.diagnostics = diagnostics_create(arena, cut->planner->diagnostics->sources);
    const char *sql = plan_sql(&trial, expr->query);
    Schema schema = {0};
    return sql != NULL && plan_describe(&trial, sql, expr->pos, &schema);
}

// Replaces group keys by k<i> and aggregates by a<i>.
static Expr *replace(void *context, const Expr *expr)
{
    Cut *cut = context;
    if (expr->query != NULL && !stands_alone(cut, expr)) {
        diagnose(cut->planner->diagnostics, expr->pos, "UNSUPPORTED_FEATURE",
                 "join the table in FROM, or put the subquery into an aggregate such as max()",
                 "a correlated subquery beside an aggregation is not supported on streams");
        cut->failed = true;
        return ast_raw(cut->planner->arena, expr->pos, "NULL");
    }
    for (size_t i = 0; i < cut->call_count; i++) {
        if (cut->calls[i].expr == expr || rewrite_identical(cut->calls[i].expr, expr)) {
            return stage_column(cut, expr->pos, 'a', i, (Slice){0});
        }
    }
    for (size_t i = 0; i < cut->key_count; i++) {
        if (rewrite_identical(cut->keys[i].expr, expr)) {
            return stage_column(cut, expr->pos, 'k', i, (Slice){0});
        }
    }
    for (size_t i = 0; i < cut->key_count; i++) {
        if (rewrite_equal(cut->keys[i].expr, expr)) {
            return stage_column(cut, expr->pos, 'k', i, (Slice){0});
        }
        // The column that window() makes: window, window.start, window.end; so session_window().
        bool is_made = cut->keys[i].is_window || cut->keys[i].is_session;
        if (is_made && expr->kind == EXPR_COLUMN && expr->name.count <= 2 &&
            slice_equal_nocase(expr->name.parts[0], cut->keys[i].expr->text)) {
            return stage_column(cut, expr->pos, 'k', i,
                                expr->name.count == 1 ? (Slice){0} : expr->name.parts[1]);
        }
    }
    Expr *field = key_field(cut, expr);
    if (field != NULL) {
        return field;
    }
    if (expr->kind == EXPR_CALL && (slice_equal_nocase(expr->text, slice_of("grouping")) ||
                                    slice_equal_nocase(expr->text, slice_of("grouping_id")))) {
        const char *bits = plan_group_bits(cut, expr);
        return bits == NULL ? NULL : ast_raw(cut->planner->arena, expr->pos, bits);
    }
    const Expr *named = plan_group_select_item(cut, expr);
    if (named != NULL) {
        return rewrite_expr(cut->planner->arena, named, replace, cut);
    }
    if (expr->kind == EXPR_COLUMN) {
        diagnose(cut->planner->diagnostics, expr->pos, "MISSING_AGGREGATION",
                 "add it to GROUP BY or put it into an aggregate such as max()",
                 "column '%.*s' is neither grouped by nor aggregated",
                 SLICE_ARG(expr->name.parts[expr->name.count - 1]));
        cut->failed = true;
    }
    return NULL;
}

static Select *output_select(Cut *cut, SortList *order_by)
{
    Arena *arena = cut->planner->arena;
    const Select *select = cut->select;
    Select *output = ARENA_NEW(arena, Select);
    output->pos = select->pos;
    output->distinct = select->distinct;
    const char *relation = output_relation(cut);
    if (relation == NULL) {
        return NULL;
    }
    output->from = plan_raw_relation(arena, select->pos, slice_of(STAGE_ALIAS), relation);
    output->items = ARENA_ARRAY(arena, SelectItem, select->item_count);
    output->item_count = select->item_count;
    for (size_t i = 0; i < select->item_count; i++) {
        output->items[i] = select->items[i];
        output->items[i].expr = rewrite_expr(arena, select->items[i].expr, replace, cut);
        if (output->items[i].alias.size == 0) {
            Buffer name = {0};
            sql_expr_name(select->items[i].expr, &name);
            output->items[i].alias = arena_copy(arena, buffer_slice(&name));
            buffer_done(&name);
        }
    }
    output->where = rewrite_expr(arena, select->having, replace, cut);
    for (size_t i = 0; i < order_by->count; i++) {
        Expr *key = order_by->items[i].expr;
        bool is_output = false;
        for (size_t o = 0; o < output->item_count && key->kind == EXPR_COLUMN; o++) {
            Expr named = {.kind = EXPR_COLUMN,
                          .name = {.parts = {output->items[o].alias}, .count = 1}};
            is_output |= key->name.count == 1 && rewrite_equal(&named, key);
        }
        if (!is_output && key->kind != EXPR_NUMBER) {
            order_by->items[i].expr = rewrite_expr(arena, key, replace, cut);
        }
    }
    return cut->failed ? NULL : output;
}

// The key of event time that an expression is, or a window; NULL: none.
static const GroupKey *find_event_key(const Cut *cut, const Expr *expr)
{
    for (size_t i = 0; i < cut->key_count; i++) {
        const GroupKey *key = &cut->keys[i];
        bool is_name = (key->is_window || key->is_session) && expr->kind == EXPR_COLUMN &&
                       expr->name.count == 1 &&
                       slice_equal_nocase(expr->name.parts[0], key->expr->text);
        if (key->event != NULL && (is_name || rewrite_equal(key->expr, expr))) {
            return key;
        }
    }
    return NULL;
}

// Event time goes on above the aggregation: the keys that are it, and window_time() of windows.
static void follow_keys(const Cut *cut, Flowing *flowing)
{
    flowing->aggregated = true;
    plan_forget_events(cut->planner, flowing, false);
    for (size_t i = 0; i < cut->select->item_count; i++) {
        const SelectItem *item = &cut->select->items[i];
        const Expr *expr = item->expr;
        const Expr *named = plan_group_select_item(cut, expr);
        const GroupKey *key = find_event_key(cut, named != NULL ? named : expr);
        if (key != NULL) {
            bool is_window = key->is_window || key->is_window_column || key->is_session;
            plan_add_event(cut->planner, flowing, key->event, is_window, item);
        } else if (expr->kind == EXPR_CALL && expr->arguments.count == 1 &&
                   slice_equal_nocase(expr->text, slice_of("window_time"))) {
            key = find_event_key(cut, expr->arguments.items[0]);
            if (key != NULL) {
                plan_add_event(cut->planner, flowing, key->event, false, item);
            }
        }
    }
}

// ---- all together ------------------------------------------------------------------------------

static bool check_mode(const Cut *cut)
{
    if (cut->flowing->aggregated && cut->planner->request->mode != OUTPUT_APPEND) {
        return diagnose(cut->planner->diagnostics, cut->select->pos,
                        "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                        "use output mode append with a watermark, or write the inner aggregation "
                        "into a streaming table and read that",
                        "output mode %s is not supported for an aggregation over another on "
                        "streams",
                        plan_mode_name(cut->planner->request->mode));
    }
    if (cut->planner->request->mode == OUTPUT_APPEND && !cut->stage->has_event_time) {
        diagnose(
            cut->planner->diagnostics, cut->select->pos,
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
            "add WATERMARK time DELAY OF INTERVAL ... and group by window(time, ...), or use "
            "outputMode 'complete' or 'update'",
            "output mode append is not supported for streaming aggregations without watermark");
        return false;
    }
    return true;
}

// window.*, of a window that is grouped by, as its start and end.
static Select *spell_windows(Arena *arena, const Select *select)
{
    static const char *const fields[] = {"start", "end"};
    Select *copy = ARENA_NEW(arena, Select);
    *copy = *select;
    copy->items = NULL;
    copy->item_count = copy->item_capacity = 0;
    for (size_t i = 0; i < select->item_count; i++) {
        SelectItem item = select->items[i];
        const Name *of = &select->items[i].expr->qualifier;
        bool spells = false;
        for (size_t k = 0; item.expr->kind == EXPR_STAR && k < select->group_by.count; k++) {
            const Expr *key = select->group_by.items[k];
            spells |= key->kind == EXPR_CALL && of->count == 1 &&
                      slice_equal_nocase(of->parts[0], key->text);
        }
        for (size_t f = 0; f < (spells ? ARRAY_LEN(fields) : 1); f++) {
            if (spells) {
                const char *window = arena_text(arena, of->parts[0]);
                item.expr = plan_column(arena, item.pos, window, fields[f]);
                item.alias = slice_of(fields[f]);
            }
            ARENA_PUSH(arena, copy->items, copy->item_count, copy->item_capacity, item);
        }
    }
    return copy;
}

Select *plan_aggregate(Planner *planner, const Select *written, Relation *from, Flowing *flowing,
                       SortList *order_by)
{
    Arena *arena = planner->arena;
    const Select *select = spell_windows(arena, written);
    Cut cut = {.planner = planner,
               .select = select,
               .from = from,
               .flowing = flowing,
               .sliding = -1,
               .grouping = -1,
               .session = -1};
    cut.stage = plan_begin_stage(planner, STAGE_AGGREGATE, "aggregate", select->pos, flowing);
    if (cut.stage == NULL) {
        return NULL;
    }
    cut.stage->aggregate = ARENA_NEW(arena, PlanAggregate);
    cut.stage->aggregate->get_function =
        arena_printf(arena, "state_get_%d_%d", planner->plan->flow, cut.stage->id);

    if (!plan_group_input(&cut) || !plan_group_keys(&cut) || !plan_calls_collect(&cut, order_by) ||
        !plan_calls_type(&cut)) {
        return NULL;
    }
    cut.stage->has_event_time = event_key(&cut) != NULL;
    cut.stage->aggregate->meaning = describe_meaning(&cut);
    if (cut.session >= 0) {
        bool ok = check_mode(&cut) && plan_session(&cut) && plan_describe_groups(&cut) &&
                  add_late(&cut, flowing) && plan_add_stage(planner, cut.stage, flowing);
        follow_keys(&cut, flowing);
        return ok ? output_select(&cut, order_by) : NULL;
    }
    const char *partial = plan_calls_partial_sql(&cut);
    Schema partial_schema = {0};
    if (partial == NULL || !plan_describe(planner, partial, select->pos, &partial_schema)) {
        return NULL;
    }
    describe_keys(&cut, &partial_schema);
    const char *groups = plan_panes_sql(&cut, partial);
    if (groups == NULL) {
        return NULL;
    }
    describe_output(&cut);
    Error err;
    if (!row_check_schema(&cut.stage->output, &err)) {
        diagnose(planner->diagnostics, select->pos, NULL, NULL, "%s", err.message);
        return NULL;
    }
    cut.stage->sql = stage_sql(&cut, groups);
    Schema state = {0};
    for (size_t i = 2; i < cut.stage->output.count; i++) {
        const Column *column = &cut.stage->output.columns[i];
        schema_add(arena, &state, column->name, column->type, true);
    }
    if (!check_mode(&cut) ||
        !plan_declare_view(planner, cut.stage->state_relation, &state, select->pos) ||
        !plan_describe_groups(&cut) || !add_late(&cut, flowing) ||
        !plan_add_stage(planner, cut.stage, flowing)) {
        return NULL;
    }
    follow_keys(&cut, flowing);
    return output_select(&cut, order_by);
}
