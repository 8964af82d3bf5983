// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_feature.h"

// Read: deletionVectors only as long as no live file has one (delta_scan.c refuses those).
static const char *const readable[] = {
    "columnMapping",       "deletionVectors", "timestampNtz",         "v2Checkpoint",
    "vacuumProtocolCheck", "typeWidening",    "typeWidening-preview",
};

// Write: appends and overwrites keep what these ask for. Constraints, invariants and the like are
// looked for in the table itself, because the features are listed far more often than used.
static const char *const writable[] = {
    "appendOnly",          "invariants",           "checkConstraints",
    "generatedColumns",    "identityColumns",
    "allowColumnDefaults", // every column is always given
    "changeDataFeed",      // appends and removes of whole files need no cdc files [1.15]
    "deletionVectors",     // none is written; those of removed files are kept in the remove
    "timestampNtz",
    "v2Checkpoint", // a classic checkpoint is always allowed [1.5]
    "vacuumProtocolCheck", "domainMetadata",       "inCommitTimestamp",
    "typeWidening",        "typeWidening-preview",
};

static bool is_in(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool delta_feature_is_listed(const DeltaProtocol *protocol, const char *feature)
{
    return (protocol->min_reader >= 3 &&
            delta_action_has_name(&protocol->reader_features, feature)) ||
           (protocol->min_writer >= 7 &&
            delta_action_has_name(&protocol->writer_features, feature));
}

bool delta_feature_property_is(const DeltaMetadata *metadata, const char *key, const char *value)
{
    bool found;
    const char *text = delta_action_pair(&metadata->configuration, key, &found);
    return text != NULL && text_equal_nocase(text, value);
}

bool delta_feature_maps_columns(const DeltaProtocol *protocol, const DeltaMetadata *metadata)
{
    bool allowed = protocol->min_reader == 2 || delta_feature_is_listed(protocol, "columnMapping");
    return allowed && (delta_feature_property_is(metadata, "delta.columnMapping.mode", "name") ||
                       delta_feature_property_is(metadata, "delta.columnMapping.mode", "id"));
}

bool delta_feature_check_read(const DeltaProtocol *protocol, const char *path, Error *err)
{
    if (protocol->min_reader > 3) {
        return fail(err, ERROR_INPUT,
                    "table %s needs Delta reader version %d; tarn reads versions up to 3", path,
                    protocol->min_reader);
    }
    for (size_t i = 0; protocol->min_reader == 3 && i < protocol->reader_features.count; i++) {
        const char *feature = protocol->reader_features.items[i];
        if (!is_in(feature, readable, ARRAY_LEN(readable))) {
            return fail(err, ERROR_INPUT,
                        "table %s needs the Delta reader feature '%s', which tarn does not "
                        "support",
                        path, feature);
        }
    }
    return true;
}

static bool refuse_write(const char *path, const char *feature, Error *err)
{
    return fail(err, ERROR_INPUT,
                "cannot write to table %s: it needs the Delta writer feature '%s', which tarn does "
                "not support",
                path, feature);
}

static bool has_constraint(const DeltaMetadata *metadata)
{
    for (size_t i = 0; i < metadata->configuration.count; i++) {
        if (strncmp(metadata->configuration.items[i].key, "delta.constraints.", 18) == 0) {
            return true;
        }
    }
    return false;
}

bool delta_feature_check_write(const DeltaProtocol *protocol, const DeltaMetadata *metadata,
                               const DeltaSchema *schema, const char *path, Error *err)
{
    if (!delta_feature_check_read(protocol, path, err)) {
        return false;
    }
    if (protocol->min_writer > 7) {
        return fail(err, ERROR_INPUT,
                    "cannot write to table %s: it needs Delta writer version %d; tarn writes "
                    "versions up to 7",
                    path, protocol->min_writer);
    }
    for (size_t i = 0; protocol->min_writer == 7 && i < protocol->writer_features.count; i++) {
        const char *feature = protocol->writer_features.items[i];
        bool mapping = strcmp(feature, "columnMapping") == 0; // matters only when the mode is set
        if (!mapping && !is_in(feature, writable, ARRAY_LEN(writable))) {
            return refuse_write(path, feature, err);
        }
    }
    if (delta_feature_maps_columns(protocol, metadata)) {
        return refuse_write(path, "columnMapping", err);
    }
    if (has_constraint(metadata)) {
        return refuse_write(path, "checkConstraints", err);
    }
    const char *const used[][2] = {{"invariants", schema->invariant},
                                   {"generatedColumns", schema->generated},
                                   {"identityColumns", schema->identity}};
    for (size_t i = 0; i < ARRAY_LEN(used); i++) {
        if (used[i][1] != NULL) {
            return refuse_write(path, used[i][0], err) ||
                   fail_context(err, "column '%s'", used[i][1]);
        }
    }
    return true;
}

// ---- new tables ----------------------------------------------------------------------------

static const struct {
    const char *property;
    const char *inert; // the value that asks for nothing
    const char *feature;
} unwritable[] = {
    {"delta.enableDeletionVectors", "false", "deletionVectors"},
    {"delta.columnMapping.mode", "none", "columnMapping"},
    {"delta.enableChangeDataFeed", "false", "changeDataFeed"},
    {"delta.enableRowTracking", "false", "rowTracking"},
    {"delta.enableIcebergCompatV1", "false", "icebergCompatV1"},
    {"delta.enableIcebergCompatV2", "false", "icebergCompatV2"},
    {"delta.enableIcebergCompatV3", "false", "icebergCompatV3"},
    {"delta.universalFormat.enabledFormats", "", "icebergCompatV2"},
    {"delta.enableTypeWidening", "false", "typeWidening"},
    {"delta.enableVariantShredding", "false", "variantShredding"},
    {"delta.checkpointPolicy", "classic", "v2Checkpoint"},
};

static bool check_property(const DeltaPair *pair, Error *err)
{
    const char *value = pair->value == NULL ? "" : pair->value;
    const char *feature = NULL;
    for (size_t i = 0; i < ARRAY_LEN(unwritable); i++) {
        if (text_equal_nocase(pair->key, unwritable[i].property) &&
            !text_equal_nocase(value, unwritable[i].inert)) {
            feature = unwritable[i].feature;
        }
    }
    if (strncmp(pair->key, "delta.constraints.", 18) == 0) {
        feature = "checkConstraints";
    }
    if (strncmp(pair->key, "delta.feature.", 14) == 0 || feature != NULL) {
        return fail(err, ERROR_INPUT,
                    "property '%s' asks for the Delta feature '%s', which tarn does not write",
                    pair->key, feature == NULL ? pair->key + 14 : feature);
    }
    return true;
}

static void add_name(DeltaNames *names, const char *name, Arena *arena)
{
    ARENA_PUSH(arena, names->items, names->count, names->capacity, name);
}

bool delta_feature_choose(const Schema *schema, const DeltaPairs *properties,
                          DeltaProtocol *protocol, Arena *arena, Error *err)
{
    bool commit_times = false;
    for (size_t i = 0; i < properties->count; i++) {
        const DeltaPair *pair = &properties->items[i];
        if (!check_property(pair, err)) {
            return false;
        }
        commit_times |= text_equal_nocase(pair->key, "delta.enableInCommitTimestamps") &&
                        pair->value != NULL && text_equal_nocase(pair->value, "true");
    }
    bool ntz = delta_schema_uses(schema, TYPE_TIMESTAMP_NTZ);
    *protocol = (DeltaProtocol){ntz ? 3 : 1, ntz || commit_times ? 7 : 2, {0}, {0}};
    if (protocol->min_writer == 7) {
        // Version 7 replaces what version 2 implied by an explicit list.
        add_name(&protocol->writer_features, "appendOnly", arena);
        add_name(&protocol->writer_features, "invariants", arena);
    }
    if (commit_times) {
        add_name(&protocol->writer_features, "inCommitTimestamp", arena);
    }
    if (ntz) {
        add_name(&protocol->writer_features, "timestampNtz", arena);
        add_name(&protocol->reader_features, "timestampNtz", arena);
    }
    return true;
}
