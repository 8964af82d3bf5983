// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_action.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

// ---- reading -------------------------------------------------------------------------------

static const char *text_field(const json_t *object, const char *key, Arena *arena)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? arena_text(arena, slice_of(json_string_value(value))) : NULL;
}

static int64_t int_field(const json_t *object, const char *key, int64_t missing)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : missing;
}

static const char *json_text(const json_t *value, Arena *arena)
{
    char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *text = dumped == NULL ? NULL : arena_text(arena, slice_of(dumped));
    free(dumped);
    return text;
}

static void read_pairs(json_t *object, DeltaPairs *pairs, Arena *arena)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        DeltaPair pair = {arena_text(arena, slice_of(key)), NULL};
        if (json_is_string(value)) {
            pair.value = arena_text(arena, slice_of(json_string_value(value)));
        } else if (!json_is_null(value)) {
            pair.value = json_text(value, arena); // writers that do not quote numbers
        }
        ARENA_PUSH(arena, pairs->items, pairs->count, pairs->capacity, pair);
    }
}

static void read_names(const json_t *array, DeltaNames *names, Arena *arena)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text != NULL) {
            ARENA_PUSH(arena, names->items, names->count, names->capacity,
                       arena_text(arena, slice_of(text)));
        }
    }
}

static const char *vector_id_of(const json_t *vector, Arena *arena)
{
    const char *type = json_string_value(json_object_get(vector, "storageType"));
    const char *path = json_string_value(json_object_get(vector, "pathOrInlineDv"));
    const json_t *offset = json_object_get(vector, "offset");
    if (type == NULL || path == NULL) {
        return NULL;
    }
    if (json_is_integer(offset)) {
        return arena_printf(arena, "%s%s@%" JSON_INTEGER_FORMAT, type, path,
                            json_integer_value(offset));
    }
    return arena_printf(arena, "%s%s", type, path);
}

bool delta_action_vector_id(const char *vector, const char **id, Arena *arena, Error *err)
{
    if (vector == NULL) {
        *id = NULL;
        return true;
    }
    json_t *json = json_loads(vector, 0, NULL);
    const char *text = vector_id_of(json, arena);
    json_decref(json);
    if (text == NULL) {
        return fail(err, ERROR_CORRUPT, "deletion vector %s has no storageType and path", vector);
    }
    *id = text;
    return true;
}

static bool read_file(json_t *object, bool is_add, DeltaFileAction *file, Arena *arena, Error *err)
{
    *file = (DeltaFileAction){0};
    file->path = text_field(object, "path", arena);
    if (file->path == NULL || file->path[0] == '\0') {
        return fail(err, ERROR_CORRUPT, "%s without a path", is_add ? "add" : "remove");
    }
    json_t *partition = json_object_get(object, "partitionValues");
    file->has_partition = is_add || json_is_object(partition);
    read_pairs(partition, &file->partition, arena);
    file->size_bytes = int_field(object, "size", -1);
    file->time_ms = int_field(object, is_add ? "modificationTime" : "deletionTimestamp", 0);
    file->base_row_id = int_field(object, "baseRowId", -1);
    file->default_row_commit_version = int_field(object, "defaultRowCommitVersion", -1);
    file->version = -1;
    file->stats = text_field(object, "stats", arena);
    file->clustering_provider = text_field(object, "clusteringProvider", arena);
    file->data_change = !json_is_false(json_object_get(object, "dataChange"));
    const json_t *tags = json_object_get(object, "tags");
    file->tags = json_is_object(tags) ? json_text(tags, arena) : NULL;
    const json_t *vector = json_object_get(object, "deletionVector");
    if (json_is_object(vector)) {
        file->deletion_vector = json_text(vector, arena);
        file->vector_id = vector_id_of(vector, arena);
        if (file->vector_id == NULL) {
            return fail(err, ERROR_CORRUPT, "deletionVector of '%s' is incomplete", file->path);
        }
    }
    return true;
}

static bool read_metadata(const json_t *object, DeltaActions *actions, Arena *arena, Error *err)
{
    DeltaMetadata *metadata = ARENA_NEW(arena, DeltaMetadata);
    metadata->id = text_field(object, "id", arena);
    metadata->name = text_field(object, "name", arena);
    metadata->description = text_field(object, "description", arena);
    metadata->schema_string = text_field(object, "schemaString", arena);
    metadata->format_provider = text_field(json_object_get(object, "format"), "provider", arena);
    metadata->created_ms = int_field(object, "createdTime", -1);
    read_names(json_object_get(object, "partitionColumns"), &metadata->partition_columns, arena);
    read_pairs(json_object_get(object, "configuration"), &metadata->configuration, arena);
    if (metadata->id == NULL || metadata->schema_string == NULL) {
        return fail(err, ERROR_CORRUPT, "metaData without %s",
                    metadata->id == NULL ? "id" : "schemaString");
    }
    actions->metadata = metadata;
    return true;
}

static bool read_protocol(const json_t *object, DeltaActions *actions, Arena *arena, Error *err)
{
    DeltaProtocol *protocol = ARENA_NEW(arena, DeltaProtocol);
    protocol->min_reader = (int)int_field(object, "minReaderVersion", -1);
    protocol->min_writer = (int)int_field(object, "minWriterVersion", -1);
    if (protocol->min_reader < 1 || protocol->min_writer < 1) {
        return fail(err, ERROR_CORRUPT, "protocol without minReaderVersion and minWriterVersion");
    }
    read_names(json_object_get(object, "readerFeatures"), &protocol->reader_features, arena);
    read_names(json_object_get(object, "writerFeatures"), &protocol->writer_features, arena);
    actions->protocol = protocol;
    return true;
}

static void read_info(const json_t *object, DeltaActions *actions, Arena *arena)
{
    actions->commit_id = text_field(object, "txnId", arena);
    actions->engine = text_field(object, "engineInfo", arena);
    actions->in_commit_ms = int_field(object, "inCommitTimestamp", 0);
    actions->info_ms = int_field(object, "timestamp", 0);
}

static bool read_action(const char *kind, json_t *object, DeltaActions *actions, Arena *arena,
                        Error *err)
{
    if (!json_is_object(object)) {
        return true; // checkpoint rows carry null for the kinds they are not
    }
    if (strcmp(kind, "add") == 0 || strcmp(kind, "remove") == 0) {
        bool is_add = kind[0] == 'a';
        DeltaFileActions *list = is_add ? &actions->adds : &actions->removes;
        DeltaFileAction file;
        if (!read_file(object, is_add, &file, arena, err)) {
            return false;
        }
        ARENA_PUSH(arena, list->items, list->count, list->capacity, file);
    } else if (strcmp(kind, "metaData") == 0) {
        return read_metadata(object, actions, arena, err);
    } else if (strcmp(kind, "protocol") == 0) {
        return read_protocol(object, actions, arena, err);
    } else if (strcmp(kind, "txn") == 0) {
        DeltaTxnAction txn = {text_field(object, "appId", arena), int_field(object, "version", -1),
                              int_field(object, "lastUpdated", -1)};
        if (txn.app_id == NULL) {
            return fail(err, ERROR_CORRUPT, "txn without appId");
        }
        ARENA_PUSH(arena, actions->txns, actions->txn_count, actions->txn_capacity, txn);
    } else if (strcmp(kind, "domainMetadata") == 0) {
        DeltaDomain domain = {text_field(object, "domain", arena),
                              text_field(object, "configuration", arena),
                              json_is_true(json_object_get(object, "removed"))};
        if (domain.domain == NULL) {
            return fail(err, ERROR_CORRUPT, "domainMetadata without domain");
        }
        ARENA_PUSH(arena, actions->domains, actions->domain_count, actions->domain_capacity,
                   domain);
    } else if (strcmp(kind, "sidecar") == 0) {
        const char *path = text_field(object, "path", arena);
        if (path == NULL) {
            return fail(err, ERROR_CORRUPT, "sidecar without a path");
        }
        ARENA_PUSH(arena, actions->sidecars.items, actions->sidecars.count,
                   actions->sidecars.capacity, path);
    } else if (strcmp(kind, "commitInfo") == 0) {
        read_info(object, actions, arena);
    } else if (strcmp(kind, "cdc") == 0) {
        actions->has_cdc = true;
    }
    return true;
}

static bool parse_line(Slice line, DeltaActions *actions, Arena *arena, Error *err)
{
    json_error_t problem;
    json_t *root = json_loadb(line.data, line.size, 0, &problem);
    if (root == NULL) {
        return fail(err, ERROR_CORRUPT, "not JSON: %s", problem.text);
    }
    bool ok = json_is_object(root) || fail(err, ERROR_CORRUPT, "not a JSON object");
    const char *kind;
    json_t *object;
    json_object_foreach(root, kind, object)
    {
        ok = ok && read_action(kind, object, actions, arena, err);
    }
    json_decref(root);
    return ok;
}

static bool is_blank(Slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r') {
            return false;
        }
    }
    return true;
}

bool delta_action_parse(Slice text, const char *name, DeltaActions *actions, Arena *arena,
                        Error *err)
{
    if (text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) {
        text = (Slice){text.data + 3, text.size - 3};
    }
    for (int number = 1; text.size > 0; number++) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end == NULL ? text.size : (size_t)(end - text.data);
        Slice line = {text.data, size};
        if (!is_blank(line) && !parse_line(line, actions, arena, err)) {
            return fail_context(err, "%s line %d", name, number);
        }
        size += end != NULL;
        text = (Slice){text.data + size, text.size - size};
    }
    return true;
}

// ---- writing -------------------------------------------------------------------------------

static void print_text(Buffer *out, const char *key, const char *value)
{
    buffer_printf(out, ",\"%s\":", key);
    if (value == NULL) {
        buffer_append_text(out, "null");
    } else {
        buffer_append_json(out, slice_of(value));
    }
}

static void print_optional_text(Buffer *out, const char *key, const char *value)
{
    if (value != NULL) {
        print_text(out, key, value);
    }
}

static void print_pairs(const DeltaPairs *pairs, Buffer *out)
{
    buffer_append_char(out, '{');
    for (size_t i = 0; i < pairs->count; i++) {
        buffer_append_text(out, i == 0 ? "" : ",");
        buffer_append_json(out, slice_of(pairs->items[i].key));
        buffer_append_char(out, ':');
        if (pairs->items[i].value == NULL) {
            buffer_append_text(out, "null");
        } else {
            buffer_append_json(out, slice_of(pairs->items[i].value));
        }
    }
    buffer_append_char(out, '}');
}

static void print_names(const char *key, const DeltaNames *names, Buffer *out)
{
    buffer_printf(out, ",\"%s\":[", key);
    for (size_t i = 0; i < names->count; i++) {
        buffer_append_text(out, i == 0 ? "" : ",");
        buffer_append_json(out, slice_of(names->items[i]));
    }
    buffer_append_char(out, ']');
}

static void print_file_tail(const DeltaFileAction *file, Buffer *out)
{
    if (file->tags != NULL) {
        buffer_printf(out, ",\"tags\":%s", file->tags);
    }
    if (file->deletion_vector != NULL) {
        buffer_printf(out, ",\"deletionVector\":%s", file->deletion_vector);
    }
    if (file->base_row_id >= 0) {
        buffer_printf(out, ",\"baseRowId\":%" PRId64, file->base_row_id);
    }
    if (file->default_row_commit_version >= 0) {
        buffer_printf(out, ",\"defaultRowCommitVersion\":%" PRId64,
                      file->default_row_commit_version);
    }
    buffer_append_text(out, "}}\n");
}

void delta_action_print_add(const DeltaFileAction *add, Buffer *out)
{
    buffer_append_text(out, "{\"add\":{\"path\":");
    buffer_append_json(out, slice_of(add->path));
    buffer_append_text(out, ",\"partitionValues\":");
    print_pairs(&add->partition, out);
    buffer_printf(out, ",\"size\":%" PRId64 ",\"modificationTime\":%" PRId64 ",\"dataChange\":%s",
                  add->size_bytes, add->time_ms, add->data_change ? "true" : "false");
    print_optional_text(out, "stats", add->stats);
    print_optional_text(out, "clusteringProvider", add->clustering_provider);
    print_file_tail(add, out);
}

void delta_action_print_remove(const DeltaFileAction *remove, Buffer *out)
{
    buffer_append_text(out, "{\"remove\":{\"path\":");
    buffer_append_json(out, slice_of(remove->path));
    buffer_printf(out, ",\"deletionTimestamp\":%" PRId64 ",\"dataChange\":%s", remove->time_ms,
                  remove->data_change ? "true" : "false");
    if (remove->has_partition && remove->size_bytes >= 0) {
        buffer_append_text(out, ",\"extendedFileMetadata\":true,\"partitionValues\":");
        print_pairs(&remove->partition, out);
        buffer_printf(out, ",\"size\":%" PRId64, remove->size_bytes);
    }
    print_file_tail(remove, out);
}

void delta_action_print_protocol(const DeltaProtocol *protocol, Buffer *out)
{
    buffer_printf(out, "{\"protocol\":{\"minReaderVersion\":%d,\"minWriterVersion\":%d",
                  protocol->min_reader, protocol->min_writer);
    // The lists exist exactly with versions 3 and 7 [1.2].
    if (protocol->min_reader >= 3) {
        print_names("readerFeatures", &protocol->reader_features, out);
    }
    if (protocol->min_writer >= 7) {
        print_names("writerFeatures", &protocol->writer_features, out);
    }
    buffer_append_text(out, "}}\n");
}

void delta_action_print_metadata(const DeltaMetadata *metadata, Buffer *out)
{
    buffer_append_text(out, "{\"metaData\":{\"id\":");
    buffer_append_json(out, slice_of(metadata->id));
    print_optional_text(out, "name", metadata->name);
    print_optional_text(out, "description", metadata->description);
    buffer_append_text(out, ",\"format\":{\"provider\":\"parquet\",\"options\":{}}");
    print_text(out, "schemaString", metadata->schema_string);
    print_names("partitionColumns", &metadata->partition_columns, out);
    buffer_append_text(out, ",\"configuration\":");
    print_pairs(&metadata->configuration, out);
    if (metadata->created_ms >= 0) {
        buffer_printf(out, ",\"createdTime\":%" PRId64, metadata->created_ms);
    }
    buffer_append_text(out, "}}\n");
}

void delta_action_print_txn(const DeltaTxnAction *txn, Buffer *out)
{
    buffer_append_text(out, "{\"txn\":{\"appId\":");
    buffer_append_json(out, slice_of(txn->app_id));
    buffer_printf(out, ",\"version\":%" PRId64, txn->version);
    if (txn->updated_ms >= 0) {
        buffer_printf(out, ",\"lastUpdated\":%" PRId64, txn->updated_ms);
    }
    buffer_append_text(out, "}}\n");
}

void delta_action_print_domain(const DeltaDomain *domain, Buffer *out)
{
    buffer_append_text(out, "{\"domainMetadata\":{\"domain\":");
    buffer_append_json(out, slice_of(domain->domain));
    print_text(out, "configuration", domain->configuration == NULL ? "" : domain->configuration);
    buffer_printf(out, ",\"removed\":%s}}\n", domain->removed ? "true" : "false");
}

const char *delta_action_pair(const DeltaPairs *pairs, const char *key, bool *found)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->items[i].key, key) == 0) {
            *found = true;
            return pairs->items[i].value;
        }
    }
    *found = false;
    return NULL;
}

bool delta_action_has_name(const DeltaNames *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}
