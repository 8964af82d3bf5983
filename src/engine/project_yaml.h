// project_yaml.h -- a YAML file as a tree whose every node knows where it stands.
//
// The only file that includes libyaml is project_yaml.c. Scalars are kept as written: ${VAR} is
// expanded by whoever reads a value (engine/project_env.h), so that a profile that is not in use
// does not need its variables. Syntax errors, duplicate keys, keys that are not plain text, and
// nesting or aliases without end are problems; a file may hold one document.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/diagnostic.h"

typedef enum YamlKind {
    YAML_NULL, // nothing, ~ or null
    YAML_SCALAR,
    YAML_LIST,
    YAML_MAP,
} YamlKind;

typedef struct YamlNode YamlNode;
struct YamlNode {
    YamlKind kind;
    Pos pos;          // a map or list: its first line
    const char *text; // SCALAR
    bool is_quoted;   // SCALAR: '' or "", so never a number or a boolean
    YamlNode *items;  // LIST: elements; MAP: values
    size_t count;
    const char **keys; // MAP
    Pos *key_pos;
};

// Parses the text of `source`; NULL when there was a syntax error (a problem then). An empty file
// is an empty MAP. The tree lives in the arena.
const YamlNode *project_yaml_parse(Arena *arena, Diagnostics *diagnostics, uint32_t source);
const YamlNode *project_yaml_find(const YamlNode *map, const char *key); // NULL: none
const char *project_yaml_kind(const YamlNode *node);                     // "a list", "text" ...
const char *project_yaml_library(void);                                  // "libyaml 0.2.5"
