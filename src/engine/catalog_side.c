// Tables that a flow fills beside its own: quarantine (ON VIOLATION QUARANTINE) and late rows (LATE
// DATA INTO); and the constraints themselves. See catalog_side.h.
// SPDX-License-Identifier: Apache-2.0
#include "engine/catalog_side.h"
#include "engine/relation.h"
#include "stream/rewrite.h"

// ---- registering -------------------------------------------------------------------------------

static bool quarantines(const Statement *statement)
{
    for (size_t i = 0; i < statement->expectation_count; i++) {
        if (statement->expectations[i].violation == VIOLATION_QUARANTINE) {
            return true;
        }
    }
    return false;
}

static const Expectation *first_quarantine(const Statement *statement)
{
    const Expectation *first = statement->expectations;
    while (first->violation != VIOLATION_QUARANTINE) {
        first++;
    }
    return first;
}

static bool add_quarantine(Catalog *catalog, Dataset *dataset)
{
    const Statement *statement = dataset->statement;
    if (!quarantines(statement)) {
        return true;
    }
    Pos pos = first_quarantine(statement)->pos;
    if (dataset->kind == DATASET_MATERIALIZED_VIEW) {
        return diagnose(catalog->diagnostics, pos, "UNSUPPORTED_FEATURE",
                        "take DROP ROW, or put the constraint on a streaming table",
                        "materialized view '%s' is computed anew at each refresh and would "
                        "quarantine the same rows each time",
                        dataset->name);
    }
    if (dataset->mode == OUTPUT_COMPLETE) {
        return diagnose(catalog->diagnostics, pos, "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                        "take DROP ROW, or put the constraint on a table in output mode append",
                        "output mode complete would quarantine the same rows in every batch");
    }
    Name name = statement->name;
    Slice *last = &name.parts[name.count - 1];
    *last = slice_of(arena_printf(catalog->arena, "%.*s_quarantine", SLICE_ARG(*last)));
    name.pos = pos;
    return catalog_add_side(catalog, DATASET_QUARANTINE, &name, &dataset->quarantine);
}

typedef struct LateWalk {
    Catalog *catalog;
    const FlowSpec *flow; // NULL: clauses are registered; else the flow fills them
    bool ok;
} LateWalk;

static Relation *note_late(void *context, const Relation *relation, bool is_cte)
{
    (void)is_cte;
    LateWalk *walk = context;
    const Name *into = relation->watermark == NULL ? NULL : &relation->watermark->late_data_into;
    if (into == NULL || into->count == 0) {
        return NULL;
    }
    if (walk->flow == NULL) {
        Dataset *side = NULL;
        walk->ok = catalog_add_side(walk->catalog, DATASET_LATE_ROWS, into, &side) && walk->ok;
        return NULL;
    }
    Dataset *side = catalog_find(walk->catalog, into);
    if (side != NULL && side->kind == DATASET_LATE_ROWS) {
        ARENA_PUSH(walk->catalog->arena, side->upstream.items, side->upstream.count,
                   side->upstream.capacity, walk->flow->target);
    }
    return NULL;
}

bool catalog_add_sides(Catalog *catalog, const Statement *statement, Dataset *dataset)
{
    LateWalk walk = {catalog, NULL, true};
    if (statement->query != NULL) {
        rewrite_query(catalog->arena, statement->query, note_late, &walk);
    }
    return (dataset == NULL || add_quarantine(catalog, dataset)) && walk.ok;
}

void catalog_link_sides(Catalog *catalog)
{
    for (size_t i = 0; i < map_count(catalog->datasets); i++) {
        Dataset *dataset = map_value_at(catalog->datasets, i);
        if (dataset->quarantine != NULL) {
            DatasetList *upstream = &dataset->quarantine->upstream;
            ARENA_PUSH(catalog->arena, upstream->items, upstream->count, upstream->capacity,
                       dataset);
        }
    }
    for (size_t i = 0; i < catalog->flow_count; i++) {
        LateWalk walk = {catalog, catalog->flows[i], true};
        rewrite_query(catalog->arena, catalog->flows[i]->query, note_late, &walk);
    }
}

// ---- schemas -----------------------------------------------------------------------------------

static bool check_free(Catalog *catalog, const Schema *schema, const char *column, Pos pos)
{
    return schema_find(schema, slice_of(column)) < 0 ||
           diagnose(catalog->diagnostics, pos, "COLUMN_ALREADY_EXISTS",
                    "give the column another name with AS",
                    "the rows have a column '%s', which the table adds itself", column);
}

static bool add_columns(Catalog *catalog, Dataset *side, const Schema *rows, const Column *extra,
                        size_t extra_count)
{
    Pos pos = side->statement->pos;
    for (size_t i = 0; i < extra_count; i++) {
        if (!check_free(catalog, rows, extra[i].name, pos)) {
            return false;
        }
    }
    side->schema = schema_copy(catalog->arena, rows);
    for (size_t i = 0; i < side->schema.count; i++) {
        side->schema.columns[i].nullable = true;
    }
    for (size_t i = 0; i < extra_count; i++) {
        schema_add(catalog->arena, &side->schema, extra[i].name, extra[i].type, true);
    }
    return true;
}

bool catalog_resolve_quarantine(Catalog *catalog, const Dataset *dataset)
{
    const Column extra[] = {
        {.name = "_reason", .type = type_simple(TYPE_STRING)},
        {.name = "_constraint", .type = type_simple(TYPE_STRING)},
        {.name = "_batch", .type = type_simple(TYPE_BIGINT)},
        {.name = "_source_offset", .type = type_simple(TYPE_STRING)},
    };
    return dataset->quarantine == NULL ||
           add_columns(catalog, dataset->quarantine, &dataset->schema, extra, ARRAY_LEN(extra));
}

bool catalog_resolve_late(Catalog *catalog, const FlowSpec *flow, const Plan *plan)
{
    const Column extra[] = {
        {.name = "_batch", .type = type_simple(TYPE_BIGINT)},
        {.name = "_watermark", .type = type_simple(TYPE_TIMESTAMP)},
    };
    for (size_t i = 0; i < plan->late_count; i++) {
        const PlanLate *late = &plan->lates[i];
        Dataset *side = catalog_find(catalog, late->into);
        if (side->feeder != NULL && side->feeder != flow) {
            return diagnose(catalog->diagnostics, late->into->pos, "UNSUPPORTED_FEATURE",
                            "write the WATERMARK into each flow, with a table for each",
                            "late rows of the flows '%s' and '%s' cannot share the table '%s'",
                            side->feeder->name, flow->name, side->name);
        }
        side->feeder = flow;
        if (!add_columns(catalog, side, &late->schema, extra, ARRAY_LEN(extra)) ||
            !catalog_check_columns(catalog, side, &side->schema, late->into->pos)) {
            return false;
        }
    }
    return true;
}

bool catalog_is_idle_side(const Catalog *catalog, const Dataset *side)
{
    if (side->kind != DATASET_LATE_ROWS || side->upstream.count > 0) {
        return false;
    }
    for (size_t i = 0; i < map_count(catalog->datasets); i++) {
        const Dataset *reader = map_value_at(catalog->datasets, i);
        for (size_t u = 0; u < reader->upstream.count; u++) {
            if (reader->upstream.items[u] == side) {
                return false;
            }
        }
    }
    return true;
}

bool catalog_resolve_side(Catalog *catalog, const Dataset *side)
{
    if (side->schema.count > 0) {
        return true;
    }
    for (size_t i = 0; i < side->upstream.count; i++) {
        if (side->upstream.items[i]->failed) {
            return false; // what is wrong there has been told
        }
    }
    return diagnose(catalog->diagnostics, side->statement->pos, "UNSUPPORTED_FEATURE",
                    "read the stream with this watermark in a streaming table",
                    "'%s' would stay empty: no flow has this watermark", side->name);
}

// ---- constraints -------------------------------------------------------------------------------

typedef struct ConditionCheck {
    Catalog *catalog;
    bool ok;
} ConditionCheck;

static bool check_condition_part(void *context, const Expr *expr)
{
    ConditionCheck *check = context;
    bool is_subquery = expr->kind == EXPR_SUBQUERY || expr->kind == EXPR_EXISTS ||
                       (expr->kind == EXPR_IN && expr->query != NULL);
    bool is_wide = expr->kind == EXPR_CALL && (expr->over != NULL || sql_is_aggregate(expr->text) ||
                                               sql_is_window_function(expr->text));
    if (is_subquery || is_wide) {
        check->ok = diagnose(check->catalog->diagnostics, expr->pos, "UNSUPPORTED_FEATURE",
                             "write a condition over the columns of one row",
                             "%s in EXPECT is not supported",
                             is_subquery ? "a subquery" : "an aggregate or window function");
        return false;
    }
    return true;
}

static bool check_condition(Catalog *catalog, const Expectation *expectation, const Type *type)
{
    if (type->kind == TYPE_BOOLEAN) {
        return true;
    }
    Buffer name = {0};
    type_print(type, &name);
    diagnose(catalog->diagnostics, expectation->condition->pos,
             "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "write a comparison",
             "the condition of constraint '%.*s' has the type %s, not BOOLEAN",
             SLICE_ARG(expectation->name), buffer_text(&name));
    buffer_done(&name);
    return false;
}

bool catalog_check_expectations(Catalog *catalog, const Dataset *dataset)
{
    const Statement *statement = dataset->statement;
    if (statement->expectation_count == 0) {
        return true;
    }
    Arena *arena = catalog->arena;
    ConditionCheck check = {catalog, true};
    Select *select = ARENA_NEW(arena, Select);
    select->pos = statement->pos;
    select->items = ARENA_ARRAY(arena, SelectItem, statement->expectation_count);
    for (size_t i = 0; i < statement->expectation_count; i++) {
        SelectItem *item = &select->items[select->item_count++];
        item->expr = statement->expectations[i].condition;
        item->pos = item->expr->pos;
        item->alias = slice_of(arena_printf(arena, "c%zu", i));
        rewrite_visit(item->expr, check_condition_part, &check);
    }
    if (!check.ok) {
        return false;
    }
    Buffer rows = {0};
    relation_print_empty(&dataset->schema, &rows);
    select->from = ast_relation(arena, RELATION_RAW, statement->name.pos);
    select->from->text = arena_copy(arena, buffer_slice(&rows));
    select->from->alias = statement->name.parts[statement->name.count - 1];
    buffer_done(&rows);
    Query *query = ARENA_NEW(arena, Query);
    query->pos = statement->pos;
    query->select = select;
    Schema schema = {0};
    bool ok = catalog_bind(catalog, query, &schema);
    for (size_t i = 0; ok && i < statement->expectation_count; i++) {
        check.ok = check_condition(catalog, &statement->expectations[i], schema.columns[i].type) &&
                   check.ok;
    }
    return ok && check.ok;
}
