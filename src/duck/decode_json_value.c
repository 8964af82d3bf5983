// decode_json_value.c -- the walk over an object: keys to slots, values to vectors.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_json_value.h"

#include <math.h>

#include "duck/decode_value.h"

enum {
    GUESS_MAX = 256,     // keys of one object that are remembered in order
    GUESS_LOOKAHEAD = 3, // how many keys of last time may be missing before one is looked up
};

typedef enum JsonResult {
    JSON_OK,
    JSON_PARTIAL, // set, but something inside is not
    JSON_BAD,     // stepped over, not set
} JsonResult;

// Reads the value at `at` into the slot. Returns the token behind it, NULL for wrong syntax.
static const uint32_t *read_value(JsonDecoder *decoder, const uint32_t *at, DecodeSlot *slot,
                                  uint64_t row, JsonResult *result);

// ---- fields ----------------------------------------------------------------------------------

static void fields_init(JsonDecoder *decoder, DecodeFields *fields, Arena *arena, DecodeSlot *slots,
                        size_t count, bool exact_names)
{
    *fields = (DecodeFields){.slots = slots, .count = count, .next = decoder->all};
    decoder->all = fields;
    fields->exact = map_create(false);
    fields->any_case = exact_names ? NULL : map_create(true);
    fields->guesses = ARENA_ARRAY(arena, Guess, GUESS_MAX);
    for (size_t i = count; i-- > 0;) { // of equal names the first wins
        map_put(fields->exact, slice_of(slots[i].name), &slots[i]);
        if (!exact_names) {
            map_put(fields->any_case, slice_of(slots[i].name), &slots[i]);
        }
    }
}

static void nested_init(JsonDecoder *decoder, Arena *arena, DecodeSlot *slot, bool exact_names)
{
    if (slot->kind == TYPE_STRUCT) {
        slot->fields = ARENA_NEW(arena, DecodeFields);
        fields_init(decoder, slot->fields, arena, slot->children, slot->child_count, exact_names);
    }
    for (size_t i = 0; i < slot->child_count; i++) {
        nested_init(decoder, arena, &slot->children[i], exact_names);
    }
}

void decode_json_value_init(JsonDecoder *decoder, DecodeFields *fields, Arena *arena,
                            DecodeSlot *slots, size_t count, bool exact_names)
{
    fields_init(decoder, fields, arena, slots, count, exact_names);
    for (size_t i = 0; i < count; i++) {
        nested_init(decoder, arena, &slots[i], exact_names);
    }
}

void decode_json_value_done(JsonDecoder *decoder)
{
    for (DecodeFields *fields = decoder->all; fields != NULL; fields = fields->next) {
        map_destroy(fields->exact);
        map_destroy(fields->any_case);
    }
}

// ---- keys ------------------------------------------------------------------------------------

static uint64_t mask_of(size_t size)
{
    return size >= 8 ? UINT64_MAX : ((uint64_t)1 << size * 8) - 1;
}

// `text` starts at the key's opening quote; `size` is up to its colon.
static inline bool guess_matches(const Guess *guess, const char *text, uint32_t size,
                                 const char *readable_end)
{
    if (guess->size != size) {
        return false;
    }
    if (size <= 16 && text + 16 <= readable_end) {
        return (((decode_json_text_word(text) ^ guess->low) & guess->low_mask) |
                ((decode_json_text_word(text + 8) ^ guess->high) & guess->high_mask)) == 0;
    }
    return memcmp(guess->key, text, size) == 0;
}

static DecodeSlot *find_slot(const DecodeFields *fields, Slice key, bool *exact)
{
    DecodeSlot *slot = map_find(fields->exact, key);
    *exact = slot != NULL;
    if (slot == NULL && fields->any_case != NULL) {
        slot = map_find(fields->any_case, key);
    }
    return slot;
}

static void remember(DecodeFields *fields, size_t place, Slice key, DecodeSlot *slot, bool exact)
{
    if (place >= GUESS_MAX || key.size + 2 > GUESS_KEY_MAX) {
        return;
    }
    Guess *guess = &fields->guesses[place];
    *guess = (Guess){.size = (uint32_t)key.size + 2, .slot = slot, .exact = exact};
    guess->key[0] = '"';
    memcpy(guess->key + 1, key.data, key.size);
    guess->key[key.size + 1] = '"';
    guess->low = decode_json_text_word(guess->key);
    guess->high = decode_json_text_word(guess->key + 8);
    guess->low_mask = mask_of(guess->size);
    guess->high_mask = guess->size > 8 ? mask_of(guess->size - 8) : 0;
    if (place == fields->guess_count) {
        fields->guess_count++;
    }
}

// A key that is not what stood at this place last time.
static const uint32_t *look_up_key(JsonDecoder *decoder, const uint32_t *at, DecodeFields *fields,
                                   size_t *place, DecodeSlot **slot, bool *exact)
{
    const JsonText *text = &decoder->text;
    Slice key;
    const char *readable_end;
    if (decode_json_text_here(text, at) != '"') {
        return NULL;
    }
    at = decode_json_text_string(text, at, &decoder->key_scratch, &key, &readable_end);
    if (at == NULL || decode_json_text_here(text, at) != ':') {
        return NULL;
    }
    *slot = find_slot(fields, key, exact);
    if (*place <= fields->guess_count && key.data != decoder->key_scratch.data) {
        remember(fields, *place, key, *slot, *exact);
        (*place)++;
    }
    return at + 1;
}

// The slot of the key at `at` (NULL: not wanted), when it is not the one that came here last time.
// Steps over the key and its colon. *place is where to expect the next, and moves on.
static const uint32_t *take_key(JsonDecoder *decoder, const uint32_t *at, DecodeFields *fields,
                                size_t *place, DecodeSlot **slot, bool *exact)
{
    const JsonText *text = &decoder->text;
    const char *start = text->base + at[0];
    for (size_t i = *place; i < *place + GUESS_LOOKAHEAD && i < fields->guess_count; i++) {
        const Guess *guess = &fields->guesses[i];
        if (guess_matches(guess, start, at[1] - at[0], text->readable_end)) {
            *place = i + 1;
            *slot = guess->slot;
            *exact = guess->exact;
            return decode_json_text_here(text, at + 1) == ':' ? at + 2 : NULL;
        }
    }
    return look_up_key(decoder, at, fields, place, slot, exact);
}

// The usual field: a short key that came here last time too. Works on a copy of the text that
// stays in registers. False: take_key must look.
static inline bool expected_key(const JsonText *text, const uint32_t *at, const Guess *guess)
{
    uint32_t size = at[1] - at[0];
    const char *start = text->base + at[0];
    return guess->size == size && size <= 16 && start + 16 <= text->readable_end &&
           (((decode_json_text_word(start) ^ guess->low) & guess->low_mask) |
            ((decode_json_text_word(start + 8) ^ guess->high) & guess->high_mask)) == 0 &&
           at[1] < text->limit && start[size] == ':';
}

// The usual value that is not wanted: a string without escapes, or a short number.
static inline bool is_plain(const JsonText *text, const uint32_t *at)
{
    uint32_t number;
    if (at[1] >= text->limit) {
        return false;
    }
    return text->base[*at] == '"' ? !text->has_backslash
                                  : decode_json_text_short_int(text, at, &number);
}

// ---- values ----------------------------------------------------------------------------------

// Remembers the first value of the record that did not fit, for the message. It lies in front of
// the token `behind`.
static JsonResult bad_value(JsonDecoder *decoder, const DecodeSlot *slot, uint32_t start,
                            const uint32_t *behind)
{
    const JsonText *text = &decoder->text;
    if (decoder->bad_slot == NULL) {
        uint32_t end = *behind > text->limit ? text->limit : *behind;
        while (end > start + 1 && (unsigned char)text->base[end - 1] <= ' ') {
            end--;
        }
        decoder->bad_slot = slot;
        decoder->bad_text = (Slice){text->base + start, end - start};
    }
    return JSON_BAD;
}

static bool named_number(Slice text, double *value)
{
    if (slice_is(text, "NaN")) {
        *value = NAN;
    } else if (slice_is(text, "Infinity") || slice_is(text, "+Infinity") ||
               slice_is(text, "+INF")) {
        *value = INFINITY;
    } else if (slice_is(text, "-Infinity") || slice_is(text, "-INF")) {
        *value = -INFINITY;
    } else {
        return false;
    }
    return true;
}

static bool set_named(DecodeSlot *slot, uint64_t row, Slice text)
{
    double value;
    if (!named_number(text, &value)) {
        return false;
    }
    decode_slot_mark(slot, row);
    if (slot->kind == TYPE_DOUBLE) {
        memcpy(slot->data + row * 8, &value, 8);
    } else {
        memcpy(slot->data + row * 4, &(float){(float)value}, 4);
    }
    return true;
}

static bool set_binary(JsonDecoder *decoder, DecodeSlot *slot, uint64_t row, Slice text)
{
    Buffer *out = &decoder->key_scratch;
    size_t size;
    buffer_reset(out);
    buffer_reserve(out, text.size + 16);
    if (!decode_value_base64(text, out->data, &size)) {
        return false;
    }
    decode_slot_set_text(slot, row, (Slice){out->data, size}, out->data + out->capacity);
    return true;
}

static bool set_string(JsonDecoder *decoder, DecodeSlot *slot, uint64_t row, Slice value,
                       const char *readable_end)
{
    switch (slot->kind) {
    case TYPE_BINARY:
        return set_binary(decoder, slot, row, value);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return set_named(slot, row, value);
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
    case TYPE_DECIMAL:
        return value.size > 0 && decode_slot_parse(slot, row, value, readable_end);
    default:
        return false;
    }
}

static const uint32_t *read_string(JsonDecoder *decoder, const uint32_t *at, DecodeSlot *slot,
                                   uint64_t row, JsonResult *result)
{
    Slice value;
    const char *readable_end;
    const uint32_t *behind =
        decode_json_text_string(&decoder->text, at, &decoder->scratch, &value, &readable_end);
    if (behind == NULL) {
        return NULL;
    }
    if (slot->kind == TYPE_STRING) {
        decode_slot_set_text(slot, row, value, readable_end);
    } else if (!set_string(decoder, slot, row, value, readable_end)) {
        *result = bad_value(decoder, slot, *at, behind);
    }
    return behind;
}

static bool set_seconds(DecodeSlot *slot, uint64_t row, Slice text)
{
    int64_t seconds;
    int64_t limit = INT64_MAX / TIME_SECOND;
    if (!decode_value_int(text, -limit, limit, &seconds)) {
        return false;
    }
    decode_slot_set_int(slot, row, seconds * TIME_SECOND);
    return true;
}

static bool set_number(DecodeSlot *slot, uint64_t row, Slice text, JsonScalar kind)
{
    switch (slot->kind) {
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        return kind == JSON_INT && decode_slot_parse(slot, row, text, NULL);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return kind == JSON_NAMED ? set_named(slot, row, text)
                                  : decode_slot_parse(slot, row, text, NULL);
    case TYPE_DECIMAL:
        return kind != JSON_NAMED && decode_slot_parse(slot, row, text, NULL);
    case TYPE_TIMESTAMP:
        return kind == JSON_INT && set_seconds(slot, row, text);
    default:
        return false;
    }
}

static bool set_scalar(DecodeSlot *slot, uint64_t row, Slice value, JsonScalar kind,
                       const char *readable_end)
{
    if (kind == JSON_NULL) {
        decode_slot_set_null(slot, row);
        return true;
    }
    if (slot->kind == TYPE_STRING) {
        decode_slot_set_text(slot, row, value, readable_end);
        return true;
    }
    if (kind == JSON_TRUE || kind == JSON_FALSE) {
        if (slot->kind != TYPE_BOOLEAN) {
            return false;
        }
        decode_slot_set_int(slot, row, kind == JSON_TRUE);
        return true;
    }
    return set_number(slot, row, value, kind);
}

static const uint32_t *read_scalar(JsonDecoder *decoder, const uint32_t *at, DecodeSlot *slot,
                                   uint64_t row, JsonResult *result)
{
    const JsonText *text = &decoder->text;
    uint32_t number;
    if ((slot->kind == TYPE_INT || slot->kind == TYPE_BIGINT) &&
        decode_json_text_short_int(text, at, &number)) {
        decode_slot_set_int(slot, row, number);
        return at + 1;
    }
    uint32_t end;
    JsonScalar kind = decode_json_text_scalar(text, at, &end);
    if (kind == JSON_INVALID) {
        return NULL;
    }
    Slice value = {text->base + *at, end - *at};
    if (!set_scalar(slot, row, value, kind, text->readable_end)) {
        *result = bad_value(decoder, slot, *at, at + 1);
    }
    return at + 1;
}

static void fill_missing(DecodeFields *fields, uint64_t row)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->slots[i].row != row) {
            decode_slot_set_null(&fields->slots[i], row);
        }
    }
}

// A value that is not wanted, or one for a slot (which may hold an exact key's value already).
static const uint32_t *read_field(JsonDecoder *decoder, const uint32_t *at, DecodeSlot *slot,
                                  bool exact, uint64_t row, JsonResult *result)
{
    if (slot == NULL || (!exact && slot->row == row && slot->exact)) {
        return decode_json_text_skip(&decoder->text, at, 1);
    }
    JsonResult one = JSON_OK;
    at = read_value(decoder, at, slot, row, &one);
    *result = one == JSON_OK ? *result : JSON_PARTIAL;
    slot->exact = exact;
    return at;
}

// The object at `at`, whose keys are fields: a field that does not fit makes it partial, not bad.
static const uint32_t *read_object(JsonDecoder *decoder, const uint32_t *at, DecodeFields *fields,
                                   uint64_t row, JsonResult *result)
{
    const JsonText text = decoder->text;
    size_t place = 0;
    at++;
    char c = decode_json_text_here(&text, at);
    at += c == '}';
    while (c != '}') {
        DecodeSlot *slot;
        bool exact;
        if (place < fields->guess_count && expected_key(&text, at, &fields->guesses[place])) {
            slot = fields->guesses[place].slot;
            exact = fields->guesses[place].exact;
            place++;
            at += 2;
        } else if ((at = take_key(decoder, at, fields, &place, &slot, &exact)) == NULL) {
            return NULL;
        }
        if (slot == NULL && is_plain(&text, at)) {
            at++;
        } else if ((at = read_field(decoder, at, slot, exact, row, result)) == NULL) {
            return NULL;
        }
        c = decode_json_text_here(&text, at);
        if (c != ',' && c != '}') {
            return NULL;
        }
        at++;
    }
    fill_missing(fields, row);
    return at;
}

// After an entry that does not fit: the rest only has to be JSON.
static const uint32_t *skip_rest(const JsonText *text, const uint32_t *at, char close, bool is_map)
{
    for (;;) {
        char c = decode_json_text_here(text, at++);
        if (c == close) {
            return at;
        }
        if (c != ',') {
            return NULL;
        }
        if (is_map) {
            if (decode_json_text_here(text, at) != '"' ||
                (at = decode_json_text_skip(text, at, 1)) == NULL ||
                decode_json_text_here(text, at) != ':') {
                return NULL;
            }
            at++;
        }
        at = decode_json_text_skip(text, at, 1);
        if (at == NULL) {
            return NULL;
        }
    }
}

static const uint32_t *read_map_key(JsonDecoder *decoder, const uint32_t *at, DecodeSlot *keys,
                                    uint64_t row)
{
    const JsonText *text = &decoder->text;
    Slice key;
    const char *readable_end;
    if (decode_json_text_here(text, at) != '"' ||
        (at = decode_json_text_string(text, at, &decoder->scratch, &key, &readable_end)) == NULL ||
        decode_json_text_here(text, at) != ':') {
        return NULL;
    }
    decode_slot_set_text(keys, row, key, readable_end);
    return at + 1;
}

// ARRAY from [...], MAP from {...}. One entry that does not fit makes the whole NULL, as in Spark.
static const uint32_t *read_list(JsonDecoder *decoder, const uint32_t *at, DecodeSlot *slot,
                                 uint64_t row, JsonResult *result)
{
    const JsonText *text = &decoder->text;
    bool is_map = slot->kind == TYPE_MAP;
    char close = is_map ? '}' : ']';
    uint64_t start = slot->list_size;
    at++;
    char c = decode_json_text_here(text, at);
    at += c == close;
    while (c != close) {
        decode_slot_list_extend(slot);
        uint64_t entry = slot->list_size - 1;
        if (is_map && (at = read_map_key(decoder, at, &slot->children[0], entry)) == NULL) {
            return NULL;
        }
        JsonResult one = JSON_OK;
        at = read_value(decoder, at, &slot->children[is_map], entry, &one);
        if (at == NULL) {
            return NULL;
        }
        if (one == JSON_BAD) {
            *result = JSON_BAD;
            return skip_rest(text, at, close, is_map);
        }
        *result = one == JSON_OK ? *result : JSON_PARTIAL;
        c = decode_json_text_here(text, at);
        if (c != ',' && c != close) {
            return NULL;
        }
        at++;
    }
    decode_slot_list_close(slot, row, start);
    return at;
}

static const uint32_t *read_nested(JsonDecoder *decoder, const uint32_t *at, DecodeSlot *slot,
                                   uint64_t row, bool is_object, JsonResult *result)
{
    const JsonText *text = &decoder->text;
    if (is_object && slot->kind == TYPE_STRUCT) {
        if (slot->row == row) {
            decode_slot_undo(slot, row); // the key came twice: nothing of the first stays
        }
        decode_slot_mark(slot, row);
        return read_object(decoder, at, slot->fields, row, result);
    }
    if (slot->kind == (is_object ? TYPE_MAP : TYPE_ARRAY)) {
        return read_list(decoder, at, slot, row, result);
    }
    const uint32_t *behind = decode_json_text_skip(text, at, 1);
    if (behind == NULL) {
        return NULL;
    }
    if (slot->kind == TYPE_STRING) {
        Slice raw = {text->base + *at, behind[-1] + 1 - *at};
        decode_slot_set_text(slot, row, raw, text->readable_end);
    } else {
        *result = bad_value(decoder, slot, *at, behind);
    }
    return behind;
}

// A value that does not fit leaves NULL behind, unless the same key had a good one before.
static const uint32_t *read_value(JsonDecoder *decoder, const uint32_t *at, DecodeSlot *slot,
                                  uint64_t row, JsonResult *result)
{
    char c = decode_json_text_here(&decoder->text, at);
    const uint32_t *behind = c == '"' ? read_string(decoder, at, slot, row, result)
                             : c == '{' || c == '['
                                 ? read_nested(decoder, at, slot, row, c == '{', result)
                                 : read_scalar(decoder, at, slot, row, result);
    if (*result == JSON_BAD && slot->row != row) {
        decode_slot_set_null(slot, row);
    }
    return behind;
}

const uint32_t *decode_json_value_object(JsonDecoder *decoder, const uint32_t *at,
                                         DecodeFields *fields, uint64_t row, bool *partial)
{
    JsonResult result = JSON_OK;
    at = read_object(decoder, at, fields, row, &result);
    *partial = result != JSON_OK;
    return at;
}
