// SPDX-License-Identifier: Apache-2.0
#include "state/sweep.h"

enum {
    MIN_BYTES = 8192, // per record: a round shall end even if batches are tiny
    STEP_BYTES = 16,  // what a look at a bucket or a leaf costs, rows apart
};

#define HASH_END (1ull << 32)

typedef struct Visit {
    RecordWriter *writer;
    uint32_t table;
    int64_t bucket;
    uint32_t count;
} Visit;

static void add_row(void *context, const Row *row)
{
    Visit *visit = context;
    record_add(visit->writer, &(RecordRow){
                                  .op = RECORD_PUT,
                                  .table = visit->table,
                                  .bucket = visit->bucket,
                                  .key = row_key(row),
                                  .value = row_value(row),
                              });
    visit->count++;
}

static void begin_round(Hand *hand, uint64_t segment)
{
    hand->round_start = segment;
    hand->table = 1;
    hand->bucket = INT64_MIN;
    hand->hash = 0;
    hand->credit = 0;
}

uint32_t sweep_advance(Hand *hand, StateTable *const *tables, size_t table_count, uint64_t segment,
                       RecordWriter *writer)
{
    if (hand->round_start == 0) {
        if (segment <= hand->next_live) {
            return 0;
        }
        begin_round(hand, segment);
    }
    Visit visit = {.writer = writer};
    hand->credit += writer->out->size < MIN_BYTES ? MIN_BYTES : (int64_t)writer->out->size;
    while (hand->credit > 0) {
        if (hand->table > table_count) {
            hand->next_live = hand->round_start;
            hand->round_start = 0;
            break;
        }
        hand->credit -= STEP_BYTES;
        const StateTable *table = tables[hand->table - 1];
        size_t i = table_position(table, hand->bucket);
        if (i == table->bucket_count) {
            hand->table++;
            hand->bucket = INT64_MIN;
            hand->hash = 0;
            continue;
        }
        const BucketEntry *entry = &table->buckets[i];
        if (entry->id != hand->bucket) {
            hand->bucket = entry->id; // the one it stood at is gone
            hand->hash = 0;
        }
        visit.table = table->id;
        visit.bucket = entry->id;
        hand->hash = bucket_visit(entry->bucket, hand->hash, &hand->credit, add_row, &visit);
        if (hand->hash >= HASH_END) {
            if (hand->bucket == INT64_MAX) {
                hand->table++;
                hand->bucket = INT64_MIN;
            } else {
                hand->bucket++;
            }
            hand->hash = 0;
        }
    }
    return visit.count;
}
