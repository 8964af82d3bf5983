// SPDX-License-Identifier: Apache-2.0
#include "engine/catalog.h"

#include <stdlib.h>

#include "connector/registry.h"
#include "engine/catalog_side.h"
#include "engine/relation.h"
#include "stream/rewrite.h"

bool catalog_create(Project *project, Arena *arena, Diagnostics *diagnostics, Duck *duck,
                    Clock *clock, Catalog **result, Error *err)
{
    Catalog *catalog = ARENA_NEW(arena, Catalog);
    catalog->project = project;
    catalog->arena = arena;
    catalog->diagnostics = diagnostics;
    catalog->duck = duck;
    catalog->clock = clock;
    if (!duck_connect(duck, &catalog->conn, err)) {
        return false;
    }
    if (!duck_run(catalog->conn, "SET VARIABLE batch_time = now()", err)) {
        duck_disconnect(catalog->conn);
        return false;
    }
    catalog->datasets = map_create(true);
    catalog->read_count = ARENA_NEW(arena, _Atomic int);
    catalog->sources = map_create(false);
    catalog->feeds = map_create(true);
    *result = catalog;
    return true;
}

void catalog_close_sources(Catalog *catalog)
{
    for (size_t i = 0; i < catalog->open_count; i++) {
        source_close(catalog->open_sources[i]);
    }
    catalog->open_count = 0;
}

Catalog catalog_fork(const Catalog *catalog, Arena *arena, DuckConn *conn)
{
    Catalog fork = *catalog;
    fork.arena = arena;
    fork.conn = conn;
    fork.diagnostics = diagnostics_create(arena, catalog->diagnostics->sources);
    fork.open_sources = NULL;
    fork.open_count = 0;
    fork.open_capacity = 0;
    return fork;
}

void catalog_destroy(Catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    catalog_close_sources(catalog);
    map_destroy(catalog->datasets);
    map_destroy(catalog->sources);
    map_destroy(catalog->feeds);
    duck_disconnect(catalog->conn);
}

// ---- names -------------------------------------------------------------------------------------

static const char *default_database(const Catalog *catalog)
{
    return catalog->project == NULL ? "default" : project_database(catalog->project);
}

static const char *dataset_key(const Catalog *catalog, const Name *name)
{
    if (name->count == 1) {
        return arena_printf(catalog->arena, "%s.%.*s", default_database(catalog),
                            SLICE_ARG(name->parts[0]));
    }
    return arena_printf(catalog->arena, "%.*s.%.*s", SLICE_ARG(name->parts[name->count - 2]),
                        SLICE_ARG(name->parts[name->count - 1]));
}

Dataset *catalog_find(const Catalog *catalog, const Name *name)
{
    return name->count > 2 ? NULL
                           : map_find(catalog->datasets, slice_of(dataset_key(catalog, name)));
}

static const char *shown_name(const Catalog *catalog, const Name *name)
{
    if (name->count > 1 &&
        !slice_equal_nocase(name->parts[0], slice_of(default_database(catalog)))) {
        return dataset_key(catalog, name);
    }
    return arena_text(catalog->arena, name->parts[name->count - 1]);
}

// ---- registering -------------------------------------------------------------------------------

static bool check_new_name(Catalog *catalog, const Statement *statement)
{
    const Name *name = &statement->name;
    if (name->count > 2) {
        return diagnose(catalog->diagnostics, name->pos, "INVALID_NAME",
                        "use database.name or name", "a dataset's name has at most two parts");
    }
    const Dataset *other = catalog_find(catalog, name);
    if (other == NULL) {
        return true;
    }
    int line;
    int column;
    SqlSources *sources = catalog->diagnostics->sources;
    sql_sources_locate(sources, other->statement->name.pos, &line, &column);
    const char *where =
        arena_printf(catalog->arena, "the other one is in %s:%d",
                     sql_sources_path(sources, other->statement->name.pos.source), line);
    return diagnose(catalog->diagnostics, name->pos, "TABLE_OR_VIEW_ALREADY_EXISTS", where,
                    "dataset '%s' is declared twice", other->name);
}

static void add_flow(Catalog *catalog, const char *name, Dataset *target, Query *query, Pos pos)
{
    FlowSpec *flow = ARENA_NEW(catalog->arena, FlowSpec);
    *flow = (FlowSpec){.name = name, .target = target, .written = query, .pos = pos};
    ARENA_PUSH(catalog->arena, catalog->flows, catalog->flow_count, catalog->flow_capacity, flow);
}

static bool set_output_mode(Catalog *catalog, Dataset *dataset, const Property *property)
{
    for (OutputMode mode = OUTPUT_APPEND; mode <= OUTPUT_COMPLETE; mode++) {
        if (slice_equal_nocase(property->value, slice_of(plan_mode_name(mode)))) {
            dataset->mode = mode;
            return true;
        }
    }
    Map *names = map_create(true);
    for (OutputMode mode = OUTPUT_APPEND; mode <= OUTPUT_COMPLETE; mode++) {
        map_put(names, slice_of(plan_mode_name(mode)), NULL);
    }
    const char *nearest = diagnostic_nearest(catalog->arena, names, property->value);
    map_destroy(names);
    return diagnose(catalog->diagnostics, property->value_pos, "STREAMING_OUTPUT_MODE.INVALID",
                    nearest == NULL ? "append, update or complete" : nearest,
                    "no output mode '%.*s'", SLICE_ARG(property->value));
}

// outputMode belongs to every sink; what remains is the type's own.
static bool take_output_mode(Catalog *catalog, Dataset *dataset, Properties *rest)
{
    const Properties *options = &dataset->statement->options;
    for (size_t i = 0; i < options->count; i++) {
        const Property *property = &options->items[i];
        if (slice_equal_nocase(property->key, slice_of("outputMode"))) {
            if (!set_output_mode(catalog, dataset, property)) {
                return false;
            }
            continue;
        }
        ARENA_PUSH(catalog->arena, rest->items, rest->count, rest->capacity, *property);
    }
    return true;
}

// What tarn will write to, but this version does not.
static bool is_later_sink(Slice format)
{
    static const char *const names[] = {"kafka", "postgres", "parquet", "json", "csv"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (slice_equal_nocase(format, slice_of(names[i]))) {
            return true;
        }
    }
    return false;
}

// Upserts need keys and a table that can be changed in place, which is not written yet.
static const char *mode_advice(const Dataset *dataset)
{
    return dataset->kind == DATASET_STREAMING_TABLE && dataset->mode == OUTPUT_UPDATE
               ? "take a MATERIALIZED VIEW for rows that change, or leave outputMode out and give "
                 "the stream a WATERMARK: then a row comes once, when it is final"
               : NULL;
}

static bool set_sink(Catalog *catalog, Dataset *dataset)
{
    const Statement *statement = dataset->statement;
    bool is_sink = dataset->kind == DATASET_SINK;
    if (is_sink && slice_equal_nocase(statement->using_format, slice_of("delta"))) {
        return diagnose(catalog->diagnostics, statement->name.pos, "UNSUPPORTED_FEATURE",
                        "write CREATE STREAMING TABLE and let the flow insert into it",
                        "a Delta table is no sink");
    }
    Slice format = is_sink ? statement->using_format : slice_of("delta");
    if (!is_sink && statement->using_format.size > 0 &&
        !slice_equal_nocase(statement->using_format, format)) {
        return diagnose(catalog->diagnostics, statement->name.pos, "UNSUPPORTED_FEATURE",
                        "leave USING out", "tables are Delta tables, not '%.*s'",
                        SLICE_ARG(statement->using_format));
    }
    dataset->sink = sink_type_find(format);
    if (dataset->sink == NULL && is_later_sink(format)) {
        return diagnose(catalog->diagnostics, statement->name.pos, "UNSUPPORTED_FEATURE", NULL,
                        "sinks of type %.*s are not supported by this version", SLICE_ARG(format));
    }
    if (dataset->sink == NULL) {
        Map *names = map_create(true);
        for (const SinkType *const *type = sink_types(); *type != NULL; type++) {
            map_put(names, slice_of((*type)->name), NULL);
        }
        diagnose(catalog->diagnostics, statement->name.pos, "DATA_SOURCE_NOT_FOUND",
                 diagnostic_nearest(catalog->arena, names, format), "no sink type '%.*s'",
                 SLICE_ARG(format));
        map_destroy(names);
        return false;
    }
    Properties rest = {0};
    if (!take_output_mode(catalog, dataset, &rest)) {
        return false;
    }
    unsigned needed = dataset->mode == OUTPUT_APPEND   ? SINK_APPEND
                      : dataset->mode == OUTPUT_UPDATE ? SINK_UPDATE
                                                       : SINK_COMPLETE;
    if ((dataset->sink->flags & needed) == 0) {
        return diagnose(catalog->diagnostics, statement->name.pos,
                        "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", mode_advice(dataset),
                        "%s does not support output mode %s", dataset->sink->name,
                        plan_mode_name(dataset->mode));
    }
    dataset->sink_config = arena_alloc(catalog->arena, dataset->sink->config_size + 1);
    return options_fill_properties(dataset->sink->options, dataset->sink->option_count,
                                   dataset->sink->name, &rest, statement->name.pos,
                                   dataset->sink_config, catalog->arena, catalog->diagnostics);
}

static bool check_supported_clauses(Catalog *catalog, const Statement *statement)
{
    if (statement->schedule_every.size > 0 || statement->schedule_cron.size > 0) {
        return diagnose(catalog->diagnostics, statement->name.pos, "UNSUPPORTED_FEATURE",
                        "leave SCHEDULE out: the view is refreshed after its sources committed",
                        "SCHEDULE is not supported by this version");
    }
    return true;
}

static bool check_properties(Catalog *catalog, const Statement *statement)
{
    static const char known[] = "pipelines.trigger.interval";
    for (size_t i = 0; i < statement->properties.count; i++) {
        const Property *property = &statement->properties.items[i];
        static const char prefix[] = "pipelines.";
        Slice start = {property->key.data, sizeof prefix - 1};
        if (property->key.size < start.size || !slice_equal_nocase(start, slice_of(prefix)) ||
            slice_equal_nocase(property->key, slice_of(known))) {
            continue; // other properties are the table's own
        }
        return diagnose(catalog->diagnostics, property->pos, "INVALID_PROPERTY_KEY",
                        "the one there is: pipelines.trigger.interval", "no property '%.*s'",
                        SLICE_ARG(property->key));
    }
    return true;
}

static Dataset *new_dataset(Catalog *catalog, const Statement *statement, DatasetKind kind)
{
    Dataset *dataset = ARENA_NEW(catalog->arena, Dataset);
    dataset->kind = kind;
    dataset->statement = statement;
    dataset->key = dataset_key(catalog, &statement->name);
    dataset->name = shown_name(catalog, &statement->name);
    dataset->query = statement->query;
    if (kind != DATASET_TEMPORARY_VIEW && kind != DATASET_SINK) {
        Slice database = statement->name.count > 1 ? statement->name.parts[0]
                                                   : slice_of(default_database(catalog));
        dataset->table_path =
            project_table_path(catalog->project, database,
                               statement->name.parts[statement->name.count - 1], catalog->arena);
    }
    map_put(catalog->datasets, slice_of(dataset->key), dataset);
    return dataset;
}

bool catalog_add_side(Catalog *catalog, DatasetKind kind, const Name *name, Dataset **side)
{
    Statement *statement = ARENA_NEW(catalog->arena, Statement);
    statement->kind = STATEMENT_CREATE_STREAMING_TABLE;
    statement->pos = name->pos;
    statement->name = *name;
    if (!check_new_name(catalog, statement)) {
        return false;
    }
    *side = new_dataset(catalog, statement, kind);
    return true;
}

static bool add_dataset(Catalog *catalog, const Statement *statement, DatasetKind kind)
{
    if (!check_new_name(catalog, statement)) {
        return false;
    }
    Dataset *dataset = new_dataset(catalog, statement, kind);
    bool ok = check_supported_clauses(catalog, statement);
    ok = check_properties(catalog, statement) && ok;
    if (kind == DATASET_STREAMING_TABLE || kind == DATASET_SINK) {
        ok = set_sink(catalog, dataset) && ok;
    }
    if (kind == DATASET_MATERIALIZED_VIEW) {
        dataset->mode = OUTPUT_COMPLETE;
    }
    if (kind == DATASET_STREAMING_TABLE && statement->query != NULL) {
        add_flow(catalog, dataset->name, dataset, statement->query, statement->query->pos);
    }
    ok = catalog_add_sides(catalog, statement, dataset) && ok;
    dataset->failed = !ok;
    return ok;
}

static bool add_flow_statement(Catalog *catalog, const Statement *statement)
{
    const char *name = shown_name(catalog, &statement->name);
    for (size_t i = 0; i < catalog->flow_count; i++) {
        if (text_equal_nocase(catalog->flows[i]->name, name)) {
            return diagnose(catalog->diagnostics, statement->name.pos, "FLOW_ALREADY_EXISTS", NULL,
                            "flow '%s' is declared twice", name);
        }
    }
    add_flow(catalog, name, NULL, statement->query, statement->name.pos);
    // The target may be declared later: it is looked up when everything is known.
    catalog->flows[catalog->flow_count - 1]->target_name = &statement->target;
    return catalog_add_sides(catalog, statement, NULL);
}

bool catalog_add_statement(Catalog *catalog, const Statement *statement)
{
    switch (statement->kind) {
    case STATEMENT_CREATE_STREAMING_TABLE:
        return add_dataset(catalog, statement, DATASET_STREAMING_TABLE);
    case STATEMENT_CREATE_MATERIALIZED_VIEW:
        return add_dataset(catalog, statement, DATASET_MATERIALIZED_VIEW);
    case STATEMENT_CREATE_TEMPORARY_VIEW:
        return add_dataset(catalog, statement, DATASET_TEMPORARY_VIEW);
    case STATEMENT_CREATE_SINK:
        return add_dataset(catalog, statement, DATASET_SINK);
    case STATEMENT_CREATE_FLOW:
        return add_flow_statement(catalog, statement);
    case STATEMENT_UNSUPPORTED:
        return diagnose(catalog->diagnostics, statement->pos, "UNSUPPORTED_FEATURE", NULL,
                        "%.*s is not supported by this version", SLICE_ARG(statement->text));
    default:
        return diagnose(catalog->diagnostics, statement->pos, NULL,
                        "ask with: tarn query 'SELECT ...'",
                        "a pipeline file declares datasets; this statement does not");
    }
}

// A statement with a problem of its own keeps its name, so that its readers do not add theirs.
static void give_up(Catalog *catalog, const Statement *statement)
{
    Dataset *dataset = catalog_find(catalog, &statement->name);
    if (dataset != NULL && dataset->statement == statement) {
        dataset->failed = true;
    }
    for (size_t i = 0; i < catalog->flow_count; i++) {
        catalog->flows[i]->failed |= catalog->flows[i]->written == statement->query;
    }
}

static bool has_problem(const Diagnostics *diagnostics, Pos pos)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        Pos at = diagnostics->items[i].pos;
        if (at.source == pos.source && pos.start <= at.start && at.start < pos.end) {
            return true;
        }
    }
    return false;
}

bool catalog_add_files(Catalog *catalog)
{
    size_t count;
    const ProjectFile *files = project_files(catalog->project, &count);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        StatementList statements = {0};
        ok = sql_parse(catalog->arena, catalog->diagnostics, files[i].source,
                       project_variables(catalog->project), &statements) &&
             ok;
        for (size_t s = 0; s < statements.count; s++) {
            bool broken = has_problem(catalog->diagnostics, statements.items[s]->pos);
            ok = catalog_add_statement(catalog, statements.items[s]) && ok;
            if (broken) {
                give_up(catalog, statements.items[s]);
            }
        }
    }
    return ok;
}

// ---- replacing views ---------------------------------------------------------------------------

typedef struct Inliner {
    Catalog *catalog;
    DatasetList *upstream; // NULL: not collected
    bool failed;
} Inliner;

static Query *inline_query(Inliner *inliner, const Query *query);

static Relation *inline_view(Inliner *inliner, const Relation *relation, Dataset *view)
{
    if (view->visit == 1) {
        diagnose(inliner->catalog->diagnostics, relation->pos, "RECURSIVE_VIEW",
                 "read the table or view that it is about", "view '%s' reads itself", view->name);
        inliner->failed = true;
        return NULL;
    }
    view->visit = 1;
    Relation *inlined = ARENA_NEW(inliner->catalog->arena, Relation);
    *inlined = *relation;
    inlined->kind = RELATION_QUERY;
    inlined->is_stream = false;
    inlined->query = inline_query(inliner, view->statement->query);
    if (inlined->alias.size == 0) {
        inlined->alias = relation->name.parts[relation->name.count - 1];
    }
    view->visit = 0;
    return inlined;
}

static void add_upstream(Inliner *inliner, Dataset *dataset)
{
    for (size_t i = 0; inliner->upstream != NULL && i < inliner->upstream->count; i++) {
        if (inliner->upstream->items[i] == dataset) {
            return;
        }
    }
    if (inliner->upstream != NULL) {
        ARENA_PUSH(inliner->catalog->arena, inliner->upstream->items, inliner->upstream->count,
                   inliner->upstream->capacity, dataset);
    }
}

static Relation *inline_relation(void *context, const Relation *relation, bool is_cte)
{
    Inliner *inliner = context;
    if (relation->kind != RELATION_TABLE || is_cte) {
        return NULL;
    }
    Dataset *dataset = catalog_find(inliner->catalog, &relation->name);
    if (dataset == NULL) {
        return NULL;
    }
    if (dataset->kind == DATASET_TEMPORARY_VIEW) {
        return inline_view(inliner, relation, dataset);
    }
    add_upstream(inliner, dataset);
    if (relation->name.count > 1) {
        return NULL;
    }
    // With its database: a CTE around the view that is replaced may have the same name.
    Relation *qualified = ARENA_NEW(inliner->catalog->arena, Relation);
    *qualified = *relation;
    qualified->name.parts[0] = slice_of(default_database(inliner->catalog));
    qualified->name.parts[1] = relation->name.parts[0];
    qualified->name.count = 2;
    return qualified;
}

static Query *inline_query(Inliner *inliner, const Query *query)
{
    return rewrite_query(inliner->catalog->arena, query, inline_relation, inliner);
}

static Query *inline_collecting(Catalog *catalog, const Query *query, DatasetList *upstream)
{
    Inliner inliner = {catalog, upstream, false};
    Query *inlined = inline_query(&inliner, query);
    return inliner.failed ? NULL : inlined;
}

Query *catalog_inline(Catalog *catalog, const Query *query)
{
    return inline_collecting(catalog, query, NULL);
}

// ---- order -------------------------------------------------------------------------------------

static void sort_visit(Catalog *catalog, Dataset *dataset, const Dataset *reader)
{
    if (dataset->visit == 2) {
        return;
    }
    if (dataset->visit == 1) {
        dataset->failed = true;
        if (reader == dataset) {
            diagnose(catalog->diagnostics, reader->statement->name.pos, "CYCLE",
                     "read another dataset", "dataset '%s' reads itself", dataset->name);
            return;
        }
        diagnose(catalog->diagnostics, reader->statement->name.pos, "CYCLE",
                 "one of them must read something else",
                 "dataset '%s' depends on itself through '%s'", dataset->name, reader->name);
        return;
    }
    dataset->visit = 1;
    for (size_t i = 0; i < dataset->upstream.count; i++) {
        sort_visit(catalog, dataset->upstream.items[i], dataset);
    }
    dataset->visit = 2;
    ARENA_PUSH(catalog->arena, catalog->order.items, catalog->order.count, catalog->order.capacity,
               dataset);
}

static int compare_flows(const void *a, const void *b)
{
    const FlowSpec *x = *(FlowSpec *const *)a;
    const FlowSpec *y = *(FlowSpec *const *)b;
    return x->target->place != y->target->place ? x->target->place - y->target->place
                                                : strcmp(x->name, y->name);
}

static void sort_datasets(Catalog *catalog)
{
    catalog->order.count = 0;
    for (size_t i = 0; i < map_count(catalog->datasets); i++) {
        ((Dataset *)map_value_at(catalog->datasets, i))->visit = 0;
    }
    for (size_t i = 0; i < map_count(catalog->datasets); i++) {
        Dataset *dataset = map_value_at(catalog->datasets, i);
        sort_visit(catalog, dataset, dataset);
    }
    for (size_t i = 0; i < catalog->order.count; i++) {
        catalog->order.items[i]->place = (int)i;
        catalog->order.items[i]->visit = 0;
    }
    if (catalog->flow_count > 1) { // none: no array either
        qsort(catalog->flows, catalog->flow_count, sizeof(FlowSpec *), compare_flows);
    }
}

// ---- resolving ---------------------------------------------------------------------------------

static bool find_target(Catalog *catalog, FlowSpec *flow)
{
    if (flow->target != NULL) {
        return true;
    }
    const Name *name = flow->target_name;
    Dataset *target = catalog_find(catalog, name);
    if (target == NULL) {
        Map *names = map_create(true);
        for (size_t i = 0; i < map_count(catalog->datasets); i++) {
            Dataset *dataset = map_value_at(catalog->datasets, i);
            map_put(names, slice_of(dataset->name), NULL);
        }
        Slice last = name->parts[name->count - 1];
        diagnose(catalog->diagnostics, name->pos, "TABLE_OR_VIEW_NOT_FOUND",
                 diagnostic_nearest(catalog->arena, names, last),
                 "no streaming table or sink '%.*s' to insert into", SLICE_ARG(last));
        map_destroy(names);
        return false;
    }
    if (target->kind != DATASET_STREAMING_TABLE && target->kind != DATASET_SINK) {
        return diagnose(catalog->diagnostics, name->pos, NULL, NULL,
                        "a flow inserts into a streaming table or a sink, and '%s' is neither",
                        target->name);
    }
    flow->target = target;
    target->resolved = false; // with this flow it is checked anew
    return true;
}

static bool inline_flows(Catalog *catalog)
{
    bool ok = true;
    size_t kept = 0;
    for (size_t i = 0; i < catalog->flow_count; i++) {
        FlowSpec *flow = catalog->flows[i];
        if (!find_target(catalog, flow)) {
            ok = false;
            continue; // a flow without target cannot be checked further
        }
        flow->upstream = (DatasetList){0};
        flow->query =
            flow->failed ? NULL : inline_collecting(catalog, flow->written, &flow->upstream);
        if (flow->query == NULL) {
            flow->target->failed = true;
            ok = false;
            continue;
        }
        for (size_t u = 0; u < flow->upstream.count; u++) {
            Dataset *target = flow->target;
            ARENA_PUSH(catalog->arena, target->upstream.items, target->upstream.count,
                       target->upstream.capacity, flow->upstream.items[u]);
        }
        catalog->flows[kept++] = flow;
    }
    catalog->flow_count = kept;
    return ok;
}

// What reads a dataset with a problem is still checked when its columns are known.
static bool upstream_failed(const DatasetList *upstream)
{
    for (size_t i = 0; i < upstream->count; i++) {
        if (upstream->items[i]->failed && upstream->items[i]->schema.count == 0) {
            return true;
        }
    }
    return false;
}

bool catalog_resolve(Catalog *catalog)
{
    size_t before = catalog->diagnostics->count;
    for (size_t i = 0; i < map_count(catalog->datasets); i++) {
        Dataset *dataset = map_value_at(catalog->datasets, i);
        dataset->upstream = (DatasetList){0};
        if (dataset->kind == DATASET_MATERIALIZED_VIEW || dataset->kind == DATASET_TEMPORARY_VIEW) {
            dataset->visit = 1; // a view that reads itself is found here
            dataset->query =
                inline_collecting(catalog, dataset->statement->query, &dataset->upstream);
            dataset->visit = 0;
            dataset->failed |= dataset->query == NULL;
        }
    }
    inline_flows(catalog);
    catalog_link_sides(catalog);
    sort_datasets(catalog); // one dataset of each cycle has failed, and with it what reads it
    for (size_t i = 0; i < catalog->order.count; i++) {
        Dataset *dataset = catalog->order.items[i];
        if (catalog_is_idle_side(catalog, dataset)) {
            continue;
        }
        if (dataset->resolved || dataset->failed || upstream_failed(&dataset->upstream)) {
            dataset->failed |= !dataset->resolved;
            continue;
        }
        dataset->failed = !catalog_resolve_dataset(catalog, dataset);
        dataset->resolved = !dataset->failed;
    }
    return catalog->diagnostics->count == before;
}
