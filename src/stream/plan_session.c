// Cutting a query at an aggregation by session_window(). See plan_cut.h, operator_session.c.
//
//     SELECT session_window.start, page, count(*) FROM logs GROUP BY session_window(ts, '30 s'),
//     page
//
// becomes the stage
//
//     SELECT part, p0 + o.v0 AS v0
//     FROM (SELECT claim(ts, ts + gap, page) AS part, count(*) AS p0 FROM logs GROUP BY 1)
//          with o := get(part)
//
// where claim() finds the session of each row among those of the batch and of the state. Sessions
// grow together while rows come, so what is one session in the end may have several parts: `merge`
// makes one of two. DISTINCT keeps the list of its values with the session.
// SPDX-License-Identifier: Apache-2.0
#include "duck/row_codec.h"
#include "stream/plan_cut.h"
#include "stream/session_row.h"

static bool constant_gap(const Expr *expr, TimeUs *gap)
{
    Error err;
    if (expr->kind == EXPR_INTERVAL && expr->interval_is_constant && expr->months == 0) {
        *gap = expr->days * TIME_DAY + expr->micros;
        return true;
    }
    return expr->kind == EXPR_STRING && sql_parse_duration(expr->text, gap, &err);
}

bool plan_session_key(Cut *cut, GroupKey *key)
{
    Planner *planner = cut->planner;
    Arena *arena = planner->arena;
    const Type *type = plan_group_type(cut, key->expr);
    if (type == NULL || key->expr->arguments.count != 2) {
        return false; // the batch form of the query has told the problem
    }
    for (size_t i = 0; i < cut->key_count; i++) {
        if (&cut->keys[i] != key && (cut->keys[i].is_session || cut->keys[i].is_window)) {
            return diagnose(planner->diagnostics, key->expr->pos, "UNSUPPORTED_FEATURE", NULL,
                            "GROUP BY takes one window or session_window");
        }
    }
    const Expr *time = key->expr->arguments.items[0];
    const char *window = plan_expr_sql(planner, key->expr);
    const char *start = plan_expr_sql(planner, time);
    if (window == NULL || start == NULL) {
        return false;
    }
    key->time_type = type->fields.columns[0].type;
    key->is_event_time = plan_is_event_column(cut->flowing, time);
    key->session_start = arena_printf(arena, "epoch_us(spark_session_time(%s))", start);
    key->session_end = arena_printf(arena, "epoch_us((%s).\"end\")", window);
    if (constant_gap(key->expr->arguments.items[1], &key->gap)) {
        key->session_end =
            arena_printf(arena, "(%s + %lld)", key->session_start, (long long)key->gap);
        key->gap = key->gap < 0 ? 0 : key->gap;
    }
    cut->session = (int)(key - cut->keys);
    return true;
}

// ---- SQL of the stage --------------------------------------------------------------------------

// Keys beside the session: what claim() takes, and the state is kept by.
static bool describe_keys(Cut *cut, Buffer *claim)
{
    Planner *planner = cut->planner;
    Buffer arguments = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < cut->key_count; i++) {
        if ((int)i == cut->session) {
            continue;
        }
        const char *key = plan_expr_sql(planner, cut->keys[i].expr);
        const Type *type = key == NULL ? NULL : plan_group_type(cut, cut->keys[i].expr);
        ok = type != NULL;
        if (ok) {
            buffer_printf(claim, ", %s", key);
            buffer_printf(&arguments, ", k%zu", i);
            schema_add(planner->arena, &cut->stage->keys, arena_printf(planner->arena, "k%zu", i),
                       type, true);
        }
    }
    const char *macro = arena_printf(planner->arena, "(s, e%s) AS s", buffer_text(&arguments));
    buffer_done(&arguments);
    return ok && plan_declare_function(planner, cut->stage->session->claim_function, macro,
                                       cut->select->pos);
}

// The groups of the batch: k0 is the part of a session, then p0... and the lists d0... of DISTINCT.
static const char *parts_sql(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    const GroupKey *session = &cut->keys[cut->session];
    Buffer claim = {0};
    buffer_printf(&claim, "%s(%s, %s", cut->stage->session->claim_function, session->session_start,
                  session->session_end);
    bool ok = describe_keys(cut, &claim);
    buffer_append_text(&claim, ")");
    GroupKey part = {.expr = session->expr, .partial = arena_text(arena, buffer_slice(&claim))};
    buffer_done(&claim);
    Cut parts = *cut;
    parts.keys = &part;
    parts.key_count = 1;
    const char *sql = ok ? plan_calls_partial_sql(&parts) : NULL;
    cut->partials = parts.partials;
    return sql;
}

static void describe_values(Cut *cut, PlanSession *session)
{
    Arena *arena = cut->planner->arena;
    Schema *values = ARENA_NEW(arena, Schema);
    for (size_t i = 0; i < cut->partials.count; i++) {
        schema_add(arena, values, arena_printf(arena, "v%zu", i), cut->partials.columns[i].type,
                   true);
    }
    for (size_t i = 0; i < cut->distinct_count; i++) {
        schema_add(arena, values, arena_printf(arena, "d%zu", i),
                   type_array(arena, cut->distincts[i].type), true);
    }
    session->partials = values;
    Schema fields = session_row_fields(arena, session->time, values);
    cut->stage->values = session_row_schema(arena, &fields);
    schema_add(arena, &cut->stage->output, "part", type_simple(TYPE_BIGINT), true);
    for (size_t i = 0; i < values->count; i++) {
        schema_add(arena, &cut->stage->output, values->columns[i].name, values->columns[i].type,
                   true);
    }
}

// Columns named <p>0 and so on are merged with <o>0, the earlier ones.
static void print_merge(Cut *cut, const char *p, const char *pd, const char *o, const char *od,
                        Buffer *sql)
{
    plan_merge_pairs(cut, p, o, "v", sql);
    for (size_t i = 0; i < cut->distinct_count; i++) {
        buffer_printf(sql, ", list_distinct(list_concat(%s%zu, %s%zu)) AS d%zu", od, i, pd, i, i);
    }
}

static void print_statements(Cut *cut, const char *parts)
{
    Arena *arena = cut->planner->arena;
    PlanSession *session = cut->stage->session;
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT k0 AS part");
    print_merge(cut, "p", "d", "o.v", "o.d", &sql);
    buffer_printf(&sql, " FROM (SELECT *, %s(k0) AS o FROM (%s) WHERE k0 IS NOT NULL)",
                  session->get_function, parts);
    cut->stage->sql = arena_text(arena, buffer_slice(&sql));
    buffer_reset(&sql);
    buffer_append_text(&sql, "SELECT pair");
    print_merge(cut, "pv", "pd", "qv", "qd", &sql);
    buffer_printf(&sql, " FROM %s()", session->pairs_function);
    session->merge_sql = arena_text(arena, buffer_slice(&sql));
    buffer_done(&sql);
}

// ---- what the output reads ---------------------------------------------------------------------

static bool declare_state(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    const PlanStage *stage = cut->stage;
    Schema window = {0};
    schema_add(arena, &window, "start", stage->session->time, true);
    schema_add(arena, &window, "end", stage->session->time, true);
    Schema state = {0};
    size_t other = 0;
    for (size_t i = 0; i < cut->key_count; i++) {
        const Type *type =
            (int)i == cut->session ? type_struct(arena, window) : stage->keys.columns[other++].type;
        schema_add(arena, &state, arena_printf(arena, "k%zu", i), type, true);
    }
    for (size_t i = 0; i < stage->session->partials->count; i++) {
        const Column *value = &stage->session->partials->columns[i];
        schema_add(arena, &state, value->name, value->type, true);
    }
    return plan_declare_view(cut->planner, stage->state_relation, &state, stage->pos);
}

// The partials of aggregates with DISTINCT come from the list of their values.
static bool print_relation(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    if (cut->distinct_count == 0) {
        cut->relation = cut->stage->state_relation;
        return true;
    }
    Buffer names = {0};
    Buffer lists = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < cut->distinct_count; i++) {
        size_t first = cut->partials.count;
        buffer_append_text(&lists, ", LATERAL (SELECT true AS present");
        ok = plan_calls_distinct_sql(cut, i, &lists);
        buffer_printf(&lists, " FROM (SELECT unnest(s.d%zu) AS x)) AS l%zu", i, i);
        for (size_t p = first; p < cut->partials.count; p++) {
            buffer_printf(&names, ", l%zu.p%zu AS v%zu", i, p, p);
        }
    }
    cut->relation = arena_printf(arena, "(SELECT s.*%s FROM %s AS s%s)", buffer_text(&names),
                                 cut->stage->state_relation, buffer_text(&lists));
    buffer_done(&names);
    buffer_done(&lists);
    return ok;
}

bool plan_session(Cut *cut)
{
    Planner *planner = cut->planner;
    Arena *arena = planner->arena;
    PlanStage *stage = cut->stage;
    const GroupKey *key = &cut->keys[cut->session];
    if (cut->key_count == 1) {
        return diagnose(planner->diagnostics, key->expr->pos, "UNSUPPORTED_FEATURE",
                        "group by a column too, such as the user",
                        "global aggregation with session_window is not supported on streams");
    }
    stage->kind = STAGE_SESSION;
    stage->name = arena_printf(arena, "session_%d", stage->id);
    PlanSession *session = ARENA_NEW(arena, PlanSession);
    stage->session = session;
    int flow = planner->plan->flow;
    session->claim_function = arena_printf(arena, "session_claim_%d_%d", flow, stage->id);
    session->get_function = arena_printf(arena, "session_get_%d_%d", flow, stage->id);
    session->pairs_function = arena_printf(arena, "session_pairs_%d_%d", flow, stage->id);
    session->key = (size_t)cut->session;
    session->time = key->time_type;
    session->gap = key->gap;
    const char *parts = parts_sql(cut);
    if (parts == NULL) {
        return false;
    }
    describe_values(cut, session);
    Error err;
    if (!row_check_schema(&stage->keys, &err) || !row_check_schema(&stage->output, &err)) {
        return diagnose(planner->diagnostics, stage->pos, NULL, NULL, "%s", err.message);
    }
    print_statements(cut, parts);
    return declare_state(cut) && print_relation(cut);
}
