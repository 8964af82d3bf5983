// decode_json.c -- the walk over a record: keys to slots, values to vectors.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_json.h"

#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "duck/decode_json_text.h"
#include "duck/decode_value.h"

enum {
    GUESS_MAX = 256,     // keys of one object that are remembered in order
    GUESS_KEY_MAX = 48,  // longer keys are looked up
    GUESS_LOOKAHEAD = 3, // how many keys of last time may be missing before one is looked up
};

// A key seen at this place of an object before. `low` and `high` hold its first 16 bytes.
typedef struct Guess {
    uint64_t low, high;
    uint64_t low_mask, high_mask;
    size_t size;
    DecodeSlot *slot; // NULL: not wanted
    bool exact;
    char key[GUESS_KEY_MAX];
} Guess;

struct DecodeFields {
    DecodeSlot *slots;
    size_t count;
    Map *exact;
    Map *any_case; // NULL: exact names only
    Guess *guesses;
    size_t guess_count;
    DecodeFields *next; // all of a decoder, to free their maps
};

struct JsonDecoder {
    JsonText text;
    DecodeFields root;
    DecodeFields *all;
    ReadBlock block;
    DecodeIndex *index;
    size_t line_at;   // single lines: where the next one starts in the block
    bool by_line;     // the block has no index as a whole
    bool in_array;    // the current line is an array; `text` stands before its next record
    bool is_requoted; // `text` is a rewritten line, `outer` the block's
    JsonText outer;
    DecodeIndex *second_index;
    Slice line;
    Buffer requoted;
    Buffer scratch;
    Buffer key_scratch;
    const DecodeSlot *bad_slot;
    Slice bad_text;
};

typedef enum JsonResult {
    JSON_OK,
    JSON_PARTIAL, // set, but something inside is not
    JSON_BAD,     // stepped over, not set
    JSON_SYNTAX,
} JsonResult;

static JsonResult read_value(JsonDecoder *decoder, DecodeSlot *slot, uint64_t row);

// ---- life ------------------------------------------------------------------------------------

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

JsonDecoder *decode_json_create(Arena *arena, DecodeSlot *slots, size_t slot_count,
                                bool exact_names)
{
    JsonDecoder *decoder = ARENA_NEW(arena, JsonDecoder);
    decoder->index = decode_simd_create();
    fields_init(decoder, &decoder->root, arena, slots, slot_count, exact_names);
    for (size_t i = 0; i < slot_count; i++) {
        nested_init(decoder, arena, &slots[i], exact_names);
    }
    return decoder;
}

void decode_json_destroy(JsonDecoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    for (DecodeFields *fields = decoder->all; fields != NULL; fields = fields->next) {
        map_destroy(fields->exact);
        map_destroy(fields->any_case);
    }
    decode_simd_destroy(decoder->index);
    decode_simd_destroy(decoder->second_index);
    buffer_done(&decoder->requoted);
    buffer_done(&decoder->scratch);
    buffer_done(&decoder->key_scratch);
}

// ---- keys ------------------------------------------------------------------------------------

static inline uint64_t load_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static uint64_t mask_of(size_t size)
{
    return size >= 8 ? UINT64_MAX : ((uint64_t)1 << size * 8) - 1;
}

static inline bool guess_matches(const Guess *guess, Slice key, const char *readable_end)
{
    if (guess->size != key.size) {
        return false;
    }
    if (key.size <= 16 && key.data + 16 <= readable_end) {
        return (((load_word(key.data) ^ guess->low) & guess->low_mask) |
                ((load_word(key.data + 8) ^ guess->high) & guess->high_mask)) == 0;
    }
    return memcmp(guess->key, key.data, key.size) == 0;
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
    if (place >= GUESS_MAX || key.size > GUESS_KEY_MAX) {
        return;
    }
    Guess *guess = &fields->guesses[place];
    *guess = (Guess){.size = key.size, .slot = slot, .exact = exact};
    memcpy(guess->key, key.data, key.size);
    guess->low = load_word(guess->key);
    guess->high = load_word(guess->key + 8);
    guess->low_mask = mask_of(key.size);
    guess->high_mask = key.size > 8 ? mask_of(key.size - 8) : 0;
    if (place == fields->guess_count) {
        fields->guess_count++;
    }
}

// The slot of the key at the current position (NULL: not wanted), which is stepped over together
// with its colon. *place is where to expect it, and moves on.
static inline bool take_key(JsonDecoder *decoder, DecodeFields *fields, size_t *place,
                            DecodeSlot **slot, bool *exact)
{
    JsonText *text = &decoder->text;
    uint32_t start = text->positions[text->at];
    uint32_t end = text->positions[text->at + 1];
    if (text->base[start] != '"' || end >= text->limit || text->base[end] != ':') {
        return false;
    }
    do {
        end--;
    } while (text->base[end] != '"');
    Slice key = {text->base + start + 1, end - start - 1};
    if (text->has_backslash) {
        const char *unused;
        if (!decode_json_text_string(text, &decoder->key_scratch, &key, &unused)) {
            return false;
        }
        text->at++;
        if (key.data == decoder->key_scratch.data) {
            *slot = find_slot(fields, key, exact);
            return true;
        }
    } else {
        text->at += 2;
    }
    for (size_t i = *place; i < *place + GUESS_LOOKAHEAD && i < fields->guess_count; i++) {
        const Guess *guess = &fields->guesses[i];
        if (guess_matches(guess, key, text->readable_end)) {
            *place = i + 1;
            *slot = guess->slot;
            *exact = guess->exact;
            return true;
        }
    }
    *slot = find_slot(fields, key, exact);
    if (*place <= fields->guess_count) {
        remember(fields, *place, key, *slot, *exact);
        (*place)++;
    }
    return true;
}

// ---- values ----------------------------------------------------------------------------------

// Remembers the first value of the record that did not fit, for the message.
static JsonResult bad_value(JsonDecoder *decoder, const DecodeSlot *slot, uint32_t start)
{
    const JsonText *text = &decoder->text;
    if (decoder->bad_slot == NULL) {
        uint32_t end = text->positions[text->at];
        end = end > text->limit ? text->limit : end;
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

static JsonResult read_string(JsonDecoder *decoder, DecodeSlot *slot, uint64_t row)
{
    uint32_t start = decoder->text.positions[decoder->text.at];
    Slice value;
    const char *readable_end;
    if (!decode_json_text_string(&decoder->text, &decoder->scratch, &value, &readable_end)) {
        return JSON_SYNTAX;
    }
    bool good = false;
    switch (slot->kind) {
    case TYPE_STRING:
        decode_slot_set_text(slot, row, value, readable_end);
        return JSON_OK;
    case TYPE_BINARY:
        good = set_binary(decoder, slot, row, value);
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        good = set_named(slot, row, value);
        break;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
    case TYPE_DECIMAL:
        good = value.size > 0 && decode_slot_parse(slot, row, value, readable_end);
        break;
    default:
        break;
    }
    return good ? JSON_OK : bad_value(decoder, slot, start);
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

static JsonResult read_scalar(JsonDecoder *decoder, DecodeSlot *slot, uint64_t row)
{
    JsonText *text = &decoder->text;
    uint32_t start = text->positions[text->at];
    uint32_t end;
    JsonScalar kind = decode_json_text_scalar(text, &end);
    if (kind == JSON_INVALID) {
        return JSON_SYNTAX;
    }
    text->at++;
    Slice value = {text->base + start, end - start};
    bool good = false;
    if (kind == JSON_NULL) {
        decode_slot_set_null(slot, row);
        return JSON_OK;
    }
    if (slot->kind == TYPE_STRING) {
        decode_slot_set_text(slot, row, value, text->readable_end);
        return JSON_OK;
    }
    if (kind == JSON_TRUE || kind == JSON_FALSE) {
        good = slot->kind == TYPE_BOOLEAN;
        if (good) {
            decode_slot_set_int(slot, row, kind == JSON_TRUE);
        }
    } else {
        good = set_number(slot, row, value, kind);
    }
    return good ? JSON_OK : bad_value(decoder, slot, start);
}

static void fill_missing(DecodeFields *fields, uint64_t row)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->slots[i].row != row) {
            decode_slot_set_null(&fields->slots[i], row);
        }
    }
}

// An object whose keys are fields. Never JSON_BAD: a field that does not fit makes it partial.
static JsonResult read_object(JsonDecoder *decoder, DecodeFields *fields, uint64_t row)
{
    JsonText *text = &decoder->text;
    JsonResult result = JSON_OK;
    size_t place = 0;
    text->at++;
    if (decode_json_text_here(text) == '}') {
        text->at++;
        fill_missing(fields, row);
        return JSON_OK;
    }
    for (;;) {
        DecodeSlot *slot;
        bool exact;
        if (!take_key(decoder, fields, &place, &slot, &exact)) {
            return JSON_SYNTAX;
        }
        if (slot == NULL || (!exact && slot->row == row && slot->exact)) {
            if (!decode_json_text_skip(text, 1)) {
                return JSON_SYNTAX;
            }
        } else {
            JsonResult one = read_value(decoder, slot, row);
            if (one == JSON_SYNTAX) {
                return JSON_SYNTAX;
            }
            result = one == JSON_OK ? result : JSON_PARTIAL;
            slot->exact = exact;
        }
        char c = decode_json_text_here(text);
        if (c != ',' && c != '}') {
            return JSON_SYNTAX;
        }
        text->at++;
        if (c == '}') {
            fill_missing(fields, row);
            return result;
        }
    }
}

// After an entry that does not fit: the rest only has to be JSON.
static bool skip_rest(JsonText *text, char close, bool is_map)
{
    for (;;) {
        char c = decode_json_text_here(text);
        if (c != ',' && c != close) {
            return false;
        }
        text->at++;
        if (c == close) {
            return true;
        }
        if (is_map) {
            if (decode_json_text_here(text) != '"' || !decode_json_text_skip(text, 1) ||
                decode_json_text_here(text) != ':') {
                return false;
            }
            text->at++;
        }
        if (!decode_json_text_skip(text, 1)) {
            return false;
        }
    }
}

static bool read_map_key(JsonDecoder *decoder, DecodeSlot *keys, uint64_t row)
{
    JsonText *text = &decoder->text;
    Slice key;
    const char *readable_end;
    if (decode_json_text_here(text) != '"' ||
        !decode_json_text_string(text, &decoder->scratch, &key, &readable_end) ||
        decode_json_text_here(text) != ':') {
        return false;
    }
    text->at++;
    decode_slot_set_text(keys, row, key, readable_end);
    return true;
}

// ARRAY from [...], MAP from {...}. One entry that does not fit makes the whole NULL, as in Spark.
static JsonResult read_list(JsonDecoder *decoder, DecodeSlot *slot, uint64_t row)
{
    JsonText *text = &decoder->text;
    bool is_map = slot->kind == TYPE_MAP;
    char close = is_map ? '}' : ']';
    DecodeSlot *values = &slot->children[is_map];
    uint64_t start = slot->list_size;
    JsonResult result = JSON_OK;
    text->at++;
    if (decode_json_text_here(text) == close) {
        text->at++;
        decode_slot_list_close(slot, row, start);
        return JSON_OK;
    }
    for (;;) {
        decode_slot_list_extend(slot);
        uint64_t entry = slot->list_size - 1;
        if (is_map && !read_map_key(decoder, &slot->children[0], entry)) {
            return JSON_SYNTAX;
        }
        JsonResult one = read_value(decoder, values, entry);
        if (one == JSON_SYNTAX) {
            return JSON_SYNTAX;
        }
        if (one == JSON_BAD) {
            return skip_rest(text, close, is_map) ? JSON_BAD : JSON_SYNTAX;
        }
        result = one == JSON_OK ? result : JSON_PARTIAL;
        char c = decode_json_text_here(text);
        if (c != ',' && c != close) {
            return JSON_SYNTAX;
        }
        text->at++;
        if (c == close) {
            decode_slot_list_close(slot, row, start);
            return result;
        }
    }
}

static JsonResult read_nested(JsonDecoder *decoder, DecodeSlot *slot, uint64_t row, bool is_object)
{
    JsonText *text = &decoder->text;
    uint32_t start = text->positions[text->at];
    if (is_object && slot->kind == TYPE_STRUCT) {
        if (slot->row == row) {
            decode_slot_undo(slot, row); // the key came twice: nothing of the first stays
        }
        decode_slot_mark(slot, row);
        return read_object(decoder, slot->fields, row);
    }
    if (slot->kind == (is_object ? TYPE_MAP : TYPE_ARRAY)) {
        return read_list(decoder, slot, row);
    }
    if (!decode_json_text_skip(text, 1)) {
        return JSON_SYNTAX;
    }
    if (slot->kind == TYPE_STRING) {
        uint32_t end = text->positions[text->at - 1] + 1;
        Slice raw = {text->base + start, end - start};
        decode_slot_set_text(slot, row, raw, text->readable_end);
        return JSON_OK;
    }
    return bad_value(decoder, slot, start);
}

// A value that does not fit leaves NULL behind, unless the same key had a good one before.
static JsonResult read_value(JsonDecoder *decoder, DecodeSlot *slot, uint64_t row)
{
    JsonResult result;
    char c = decode_json_text_here(&decoder->text);
    if (c == '"') {
        result = read_string(decoder, slot, row);
    } else if (c == '{' || c == '[') {
        result = read_nested(decoder, slot, row, c == '{');
    } else {
        result = read_scalar(decoder, slot, row);
    }
    if (result == JSON_BAD && slot->row != row) {
        decode_slot_set_null(slot, row);
    }
    return result;
}

// ---- records ---------------------------------------------------------------------------------

void decode_json_load(JsonDecoder *decoder, const ReadBlock *block)
{
    decoder->block = *block;
    decoder->line_at = 0;
    decoder->in_array = false;
    decoder->by_line =
        block->is_cut || !decode_json_text_open(&decoder->text, decoder->index, block->text.data,
                                                block->text.size, block->readable_end);
    if (decoder->by_line) {
        decoder->text = (JsonText){0};
    }
}

static bool is_blank(Slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        if ((unsigned char)line.data[i] > ' ') {
            return false;
        }
    }
    return true;
}

static Slice without_return(Slice line)
{
    line.size -= line.size > 0 && line.data[line.size - 1] == '\r';
    return line;
}

// The line around the token at `start`: text in front of it is whitespace.
static Slice line_around(const JsonText *text, uint32_t start)
{
    const char *before = start == 0 ? NULL : memrchr(text->base, '\n', start);
    const char *first = before == NULL ? text->base : before + 1;
    return without_return((Slice){first, (size_t)(text->base + text->limit - first)});
}

// An array of objects, one record each. False: wrong syntax or something else among them.
static bool is_array_of_objects(JsonText *text)
{
    JsonText walk = *text;
    walk.at++;
    while (decode_json_text_here(&walk) == '{') {
        if (!decode_json_text_skip(&walk, 1)) {
            return false;
        }
        char c = decode_json_text_here(&walk);
        walk.at++;
        if (c == ']') {
            return true;
        }
        if (c != ',') {
            return false;
        }
    }
    return decode_json_text_here(&walk) == ']' && walk.at == text->at + 1;
}

// Leaves the line: the block's text goes on behind it.
static void end_line(JsonDecoder *decoder)
{
    decoder->in_array = false;
    if (decoder->is_requoted) {
        decoder->text = decoder->outer;
        decoder->is_requoted = false;
    }
    JsonText *text = &decoder->text;
    while (text->at < text->count && text->positions[text->at] < text->limit) {
        text->at++;
    }
}

static RecordOutcome outcome_of(JsonResult result)
{
    return result == JSON_OK ? RECORD_GOOD : result == JSON_SYNTAX ? RECORD_BROKEN : RECORD_PARTIAL;
}

// One element of an array of objects.
static RecordOutcome read_element(JsonDecoder *decoder, uint64_t row)
{
    JsonText *text = &decoder->text;
    JsonResult result = read_object(decoder, &decoder->root, row);
    if (result == JSON_SYNTAX || decode_json_text_here(text) != ',') {
        end_line(decoder);
    } else {
        text->at++;
    }
    return outcome_of(result);
}

// The record at the current position. *empty: an array without records.
static RecordOutcome read_root(JsonDecoder *decoder, uint64_t row, bool *empty)
{
    JsonText *text = &decoder->text;
    char c = decode_json_text_here(text);
    *empty = false;
    if (c == '{') {
        return outcome_of(read_object(decoder, &decoder->root, row));
    }
    if (c != '[' || !is_array_of_objects(text)) {
        return RECORD_BROKEN;
    }
    text->at++;
    *empty = decode_json_text_here(text) == ']';
    decoder->in_array = !*empty;
    return *empty ? RECORD_GOOD : read_element(decoder, row);
}

// A broken line may have 'single quotes', which Spark reads too.
static RecordOutcome retry_requoted(JsonDecoder *decoder, uint64_t row, bool *empty)
{
    Slice line = decoder->line;
    if (memchr(line.data, '\'', line.size) == NULL) {
        return RECORD_BROKEN;
    }
    decode_json_text_requote(line, &decoder->requoted);
    if (decoder->second_index == NULL) {
        decoder->second_index = decode_simd_create();
    }
    Slice text = buffer_slice(&decoder->requoted);
    JsonText requoted;
    if (!decode_json_text_open(&requoted, decoder->second_index, text.data, text.size,
                               text.data + text.size) ||
        requoted.count == 0) {
        return RECORD_BROKEN;
    }
    requoted.limit = requoted.size - 1;
    for (size_t i = 0; i < decoder->root.count; i++) {
        decode_slot_undo(&decoder->root.slots[i], row);
    }
    decoder->bad_slot = NULL;
    decoder->outer = decoder->text;
    decoder->text = requoted;
    decoder->is_requoted = true;
    return read_root(decoder, row, empty);
}

static bool next_line(JsonDecoder *decoder, DecodeRecord *record);

// Puts the decoder on the next record's first token. False: none left, or *record has one already.
static bool next_start(JsonDecoder *decoder, DecodeRecord *record)
{
    JsonText *text = &decoder->text;
    if (text->at >= text->count) {
        return decoder->by_line && next_line(decoder, record);
    }
    uint32_t start = text->positions[text->at];
    const char *newline = memchr(text->base + start, '\n', text->size - start);
    text->limit = (uint32_t)(newline - text->base);
    return true;
}

// Without an index of the block: opens the next line that is not blank.
// False: none left, or the line itself has no index, which is then a broken record.
static bool next_line(JsonDecoder *decoder, DecodeRecord *record)
{
    Slice all = decoder->block.text;
    while (decoder->line_at < all.size) {
        const char *start = all.data + decoder->line_at;
        const char *newline = memchr(start, '\n', all.size - decoder->line_at);
        size_t size = (size_t)(newline - start) + 1;
        decoder->line_at += size;
        Slice line = without_return((Slice){start, size - 1});
        if (is_blank(line)) {
            continue;
        }
        decoder->line = line;
        if (!decoder->block.is_cut && decode_json_text_open(&decoder->text, decoder->index, start,
                                                            size, decoder->block.readable_end)) {
            return next_start(decoder, record);
        }
        decoder->text = (JsonText){.base = start, .size = (uint32_t)size};
        record->outcome = RECORD_BROKEN;
        record->line = line;
        record->problem =
            decoder->block.is_cut ? "the line is longer than 64 MB" : "not JSON, or not UTF-8";
        return false;
    }
    return false;
}

bool decode_json_next(JsonDecoder *decoder, uint64_t row, DecodeRecord *record)
{
    *record = (DecodeRecord){0};
    decoder->bad_slot = NULL;
    bool empty = true;
    while (empty) {
        if (decoder->in_array) {
            record->outcome = read_element(decoder, row);
            break;
        }
        if (!next_start(decoder, record)) {
            if (record->problem == NULL) {
                return false;
            }
            RecordOutcome again =
                decoder->block.is_cut ? RECORD_BROKEN : retry_requoted(decoder, row, &empty);
            if (again != RECORD_BROKEN) {
                record->problem = NULL;
                record->outcome = again;
            }
            empty = again != RECORD_BROKEN && empty;
        } else {
            uint32_t start = decoder->text.positions[decoder->text.at];
            record->outcome = read_root(decoder, row, &empty);
            if (record->outcome != RECORD_GOOD || decoder->in_array) {
                decoder->line = line_around(&decoder->text, start);
            }
            if (record->outcome == RECORD_BROKEN) {
                record->outcome = retry_requoted(decoder, row, &empty);
                record->problem = "not a JSON object";
            }
        }
        if (!decoder->in_array) {
            end_line(decoder);
        }
    }
    record->line = decoder->line;
    record->bad_slot = decoder->bad_slot;
    record->bad_text = decoder->bad_text;
    return true;
}
