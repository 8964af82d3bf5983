// SPDX-License-Identifier: Apache-2.0
#include "state/undo.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEEP_ENTRIES = 1 << 14, KEEP_BYTES = 1 << 20 }; // memory kept from batch to batch

static UndoEntry *add_entry(Undo *undo)
{
    if (undo->count == undo->capacity) {
        undo->capacity = undo->capacity == 0 ? 64 : undo->capacity * 2;
        undo->entries = realloc(undo->entries, undo->capacity * sizeof *undo->entries);
        if (undo->entries == NULL) {
            fprintf(stderr, "tarn: out of memory\n");
            abort();
        }
    }
    return &undo->entries[undo->count++];
}

void undo_add(Undo *undo, StateTable *table, int64_t bucket, Slice key, UndoKind kind, Slice value,
              uint64_t image)
{
    UndoEntry *entry = add_entry(undo);
    *entry = (UndoEntry){
        .table = table,
        .bucket = bucket,
        .bytes = undo->bytes.size,
        .image = image,
        .key_size = (uint32_t)key.size,
        .value_size = (uint32_t)value.size,
        .kind = kind,
    };
    buffer_append(&undo->bytes, key);
    buffer_append(&undo->bytes, value);
}

void undo_add_drop(Undo *undo, StateTable *table, int64_t bucket, Bucket *dropped)
{
    *add_entry(undo) = (UndoEntry){
        .table = table,
        .bucket = bucket,
        .dropped = dropped,
        .kind = UNDO_DROP,
    };
}

Slice undo_key(const Undo *undo, const UndoEntry *entry)
{
    return (Slice){undo->bytes.data + entry->bytes, entry->key_size};
}

int64_t undo_bytes(const Undo *undo)
{
    return (int64_t)(undo->capacity * sizeof *undo->entries + undo->bytes.capacity);
}

static void empty(Undo *undo)
{
    undo->count = 0;
    if (undo->capacity > KEEP_ENTRIES) {
        free(undo->entries);
        undo->entries = NULL;
        undo->capacity = 0;
    }
    if (undo->bytes.capacity > KEEP_BYTES) {
        buffer_done(&undo->bytes);
    }
    buffer_reset(&undo->bytes);
}

void undo_roll_back(Undo *undo)
{
    for (size_t i = undo->count; i > 0; i--) {
        UndoEntry *entry = &undo->entries[i - 1];
        if (entry->kind == UNDO_DROP) {
            table_attach(entry->table, entry->bucket, entry->dropped);
            continue;
        }
        Slice key = undo_key(undo, entry);
        switch (entry->kind) {
        case UNDO_ABSENT:
            table_remove(entry->table, entry->bucket, key, 0);
            break;
        case UNDO_HOT:
            table_put(entry->table, entry->bucket, key, 0,
                      (Slice){key.data + key.size, entry->value_size}, entry->image);
            break;
        case UNDO_COLD:
            table_put_cold(entry->table, entry->bucket, key, entry->image);
            break;
        default:
            break;
        }
    }
    empty(undo);
}

void undo_forget(Undo *undo)
{
    for (size_t i = 0; i < undo->count; i++) {
        bucket_destroy(undo->entries[i].dropped);
    }
    empty(undo);
}

void undo_done(Undo *undo)
{
    undo_forget(undo);
    free(undo->entries);
    buffer_done(&undo->bytes);
    *undo = (Undo){0};
}
