// What state() and batches() are about: the flow, its checkpoint, their arguments. See inspect.h.
// SPDX-License-Identifier: Apache-2.0
#include "engine/inspect.h"

#include <stdatomic.h>
#include <unistd.h>

enum { TRIES = 10 };
#define TRY_AGAIN_AFTER (20 * (TimeUs)TIME_MS)

static const SourceType *type_of(const Relation *relation)
{
    const SourceType *const types[] = {&inspect_state, &inspect_batches};
    for (size_t i = 0; relation->kind == RELATION_FUNCTION && i < ARRAY_LEN(types); i++) {
        if (relation->name.count == 1 &&
            slice_equal_nocase(relation->name.parts[0], slice_of(types[i]->name))) {
            return types[i];
        }
    }
    return NULL;
}

bool inspect_is(const Relation *relation)
{
    return type_of(relation) != NULL;
}

bool inspect_retry(bool (*read)(Source *source, Error *err), Source *source, Error *err)
{
    Clock *clock = clock_system();
    for (int attempt = 1;; attempt++) {
        if (read(source, err)) {
            return true;
        }
        // A half-written record reads as damage, a segment that was let go as a missing file.
        if (attempt == TRIES || err->kind == ERROR_INPUT) {
            return false;
        }
        clock_sleep_until(clock, clock_now(clock) + TRY_AGAIN_AFTER);
    }
}

// ---- arguments ---------------------------------------------------------------------------------

// Two arguments may stand without a name: the flow, and for state() the batch.
static bool fill_config(Catalog *catalog, const SourceType *type, const Relation *relation,
                        InspectConfig *config)
{
    Relation call = *relation;
    NamedArgument batch = {.name = slice_of("batch")};
    if (type == &inspect_state && relation->arguments.count == 2) {
        NamedArguments named = {0};
        batch.value = relation->arguments.items[1];
        batch.pos = batch.value->pos;
        ARENA_PUSH(catalog->arena, named.items, named.count, named.capacity, batch);
        for (size_t i = 0; i < relation->named.count; i++) {
            ARENA_PUSH(catalog->arena, named.items, named.count, named.capacity,
                       relation->named.items[i]);
        }
        call.arguments.count = 1;
        call.named = named;
    }
    return options_fill(type->options, type->option_count, type->name, &call, type->positional,
                        config, catalog->arena, catalog->diagnostics);
}

static bool no_flow(Catalog *catalog, const Relation *relation, const char *name)
{
    Map *names = map_create(true);
    for (size_t i = 0; i < catalog->flow_count; i++) {
        map_put(names, slice_of(catalog->flows[i]->name), NULL);
    }
    const char *nearest = diagnostic_nearest(catalog->arena, names, slice_of(name));
    if (nearest == NULL && map_count(names) > 0) {
        Buffer list = {0};
        buffer_append_text(&list, "there are: ");
        for (size_t i = 0; i < map_count(names); i++) {
            buffer_printf(&list, "%s%.*s", i == 0 ? "" : ", ", SLICE_ARG(map_key_at(names, i)));
        }
        nearest = arena_text(catalog->arena, buffer_slice(&list));
        buffer_done(&list);
    }
    map_destroy(names);
    return diagnose(catalog->diagnostics, relation->pos, NULL, nearest, "no flow '%s'", name);
}

static bool is_checkpoint(const char *folder, Arena *arena)
{
    return access(arena_printf(arena, "%s/identity", folder), F_OK) == 0;
}

// By the flow's name, the name of the dataset that it alone feeds, or the checkpoint that a flow
// left behind.
static bool find_flow(Catalog *catalog, const Relation *relation, InspectConfig *config)
{
    Arena *arena = catalog->arena;
    const FlowSpec *found = NULL;
    size_t feeding = 0;
    for (size_t i = 0; i < catalog->flow_count; i++) {
        const FlowSpec *flow = catalog->flows[i];
        if (text_equal_nocase(flow->name, config->flow)) {
            found = flow;
            feeding = 1;
            break;
        }
        if (flow->target != NULL && text_equal_nocase(flow->target->name, config->flow)) {
            found = flow;
            feeding++;
        }
    }
    bool known = feeding == 1;
    config->flow = known ? found->name : config->flow;
    config->folder = project_checkpoint_path(catalog->project, slice_of(config->flow), arena);
    if (is_checkpoint(config->folder, arena)) {
        return true;
    }
    return known ? diagnose(catalog->diagnostics, relation->pos, NULL, "tarn run --once",
                            "flow '%s' has not run yet", config->flow)
                 : no_flow(catalog, relation, config->flow);
}

bool inspect_read(RelationReader *reader, const Relation *relation, Buffer *sql)
{
    Catalog *catalog = reader->catalog;
    Arena *arena = catalog->arena;
    const SourceType *type = type_of(relation);
    InspectConfig *config = ARENA_NEW(arena, InspectConfig);
    if (catalog->project == NULL) {
        return diagnose(catalog->diagnostics, relation->pos, NULL, "say where it is with -C",
                        "%s() reads the flows of a project, and there is none here", type->name);
    }
    if (!fill_config(catalog, type, relation, config) || !find_flow(catalog, relation, config)) {
        return false;
    }
    config->duck = catalog->duck;
    config->limit_bytes = project_bytes(catalog->project, "tarn.memory.limit");
    SourceContext context = {
        .conn = reader->conn,
        .clock = catalog->clock,
        .unique = arena_printf(arena, "%d", atomic_fetch_add(catalog->read_count, 1)),
        .arena = arena,
    };
    Source *source = NULL;
    Error err;
    if (!source_open(type, config->flow, config, relation->pos, &context, &source, &err) ||
        !source_whole(source, sql, &err)) {
        const char *before = arena_printf(arena, "source '%s': ", config->flow);
        size_t skip = strncmp(err.message, before, strlen(before)) == 0 ? strlen(before) : 0;
        source_close(source);
        catalog->failure = err.kind;
        return diagnose(catalog->diagnostics, relation->pos, NULL, NULL, "%s", err.message + skip);
    }
    ARENA_PUSH(arena, catalog->open_sources, catalog->open_count, catalog->open_capacity, source);
    return true;
}
