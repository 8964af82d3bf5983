// SPDX-License-Identifier: Apache-2.0
#include "stream/session_set.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/map.h"

enum { FIRST_SLOTS = 1024 };

struct SessionSet {
    Buffer bytes; // of keys
    SessionKey *keys;
    size_t key_count;
    size_t key_capacity;
    Session *sessions;
    size_t session_count;
    size_t session_capacity;
    bool has_parts;
    uint32_t *slots;   // key + 1; 0: free
    size_t slot_count; // a power of two
};

static void *grown(void *memory, size_t count, size_t size)
{
    void *more = realloc(memory, count * size);
    if (more == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    return more;
}

SessionSet *session_set_create(void)
{
    SessionSet *set = grown(NULL, 1, sizeof *set);
    *set = (SessionSet){.slot_count = FIRST_SLOTS};
    set->slots = grown(NULL, FIRST_SLOTS, sizeof *set->slots);
    memset(set->slots, 0, FIRST_SLOTS * sizeof *set->slots);
    return set;
}

void session_set_destroy(SessionSet *set)
{
    if (set == NULL) {
        return;
    }
    buffer_done(&set->bytes);
    free(set->keys);
    free(set->sessions);
    free(set->slots);
    free(set);
}

void session_set_clear(SessionSet *set)
{
    if (set->key_count == 0) {
        return;
    }
    size_t kept = set->bytes.capacity + set->key_capacity * sizeof *set->keys +
                  set->session_capacity * sizeof *set->sessions;
    if (kept > SESSION_SET_KEEP_BYTES) {
        buffer_done(&set->bytes);
        free(set->keys);
        free(set->sessions);
        set->keys = NULL;
        set->key_capacity = 0;
        set->sessions = NULL;
        set->session_capacity = 0;
        set->slot_count = FIRST_SLOTS;
        set->slots = grown(set->slots, FIRST_SLOTS, sizeof *set->slots);
    }
    buffer_reset(&set->bytes);
    set->key_count = 0;
    set->session_count = 0;
    set->has_parts = false;
    memset(set->slots, 0, set->slot_count * sizeof *set->slots);
}

// ---- keys --------------------------------------------------------------------------------------

static void grow_slots(SessionSet *set)
{
    set->slot_count *= 2;
    set->slots = grown(set->slots, set->slot_count, sizeof *set->slots);
    memset(set->slots, 0, set->slot_count * sizeof *set->slots);
    for (size_t key = 0; key < set->key_count; key++) {
        size_t slot = set->keys[key].hash & (set->slot_count - 1);
        while (set->slots[slot] != 0) {
            slot = (slot + 1) & (set->slot_count - 1);
        }
        set->slots[slot] = (uint32_t)key + 1;
    }
}

uint64_t session_set_hash(Slice bytes)
{
    return hash_bytes(bytes.data, bytes.size, 0);
}

void session_set_expect_keys(const SessionSet *set, const uint64_t *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch(&set->slots[hashes[i] & (set->slot_count - 1)]);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = set->slots[hashes[i] & (set->slot_count - 1)];
        if (slot != 0) {
            __builtin_prefetch(&set->keys[slot - 1]);
        }
    }
}

void session_set_expect_rows(const SessionSet *set, const uint32_t *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t tree = set->keys[keys[i]].tree;
        if (tree != SESSION_NONE) {
            __builtin_prefetch(&set->sessions[tree], 1);
        }
    }
}

uint32_t session_set_key(SessionSet *set, Slice bytes, uint64_t hash, bool *is_new)
{
    if ((set->key_count + 1) * 2 > set->slot_count) {
        grow_slots(set);
    }
    size_t slot = hash & (set->slot_count - 1);
    for (; set->slots[slot] != 0; slot = (slot + 1) & (set->slot_count - 1)) {
        uint32_t number = set->slots[slot] - 1;
        if (set->keys[number].hash == hash &&
            slice_equal(session_set_key_bytes(set, number), bytes)) {
            *is_new = false;
            return number;
        }
    }
    if (set->key_count == set->key_capacity) {
        set->key_capacity = set->key_capacity == 0 ? 256 : set->key_capacity * 2;
        set->keys = grown(set->keys, set->key_capacity, sizeof *set->keys);
    }
    uint32_t number = (uint32_t)set->key_count++;
    set->keys[number] = (SessionKey){.hash = hash,
                                     .offset = set->bytes.size,
                                     .size = (uint32_t)bytes.size,
                                     .tree = SESSION_NONE,
                                     .first_open = (uint32_t)set->session_count};
    buffer_append(&set->bytes, bytes);
    set->slots[slot] = number + 1;
    *is_new = true;
    return number;
}

// ---- the tree of a key's sessions: a treap by start --------------------------------------------

static uint32_t priority(uint32_t number)
{
    uint32_t mixed = (number + 1) * 2654435761U;
    return mixed ^ mixed >> 15;
}

// Sessions that start before `start`, and the others.
static void split(SessionSet *set, uint32_t tree, TimeUs start, uint32_t *before, uint32_t *rest)
{
    if (tree == SESSION_NONE) {
        *before = SESSION_NONE;
        *rest = SESSION_NONE;
    } else if (set->sessions[tree].start < start) {
        split(set, set->sessions[tree].right, start, &set->sessions[tree].right, rest);
        *before = tree;
    } else {
        split(set, set->sessions[tree].left, start, before, &set->sessions[tree].left);
        *rest = tree;
    }
}

static uint32_t join(SessionSet *set, uint32_t before, uint32_t after)
{
    if (before == SESSION_NONE || after == SESSION_NONE) {
        return before == SESSION_NONE ? after : before;
    }
    if (priority(before) > priority(after)) {
        set->sessions[before].right = join(set, set->sessions[before].right, after);
        return before;
    }
    set->sessions[after].left = join(set, before, set->sessions[after].left);
    return after;
}

static uint32_t take_last(SessionSet *set, uint32_t *tree)
{
    uint32_t *link = tree;
    while (set->sessions[*link].right != SESSION_NONE) {
        link = &set->sessions[*link].right;
    }
    uint32_t number = *link;
    *link = set->sessions[number].left;
    return number;
}

static uint32_t last_of(const SessionSet *set, uint32_t tree)
{
    while (tree != SESSION_NONE && set->sessions[tree].right != SESSION_NONE) {
        tree = set->sessions[tree].right;
    }
    return tree;
}

// The last session that starts at or before `time`.
static uint32_t find_at(const SessionSet *set, uint32_t tree, TimeUs time)
{
    uint32_t found = SESSION_NONE;
    while (tree != SESSION_NONE) {
        if (set->sessions[tree].start <= time) {
            found = tree;
            tree = set->sessions[tree].right;
        } else {
            tree = set->sessions[tree].left;
        }
    }
    return found;
}

// ---- sessions ----------------------------------------------------------------------------------

static uint32_t make_session(SessionSet *set, uint32_t key, TimeUs start, TimeUs end)
{
    if (set->session_count == set->session_capacity) {
        set->session_capacity = set->session_capacity == 0 ? 256 : set->session_capacity * 2;
        set->sessions = grown(set->sessions, set->session_capacity, sizeof *set->sessions);
    }
    uint32_t number = (uint32_t)set->session_count++;
    set->sessions[number] = (Session){.start = start,
                                      .end = end,
                                      .first = start,
                                      .parent = number,
                                      .key = key,
                                      .left = SESSION_NONE,
                                      .right = SESSION_NONE,
                                      .next = SESSION_NONE,
                                      .last = number,
                                      .rows = SESSION_NONE};
    return number;
}

uint32_t session_set_open(SessionSet *set, uint32_t key, TimeUs start, TimeUs end)
{
    uint32_t number = make_session(set, key, start, end);
    set->sessions[number].was_open = true;
    SessionKey *of = &set->keys[key];
    of->first_open = of->open_count++ == 0 ? number : of->first_open;
    of->session_count++;
    of->tree = join(set, of->tree, number);
    return number;
}

uint32_t session_set_find(SessionSet *set, uint32_t number)
{
    Session *sessions = set->sessions;
    while (sessions[number].parent != number) {
        sessions[number].parent = sessions[sessions[number].parent].parent;
        number = sessions[number].parent;
    }
    return number;
}

static void unite(SessionSet *set, uint32_t root, uint32_t other)
{
    Session *into = &set->sessions[root];
    Session *from = &set->sessions[other];
    into->start = from->start < into->start ? from->start : into->start;
    into->end = from->end > into->end ? from->end : into->end;
    into->has_rows |= from->has_rows;
    into->rows = into->rows == SESSION_NONE ? from->rows : into->rows;
    set->sessions[into->last].next = other;
    into->last = from->last;
    from->parent = root;
    set->has_parts = true;
}

// The part of a session that gathers a row: the open session that starts last before the row, or
// the session's part of rows alone.
static uint32_t part_of(SessionSet *set, uint32_t root, TimeUs start)
{
    const SessionKey *key = &set->keys[set->sessions[root].key];
    uint32_t low = key->first_open;
    uint32_t high = key->first_open + key->open_count;
    while (low < high) { // the first that starts after the row
        uint32_t middle = low + (high - low) / 2;
        if (set->sessions[middle].first <= start) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > key->first_open && session_set_find(set, low - 1) == root) {
        return low - 1;
    }
    if (set->sessions[root].rows == SESSION_NONE) {
        uint32_t part = make_session(set, set->sessions[root].key, start, start);
        Session *of = &set->sessions[root];
        set->sessions[part].parent = root;
        set->sessions[of->last].next = part;
        of->last = part;
        of->rows = part;
        set->has_parts = true;
    }
    return set->sessions[root].rows;
}

// One session of the row and all that it overlaps or touches.
static uint32_t grow_together(SessionSet *set, uint32_t key, TimeUs start, TimeUs end)
{
    uint32_t before;
    uint32_t after;
    split(set, set->keys[key].tree, end < TIME_NEVER ? end + 1 : end, &before, &after);
    uint32_t root = SESSION_NONE;
    for (uint32_t last = last_of(set, before);
         last != SESSION_NONE && set->sessions[last].end >= start; last = last_of(set, before)) {
        uint32_t number = take_last(set, &before);
        if (root == SESSION_NONE) {
            root = number;
        } else {
            unite(set, root, number);
            set->keys[key].session_count--;
        }
    }
    if (root == SESSION_NONE) {
        root = make_session(set, key, start, end);
        set->sessions[root].rows = root;
        set->keys[key].session_count++;
    }
    Session *session = &set->sessions[root];
    session->start = start < session->start ? start : session->start;
    session->end = end > session->end ? end : session->end;
    session->left = SESSION_NONE;
    session->right = SESSION_NONE;
    set->keys[key].tree = join(set, join(set, before, root), after);
    return root;
}

uint32_t session_set_add(SessionSet *set, uint32_t key, TimeUs start, TimeUs end)
{
    set->keys[key].has_rows = true;
    uint32_t root = find_at(set, set->keys[key].tree, end);
    bool extends = root != SESSION_NONE && set->sessions[root].start <= start &&
                   set->sessions[root].end >= start;
    if (extends) {
        Session *session = &set->sessions[root];
        session->end = end > session->end ? end : session->end;
    } else {
        root = grow_together(set, key, start, end);
    }
    set->sessions[root].has_rows = true;
    return part_of(set, root, start);
}

// ---- reading -----------------------------------------------------------------------------------

size_t session_set_key_count(const SessionSet *set)
{
    return set->key_count;
}

SessionKey *session_set_key_at(SessionSet *set, uint32_t key)
{
    return &set->keys[key];
}

Session *session_set_at(SessionSet *set, uint32_t number)
{
    return &set->sessions[number];
}

Slice session_set_key_bytes(const SessionSet *set, uint32_t key)
{
    return (Slice){set->bytes.data + set->keys[key].offset, set->keys[key].size};
}

bool session_set_has_parts(const SessionSet *set)
{
    return set->has_parts;
}

static uint32_t *list_tree(const SessionSet *set, uint32_t tree, uint32_t *at)
{
    if (tree == SESSION_NONE) {
        return at;
    }
    at = list_tree(set, set->sessions[tree].left, at);
    *at++ = tree;
    return list_tree(set, set->sessions[tree].right, at);
}

void session_set_list(const SessionSet *set, uint32_t key, uint32_t *numbers)
{
    list_tree(set, set->keys[key].tree, numbers);
}
