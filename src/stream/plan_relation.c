// Planning of FROM: streams become views, watermarks become functions, duplicates become stages.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_internal.h"

Query *plan_query_of(Arena *arena, Select *select)
{
    Query *query = ARENA_NEW(arena, Query);
    query->pos = select->pos;
    query->select = select;
    return query;
}

Relation *plan_raw_relation(Arena *arena, Pos pos, Slice alias, const char *sql)
{
    Relation *relation = ast_relation(arena, RELATION_RAW, pos);
    relation->text = slice_of(sql);
    relation->alias = alias;
    return relation;
}

Expr *plan_column(Arena *arena, Pos pos, const char *name, const char *field)
{
    Expr *expr = ast_expr(arena, EXPR_COLUMN, pos);
    expr->name.pos = pos;
    expr->name.parts[expr->name.count++] = slice_of(name);
    if (field != NULL) {
        expr->name.parts[expr->name.count++] = slice_of(field);
    }
    return expr;
}

void *plan_refuse_mode(Planner *planner, Pos pos, const char *operation)
{
    diagnose(planner->diagnostics, pos, "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", NULL,
             "output mode %s is not supported for %s on streams",
             plan_mode_name(planner->request->mode), operation);
    return NULL;
}

static PrintOptions print_options(Planner *planner)
{
    return (PrintOptions){
        .relation = planner->request->relation,
        .context = planner->request->context,
        .now_sql = "getvariable('batch_time')",
    };
}

const char *plan_sql(Planner *planner, const Query *query)
{
    Buffer sql = {0};
    SourceMap map = {0};
    PrintOptions options = print_options(planner);
    const char *text = NULL;
    if (sql_print_query(query, &options, planner->diagnostics, &sql, &map, planner->arena)) {
        text = arena_text(planner->arena, buffer_slice(&sql));
    }
    buffer_done(&sql);
    return text;
}

const char *plan_expr_sql(Planner *planner, const Expr *expr)
{
    Buffer sql = {0};
    SourceMap map = {0};
    PrintOptions options = print_options(planner);
    const char *text = NULL;
    if (sql_print_expr(expr, &options, planner->diagnostics, &sql, &map, planner->arena)) {
        text = arena_text(planner->arena, buffer_slice(&sql));
    }
    buffer_done(&sql);
    return text;
}

bool plan_describe(Planner *planner, const char *sql, Pos pos, Schema *schema)
{
    return sql_bind(planner->request->conn, sql, NULL, pos, planner->diagnostics, schema,
                    planner->arena);
}

bool plan_declare_view(Planner *planner, const char *view, const Schema *schema, Pos pos)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "CREATE OR REPLACE TEMP VIEW ");
    duck_quote_name(&sql, slice_of(view));
    buffer_append_text(&sql, " AS SELECT ");
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(&sql, i == 0 ? "CAST(NULL AS " : ", CAST(NULL AS ");
        type_print_duck(schema->columns[i].type, &sql);
        buffer_append_text(&sql, ") AS ");
        duck_quote_name(&sql, slice_of(schema->columns[i].name));
    }
    buffer_append_text(&sql, " WHERE false");
    Error err;
    bool ok = duck_run(planner->request->conn, buffer_text(&sql), &err);
    if (!ok) {
        diagnose(planner->diagnostics, pos, NULL, NULL, "%s", err.message);
    }
    buffer_done(&sql);
    return ok;
}

static Slice relation_alias(const Relation *relation)
{
    if (relation->alias.size > 0 || relation->kind != RELATION_TABLE) {
        return relation->alias;
    }
    return relation->name.parts[relation->name.count - 1];
}

static Relation *plan_stream(Planner *planner, const Relation *relation, Flowing *flowing)
{
    PlanSource source = {.relation = relation};
    source.view = arena_printf(planner->arena, "source_%d_%zu", planner->plan->flow,
                               planner->plan->source_count);
    if (!planner->request->stream_schema(planner->request->context, relation, &source.schema) ||
        !plan_declare_view(planner, source.view, &source.schema, relation->pos)) {
        return NULL;
    }
    Plan *plan = planner->plan;
    ARENA_PUSH(planner->arena, plan->sources, plan->source_count, plan->source_capacity, source);
    flowing->streaming = true;
    Relation *raw =
        plan_raw_relation(planner->arena, relation->pos, relation_alias(relation), source.view);
    raw->column_aliases = relation->column_aliases;
    raw->column_alias_count = relation->column_alias_count;
    return raw;
}

static bool watermark_delay(Planner *planner, const Watermark *watermark, TimeUs *delay)
{
    const Expr *interval = watermark->delay;
    if (interval->kind != EXPR_INTERVAL || !interval->interval_is_constant ||
        interval->months != 0) {
        return diagnose(planner->diagnostics, interval->pos, NULL, "for example INTERVAL 2 MINUTES",
                        "the delay of a watermark must be a constant interval without months");
    }
    *delay = interval->days * TIME_DAY + interval->micros;
    if (*delay < 0) {
        return diagnose(planner->diagnostics, interval->pos, NULL, NULL,
                        "the delay of a watermark must not be negative");
    }
    return true;
}

static const char *watermark_column(Planner *planner, const Watermark *watermark)
{
    if (watermark->alias.size > 0) {
        return arena_text(planner->arena, watermark->alias);
    }
    const Expr *column = watermark->column;
    if (column->kind == EXPR_COLUMN) {
        return arena_text(planner->arena, column->name.parts[column->name.count - 1]);
    }
    diagnose(planner->diagnostics, column->pos, NULL,
             "write WATERMARK expression AS name DELAY OF ...",
             "the expression of a watermark needs a name");
    return NULL;
}

static bool check_event_type(Planner *planner, const Watermark *watermark, const char *column,
                             const Type *type)
{
    if (type->kind == TYPE_TIMESTAMP || type->kind == TYPE_TIMESTAMP_NTZ) {
        return true;
    }
    Buffer name = {0};
    type_print(type, &name);
    diagnose(planner->diagnostics, watermark->column->pos, "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
             "cast it: WATERMARK to_timestamp(column) AS name DELAY OF ...",
             "event time '%s' has the type %s, but a watermark needs TIMESTAMP", column,
             buffer_text(&name));
    buffer_done(&name);
    return false;
}

static Relation *no_event_column(Planner *planner, const Watermark *watermark, const char *column,
                                 const Schema *schema)
{
    Map *names = map_create(true);
    for (size_t i = 0; i < schema->count; i++) {
        map_put(names, slice_of(schema->columns[i].name), NULL);
    }
    diagnose(planner->diagnostics, watermark->column->pos, "UNRESOLVED_COLUMN.WITH_SUGGESTION",
             diagnostic_nearest(planner->arena, names, slice_of(column)),
             "no column '%s' for the watermark", column);
    map_destroy(names);
    return NULL;
}

// SELECT * with the event time passed through the function that sees its maximum.
static Relation *plan_watermark(Planner *planner, Relation *from, const Watermark *watermark,
                                Slice alias, Flowing *flowing)
{
    PlanWatermark entry = {0};
    entry.column = watermark_column(planner, watermark);
    const char *expr = plan_expr_sql(planner, watermark->column);
    if (entry.column == NULL || expr == NULL ||
        !watermark_delay(planner, watermark, &entry.delay)) {
        return NULL;
    }
    entry.late_into = watermark->late_data_into.count > 0 ? &watermark->late_data_into : NULL;
    Arena *arena = planner->arena;
    entry.function = arena_printf(arena, "watermark_%d_%zu", planner->plan->flow,
                                  planner->plan->watermark_count);
    Select *all = ARENA_NEW(arena, Select);
    all->pos = from->pos;
    all->from = from;
    all->items = ARENA_ARRAY(arena, SelectItem, 2);
    all->items[0].expr = ast_expr(arena, EXPR_STAR, from->pos);
    bool computed = watermark->alias.size > 0;
    if (computed) {
        all->items[1].expr = watermark->column;
        all->items[1].alias = watermark->alias;
    }
    all->item_count = computed ? 2 : 1;
    const char *inner = plan_sql(planner, plan_query_of(arena, all));
    Schema schema = {0};
    if (inner == NULL || !plan_describe(planner, inner, from->pos, &schema)) {
        return NULL;
    }
    int index = schema_find(&schema, slice_of(entry.column));
    if (index < 0) {
        return no_event_column(planner, watermark, entry.column, &schema);
    }
    if (!check_event_type(planner, watermark, entry.column, schema.columns[index].type)) {
        return NULL;
    }
    entry.type = schema.columns[index].type;
    char *macro = arena_printf(arena, "CREATE OR REPLACE TEMP MACRO %s(x) AS x", entry.function);
    Error err;
    if (!duck_run(planner->request->conn, macro, &err)) {
        diagnose(planner->diagnostics, watermark->pos, NULL, NULL, "%s", err.message);
        return NULL;
    }
    Buffer sql = {0};
    buffer_append_text(&sql, "(SELECT * REPLACE (");
    buffer_printf(&sql, "%s(", entry.function);
    duck_quote_name(&sql, slice_of(entry.column));
    buffer_append_text(&sql, ") AS ");
    duck_quote_name(&sql, slice_of(entry.column));
    buffer_printf(&sql, ") FROM (%s))", inner);
    Relation *raw =
        plan_raw_relation(arena, from->pos, alias, arena_text(arena, buffer_slice(&sql)));
    buffer_done(&sql);
    Plan *plan = planner->plan;
    EventColumn *event = ARENA_NEW(arena, EventColumn);
    *event = (EventColumn){.name = entry.column, .watermark = (int)plan->watermark_count};
    flowing->events = event;
    flowing->event_count = flowing->event_capacity = 1;
    flowing->late_into = entry.late_into;
    ARENA_PUSH(arena, plan->watermarks, plan->watermark_count, plan->watermark_capacity, entry);
    return raw;
}

static void alias_events(Planner *planner, Slice alias, Flowing *flowing)
{
    EventColumn *events = ARENA_ARRAY(planner->arena, EventColumn, flowing->event_count + 1);
    for (size_t i = 0; i < flowing->event_count; i++) {
        events[i] = flowing->events[i];
        events[i].alias = alias;
    }
    flowing->events = events;
    flowing->event_capacity = flowing->event_count;
}

// FROM (query) AS t(a, b): event times have the names that stand in their places.
static bool rename_events(Planner *planner, const Relation *relation, Flowing *flowing)
{
    alias_events(planner, relation_alias(relation), flowing);
    if (relation->column_alias_count == 0 || flowing->event_count == 0) {
        return true;
    }
    Schema schema = {0};
    const char *sql = plan_sql(planner, relation->query);
    if (sql == NULL || !plan_describe(planner, sql, relation->pos, &schema)) {
        return false;
    }
    for (size_t i = 0; i < flowing->event_count; i++) {
        int index = schema_find(&schema, slice_of(flowing->events[i].name));
        if (index >= 0 && (size_t)index < relation->column_alias_count) {
            Slice name = relation->column_aliases[index];
            flowing->events[i].name = arena_text(planner->arena, name);
        }
    }
    return true;
}

Relation *plan_relation(Planner *planner, const Relation *relation, Flowing *flowing)
{
    Relation *planned = ARENA_NEW(planner->arena, Relation);
    *planned = *relation;
    planned->watermark = NULL;
    planned->drop_duplicates = NULL;
    if (relation->is_stream && relation->kind != RELATION_QUERY) {
        planned = plan_stream(planner, relation, flowing);
    } else if (relation->kind == RELATION_QUERY) {
        planned->is_stream = false;
        planned->query = plan_query(planner, relation->query, flowing);
        bool ok = planned->query != NULL && rename_events(planner, planned, flowing);
        planned = ok ? planned : NULL;
    } else if (relation->kind == RELATION_JOIN) {
        planned = plan_join(planner, relation, flowing);
    } else if (relation->kind == RELATION_LATERAL_VIEW) {
        planned->left = plan_relation(planner, relation->left, flowing);
        planned = planned->left == NULL ? NULL : planned;
    }
    if (planned != NULL && relation->watermark != NULL && flowing->streaming) {
        planned = plan_watermark(planner, planned, relation->watermark, relation_alias(relation),
                                 flowing);
    }
    if (planned != NULL && relation->drop_duplicates != NULL) {
        if (!flowing->streaming) {
            diagnose(planner->diagnostics, relation->drop_duplicates->pos, NULL,
                     "use SELECT DISTINCT", "DROP DUPLICATES works on streams only");
            return NULL;
        }
        planner->written = relation;
        planned = plan_may_deduplicate(planner, flowing, relation->drop_duplicates->pos)
                      ? plan_deduplicate(planner, planned, relation->drop_duplicates, flowing)
                      : NULL;
        if (planned != NULL) {
            planned->alias = relation_alias(relation);
        }
    }
    bool names = relation->kind != RELATION_JOIN && relation->kind != RELATION_LATERAL_VIEW;
    if (names || relation->watermark != NULL) {
        alias_events(planner, relation_alias(relation), flowing);
    }
    return planned;
}

static bool relation_is_streaming(const Relation *relation)
{
    if (relation == NULL) {
        return false;
    }
    return (relation->is_stream && relation->kind != RELATION_QUERY) ||
           relation_is_streaming(relation->left) || relation_is_streaming(relation->right) ||
           (relation->kind == RELATION_QUERY && plan_is_streaming(relation->query));
}

bool plan_is_streaming(const Query *query)
{
    for (size_t i = 0; i < query->cte_count; i++) {
        if (plan_is_streaming(query->ctes[i].query)) {
            return true;
        }
    }
    if (query->left != NULL) {
        return plan_is_streaming(query->left) || plan_is_streaming(query->right);
    }
    return query->select != NULL && relation_is_streaming(query->select->from);
}
