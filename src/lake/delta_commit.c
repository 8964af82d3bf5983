// Committing: put-if-absent of N.json, conflict check [1.19], next number, again.
//
//     publish files -> { put N.json } --there already--> read N.json .. tip, each must not conflict
//                            |                                       | (ours: done)
//                            v                                       v
//                       apply to snapshot                     back off, put tip+1
//
// The body of the commit never changes between attempts, only its first line (commitInfo). A
// commit is recognised by its txnId: after a lost answer the entry found may be our own.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/random.h"
#include "lake/delta_checkpoint.h"
#include "lake/delta_feature.h"
#include "lake/delta_snapshot.h"
#include "lake/delta_stage.h"

enum { ATTEMPTS_MAX = 1000 };

typedef struct Attempt {
    DeltaTable *table;
    DuckConn *conn;
    const DeltaCommit *commit;
    char id[37];          // commitInfo.txnId
    int64_t read_version; // -1: the table was not there
    int64_t now_ms;
    size_t removed; // live files this commit removes
    int64_t removed_bytes;
    DeltaMetadata *metadata; // NULL: unchanged
    DeltaProtocol *protocol; // NULL: unchanged
    bool commit_times;       // inCommitTimestamp in force
    Buffer body;
    Arena *arena;
} Attempt;

// ---- metadata ------------------------------------------------------------------------------

static void set_property(Attempt *attempt, DeltaPairs *pairs, const char *key, const char *value)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->items[i].key, key) == 0) {
            pairs->items[i].value = value;
            return;
        }
    }
    DeltaPair pair = {key, value};
    ARENA_PUSH(attempt->arena, pairs->items, pairs->count, pairs->capacity, pair);
}

static const char *schema_column_name(const Schema *schema, const char *name)
{
    int index = schema_find(schema, slice_of(name));
    return index < 0 ? name : schema->columns[index].name;
}

// A table that gains a feature keeps all it has; without feature lists that is only safe from the
// versions that new tables of ours have.
static bool raise_protocol(Attempt *attempt, const DeltaProtocol *wanted, Error *err)
{
    const DeltaSnapshot *snapshot = attempt->table->snapshot;
    const DeltaProtocol *now = snapshot->protocol;
    if (wanted->min_writer < 7) {
        return true;
    }
    bool missing = false;
    for (size_t i = 0; i < wanted->writer_features.count; i++) {
        const char *name = wanted->writer_features.items[i];
        bool basic = strcmp(name, "appendOnly") == 0 || strcmp(name, "invariants") == 0;
        missing |= !basic && !delta_feature_is_listed(now, name);
    }
    if (!missing) {
        return true;
    }
    if (now->min_reader != 1 || now->min_writer > 2) {
        return fail(err, ERROR_INPUT,
                    "table %s (Delta protocol %d/%d) cannot take the new schema: it needs the "
                    "feature '%s'; create the table anew",
                    snapshot->root, now->min_reader, now->min_writer,
                    wanted->writer_features.items[wanted->writer_features.count - 1]);
    }
    attempt->protocol = ARENA_NEW(attempt->arena, DeltaProtocol);
    *attempt->protocol = *wanted;
    return true;
}

// The metaData of a new table, or of an old one that takes the schema of the spec.
static bool make_metadata(Attempt *attempt, Error *err)
{
    const DeltaSpec *spec = attempt->commit->spec;
    const DeltaSnapshot *snapshot = attempt->table->snapshot;
    Arena *arena = attempt->arena;
    DeltaMetadata *metadata = ARENA_NEW(arena, DeltaMetadata);
    DeltaProtocol wanted;
    if (snapshot != NULL) {
        *metadata = *snapshot->metadata;
        metadata->partition_columns = (DeltaNames){0};
        metadata->configuration = (DeltaPairs){0};
        for (size_t i = 0; i < snapshot->metadata->configuration.count; i++) {
            const DeltaPair *pair = &snapshot->metadata->configuration.items[i];
            set_property(attempt, &metadata->configuration, pair->key, pair->value);
        }
    } else {
        char id[37];
        random_uuid(id);
        metadata->id = arena_text(arena, slice_of(id));
        metadata->created_ms = attempt->now_ms;
    }
    if (spec->description != NULL) {
        metadata->description = spec->description;
    }
    Buffer schema = {0};
    delta_schema_print(spec->schema, &schema);
    metadata->schema_string = arena_text(arena, buffer_slice(&schema));
    buffer_done(&schema);
    for (size_t i = 0; i < spec->partition_count; i++) {
        ARENA_PUSH(arena, metadata->partition_columns.items, metadata->partition_columns.count,
                   metadata->partition_columns.capacity,
                   schema_column_name(spec->schema, spec->partition_columns[i]));
    }
    for (size_t i = 0; i < spec->property_count; i++) {
        set_property(attempt, &metadata->configuration, spec->properties[2 * i],
                     spec->properties[2 * i + 1]);
    }
    if (!delta_schema_check(spec->schema, spec->partition_columns, spec->partition_count, err) ||
        !delta_feature_choose(spec->schema, &metadata->configuration, &wanted, arena, err)) {
        return fail_context(err, "table %s", attempt->table->root);
    }
    attempt->metadata = metadata;
    if (snapshot != NULL) {
        return raise_protocol(attempt, &wanted, err);
    }
    attempt->protocol = ARENA_NEW(arena, DeltaProtocol);
    *attempt->protocol = wanted;
    return true;
}

static bool check_table(Attempt *attempt, Error *err)
{
    const DeltaCommit *commit = attempt->commit;
    const DeltaSnapshot *snapshot = attempt->table->snapshot;
    if (snapshot == NULL) {
        if (commit->spec == NULL || commit->spec->schema == NULL) {
            return fail(err, ERROR_INPUT, "there is no Delta table in %s", attempt->table->root);
        }
        return make_metadata(attempt, err);
    }
    if (commit->mode == DELTA_CREATE) {
        return fail(err, ERROR_CONFLICT, "table %s exists already", snapshot->root);
    }
    if (!delta_feature_check_write(snapshot->protocol, snapshot->metadata, &snapshot->schema,
                                   snapshot->root, err)) {
        return false;
    }
    if (commit->mode != DELTA_OVERWRITE) {
        return true;
    }
    if (map_count(snapshot->files) > 0 &&
        delta_feature_property_is(snapshot->metadata, "delta.appendOnly", "true")) {
        return fail(err, ERROR_INPUT,
                    "table %s is append-only (delta.appendOnly); its rows cannot be replaced",
                    snapshot->root);
    }
    return commit->spec == NULL || !commit->spec->overwrite_schema || make_metadata(attempt, err);
}

// Rows were fitted to the schema the table had when they were staged.
static bool check_staged(const Attempt *attempt, Error *err)
{
    const DeltaStaged *staged = attempt->commit->staged;
    const DeltaMetadata *metadata =
        attempt->metadata != NULL ? attempt->metadata : attempt->table->snapshot->metadata;
    if (staged == NULL || staged->files.count == 0 ||
        staged->schema_hash == delta_stage_schema_hash(metadata->schema_string,
                                                       metadata->partition_columns.items,
                                                       metadata->partition_columns.count)) {
        return true;
    }
    return fail(err, ERROR_CONFLICT,
                "table %s has another schema than when the rows were written; run the query again",
                attempt->table->root);
}

// ---- the text ------------------------------------------------------------------------------

static void print_removes(Attempt *attempt)
{
    const DeltaSnapshot *snapshot = attempt->table->snapshot;
    if (attempt->commit->mode != DELTA_OVERWRITE || snapshot == NULL) {
        return;
    }
    attempt->removed = map_count(snapshot->files);
    for (size_t i = 0; i < attempt->removed; i++) {
        DeltaFileAction remove = *(const DeltaFileAction *)map_value_at(snapshot->files, i);
        attempt->removed_bytes += remove.size_bytes > 0 ? remove.size_bytes : 0;
        remove.time_ms = attempt->now_ms;
        remove.data_change = true;
        remove.has_partition = true;
        delta_action_print_remove(&remove, &attempt->body);
    }
}

static void print_adds(Attempt *attempt)
{
    const DeltaStaged *staged = attempt->commit->staged;
    const DeltaSnapshot *snapshot = attempt->table->snapshot;
    const DeltaNames *names = attempt->metadata != NULL ? &attempt->metadata->partition_columns
                                                        : &snapshot->metadata->partition_columns;
    for (size_t i = 0; staged != NULL && i < staged->files.count; i++) {
        const DeltaFile *file = &staged->files.items[i];
        DeltaFileAction add = {.path = file->path,
                               .size_bytes = file->size_bytes,
                               .time_ms = attempt->now_ms,
                               .base_row_id = -1,
                               .default_row_commit_version = -1,
                               .stats = file->stats,
                               .data_change = true};
        add.partition.items = ARENA_ARRAY(attempt->arena, DeltaPair, names->count + 1);
        for (size_t j = 0; j < names->count; j++) {
            add.partition.items[add.partition.count++] =
                (DeltaPair){names->items[j], file->partition_values[j]};
        }
        delta_action_print_add(&add, &attempt->body);
    }
}

static void print_body(Attempt *attempt)
{
    const DeltaCommit *commit = attempt->commit;
    if (attempt->protocol != NULL) {
        delta_action_print_protocol(attempt->protocol, &attempt->body);
    }
    if (attempt->metadata != NULL) {
        delta_action_print_metadata(attempt->metadata, &attempt->body);
    }
    for (size_t i = 0; i < commit->txn_count; i++) {
        DeltaTxnAction txn = {commit->txns[i].app_id, commit->txns[i].version, attempt->now_ms};
        delta_action_print_txn(&txn, &attempt->body);
    }
    print_removes(attempt);
    print_adds(attempt);
}

static void print_metrics(const Attempt *attempt, Buffer *out)
{
    const DeltaStaged *staged = attempt->commit->staged;
    bool streaming = strcmp(attempt->commit->operation, "STREAMING UPDATE") == 0;
    buffer_printf(out,
                  ",\"operationMetrics\":{\"%s\":\"%zu\",\"numOutputRows\":\"%" PRId64
                  "\",\"numOutputBytes\":\"%" PRId64 "\"",
                  streaming ? "numAddedFiles" : "numFiles",
                  staged == NULL ? (size_t)0 : staged->files.count,
                  staged == NULL ? (int64_t)0 : staged->rows,
                  staged == NULL ? (int64_t)0 : staged->size_bytes);
    if (streaming || attempt->removed > 0) {
        buffer_printf(out, ",\"numRemovedFiles\":\"%zu\",\"numRemovedBytes\":\"%" PRId64 "\"",
                      attempt->removed, attempt->removed_bytes);
    }
    buffer_append_char(out, '}');
}

// The whole entry for one attempt: commitInfo first [1.2], then the body.
static void print_entry(const Attempt *attempt, Buffer *out)
{
    const DeltaCommit *commit = attempt->commit;
    buffer_reset(out);
    buffer_append_text(out, "{\"commitInfo\":{");
    if (attempt->commit_times) {
        const DeltaSnapshot *snapshot = attempt->table->snapshot;
        int64_t after = snapshot == NULL ? 0 : snapshot->in_commit_ms + 1;
        buffer_printf(out, "\"inCommitTimestamp\":%" PRId64 ",",
                      attempt->now_ms > after ? attempt->now_ms : after);
    }
    buffer_printf(out, "\"timestamp\":%" PRId64 ",\"operation\":", attempt->now_ms);
    buffer_append_json(out, slice_of(commit->operation));
    buffer_printf(out, ",\"operationParameters\":%s",
                  commit->parameters == NULL ? "{}" : commit->parameters);
    if (attempt->read_version >= 0) {
        buffer_printf(out, ",\"readVersion\":%" PRId64, attempt->read_version);
    }
    buffer_printf(out, ",\"isolationLevel\":\"Serializable\",\"isBlindAppend\":%s",
                  commit->mode == DELTA_OVERWRITE ? "false" : "true");
    print_metrics(attempt, out);
    buffer_printf(out, ",\"engineInfo\":\"tarn/" TARN_VERSION "\",\"txnId\":\"%s\"}}\n",
                  attempt->id);
    buffer_append(out, buffer_slice(&attempt->body));
}

// ---- conflicts -----------------------------------------------------------------------------

// May this commit follow a winner that it has not read? [1.19]
static bool check_winner(const Attempt *attempt, const DeltaActions *winner, int64_t version,
                         Error *err)
{
    const DeltaCommit *commit = attempt->commit;
    const char *who = winner->engine == NULL ? "another writer" : winner->engine;
    const char *root = attempt->table->root;
    if (attempt->read_version < 0) {
        return fail(err, ERROR_CONFLICT, "table %s was created by %s at the same time", root, who);
    }
    if (winner->protocol != NULL) {
        return fail(err, ERROR_CONFLICT, "table %s: %s changed its protocol in version %" PRId64,
                    root, who, version);
    }
    if (winner->metadata != NULL) {
        return fail(err, ERROR_CONFLICT,
                    "table %s: %s changed its schema or properties in version %" PRId64, root, who,
                    version);
    }
    for (size_t i = 0; i < commit->txn_count; i++) {
        for (size_t j = 0; j < winner->txn_count; j++) {
            if (strcmp(commit->txns[i].app_id, winner->txns[j].app_id) == 0) {
                return fail(err, ERROR_CONFLICT,
                            "table %s: %s committed batch %" PRId64 " of '%s' in version %" PRId64
                            "; does the flow run twice?",
                            root, who, winner->txns[j].version, winner->txns[j].app_id, version);
            }
        }
    }
    // An overwrite has read the whole table; an append has read nothing.
    if (commit->mode == DELTA_OVERWRITE && (winner->adds.count > 0 || winner->removes.count > 0)) {
        return fail(err, ERROR_CONFLICT,
                    "table %s: %s wrote version %" PRId64 " while it was being replaced", root, who,
                    version);
    }
    return true;
}

// Reads what others committed since our snapshot. *version is ours when one of them is our own.
static bool read_winners(Attempt *attempt, int64_t *version, bool *is_ours, Error *err)
{
    DeltaTable *table = attempt->table;
    Arena *arena = arena_create(0);
    bool ok = true;
    bool found = true;
    if (table->snapshot == NULL) {
        table->snapshot = delta_snapshot_create(table->root);
    }
    DeltaSnapshot *snapshot = table->snapshot;
    *is_ours = false;
    while (ok && found && !*is_ours) {
        arena_reset(arena);
        DeltaActions winner = {0};
        int64_t next = snapshot->version + 1;
        ok = delta_log_read_commit(table->store, next, &winner, &found, arena, err);
        if (!ok || !found) {
            break;
        }
        *is_ours = winner.commit_id != NULL && strcmp(winner.commit_id, attempt->id) == 0;
        ok = delta_snapshot_apply(snapshot, &winner, next, err) &&
             (*is_ours || check_winner(attempt, &winner, next, err));
        *version = next;
    }
    if (snapshot->metadata == NULL || snapshot->protocol == NULL) {
        // A first commit that does not make a table: do not keep half a snapshot.
        delta_snapshot_destroy(snapshot);
        table->snapshot = NULL;
        ok =
            ok && fail(err, ERROR_CORRUPT, "table %s: its first commit is incomplete", table->root);
    }
    arena_destroy(arena);
    return ok;
}

// Is the entry under `version`, after an error of unknown outcome, our own?
static bool is_own_entry(Attempt *attempt, int64_t version)
{
    Arena *arena = arena_create(0);
    DeltaActions actions = {0};
    Error ignored;
    bool found = false;
    bool own =
        delta_log_read_commit(attempt->table->store, version, &actions, &found, arena, &ignored) &&
        found && actions.commit_id != NULL && strcmp(actions.commit_id, attempt->id) == 0;
    arena_destroy(arena);
    return own;
}

static void back_off(int attempt)
{
    Random random = {random_seed()};
    uint64_t most = attempt < 6 ? (uint64_t)1 << attempt : 64;
    TimeUs pause = (TimeUs)random_below(&random, most * TIME_MS + 1);
    clock_sleep_until(clock_system(), clock_now(clock_system()) + pause);
}

static bool put_entry(Attempt *attempt, const Buffer *entry, int64_t version, Error *err)
{
    char name[DELTA_LOG_NAME_MAX];
    delta_log_commit_name(version, name);
    if (store_put_if_absent(attempt->table->store, name, buffer_slice(entry), err)) {
        return true;
    }
    // fsync errors stay errors: what is durable is unknown then.
    return err->kind == ERROR_RETRY && is_own_entry(attempt, version);
}

static bool commit_loop(Attempt *attempt, int64_t *version, Error *err)
{
    DeltaTable *table = attempt->table;
    Buffer entry = {0};
    bool done = false;
    bool ok = true;
    for (int i = 0; ok && !done && i < ATTEMPTS_MAX; i++) {
        int64_t next = table->snapshot == NULL ? 0 : table->snapshot->version + 1;
        print_entry(attempt, &entry);
        done = put_entry(attempt, &entry, next, err);
        if (done) {
            *version = next;
        } else if (err->kind != ERROR_CONFLICT) {
            ok = fail_context(err, "table %s: commit %" PRId64, table->root, next);
        } else {
            bool is_ours;
            ok = read_winners(attempt, version, &is_ours, err);
            if (ok && is_ours) {
                buffer_done(&entry);
                return true; // applied with the others
            }
            if (ok) {
                back_off(i);
            }
        }
    }
    if (ok && !done) {
        ok = fail(err, ERROR_RETRY, "table %s is written to so often that %d commits lost the race",
                  table->root, ATTEMPTS_MAX);
    }
    if (done && FAULT("delta.after_commit")) {
        ok = fail(err, ERROR_CRASH, "fault");
    }
    if (ok) {
        if (table->snapshot == NULL) {
            table->snapshot = delta_snapshot_create(table->root);
        }
        DeltaActions actions = {0};
        ok = delta_action_parse(buffer_slice(&entry), "own commit", &actions, attempt->arena, err);
        for (size_t i = 0; ok && i < actions.adds.count; i++) {
            actions.adds.items[i].version = *version;
        }
        ok = ok && delta_snapshot_apply(table->snapshot, &actions, *version, err);
    }
    buffer_done(&entry);
    return ok;
}

// ---- the commit ----------------------------------------------------------------------------

static bool has_commit_times(const Attempt *attempt)
{
    const DeltaSnapshot *snapshot = attempt->table->snapshot;
    const DeltaMetadata *metadata =
        attempt->metadata != NULL ? attempt->metadata : snapshot->metadata;
    const DeltaProtocol *protocol =
        attempt->protocol != NULL ? attempt->protocol : snapshot->protocol;
    return delta_feature_is_listed(protocol, "inCommitTimestamp") &&
           delta_feature_property_is(metadata, "delta.enableInCommitTimestamps", "true");
}

// A snapshot that came from a checkpoint does not know the time of its commit.
static bool find_commit_time(Attempt *attempt, Error *err)
{
    DeltaSnapshot *snapshot = attempt->table->snapshot;
    if (!attempt->commit_times || snapshot == NULL || snapshot->in_commit_ms > 0) {
        return true;
    }
    DeltaActions actions = {0};
    bool found;
    if (!delta_log_read_commit(attempt->table->store, snapshot->version, &actions, &found,
                               attempt->arena, err)) {
        return false;
    }
    snapshot->in_commit_ms = actions.in_commit_ms;
    return true;
}

static bool commit_attempt(Attempt *attempt, int64_t *version, Error *err)
{
    DeltaTable *table = attempt->table;
    table->keeps_published = false;
    if (!check_table(attempt, err) || !check_staged(attempt, err)) {
        return false;
    }
    attempt->commit_times = has_commit_times(attempt);
    if (!find_commit_time(attempt, err) ||
        (attempt->commit->staged != NULL &&
         !delta_stage_publish(table, attempt->commit->staged, err))) {
        return false;
    }
    print_body(attempt);
    if (FAULT("delta.before_commit")) {
        return fail(err, ERROR_CRASH, "fault");
    }
    table->keeps_published = true;
    if (!commit_loop(attempt, version, err)) {
        table->keeps_published = err->kind != ERROR_CONFLICT; // a conflict is certainly not there
        return false;
    }
    Error problem = {0};
    if (!delta_checkpoint_after(table, attempt->conn, attempt->commit->now, &problem) &&
        problem.kind == ERROR_CRASH) {
        *err = problem;
        return false;
    }
    table->checkpoint_error = problem;
    return true;
}

bool delta_commit(DeltaTable *table, DuckConn *conn, const DeltaCommit *commit, int64_t *version,
                  Error *err)
{
    bool exists;
    // What was there when the caller last looked is what this commit depends on; only a table that
    // was never looked at is read now.
    if (table->snapshot == NULL && !delta_refresh(table, conn, &exists, err)) {
        return false;
    }
    Attempt attempt = {
        .table = table,
        .conn = conn,
        .commit = commit,
        .read_version = table->snapshot == NULL ? -1 : table->snapshot->version,
        .now_ms = commit->now / TIME_MS,
        .arena = arena_create(0),
    };
    random_uuid(attempt.id);
    int64_t committed = -1;
    bool ok = commit_attempt(&attempt, &committed, err);
    buffer_done(&attempt.body);
    arena_destroy(attempt.arena);
    if (ok) {
        *version = committed;
    }
    return ok;
}
