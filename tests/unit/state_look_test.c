// Looking back: random batches with restarts, failed commits and a small log; after each, the state
// as of some earlier batch is what the model was then, for as many batches as are retained, and
// the records of the log say what was committed. Run with a seed to repeat a failure.
// SPDX-License-Identifier: Apache-2.0
#include "state/records.h"

#include "state_model.h"

enum { BATCHES = 120, RETAIN = 12 };

static Model models[BATCHES]; // after each batch
static char folder[64];

static const StateOptions writing = {
    .segment_bytes = 3000, .sync_file = model_no_sync, .retain_batches = RETAIN};

static State *open_state(Error *err)
{
    State *state = NULL;
    StatePosition pending;
    if (!state_open(folder, &writing, &state, err)) {
        return NULL;
    }
    return !state_pending(state, &pending) || state_apply_pending(state, err) ? state : NULL;
}

static bool commit_batch(State *state, Random *random, int64_t batch, Error *err)
{
    StateTable *tables[MODEL_TABLES];
    char meta[32];
    Model *model = &models[batch];
    *model = batch == 0 ? (Model){0} : models[batch - 1];
    if (!model_open_tables(state, tables, err)) {
        return false;
    }
    for (uint64_t i = random_below(random, 60); i > 0; i--) {
        if (!model_change(random, model, tables, err)) {
            return false;
        }
    }
    snprintf(meta, sizeof meta, "meta %lld", (long long)batch);
    return state_commit(state, batch, slice_of(meta), NULL, err);
}

static bool matches_at(int64_t batch, Error *err)
{
    StateOptions options = {.read_only = true, .as_of = &batch};
    State *state = NULL;
    StateTable *tables[MODEL_TABLES] = {0};
    if (!state_open(folder, &options, &state, err)) {
        return false;
    }
    const char *name;
    Slice layout;
    for (size_t i = 0; i < MODEL_TABLES; i++) {
        CHECK(state_table_at(state, i, &tables[i], &name, &layout));
    }
    StateTable *none;
    CHECK(!state_table_at(state, MODEL_TABLES, &none, &name, &layout));
    bool matches = state_last(state).batch == batch && model_matches(&models[batch], tables);
    state_close(state);
    return matches;
}

typedef struct Seen {
    int64_t first;
    int64_t last;
    bool in_order;
} Seen;

static bool see_record(void *context, const LogRecord *record, Error *err)
{
    (void)err;
    Seen *seen = context;
    char meta[32];
    snprintf(meta, sizeof meta, "meta %lld", (long long)record->position.batch);
    seen->first = seen->first < 0 ? record->position.batch : seen->first;
    seen->in_order &= seen->last < 0 || record->position.batch == seen->last + 1;
    seen->in_order &= slice_is(record->position.meta, meta) && record->size_bytes > 0;
    seen->last = record->position.batch;
    return true;
}

static void look_around(Random *random, int64_t newest)
{
    Error err;
    int64_t back = (int64_t)random_below(random, RETAIN + 1);
    int64_t batch = newest > back ? newest - back : 0;
    CHECK(matches_at(batch, &err));
    Seen seen = {-1, -1, true};
    CHECK(records_read(folder, see_record, &seen, &err));
    CHECK(seen.in_order && seen.last == newest && seen.first <= batch);
}

static void test_random(uint64_t seed)
{
    Random random = {seed};
    Error err;
    State *state = open_state(&err);
    for (int64_t batch = 0; batch < BATCHES; batch++) {
        bool ok = state != NULL && commit_batch(state, &random, batch, &err);
        CHECK(ok);
        if (!ok) {
            fprintf(stderr, "%s\n", err.message);
            break;
        }
        look_around(&random, batch);          // beside the one that writes
        if (random_below(&random, 10) == 0) { // the sink refused: the same batch again
            CHECK(state_discard_last(state, &err));
            batch--;
            continue;
        }
        state_confirm(state);
        if (random_below(&random, 5) == 0) {
            state_close(state);
            look_around(&random, batch);
            state = open_state(&err);
        }
    }
    state_close(state);
}

static void test_out_of_reach(void)
{
    Error err;
    CHECK(!matches_at(BATCHES, &err));
    CHECK_TEXT(err.message, "there is no batch 120: the newest is 119");
    CHECK(!matches_at(0, &err));
    CHECK_TEXT(err.message, "batch 0 is too long ago: the log does not reach back to it any more "
                            "(tarn.state.retention says how many batches are kept)");
}

int main(int argc, char **argv)
{
    snprintf(folder, sizeof folder, "%s", model_folder(false));
    test_random(model_seed(argc, argv));
    test_out_of_reach();
    model_remove(folder);
    return check_done();
}
