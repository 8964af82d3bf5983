// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_snapshot.h"

#include <assert.h>
#include <stdlib.h>

#include "lake/delta_feature.h"
#include "lake/delta_path.h"

DeltaSnapshot *delta_snapshot_create(const char *root)
{
    DeltaSnapshot *snapshot = calloc(1, sizeof *snapshot);
    assert(snapshot != NULL);
    snapshot->root = strdup(root);
    snapshot->version = -1;
    snapshot->checkpoint_version = -1;
    snapshot->arena = arena_create(0);
    snapshot->view_arena = arena_create(0);
    snapshot->files = map_create(false);
    snapshot->tombstones = map_create(false);
    snapshot->txns = map_create(false);
    snapshot->domains = map_create(false);
    snapshot->keys = map_create(false);
    return snapshot;
}

static void free_values(Map *map)
{
    for (size_t i = 0; i < map_count(map); i++) {
        free(map_value_at(map, i));
    }
    map_destroy(map);
}

void delta_snapshot_destroy(DeltaSnapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    free_values(snapshot->files);
    free_values(snapshot->tombstones);
    map_destroy(snapshot->txns);
    map_destroy(snapshot->domains);
    map_destroy(snapshot->keys);
    arena_destroy(snapshot->view_arena);
    arena_destroy(snapshot->arena);
    free(snapshot->root);
    free(snapshot);
}

// ---- file entries --------------------------------------------------------------------------

static const char *intern(DeltaSnapshot *snapshot, const char *key)
{
    const char *known = map_find(snapshot->keys, slice_of(key));
    if (known == NULL) {
        char *copy = arena_text(snapshot->arena, slice_of(key));
        map_put(snapshot->keys, slice_of(key), copy);
        known = copy;
    }
    return known;
}

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static const char *pack_text(char **at, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

// One block: the struct, the pairs, the texts.
static DeltaFileAction *pack(DeltaSnapshot *snapshot, const DeltaFileAction *file)
{
    size_t size = sizeof *file + file->partition.count * sizeof(DeltaPair);
    size += text_size(file->path) + text_size(file->stats) + text_size(file->tags) +
            text_size(file->deletion_vector) + text_size(file->vector_id) +
            text_size(file->clustering_provider);
    for (size_t i = 0; i < file->partition.count; i++) {
        size += text_size(file->partition.items[i].value);
    }
    DeltaFileAction *copy = malloc(size);
    assert(copy != NULL);
    *copy = *file;
    DeltaPair *pairs = (DeltaPair *)(copy + 1);
    char *at = (char *)(pairs + file->partition.count);
    copy->partition = (DeltaPairs){pairs, file->partition.count, file->partition.count};
    for (size_t i = 0; i < file->partition.count; i++) {
        pairs[i].key = intern(snapshot, file->partition.items[i].key);
        pairs[i].value = pack_text(&at, file->partition.items[i].value);
    }
    copy->path = pack_text(&at, file->path);
    copy->stats = pack_text(&at, file->stats);
    copy->tags = pack_text(&at, file->tags);
    copy->deletion_vector = pack_text(&at, file->deletion_vector);
    copy->vector_id = pack_text(&at, file->vector_id);
    copy->clustering_provider = pack_text(&at, file->clustering_provider);
    return copy;
}

static void file_key(const DeltaFileAction *file, Buffer *key)
{
    buffer_reset(key);
    delta_path_key(slice_of(file->path), key);
    if (file->vector_id != NULL) {
        buffer_append_char(key, '\n'); // cannot be in a URI
        buffer_append_text(key, file->vector_id);
    }
}

static void forget(Map *map, Slice key)
{
    free(map_remove_fast(map, key));
}

static void apply_files(DeltaSnapshot *snapshot, const DeltaActions *actions)
{
    Buffer key = {0};
    for (size_t i = 0; i < actions->removes.count; i++) {
        const DeltaFileAction *file = &actions->removes.items[i];
        file_key(file, &key);
        forget(snapshot->files, buffer_slice(&key));
        free(map_put(snapshot->tombstones, buffer_slice(&key), pack(snapshot, file)));
    }
    for (size_t i = 0; i < actions->adds.count; i++) {
        const DeltaFileAction *file = &actions->adds.items[i];
        file_key(file, &key);
        forget(snapshot->tombstones, buffer_slice(&key));
        free(map_put(snapshot->files, buffer_slice(&key), pack(snapshot, file)));
    }
    buffer_done(&key);
    snapshot->view_is_fresh = false;
}

// ---- metadata ------------------------------------------------------------------------------

static DeltaNames copy_names(const DeltaNames *names, Arena *arena)
{
    DeltaNames copy = {0};
    for (size_t i = 0; i < names->count; i++) {
        ARENA_PUSH(arena, copy.items, copy.count, copy.capacity,
                   arena_text(arena, slice_of(names->items[i])));
    }
    return copy;
}

static const char *copy_text(const char *text, Arena *arena)
{
    return text == NULL ? NULL : arena_text(arena, slice_of(text));
}

static DeltaMetadata *copy_metadata(const DeltaMetadata *metadata, Arena *arena)
{
    DeltaMetadata *copy = ARENA_NEW(arena, DeltaMetadata);
    copy->id = copy_text(metadata->id, arena);
    copy->name = copy_text(metadata->name, arena);
    copy->description = copy_text(metadata->description, arena);
    copy->format_provider = copy_text(metadata->format_provider, arena);
    copy->schema_string = copy_text(metadata->schema_string, arena);
    copy->created_ms = metadata->created_ms;
    copy->partition_columns = copy_names(&metadata->partition_columns, arena);
    for (size_t i = 0; i < metadata->configuration.count; i++) {
        const DeltaPair *pair = &metadata->configuration.items[i];
        DeltaPair own = {copy_text(pair->key, arena), copy_text(pair->value, arena)};
        ARENA_PUSH(arena, copy->configuration.items, copy->configuration.count,
                   copy->configuration.capacity, own);
    }
    return copy;
}

// Mode id matches columns by Parquet field id. Delta's own writers name the columns in the files by
// physical name in that mode too, so names do as well; files that came from Iceberg may not.
static bool check_mapping(const DeltaSnapshot *next, Error *err)
{
    bool by_id =
        next->mapped && delta_feature_property_is(next->metadata, "delta.columnMapping.mode", "id");
    if (!by_id || delta_schema_is_generated(next->schema.physical)) {
        return true;
    }
    return fail(err, ERROR_INPUT,
                "needs the Delta reader feature 'columnMapping' by field id for files of other "
                "formats, which tarn does not support");
}

static bool find_partition(DeltaSnapshot *next, Error *err)
{
    const DeltaNames *names = &next->metadata->partition_columns;
    next->partition = (Schema){0};
    next->partition_keys = ARENA_ARRAY(next->arena, const char *, names->count + 1);
    for (size_t i = 0; i < names->count; i++) {
        int index = schema_find(next->schema.logical, slice_of(names->items[i]));
        if (index < 0) {
            return fail(err, ERROR_CORRUPT, "partition column '%s' is not in the schema",
                        names->items[i]);
        }
        const Column *column = &next->schema.logical->columns[index];
        schema_add(next->arena, &next->partition, column->name, column->type, column->nullable);
        next->partition_keys[i] = next->schema.physical->columns[index].name;
    }
    return true;
}

// Protocol and metadata are read together: the protocol decides whether names are mapped.
static bool apply_metadata(DeltaSnapshot *snapshot, const DeltaActions *actions, Error *err)
{
    if (actions->protocol == NULL && actions->metadata == NULL) {
        return true;
    }
    DeltaSnapshot next = *snapshot; // texts made for a failed try stay in the arena, unused
    Arena *arena = snapshot->arena;
    if (actions->protocol != NULL) {
        next.protocol = ARENA_NEW(arena, DeltaProtocol);
        *next.protocol = *actions->protocol;
        next.protocol->reader_features = copy_names(&actions->protocol->reader_features, arena);
        next.protocol->writer_features = copy_names(&actions->protocol->writer_features, arena);
        if (!delta_feature_check_read(next.protocol, snapshot->root, err)) {
            return false;
        }
    }
    if (actions->metadata != NULL) {
        next.metadata = copy_metadata(actions->metadata, arena);
    }
    if (next.protocol != NULL && next.metadata != NULL) {
        next.mapped = delta_feature_maps_columns(next.protocol, next.metadata);
        if (!delta_schema_parse(next.metadata->schema_string, next.mapped, &next.schema, arena,
                                err) ||
            !check_mapping(&next, err) || !find_partition(&next, err)) {
            return fail_context(err, "table %s", snapshot->root);
        }
    }
    *snapshot = next;
    return true;
}

static void apply_txns(DeltaSnapshot *snapshot, const DeltaActions *actions)
{
    for (size_t i = 0; i < actions->txn_count; i++) {
        const DeltaTxnAction *txn = &actions->txns[i];
        DeltaTxnAction *known = map_find(snapshot->txns, slice_of(txn->app_id));
        if (known == NULL) {
            known = ARENA_NEW(snapshot->arena, DeltaTxnAction);
            known->app_id = copy_text(txn->app_id, snapshot->arena);
            map_put(snapshot->txns, slice_of(txn->app_id), known);
        }
        known->version = txn->version; // the latest seen, not the greatest [1.2]
        known->updated_ms = txn->updated_ms;
    }
    for (size_t i = 0; i < actions->domain_count; i++) {
        const DeltaDomain *domain = &actions->domains[i];
        if (domain->removed) {
            map_remove(snapshot->domains, slice_of(domain->domain));
            continue;
        }
        DeltaDomain *copy = ARENA_NEW(snapshot->arena, DeltaDomain);
        copy->domain = copy_text(domain->domain, snapshot->arena);
        copy->configuration = copy_text(domain->configuration, snapshot->arena);
        map_put(snapshot->domains, slice_of(domain->domain), copy);
    }
}

bool delta_snapshot_apply(DeltaSnapshot *snapshot, const DeltaActions *actions, int64_t version,
                          Error *err)
{
    if (!apply_metadata(snapshot, actions, err)) {
        return false;
    }
    apply_files(snapshot, actions);
    apply_txns(snapshot, actions);
    snapshot->in_commit_ms = actions->in_commit_ms;
    snapshot->version = version;
    return true;
}

// ---- what callers ask ----------------------------------------------------------------------

int64_t delta_version(const DeltaSnapshot *snapshot)
{
    return snapshot->version;
}

const char *delta_table_id(const DeltaSnapshot *snapshot)
{
    return snapshot->metadata->id;
}

const Schema *delta_schema(const DeltaSnapshot *snapshot)
{
    return snapshot->schema.logical;
}

const Schema *delta_partition_schema(const DeltaSnapshot *snapshot)
{
    return &snapshot->partition;
}

const char *delta_property(const DeltaSnapshot *snapshot, const char *key)
{
    bool found;
    return delta_action_pair(&snapshot->metadata->configuration, key, &found);
}

bool delta_txn(const DeltaSnapshot *snapshot, const char *app_id, int64_t *version)
{
    const DeltaTxnAction *txn = map_find(snapshot->txns, slice_of(app_id));
    if (txn == NULL) {
        return false;
    }
    *version = txn->version;
    return true;
}

const char *delta_txn_like(const DeltaSnapshot *snapshot, const char *prefix)
{
    size_t size = strlen(prefix);
    for (size_t i = 0; i < map_count(snapshot->txns); i++) {
        Slice app_id = map_key_at(snapshot->txns, i);
        if (app_id.size > size && memcmp(app_id.data, prefix, size) == 0) {
            return app_id.data;
        }
    }
    return NULL;
}

const char **delta_snapshot_partition_values(const DeltaSnapshot *snapshot, const DeltaPairs *pairs,
                                             Arena *arena)
{
    size_t count = snapshot->partition.count;
    const char **values = ARENA_ARRAY(arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        bool found;
        values[i] = delta_action_pair(pairs, snapshot->partition_keys[i], &found);
        // "" reads as NULL, except in a string column that cannot be NULL [1.12].
        const Column *column = &snapshot->partition.columns[i];
        bool keeps = column->type->kind == TYPE_STRING && !column->nullable;
        if (values[i] != NULL && values[i][0] == '\0' && !keeps) {
            values[i] = NULL;
        }
    }
    return values;
}

const DeltaFiles *delta_files(const DeltaSnapshot *snapshot)
{
    // The view is a cache: filled on demand behind a const face.
    DeltaSnapshot *self = (DeltaSnapshot *)snapshot;
    if (self->view_is_fresh) {
        return &self->view;
    }
    arena_reset(self->view_arena);
    size_t count = map_count(self->files);
    DeltaFile *items = ARENA_ARRAY(self->view_arena, DeltaFile, count + 1);
    for (size_t i = 0; i < count; i++) {
        const DeltaFileAction *add = map_value_at(self->files, i);
        items[i] = (DeltaFile){
            .path = add->path,
            .partition_values =
                delta_snapshot_partition_values(self, &add->partition, self->view_arena),
            .size_bytes = add->size_bytes,
            .modified_ms = add->time_ms,
            .data_change = add->data_change,
            .stats = add->stats,
            .version = add->version,
            .has_vector = add->vector_id != NULL,
        };
    }
    self->view = (DeltaFiles){items, count, count};
    self->view_is_fresh = true;
    return &self->view;
}
