// decode_slot.h -- one wanted column, and how values get into its DuckDB vector.
//
// Slots form a tree like the type: an ARRAY has its elements, a MAP keys and values, a STRUCT its
// fields as children. A chunk starts with decode_slot_bind; then each row is set, or set to NULL,
// exactly once (again is fine, the last wins; decode_slot_undo makes a row as if never set);
// decode_slot_flush ends it.
//
// Long strings of a top-level column are gathered in `staged` and handed to DuckDB as one piece at
// the flush; until then their pointers are offsets. That is one copy and no call per string.
// One thread each.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/decode_pattern.h"
#include "duck/decode_value.h"
#include "duck/duck.h"

typedef struct DecodeFields DecodeFields; // decode_json_value.c: how a STRUCT's keys find its slots
typedef struct DecodeSlot DecodeSlot;
struct DecodeSlot {
    const char *name;
    const Type *type;
    TypeKind kind;
    size_t width; // bytes per row of fixed-width types
    void *vector; // duckdb_vector
    uint8_t *data;
    uint64_t *validity; // NULL: no NULL so far
    uint64_t row;       // the row set last; UINT64_MAX: none of this chunk
    bool exact;         // that row came from a key of exactly this name
    bool is_nested;     // a child: rows are not those of the chunk, strings are not staged
    DecodeSlot *children;
    size_t child_count;
    uint64_t list_size;     // ARRAY, MAP: entries of this chunk so far
    uint64_t list_capacity; // and how many there is room for
    DecodeFields *fields;
    const DecodePattern *pattern; // DATE, TIMESTAMP: NULL is ISO
    DecodeDay day;                // TIMESTAMP: the day read last
    Buffer staged;
};

// What became of one record.
typedef enum RecordOutcome {
    RECORD_GOOD,
    RECORD_PARTIAL, // some fields could not be read; they are NULL, the others are set
    RECORD_BROKEN,  // not a record at all: nothing is set
} RecordOutcome;

typedef struct DecodeRecord {
    RecordOutcome outcome;
    Slice line;                 // its text, without the line's end
    const DecodeSlot *bad_slot; // the first field that could not be read; NULL: the record itself
    Slice bad_text;             // what stood there
    const char *problem;        // what is wrong with the record itself, or NULL
} DecodeRecord;

enum { SLOT_INLINE_MAX = 12 };

// DuckDB's string: short ones inline, else four bytes of prefix and a pointer (or, staged, offset).
typedef struct SlotString {
    uint32_t size;
    char prefix[4];
    union {
        char rest[8];
        uint64_t offset;
        const char *pointer;
    } tail;
} SlotString;

// False: the type cannot be decoded; `offender` is that type. Nested slots live in the arena.
bool decode_slot_init(DecodeSlot *slot, Arena *arena, const char *name, const Type *type,
                      const DecodePattern *date, const DecodePattern *timestamp,
                      const Type **offender);
void decode_slot_done(DecodeSlot *slot); // frees what is staged

void decode_slot_bind(DecodeSlot *slot, const DuckColumn *column);
void decode_slot_flush(DecodeSlot *slot, uint64_t row_count);
void decode_slot_undo(DecodeSlot *slot, uint64_t row);
void decode_slot_set_null(DecodeSlot *slot, uint64_t row);

// `readable_end`: bytes up to here may be read, also behind the text (NULL: none).
void decode_slot_set_text(DecodeSlot *slot, uint64_t row, Slice text, const char *readable_end);
void decode_slot_set_decimal(DecodeSlot *slot, uint64_t row, __int128 unscaled);

// Lists grow at their end: entries from slot->list_size on are added one by one (the new one has
// index list_size - 1 in the children); decode_slot_list_close makes them the list of row `row`.
void decode_slot_list_extend(DecodeSlot *slot);
void decode_slot_list_close(DecodeSlot *slot, uint64_t row, uint64_t start);

// The slot's row becomes valid even if it was NULL before.
static inline void decode_slot_mark(DecodeSlot *slot, uint64_t row)
{
    if (slot->row == row && slot->validity != NULL) {
        slot->validity[row / 64] |= (uint64_t)1 << row % 64;
    }
    slot->row = row;
}

// Text -> value by the slot's type (not nested types), as Spark reads CSV fields and JSON strings.
// False: not a value of that type; nothing is set.
bool decode_slot_parse(DecodeSlot *slot, uint64_t row, Slice text, const char *readable_end);
// Bounds of an integer type.
void decode_slot_int_range(TypeKind kind, int64_t *min, int64_t *max);
void decode_slot_set_int(DecodeSlot *slot, uint64_t row, int64_t value);
