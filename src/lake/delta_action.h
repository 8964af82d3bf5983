// delta_action.h -- the lines of a Delta commit: JSON text to structs and back [1.2].
//
// One JSON object per line, one action per object. Unknown actions and unknown fields are ignored,
// so that newer writers do not stop us. Blank lines, CRLF and a byte order mark are tolerated.
// Statistics, tags and deletion vectors stay JSON text: their numbers are never parsed here.
//
// All texts live in the arena given. An absent number is -1.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

typedef struct DeltaPair {
    const char *key;
    const char *value; // NULL: JSON null
} DeltaPair;

typedef struct DeltaPairs {
    DeltaPair *items;
    size_t count;
    size_t capacity;
} DeltaPairs;

// An add or a remove.
typedef struct DeltaFileAction {
    const char *path; // as stored
    DeltaPairs partition;
    int64_t size_bytes;
    int64_t time_ms; // add: modificationTime; remove: deletionTimestamp (0: missing)
    int64_t base_row_id;
    int64_t default_row_commit_version;
    int64_t version; // commit it came from, -1: a checkpoint
    const char *stats;
    const char *tags;
    const char *deletion_vector;
    const char *vector_id; // dvId of [1.4]; NULL without a vector
    const char *clustering_provider;
    bool data_change;
    bool has_partition; // remove: extendedFileMetadata
} DeltaFileAction;

typedef struct DeltaFileActions {
    DeltaFileAction *items;
    size_t count;
    size_t capacity;
} DeltaFileActions;

typedef struct DeltaNames {
    const char **items;
    size_t count;
    size_t capacity;
} DeltaNames;

typedef struct DeltaProtocol {
    int min_reader;
    int min_writer;
    DeltaNames reader_features;
    DeltaNames writer_features;
} DeltaProtocol;

typedef struct DeltaMetadata {
    const char *id;
    const char *name;
    const char *description;
    const char *format_provider;
    const char *schema_string; // verbatim
    DeltaNames partition_columns;
    DeltaPairs configuration;
    int64_t created_ms;
} DeltaMetadata;

typedef struct DeltaTxnAction {
    const char *app_id;
    int64_t version;
    int64_t updated_ms;
} DeltaTxnAction;

typedef struct DeltaDomain {
    const char *domain;
    const char *configuration;
    bool removed;
} DeltaDomain;

// Everything one commit (or one V2 manifest) says.
typedef struct DeltaActions {
    DeltaProtocol *protocol; // NULL: none
    DeltaMetadata *metadata;
    DeltaFileActions adds;
    DeltaFileActions removes;
    DeltaTxnAction *txns;
    size_t txn_count;
    size_t txn_capacity;
    DeltaDomain *domains;
    size_t domain_count;
    size_t domain_capacity;
    DeltaNames sidecars;
    const char *commit_id; // commitInfo.txnId
    const char *engine;    // commitInfo.engineInfo
    int64_t in_commit_ms;  // commitInfo.inCommitTimestamp
    int64_t info_ms;       // commitInfo.timestamp
    bool has_cdc;
} DeltaActions;

// Adds to *actions (zeroed before the first call). `name` is the file, for messages.
MUST_USE bool delta_action_parse(Slice text, const char *name, DeltaActions *actions, Arena *arena,
                                 Error *err);
// dvId from the JSON text of a deletion vector; NULL for NULL.
MUST_USE bool delta_action_vector_id(const char *vector, const char **id, Arena *arena, Error *err);

// One line each, with its newline.
void delta_action_print_add(const DeltaFileAction *add, Buffer *out);
void delta_action_print_remove(const DeltaFileAction *remove, Buffer *out);
void delta_action_print_protocol(const DeltaProtocol *protocol, Buffer *out);
void delta_action_print_metadata(const DeltaMetadata *metadata, Buffer *out);
void delta_action_print_txn(const DeltaTxnAction *txn, Buffer *out);
void delta_action_print_domain(const DeltaDomain *domain, Buffer *out);

const char *delta_action_pair(const DeltaPairs *pairs, const char *key, bool *found);
bool delta_action_has_name(const DeltaNames *names, const char *name);
