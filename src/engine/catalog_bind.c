// Checking one dataset: its sources, its columns, its streaming rules. See catalog.h.
// SPDX-License-Identifier: Apache-2.0
#include "connector/registry.h"
#include "connector/source_delta.h"
#include "connector/source_script.h"
#include "engine/catalog.h"
#include "engine/catalog_side.h"
#include "engine/inspect.h"
#include "engine/relation.h"
#include "sql/parser.h"
#include "stream/rewrite.h"

// ---- sources -----------------------------------------------------------------------------------

static void *find_feed(const Catalog *catalog, Pos pos)
{
    for (size_t i = 0; i < map_count(catalog->feeds); i++) {
        const Dataset *dataset = map_find(catalog->datasets, map_key_at(catalog->feeds, i));
        if (dataset != NULL && dataset->statement->pos.source == pos.source &&
            dataset->statement->pos.start <= pos.start && pos.end <= dataset->statement->pos.end) {
            return map_value_at(catalog->feeds, i);
        }
    }
    return NULL;
}

// What a connector says, taken apart: "source 'x': [CONDITION] message; advice".
static bool diagnose_source(Catalog *catalog, Pos pos, const char *message)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.";
    const char *open = strchr(message, '[');
    const char *close = open == NULL ? NULL : strstr(open, "] ");
    const char *condition = NULL;
    const char *rest = message;
    if (close != NULL && (size_t)(close - open - 1) == strspn(open + 1, letters)) {
        condition = arena_text(catalog->arena, (Slice){open + 1, (size_t)(close - open - 1)});
        rest = close + 2;
    }
    const char *advice = strstr(rest, "; ");
    Slice text = {rest, advice == NULL ? strlen(rest) : (size_t)(advice - rest)};
    return diagnose(catalog->diagnostics, pos, condition, advice == NULL ? NULL : advice + 2,
                    "%.*s%.*s", condition == NULL ? 0 : (int)(open - message), message,
                    SLICE_ARG(text));
}

// Opens a source only to ask for its columns.
static bool source_columns(Catalog *catalog, SourceSpec *spec, Pos pos)
{
    SourceContext context = {
        .conn = catalog->conn,
        .clock = catalog->clock,
        .project_root = relation_root(catalog, pos),
        .unique = arena_printf(catalog->arena, "schema_%u_%u", pos.source, pos.start),
        .arena = catalog->arena,
    };
    Source *source = NULL;
    Error err;
    if (!source_open(spec->type, spec->name, spec->config, pos, &context, &source, &err)) {
        return diagnose_source(catalog, pos, err.message);
    }
    spec->schema = schema_copy(catalog->arena, &source->schema);
    source_close(source);
    return true;
}

static bool no_function(Catalog *catalog, const Relation *relation)
{
    if (slice_equal_nocase(relation->text, slice_of("read_kafka"))) {
        return diagnose(catalog->diagnostics, relation->pos, "UNSUPPORTED_FEATURE", NULL,
                        "read_kafka is not supported by this version");
    }
    Map *names = map_create(true);
    for (const SourceType *const *type = source_types(); *type != NULL; type++) {
        map_put(names, slice_of((*type)->name), NULL);
    }
    diagnose(catalog->diagnostics, relation->pos, "UNRESOLVABLE_TABLE_VALUED_FUNCTION",
             diagnostic_nearest(catalog->arena, names, relation->text), "no table function '%.*s'",
             SLICE_ARG(relation->text));
    map_destroy(names);
    return false;
}

static bool function_source(Catalog *catalog, const Relation *relation, SourceSpec *spec)
{
    spec->type = source_type_find(relation->text);
    if (spec->type == NULL && inspect_is(relation)) {
        return diagnose(catalog->diagnostics, relation->pos, "UNSUPPORTED_FEATURE",
                        "ask with tarn query",
                        "%.*s() looks into a flow from outside: no dataset can read it",
                        SLICE_ARG(relation->name.parts[0]));
    }
    if (spec->type == NULL) {
        return no_function(catalog, relation);
    }
    spec->name = spec->type->name;
    spec->config = arena_alloc(catalog->arena, spec->type->config_size + 1);
    if (!options_fill(spec->type->options, spec->type->option_count, spec->type->name, relation,
                      spec->type->positional, spec->config, catalog->arena, catalog->diagnostics) ||
        !source_columns(catalog, spec, relation->pos)) {
        return false;
    }
    void *feed = find_feed(catalog, relation->pos);
    if (feed != NULL) {
        spec->type = &source_script;
        spec->config = source_script_config(catalog->arena, feed, &spec->schema);
    }
    return true;
}

static bool table_source(Catalog *catalog, const Relation *relation, SourceSpec *spec)
{
    spec->type = &source_delta;
    Dataset *dataset = catalog_find(catalog, &relation->name);
    if (dataset != NULL && dataset->table_path == NULL) {
        return diagnose(catalog->diagnostics, relation->pos, NULL, NULL, "sink '%s' cannot be read",
                        dataset->name);
    }
    if (dataset != NULL && dataset->kind == DATASET_MATERIALIZED_VIEW) {
        return diagnose(catalog->diagnostics, relation->pos, "UNSUPPORTED_STREAMING_SOURCE",
                        "drop STREAM to read it as a table",
                        "materialized view '%s' is replaced at each refresh and cannot be streamed",
                        dataset->name);
    }
    if (dataset != NULL) {
        spec->name = dataset->name;
        spec->schema = dataset->schema;
        spec->config = source_delta_config(catalog->arena, dataset->table_path, &spec->schema);
        return source_delta_configure(spec->config, relation, catalog->arena, catalog->diagnostics);
    }
    const char *path = relation_table_path(catalog, &relation->name);
    if (path == NULL) {
        return relation_not_found(catalog, relation);
    }
    spec->name = path;
    spec->config = source_delta_config(catalog->arena, path, NULL);
    return source_delta_configure(spec->config, relation, catalog->arena, catalog->diagnostics) &&
           source_columns(catalog, spec, relation->pos);
}

const SourceSpec *catalog_source(Catalog *catalog, const Relation *relation)
{
    Slice place =
        slice_of(arena_printf(catalog->arena, "%u:%u", relation->pos.source, relation->pos.start));
    if (map_has(catalog->sources, place)) {
        return map_find(catalog->sources, place);
    }
    SourceSpec *spec = ARENA_NEW(catalog->arena, SourceSpec);
    bool ok = relation->kind == RELATION_FUNCTION ? function_source(catalog, relation, spec)
                                                  : table_source(catalog, relation, spec);
    map_put(catalog->sources, place, ok ? spec : NULL);
    return ok ? spec : NULL;
}

// ---- binding -----------------------------------------------------------------------------------

static bool declared_relation(void *context, const Relation *relation, Buffer *sql)
{
    return relation_declared(context, relation, sql);
}

bool catalog_bind(Catalog *catalog, const Query *query, Schema *schema)
{
    Buffer sql = {0};
    SourceMap map = {0};
    PrintOptions options = {
        .relation = declared_relation,
        .context = catalog,
        .now_sql = "getvariable('batch_time')",
    };
    bool ok = (sql_print_query(query, &options, catalog->diagnostics, &sql, &map, catalog->arena) ||
               map.has_gaps) &&
              sql_bind(catalog->conn, buffer_text(&sql), &map, query->pos, catalog->diagnostics,
                       schema, catalog->arena);
    buffer_done(&sql);
    return ok;
}

// ---- plans -------------------------------------------------------------------------------------

typedef struct PlanContext {
    Catalog *catalog;
    DuckConn *conn;
    StaticTables *tables;
    int number;
} PlanContext;

static bool plan_stream_schema(void *context, const Relation *relation, Schema *schema)
{
    PlanContext *plan = context;
    const SourceSpec *spec = catalog_source(plan->catalog, relation);
    if (spec == NULL) {
        return false;
    }
    *schema = spec->schema;
    return true;
}

// A table read without STREAM is a view; the flow points it at the newest version.
static bool plan_static_relation(void *context, const Relation *relation, Buffer *sql)
{
    PlanContext *plan = context;
    if (relation->is_stream) {
        return diagnose(plan->catalog->diagnostics, relation->pos,
                        "UNSUPPORTED_STREAMING_OPERATION",
                        "drop STREAM to read the table as it is at each batch",
                        "a stream can be read in FROM only, not in a subquery of an expression");
    }
    for (size_t i = 0; i < plan->tables->count; i++) {
        if (plan->tables->items[i].relation == relation) {
            buffer_append_text(sql, plan->tables->items[i].view);
            return true;
        }
    }
    Arena *arena = plan->catalog->arena;
    StaticTable table = {.relation = relation};
    table.view = arena_printf(arena, "table_%d_%zu", plan->number, plan->tables->count);
    Buffer view = {0};
    buffer_printf(&view, "CREATE OR REPLACE TEMP VIEW %s AS SELECT * FROM ", table.view);
    bool ok = relation_declared(plan->catalog, relation, &view);
    Error err;
    if (ok && !duck_run(plan->conn, buffer_text(&view), &err)) {
        ok = diagnose(plan->catalog->diagnostics, relation->pos, NULL, NULL, "%s", err.message);
    }
    buffer_done(&view);
    ARENA_PUSH(arena, plan->tables->items, plan->tables->count, plan->tables->capacity, table);
    buffer_append_text(sql, table.view);
    return ok;
}

const Plan *catalog_plan(Catalog *catalog, const FlowSpec *flow, int number, DuckConn *conn,
                         StaticTables *tables)
{
    PlanContext context = {catalog, conn, tables, number};
    const Statement none = {0};
    const Statement *target = flow->target->statement; // NULL: EXPLAIN STREAMING
    target = target == NULL ? &none : target;
    ExpectRequest expect = {
        .dataset = flow->target->name,
        .function = arena_printf(catalog->arena, "expect_%d", number),
        .expectations = target->expectations,
        .expectation_count = target->expectation_count,
        .columns = &flow->target->schema,
        .now_sql = "getvariable('batch_time')",
    };
    PlanRequest request = {
        .flow = number,
        .mode = flow->target->mode,
        .query = flow->query,
        .expect = target->expectation_count > 0 ? &expect : NULL,
        .conn = conn,
        .relation = plan_static_relation,
        .stream_schema = plan_stream_schema,
        .context = &context,
    };
    return plan_create(&request, catalog->arena, catalog->diagnostics);
}

// ---- one dataset -------------------------------------------------------------------------------

// Spark's implicit widening: no value is lost.
static bool widens(const Type *from, const Type *to)
{
    if (from->kind == TYPE_VOID || type_equal(from, to)) {
        return true;
    }
    bool integers = type_is_integer(from) && type_is_integer(to) && from->kind < to->kind;
    bool decimals = from->kind == TYPE_DECIMAL && to->kind == TYPE_DECIMAL &&
                    to->scale >= from->scale &&
                    to->precision - to->scale >= from->precision - from->scale;
    return integers || decimals || (from->kind == TYPE_FLOAT && to->kind == TYPE_DOUBLE);
}

static bool check_assignable(Catalog *catalog, const Dataset *dataset, const Schema *schema,
                             Pos pos)
{
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        int index = schema_find(&dataset->schema, slice_of(column->name));
        if (index < 0) {
            return diagnose(catalog->diagnostics, pos, "INCOMPATIBLE_COLUMNS", NULL,
                            "'%s' has no column '%s'", dataset->name, column->name);
        }
        const Type *wanted = dataset->schema.columns[index].type;
        if (!widens(column->type, wanted)) {
            Buffer types = {0};
            type_print(column->type, &types);
            buffer_append_text(&types, " cannot go into ");
            type_print(wanted, &types);
            diagnose(catalog->diagnostics, pos, "INCOMPATIBLE_COLUMNS", "cast it in the query",
                     "column '%s' of '%s': %s", column->name, dataset->name, buffer_text(&types));
            buffer_done(&types);
            return false;
        }
    }
    if (schema->count < dataset->schema.count) {
        return diagnose(catalog->diagnostics, pos, "INCOMPATIBLE_COLUMNS", NULL,
                        "the query gives %zu columns, '%s' has %zu", schema->count, dataset->name,
                        dataset->schema.count);
    }
    return true;
}

// What Delta without column mapping cannot store: told before the first row, not by it.
static bool check_column_names(Catalog *catalog, const Dataset *dataset, const Schema *schema,
                               Pos pos)
{
    for (size_t i = 0; dataset->table_path != NULL && i < schema->count; i++) {
        const char *name = schema->columns[i].name;
        if (strpbrk(name, " ,;{}()\n\t=") != NULL) {
            return diagnose(catalog->diagnostics, pos, "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAME",
                            "give it a name with AS", "a table cannot have a column named '%s'",
                            name);
        }
    }
    return true;
}

static bool check_columns(Catalog *catalog, const Schema *schema, Pos pos)
{
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        int first = schema_find(schema, slice_of(column->name));
        if (first >= 0 && (size_t)first != i) {
            return diagnose(catalog->diagnostics, pos, "COLUMN_ALREADY_EXISTS",
                            "give one of them another name with AS",
                            "the query has two columns named '%s'", column->name);
        }
        if (column->type->kind == TYPE_OTHER || column->type->kind == TYPE_INTERVAL ||
            column->type->kind == TYPE_VOID) {
            Buffer name = {0};
            type_print(column->type, &name);
            diagnose(catalog->diagnostics, pos, "UNSUPPORTED_DATATYPE", "cast it to another type",
                     "column '%s' has the type %s, which a table cannot hold", column->name,
                     buffer_text(&name));
            buffer_done(&name);
            return false;
        }
    }
    return true;
}

bool catalog_check_columns(Catalog *catalog, const Dataset *dataset, const Schema *schema, Pos pos)
{
    return check_columns(catalog, schema, pos) && check_column_names(catalog, dataset, schema, pos);
}

static bool declared_schema(Catalog *catalog, Dataset *dataset, bool *declared)
{
    const Statement *statement = dataset->statement;
    *declared = false;
    for (size_t i = 0; i < statement->column_count; i++) {
        const ColumnDefinition *column = &statement->columns[i];
        if (column->type == NULL) {
            dataset->schema = (Schema){0};
            return diagnose(catalog->diagnostics, column->pos, NULL, "write name TYPE",
                            "column '%.*s' needs a type", SLICE_ARG(column->name));
        }
        schema_add(catalog->arena, &dataset->schema, arena_text(catalog->arena, column->name),
                   column->type, !column->not_null);
        if (column->comment.size > 0) {
            dataset->schema.columns[i].comment = arena_text(catalog->arena, column->comment);
        }
        *declared = true;
    }
    return true;
}

static bool check_partitions(Catalog *catalog, const Dataset *dataset)
{
    const Statement *statement = dataset->statement;
    for (size_t i = 0; i < statement->partition_count; i++) {
        if (schema_find(&dataset->schema, statement->partitioned_by[i]) >= 0) {
            continue;
        }
        Map *names = map_create(true);
        for (size_t c = 0; c < dataset->schema.count; c++) {
            map_put(names, slice_of(dataset->schema.columns[c].name), NULL);
        }
        diagnose(catalog->diagnostics, statement->name.pos, "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                 diagnostic_nearest(catalog->arena, names, statement->partitioned_by[i]),
                 "no column '%.*s' to partition '%s' by", SLICE_ARG(statement->partitioned_by[i]),
                 dataset->name);
        map_destroy(names);
        return false;
    }
    return true;
}

static bool check_flow(Catalog *catalog, FlowSpec *flow, bool has_schema, bool is_first)
{
    Dataset *target = flow->target;
    if (target->mode == OUTPUT_COMPLETE && !is_first) {
        return diagnose(catalog->diagnostics, flow->pos, "UNSUPPORTED_FEATURE",
                        "give each its own table, or aggregate a UNION ALL in one flow",
                        "'%s' has output mode complete: a second flow would replace the rows of "
                        "the first in every batch",
                        target->name);
    }
    if (!plan_is_streaming(flow->query)) {
        return diagnose(catalog->diagnostics, flow->query->pos,
                        "INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE",
                        "write FROM STREAM ..., or make it a MATERIALIZED VIEW",
                        "the query of '%s' reads no stream", flow->name);
    }
    Schema schema = {0};
    Query *batch = rewrite_as_batch(catalog->arena, flow->query);
    if (!catalog_bind(catalog, batch, &schema) ||
        !catalog_check_columns(catalog, target, &schema, flow->query->pos)) {
        return false;
    }
    if (has_schema) {
        if (target->kind == DATASET_STREAMING_TABLE &&
            !check_assignable(catalog, target, &schema, flow->query->pos)) {
            return false;
        }
    } else {
        target->schema = schema;
    }
    if (is_first) {
        target->bad_conditions = !catalog_check_expectations(catalog, target);
    }
    if (target->bad_conditions) {
        return false;
    }
    // Streaming rules: plan it once on a throw-away connection.
    DuckConn *conn = NULL;
    Error err;
    if (!duck_connect(catalog->duck, &conn, &err)) {
        return diagnose(catalog->diagnostics, flow->pos, NULL, NULL, "%s", err.message);
    }
    StaticTables tables = {0};
    const Plan *plan = duck_run(conn, "SET VARIABLE batch_time = now()", &err)
                           ? catalog_plan(catalog, flow, 0, conn, &tables)
                           : NULL;
    duck_disconnect(conn);
    return plan != NULL && catalog_resolve_late(catalog, flow, plan);
}

typedef struct BatchCheck {
    Catalog *catalog;
    bool ok;
} BatchCheck;

// A source that only streams must not stand without STREAM.
static Relation *check_batch_source(void *context, const Relation *relation, bool is_cte)
{
    BatchCheck *check = context;
    const SourceSpec *spec = relation->kind == RELATION_FUNCTION && !is_cte && !relation->is_stream
                                 ? catalog_source(check->catalog, relation)
                                 : NULL;
    if (spec != NULL && (spec->type->flags & SOURCE_BATCH) == 0) {
        check->ok = diagnose(check->catalog->diagnostics, relation->pos, NULL,
                             "write STREAM before it, in a streaming table",
                             "%s can only be read as a stream", spec->type->name);
    }
    return NULL;
}

static bool resolve_view(Catalog *catalog, Dataset *dataset)
{
    if (dataset->kind == DATASET_MATERIALIZED_VIEW && plan_is_streaming(dataset->query)) {
        return diagnose(catalog->diagnostics, dataset->query->pos,
                        "INVALID_FLOW_QUERY_TYPE.STREAMING_RELATION_FOR_MATERIALIZED_VIEW",
                        "drop STREAM, or make it a STREAMING TABLE",
                        "materialized view '%s' reads a stream", dataset->name);
    }
    BatchCheck check = {catalog, true};
    rewrite_query(catalog->arena, dataset->query, check_batch_source, &check);
    Query *batch = rewrite_as_batch(catalog->arena, dataset->query);
    Schema schema = {0};
    if (!check.ok || !catalog_bind(catalog, batch, &schema) ||
        (dataset->kind == DATASET_MATERIALIZED_VIEW &&
         !catalog_check_columns(catalog, dataset, &schema, dataset->query->pos))) {
        return false;
    }
    dataset->schema = schema;
    return catalog_check_expectations(catalog, dataset);
}

static bool check_trigger(Catalog *catalog, const Dataset *dataset)
{
    const Properties *properties = &dataset->statement->properties;
    for (size_t i = 0; i < properties->count; i++) {
        const Property *property = &properties->items[i];
        TimeUs interval;
        Error err;
        if (slice_equal_nocase(property->key, slice_of("pipelines.trigger.interval")) &&
            (!sql_parse_duration(property->value, &interval, &err) || interval < 0)) {
            return diagnose(catalog->diagnostics, property->value_pos, "INVALID_TRIGGER_INTERVAL",
                            "for example '10 seconds'", "'%.*s' is no trigger interval",
                            SLICE_ARG(property->value));
        }
    }
    return true;
}

bool catalog_resolve_dataset(Catalog *catalog, Dataset *dataset)
{
    bool declared = false;
    if (dataset->kind == DATASET_QUARANTINE || dataset->kind == DATASET_LATE_ROWS) {
        return catalog_resolve_side(catalog, dataset);
    }
    dataset->schema = (Schema){0};
    if (!check_trigger(catalog, dataset) || !declared_schema(catalog, dataset, &declared)) {
        return false;
    }
    if (dataset->query != NULL &&
        (dataset->kind == DATASET_MATERIALIZED_VIEW || dataset->kind == DATASET_TEMPORARY_VIEW)) {
        return resolve_view(catalog, dataset) && check_partitions(catalog, dataset);
    }
    size_t fed = 0;
    bool ok = true;
    for (size_t i = 0; i < catalog->flow_count; i++) {
        if (catalog->flows[i]->target == dataset) {
            ok = check_flow(catalog, catalog->flows[i], declared || fed > 0, fed == 0) && ok;
            fed++;
        }
    }
    if (fed == 0 && !declared && dataset->kind == DATASET_STREAMING_TABLE) {
        return diagnose(catalog->diagnostics, dataset->statement->name.pos, NULL,
                        "write AS SELECT ..., or CREATE FLOW ... AS INSERT INTO it",
                        "streaming table '%s' has no query and no flow feeds it", dataset->name);
    }
    return ok && check_partitions(catalog, dataset) && catalog_resolve_quarantine(catalog, dataset);
}
