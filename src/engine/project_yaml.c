// SPDX-License-Identifier: Apache-2.0
#include "engine/project_yaml.h"

#include <stdio.h>
#include <yaml.h>

enum {
    DEPTH_MAX = 32,
    NODES_MAX = 20000, // aliases can make a small file large
};

typedef struct Reader {
    Arena *arena;
    Diagnostics *diagnostics;
    uint32_t source;
    Slice text;
    uint32_t *offsets; // libyaml counts characters, Pos counts bytes
    size_t character_count;
    yaml_document_t document;
    size_t node_count;
    bool is_too_large; // said once
} Reader;

static void index_characters(Reader *reader)
{
    reader->offsets = ARENA_ARRAY(reader->arena, uint32_t, reader->text.size + 1);
    size_t count = 0;
    for (size_t i = 0; i < reader->text.size; i++) {
        if (((unsigned char)reader->text.data[i] & 0xc0) != 0x80) {
            reader->offsets[count++] = (uint32_t)i;
        }
    }
    reader->offsets[count] = (uint32_t)reader->text.size;
    reader->character_count = count;
}

static uint32_t offset_of(const Reader *reader, size_t character)
{
    size_t last = reader->character_count;
    return reader->offsets[character < last ? character : last];
}

static Pos pos_of(const Reader *reader, const yaml_node_t *node)
{
    uint32_t start = offset_of(reader, node->start_mark.index);
    uint32_t end = offset_of(reader, node->end_mark.index);
    if (node->type != YAML_SCALAR_NODE) {
        // A block's end is where the next one starts: show its first line only.
        const char *line = reader->text.data + start;
        const char *stop = memchr(line, '\n', reader->text.size - start);
        uint32_t line_end =
            stop == NULL ? (uint32_t)reader->text.size : (uint32_t)(stop - reader->text.data);
        end = end < line_end ? end : line_end;
    }
    return (Pos){reader->source, start, end > start ? end : start};
}

static bool is_null(const yaml_node_t *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp((const char *)node->data.scalar.value, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void convert(Reader *reader, int index, int depth, YamlNode *out);

static void convert_scalar(Reader *reader, const yaml_node_t *node, YamlNode *out)
{
    const char *value = (const char *)node->data.scalar.value;
    size_t size = node->data.scalar.length;
    out->kind = is_null(node) ? YAML_NULL : YAML_SCALAR;
    out->text = arena_text(reader->arena, (Slice){value, size});
    out->is_quoted = node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (memchr(value, '\0', size) != NULL) {
        diagnose(reader->diagnostics, out->pos, NULL, NULL, "a value cannot hold a NUL character");
    }
}

static void convert_list(Reader *reader, const yaml_node_t *node, int depth, YamlNode *out)
{
    const yaml_node_item_t *items = node->data.sequence.items.start;
    size_t count = (size_t)(node->data.sequence.items.top - items);
    out->kind = YAML_LIST;
    out->items = ARENA_ARRAY(reader->arena, YamlNode, count);
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        convert(reader, items[i], depth + 1, &out->items[i]);
    }
}

static void convert_map(Reader *reader, const yaml_node_t *node, int depth, YamlNode *out)
{
    const yaml_node_pair_t *pairs = node->data.mapping.pairs.start;
    size_t count = (size_t)(node->data.mapping.pairs.top - pairs);
    out->kind = YAML_MAP;
    out->items = ARENA_ARRAY(reader->arena, YamlNode, count);
    out->keys = ARENA_ARRAY(reader->arena, const char *, count);
    out->key_pos = ARENA_ARRAY(reader->arena, Pos, count);
    Map *seen = map_create(false);
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *key = yaml_document_get_node(&reader->document, pairs[i].key);
        Pos pos = pos_of(reader, key);
        if (key->type != YAML_SCALAR_NODE) {
            diagnose(reader->diagnostics, pos, NULL, NULL, "a key must be plain text");
            continue;
        }
        Slice name = {(const char *)key->data.scalar.value, key->data.scalar.length};
        if (map_has(seen, name)) {
            diagnose(reader->diagnostics, pos, NULL, "remove one of the two",
                     "the key '%.*s' is given twice", SLICE_ARG(name));
            continue;
        }
        map_put(seen, name, out);
        out->keys[out->count] = arena_text(reader->arena, name);
        out->key_pos[out->count] = pos;
        convert(reader, pairs[i].value, depth + 1, &out->items[out->count]);
        out->count++;
    }
    map_destroy(seen);
}

static void convert(Reader *reader, int index, int depth, YamlNode *out)
{
    const yaml_node_t *node = yaml_document_get_node(&reader->document, index);
    out->pos = pos_of(reader, node);
    reader->node_count++;
    if (depth > DEPTH_MAX || reader->node_count > NODES_MAX) {
        if (!reader->is_too_large) {
            reader->is_too_large = true;
            diagnose(reader->diagnostics, out->pos, NULL, NULL,
                     "nested too deeply, or too many aliases (limits: %d levels, %d values)",
                     DEPTH_MAX, NODES_MAX);
        }
        return;
    }
    switch (node->type) {
    case YAML_SCALAR_NODE:
        convert_scalar(reader, node, out);
        break;
    case YAML_SEQUENCE_NODE:
        convert_list(reader, node, depth, out);
        break;
    case YAML_MAPPING_NODE:
        convert_map(reader, node, depth, out);
        break;
    default:
        break;
    }
}

// The line of the file around byte `at` holds `word`.
static bool line_holds(const Reader *reader, uint32_t at, const char *word)
{
    const char *text = reader->text.data;
    size_t start = at;
    while (start > 0 && text[start - 1] != '\n') {
        start--;
    }
    const char *found = memmem(text + start, reader->text.size - start, word, strlen(word));
    return found != NULL && memchr(text + start, '\n', (size_t)(found - text) - start) == NULL;
}

static void report_syntax(Reader *reader, const yaml_parser_t *parser)
{
    const char *problem = parser->problem == NULL ? "cannot be read" : parser->problem;
    uint32_t start = offset_of(reader, parser->problem_mark.index);
    if (parser->error == YAML_READER_ERROR) { // problem_offset is in bytes there
        start = parser->problem_offset < reader->text.size ? (uint32_t)parser->problem_offset : 0;
    }
    Pos pos = {reader->source, start, start};
    const char *hint = NULL;
    if (strstr(problem, "start any token") != NULL) {
        hint = "indent with spaces, not tabs; quote values that begin with @, ` or %";
    } else if (line_holds(reader, start, "${")) {
        hint = "inside {} and [], quote values that hold ${...}";
    }
    if (parser->context != NULL) {
        diagnose(reader->diagnostics, pos, NULL, hint, "not valid YAML: %s, %s", parser->context,
                 problem);
    } else {
        diagnose(reader->diagnostics, pos, NULL, hint, "not valid YAML: %s", problem);
    }
}

// Loads the only document. False after a syntax error (then there is nothing to delete).
static bool load(Reader *reader, yaml_parser_t *parser, bool *has_more)
{
    if (!yaml_parser_load(parser, &reader->document)) {
        report_syntax(reader, parser);
        return false;
    }
    if (yaml_document_get_root_node(&reader->document) == NULL) {
        return true;
    }
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second)) {
        report_syntax(reader, parser);
        yaml_document_delete(&reader->document);
        return false;
    }
    *has_more = yaml_document_get_root_node(&second) != NULL;
    yaml_document_delete(&second);
    return true;
}

const YamlNode *project_yaml_parse(Arena *arena, Diagnostics *diagnostics, uint32_t source)
{
    Reader reader = {.arena = arena, .diagnostics = diagnostics, .source = source};
    reader.text = sql_sources_text(diagnostics->sources, source);
    index_characters(&reader);

    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        diagnose(diagnostics, (Pos){source, 0, 0}, NULL, NULL, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)reader.text.data,
                                 reader.text.size);
    YamlNode *root = NULL;
    bool has_more = false;
    if (!load(&reader, &parser, &has_more)) {
        goto out;
    }
    root = ARENA_NEW(arena, YamlNode);
    *root = (YamlNode){.kind = YAML_MAP, .pos = {source, 0, 0}};
    if (yaml_document_get_root_node(&reader.document) != NULL) {
        convert(&reader, 1, 0, root);
    }
    if (root->kind == YAML_NULL) {
        root->kind = YAML_MAP;
    }
    if (has_more) {
        diagnose(diagnostics, root->pos, NULL, "remove the line '---' and what follows",
                 "the file holds more than one YAML document");
    }
    yaml_document_delete(&reader.document);

out:
    yaml_parser_delete(&parser);
    return root;
}

const YamlNode *project_yaml_find(const YamlNode *map, const char *key)
{
    if (map == NULL || map->kind != YAML_MAP) {
        return NULL;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->keys[i], key) == 0) {
            return &map->items[i];
        }
    }
    return NULL;
}

const char *project_yaml_kind(const YamlNode *node)
{
    static const char *const words[] = {[YAML_NULL] = "nothing",
                                        [YAML_SCALAR] = "text",
                                        [YAML_LIST] = "a list",
                                        [YAML_MAP] = "keys"};
    return words[node->kind];
}

const char *project_yaml_library(void)
{
    static char text[48]; // written with the same bytes by every caller
    snprintf(text, sizeof text, "libyaml %s", yaml_get_version_string());
    return text;
}
