// json_tree.c -- a strict JSON reader for Spark's JSON functions.
// SPDX-License-Identifier: Apache-2.0
#include "sql/json_tree.h"

#include <stdlib.h>

#include "sql/format_internal.h"

typedef struct Reader {
    Arena *arena;
    Slice text;
    size_t at;
    int depth;
    Buffer scratch;
} Reader;

static JsonTree *read_value(Reader *reader);

static void skip_blanks(Reader *reader)
{
    while (reader->at < reader->text.size &&
           memchr(" \t\r\n", reader->text.data[reader->at], 4) != NULL) {
        reader->at++;
    }
}

static bool take(Reader *reader, char c)
{
    skip_blanks(reader);
    if (reader->at < reader->text.size && reader->text.data[reader->at] == c) {
        reader->at++;
        return true;
    }
    return false;
}

static bool read_hex(Reader *reader, uint32_t *code)
{
    *code = 0;
    if (reader->at + 4 > reader->text.size) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        char c = reader->text.data[reader->at++];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 99;
        if (digit == 99) {
            return false;
        }
        *code = *code * 16 + digit;
    }
    return true;
}

static void append_code(Buffer *out, uint32_t code)
{
    if (code < 0x80) {
        buffer_append_char(out, (char)code);
    } else if (code < 0x800) {
        buffer_append_char(out, (char)(0xC0 | code >> 6));
        buffer_append_char(out, (char)(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        buffer_append_char(out, (char)(0xE0 | code >> 12));
        buffer_append_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
        buffer_append_char(out, (char)(0x80 | (code & 0x3F)));
    } else {
        buffer_append_char(out, (char)(0xF0 | code >> 18));
        buffer_append_char(out, (char)(0x80 | (code >> 12 & 0x3F)));
        buffer_append_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
        buffer_append_char(out, (char)(0x80 | (code & 0x3F)));
    }
}

static bool read_escape(Reader *reader)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (reader->at == reader->text.size) {
        return false;
    }
    char c = reader->text.data[reader->at++];
    const char *simple = c == '\0' ? NULL : strchr(from, c);
    if (simple != NULL) {
        buffer_append_char(&reader->scratch, to[simple - from]);
        return true;
    }
    uint32_t code;
    if (c != 'u' || !read_hex(reader, &code)) {
        return false;
    }
    bool high = code >= 0xD800 && code < 0xDC00;
    if (high && reader->at + 6 <= reader->text.size && reader->text.data[reader->at] == '\\' &&
        reader->text.data[reader->at + 1] == 'u') {
        uint32_t low;
        reader->at += 2;
        if (!read_hex(reader, &low) || low < 0xDC00 || low > 0xDFFF) {
            return false;
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xD800 && code <= 0xDFFF) {
        code = '?'; // half a pair
    }
    append_code(&reader->scratch, code);
    return true;
}

static bool read_string(Reader *reader, Slice *text)
{
    if (!take(reader, '"')) {
        return false;
    }
    buffer_reset(&reader->scratch);
    while (reader->at < reader->text.size) {
        char c = reader->text.data[reader->at++];
        if (c == '"') {
            *text = arena_copy(reader->arena, buffer_slice(&reader->scratch));
            return true;
        }
        if ((unsigned char)c < 0x20 || (c == '\\' && !read_escape(reader))) {
            return false;
        }
        if (c != '\\') {
            buffer_append_char(&reader->scratch, c);
        }
    }
    return false;
}

static size_t skip_digits(Reader *reader)
{
    size_t start = reader->at;
    while (reader->at < reader->text.size && reader->text.data[reader->at] >= '0' &&
           reader->text.data[reader->at] <= '9') {
        reader->at++;
    }
    return reader->at - start;
}

static bool at_char(const Reader *reader, char c)
{
    return reader->at < reader->text.size && reader->text.data[reader->at] == c;
}

static bool read_number(Reader *reader, Slice *text)
{
    size_t start = reader->at;
    reader->at += at_char(reader, '-') ? 1 : 0;
    bool zero = at_char(reader, '0');
    size_t digits = skip_digits(reader);
    if (digits == 0 || (zero && digits > 1)) {
        return false;
    }
    if (at_char(reader, '.')) {
        reader->at++;
        if (skip_digits(reader) == 0) {
            return false;
        }
    }
    if (at_char(reader, 'e') || at_char(reader, 'E')) {
        reader->at++;
        reader->at += at_char(reader, '-') || at_char(reader, '+') ? 1 : 0;
        if (skip_digits(reader) == 0) {
            return false;
        }
    }
    *text = arena_copy(reader->arena, (Slice){reader->text.data + start, reader->at - start});
    return true;
}

static bool read_word(Reader *reader, const char *word)
{
    size_t size = strlen(word);
    if (reader->at + size > reader->text.size ||
        memcmp(reader->text.data + reader->at, word, size) != 0) {
        return false;
    }
    reader->at += size;
    return true;
}

static bool read_members(Reader *reader, JsonTree *tree, char close)
{
    JsonTree **link = &tree->first;
    reader->at++;
    if (take(reader, close)) {
        return true;
    }
    do {
        Slice name = {0};
        if (tree->kind == JSON_OBJECT && (!read_string(reader, &name) || !take(reader, ':'))) {
            return false;
        }
        JsonTree *child = read_value(reader);
        if (child == NULL) {
            return false;
        }
        child->name = name;
        *link = child;
        link = &child->next;
        tree->count++;
    } while (take(reader, ','));
    return take(reader, close);
}

static JsonTree *read_value(Reader *reader)
{
    skip_blanks(reader);
    if (reader->at == reader->text.size || ++reader->depth > JSON_MAX_DEPTH) {
        return NULL;
    }
    JsonTree *tree = ARENA_NEW(reader->arena, JsonTree);
    bool ok;
    switch (reader->text.data[reader->at]) {
    case '{':
        tree->kind = JSON_OBJECT;
        ok = read_members(reader, tree, '}');
        break;
    case '[':
        tree->kind = JSON_ARRAY;
        ok = read_members(reader, tree, ']');
        break;
    case '"':
        tree->kind = JSON_STRING;
        ok = read_string(reader, &tree->text);
        break;
    case 't':
        tree->kind = JSON_TRUE;
        ok = read_word(reader, "true");
        break;
    case 'f':
        tree->kind = JSON_FALSE;
        ok = read_word(reader, "false");
        break;
    case 'n':
        tree->kind = JSON_NULL;
        ok = read_word(reader, "null");
        break;
    default:
        tree->kind = JSON_NUMBER;
        ok = read_number(reader, &tree->text);
        break;
    }
    reader->depth--;
    return ok ? tree : NULL;
}

JsonTree *json_tree_parse(Arena *arena, Slice text, bool *rest_is_empty)
{
    Reader reader = {.arena = arena, .text = text};
    JsonTree *tree = read_value(&reader);
    skip_blanks(&reader);
    *rest_is_empty = reader.at == text.size;
    buffer_done(&reader.scratch);
    return tree;
}

static void print_number(Slice text, Buffer *out)
{
    bool whole = true;
    for (size_t i = 0; i < text.size; i++) {
        whole &= text.data[i] != '.' && text.data[i] != 'e' && text.data[i] != 'E';
    }
    if (whole) {
        buffer_append(out, text);
        return;
    }
    char copy[64] = {0};
    memcpy(copy, text.data, text.size < sizeof copy - 1 ? text.size : sizeof copy - 1);
    format_double(strtod(copy, NULL), out);
}

void json_tree_print(const JsonTree *tree, Buffer *out)
{
    static const char *const words[] = {"null", "true", "false"};
    switch (tree->kind) {
    case JSON_NUMBER:
        print_number(tree->text, out);
        return;
    case JSON_STRING:
        buffer_append_json(out, tree->text);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    default:
        buffer_append_text(out, words[tree->kind]);
        return;
    }
    bool object = tree->kind == JSON_OBJECT;
    buffer_append_char(out, object ? '{' : '[');
    for (const JsonTree *child = tree->first; child != NULL; child = child->next) {
        if (object) {
            buffer_append_json(out, child->name);
            buffer_append_char(out, ':');
        }
        json_tree_print(child, out);
        buffer_append_text(out, child->next != NULL ? "," : "");
    }
    buffer_append_char(out, object ? '}' : ']');
}

const JsonTree *json_tree_member(const JsonTree *object, Slice name)
{
    const JsonTree *found = NULL;
    for (const JsonTree *child = object->first; child != NULL; child = child->next) {
        if (slice_equal(child->name, name)) {
            found = child;
        }
    }
    return found;
}

const JsonTree *json_tree_element(const JsonTree *array, size_t index)
{
    const JsonTree *child = array->first;
    for (; child != NULL && index > 0; index--) {
        child = child->next;
    }
    return child;
}
