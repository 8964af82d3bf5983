// SPDX-License-Identifier: Apache-2.0
#include "engine/explain.h"

#include "engine/describe.h"

// ---- words -------------------------------------------------------------------------------------

static void print_duration(TimeUs duration, Buffer *out)
{
    static const struct {
        TimeUs size;
        const char *name;
    } units[] = {{TIME_DAY, "day"},       {TIME_HOUR, "hour"},      {TIME_MINUTE, "minute"},
                 {TIME_SECOND, "second"}, {TIME_MS, "millisecond"}, {1, "microsecond"}};
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(units) && (duration == 0 || duration % units[i].size != 0)) {
        i++;
    }
    i = duration == 0 ? 3 : i;
    int64_t count = duration / units[i].size;
    buffer_printf(out, "%lld %s%s", (long long)count, units[i].name, count == 1 ? "" : "s");
}

static void print_schema(const Schema *schema, Buffer *out)
{
    for (size_t i = 0; i < schema->count; i++) {
        buffer_printf(out, "%s%s ", i == 0 ? "" : ", ", schema->columns[i].name);
        type_print(schema->columns[i].type, out);
    }
}

static void print_types(const Schema *schema, Buffer *out)
{
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(out, i == 0 ? "" : ", ");
        type_print(schema->columns[i].type, out);
    }
    buffer_append_text(out, schema->count == 0 ? "nothing" : "");
}

// What a value takes in a row of the state; of texts and lists a guess.
static int64_t value_bytes(const Type *type)
{
    enum { TEXT = 4 + 12, LIST = 4 + 64 };
    int64_t sum = 0;
    switch (type->kind) {
    case TYPE_STRING:
    case TYPE_BINARY:
        return TEXT;
    case TYPE_ARRAY:
    case TYPE_MAP:
        return LIST;
    case TYPE_DECIMAL:
        return 16;
    case TYPE_BOOLEAN:
        return 1;
    case TYPE_STRUCT:
        for (size_t i = 0; i < type->fields.count; i++) {
            sum += value_bytes(type->fields.columns[i].type);
        }
        return sum;
    default:
        return 8;
    }
}

static int64_t key_bytes(const PlanStage *stage)
{
    enum { ROW = 32 }; // header, index, NULL bits, room in its page
    int64_t sum = ROW;
    for (size_t i = 0; i < stage->keys.count; i++) {
        sum += value_bytes(stage->keys.columns[i].type);
    }
    for (size_t i = 0; i < stage->values.count; i++) {
        sum += value_bytes(stage->values.columns[i].type);
    }
    return sum;
}

// ---- parts -------------------------------------------------------------------------------------

static void explain_sources(Catalog *catalog, const Plan *plan, Buffer *out)
{
    for (size_t i = 0; i < plan->source_count; i++) {
        const PlanSource *source = &plan->sources[i];
        buffer_printf(out, "source %s: %s\n    ", source->view,
                      describe_source(catalog, source->relation));
        print_schema(&source->schema, out);
        buffer_append_char(out, '\n');
    }
    for (size_t i = 0; i < plan->watermark_count; i++) {
        const PlanWatermark *watermark = &plan->watermarks[i];
        buffer_printf(out, "watermark on %s: ", watermark->column);
        print_duration(watermark->delay, out);
        buffer_append_text(out, " behind the latest; late rows are ");
        if (watermark->late_into != NULL) {
            const Name *into = watermark->late_into;
            buffer_printf(out, "written into %.*s\n", SLICE_ARG(into->parts[into->count - 1]));
        } else {
            buffer_append_text(out, "counted and dropped\n");
        }
    }
}

static void explain_stage(const Plan *plan, const PlanStage *stage, Buffer *out)
{
    bool follows = stage->kind == STAGE_DEDUPLICATE ? stage->deduplicate->expires
                   : stage->kind == STAGE_JOIN
                       ? stage->join->sides[0].expires || stage->join->sides[1].expires
                       : stage->has_event_time && plan->mode != OUTPUT_COMPLETE;
    buffer_printf(out, "%s: %s\n", stage->name, describe_kind(stage->kind));
    for (size_t i = 0; i < stage->facts.count; i++) {
        buffer_printf(out, "    %s: %s\n", stage->facts.items[i].label, stage->facts.items[i].text);
    }
    buffer_append_text(out, "    state: ");
    print_types(&stage->keys, out);
    buffer_append_text(out, " -> ");
    print_types(&stage->values, out);
    buffer_printf(out, "; about %lld bytes a key\n", (long long)key_bytes(stage));
    buffer_printf(out, "    forgotten: %s\n", follows ? "once the watermark has passed" : "never");
    if (stage->kind == STAGE_JOIN) {
        buffer_printf(out, "    left: %s\n    right: %s\n", stage->join->sides[0].sql,
                      stage->join->sides[1].sql);
    }
    buffer_printf(out, "    each batch: %s\n", stage->sql);
}

static void explain_output(const Plan *plan, Buffer *out)
{
    for (size_t i = 0; i < plan->late_count; i++) {
        const PlanLate *late = &plan->lates[i];
        buffer_printf(out, "late rows of %s into %.*s\n    each batch: %s\n",
                      plan->stages[late->stage].name,
                      SLICE_ARG(late->into->parts[late->into->count - 1]), late->sql);
    }
    for (size_t i = 0; plan->expect != NULL && i < plan->expect->rule_count; i++) {
        const ExpectRule *rule = &plan->expect->rules[i];
        buffer_printf(out, "constraint %s, on violation %s\n    %s\n", rule->name,
                      expect_action(rule->violation), rule->condition);
    }
    buffer_append_text(out, "output: ");
    print_schema(&plan->output, out);
    buffer_printf(out, "\n    each batch: %s\n", plan->output_sql);
}

static const char *sink_name(const Dataset *target)
{
    return target->sink != NULL ? target->sink->name : "delta";
}

static bool explain_flow(Catalog *catalog, const FlowSpec *flow, Buffer *out, bool *is_problem,
                         Error *err)
{
    DuckConn *conn = NULL;
    StaticTables tables = {0};
    const Plan *plan = NULL;
    bool ok = duck_connect(catalog->duck, &conn, err) &&
              duck_run(conn, "SET VARIABLE batch_time = now()", err);
    if (ok && flow->query != NULL) {
        plan = catalog_plan(catalog, flow, 0, conn, &tables);
    }
    duck_disconnect(conn);
    *is_problem = ok && plan == NULL;
    if (plan == NULL) {
        return false;
    }
    if (flow->name != NULL) {
        buffer_printf(out, "flow %s into %s (%s), ", flow->name, flow->target->name,
                      sink_name(flow->target));
    }
    buffer_printf(out, "output mode %s\n", plan_mode_name(plan->mode));
    explain_sources(catalog, plan, out);
    for (size_t i = 0; i < tables.count; i++) {
        const Name *name = &tables.items[i].relation->name;
        buffer_printf(out, "table %s: %.*s, as it is at each batch\n", tables.items[i].view,
                      SLICE_ARG(name->parts[name->count - 1]));
    }
    for (size_t i = 0; i < plan->stage_count; i++) {
        explain_stage(plan, &plan->stages[i], out);
    }
    explain_output(plan, out);
    return true;
}

// ---- the statement -----------------------------------------------------------------------------

static bool explain_name(Catalog *catalog, const Name *name, Buffer *out, bool *is_problem,
                         Error *err)
{
    Slice wanted = name->parts[name->count - 1];
    const Dataset *dataset = catalog_find(catalog, name);
    size_t found = 0;
    for (size_t i = 0; i < catalog->flow_count; i++) {
        const FlowSpec *flow = catalog->flows[i];
        bool is_it = slice_equal_nocase(wanted, slice_of(flow->name)) ||
                     (dataset != NULL && flow->target == dataset);
        if (is_it && found++ > 0) {
            buffer_append_char(out, '\n');
        }
        if (is_it && !explain_flow(catalog, flow, out, is_problem, err)) {
            return false;
        }
    }
    if (found > 0) {
        return true;
    }
    *is_problem = true;
    Map *names = map_create(true);
    for (size_t i = 0; i < catalog->flow_count; i++) {
        map_put(names, slice_of(catalog->flows[i]->name), NULL);
    }
    diagnose(catalog->diagnostics, name->pos, NULL,
             dataset != NULL ? NULL : diagnostic_nearest(catalog->arena, names, wanted),
             dataset != NULL ? "'%.*s' is fed by no flow" : "no flow or dataset '%.*s'",
             SLICE_ARG(wanted));
    map_destroy(names);
    return false;
}

static OutputMode written_mode(const Statement *statement)
{
    static const char *const names[] = {"append", "update", "complete"};
    for (size_t i = 0; i < statement->options.count; i++) {
        const Property *option = &statement->options.items[i];
        for (size_t m = 0; m < ARRAY_LEN(names); m++) {
            if (slice_equal_nocase(option->key, slice_of("outputMode")) &&
                slice_equal_nocase(option->value, slice_of(names[m]))) {
                return (OutputMode)m;
            }
        }
    }
    return OUTPUT_APPEND;
}

bool explain_statement(Catalog *catalog, const Statement *statement, Buffer *out, bool *is_problem,
                       Error *err)
{
    *is_problem = false;
    if (statement->query == NULL) {
        return explain_name(catalog, &statement->name, out, is_problem, err);
    }
    Statement plain = *statement;
    plain.expectation_count = 0; // their columns are those of a table that is not there
    Dataset target = {
        .name = "", .statement = &plain, .mode = written_mode(statement), .kind = DATASET_SINK};
    FlowSpec flow = {.target = &target, .pos = statement->pos};
    flow.query = catalog_inline(catalog, statement->query);
    Schema schema = {0};
    *is_problem = flow.query == NULL || !catalog_bind(catalog, flow.query, &schema);
    return !*is_problem && explain_flow(catalog, &flow, out, is_problem, err);
}
