// json_tree.h -- one JSON value as a tree in an arena, numbers kept as text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/buffer.h"

typedef enum JsonKind {
    JSON_NULL,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} JsonKind;

typedef struct JsonTree JsonTree;
struct JsonTree {
    JsonKind kind;
    Slice text; // NUMBER as written, STRING unescaped
    Slice name; // of a member of an object
    JsonTree *first;
    JsonTree *next;
    size_t count;
};

enum { JSON_MAX_DEPTH = 200 };

// NULL when the text is no JSON. *rest_is_empty: nothing but blanks follows the value.
JsonTree *json_tree_parse(Arena *arena, Slice text, bool *rest_is_empty);
// Compact, with numbers as Jackson copies them (1.50 becomes 1.5, 1e3 becomes 1000.0).
void json_tree_print(const JsonTree *tree, Buffer *out);
// The last member of that name, or NULL.
const JsonTree *json_tree_member(const JsonTree *object, Slice name);
const JsonTree *json_tree_element(const JsonTree *array, size_t index);
