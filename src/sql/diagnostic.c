// SPDX-License-Identifier: Apache-2.0
#include "sql/diagnostic.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LINE_NUMBER_WIDTH = 5,
    RECENT_PROBLEMS = 32, // how far back an equal problem is looked for
};

typedef struct SqlSource {
    const char *path;
    Slice text;
} SqlSource;

struct SqlSources {
    Arena *arena;
    SqlSource *items;
    size_t count;
    size_t capacity;
};

SqlSources *sql_sources_create(Arena *arena)
{
    SqlSources *sources = ARENA_NEW(arena, SqlSources);
    sources->arena = arena;
    return sources;
}

uint32_t sql_sources_add(SqlSources *sources, const char *path, Slice text)
{
    SqlSource source = {arena_text(sources->arena, slice_of(path)),
                        arena_copy(sources->arena, text)};
    ARENA_PUSH(sources->arena, sources->items, sources->count, sources->capacity, source);
    return (uint32_t)(sources->count - 1);
}

const char *sql_sources_path(const SqlSources *sources, uint32_t source)
{
    return source < sources->count ? sources->items[source].path : "";
}

Slice sql_sources_text(const SqlSources *sources, uint32_t source)
{
    return source < sources->count ? sources->items[source].text : (Slice){"", 0};
}

static size_t line_start(Slice text, size_t at)
{
    while (at > 0 && text.data[at - 1] != '\n') {
        at--;
    }
    return at;
}

static size_t line_end(Slice text, size_t at)
{
    while (at < text.size && text.data[at] != '\n') {
        at++;
    }
    return at > 0 && at <= text.size && text.data[at - 1] == '\r' ? at - 1 : at;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t clamp(Slice text, uint32_t offset)
{
    return offset < text.size ? offset : text.size;
}

void sql_sources_locate(const SqlSources *sources, Pos pos, int *line, int *column)
{
    Slice text = sql_sources_text(sources, pos.source);
    size_t at = clamp(text, pos.start);
    *line = 1;
    for (size_t i = 0; i < at; i++) {
        *line += text.data[i] == '\n' ? 1 : 0;
    }
    *column = 1;
    for (size_t i = line_start(text, at); i < at; i++) {
        *column += is_continuation(text.data[i]) ? 0 : 1;
    }
}

Diagnostics *diagnostics_create(Arena *arena, SqlSources *sources)
{
    Diagnostics *diagnostics = ARENA_NEW(arena, Diagnostics);
    diagnostics->arena = arena;
    diagnostics->sources = sources;
    return diagnostics;
}

// The same expression may be checked twice (by the plan and by the printer); say it once.
static bool is_known(const Diagnostics *diagnostics, Pos pos, const char *message)
{
    size_t oldest = diagnostics->count > RECENT_PROBLEMS ? diagnostics->count - RECENT_PROBLEMS : 0;
    for (size_t i = diagnostics->count; i > oldest; i--) {
        const Diagnostic *item = &diagnostics->items[i - 1];
        if (item->pos.source == pos.source && item->pos.start == pos.start &&
            strcmp(item->message, message) == 0) {
            return true;
        }
    }
    return false;
}

bool diagnose(Diagnostics *diagnostics, Pos pos, const char *condition, const char *suggestion,
              const char *format, ...)
{
    Arena *arena = diagnostics->arena;
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *message = arena_alloc(arena, (size_t)size + 1);
    vsnprintf(message, (size_t)size + 1, format, again);
    va_end(again);
    if (is_known(diagnostics, pos, message)) {
        return false;
    }
    Diagnostic item = {.pos = pos, .message = message};
    if (condition != NULL && condition[0] != '\0') {
        item.condition = arena_text(arena, slice_of(condition));
    }
    if (suggestion != NULL && suggestion[0] != '\0') {
        item.suggestion = arena_text(arena, slice_of(suggestion));
    }
    ARENA_PUSH(arena, diagnostics->items, diagnostics->count, diagnostics->capacity, item);
    return false;
}

const char *diagnostic_nearest(Arena *arena, const Map *names, Slice word)
{
    Slice nearest = map_nearest(names, word);
    if (nearest.size == 0) {
        return NULL;
    }
    return arena_printf(arena, "did you mean '%.*s'?", SLICE_ARG(nearest));
}

// The code point at `at`, of at most `size` bytes; broken UTF-8 counts byte by byte.
static uint32_t code_point(const char *text, size_t size, size_t *used)
{
    unsigned char c = (unsigned char)text[0];
    size_t length = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    uint32_t code = length == 1 ? c : (uint32_t)c & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if (i >= size || !is_continuation(text[i])) {
            *used = 1;
            return 0xFFFD;
        }
        code = code << 6 | ((unsigned char)text[i] & 0x3Fu);
    }
    *used = length;
    return code;
}

// Columns on a terminal: East Asian wide characters and emoji take two, combining marks none.
static int code_width(uint32_t code)
{
    static const uint32_t wide[][2] = {{0x1100, 0x115F},   {0x2E80, 0x303E},  {0x3041, 0xA4CF},
                                       {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},  {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                                       {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    if (code >= 0x300 && code <= 0x36F) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
        if (code >= wide[i][0] && code <= wide[i][1]) {
            return 2;
        }
    }
    return 1;
}

// The text as it stands, except that control characters cannot drive the user's terminal.
static void append_line(Buffer *out, Slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        unsigned char c = (unsigned char)line.data[i];
        buffer_append_char(out, (c < 0x20 && c != '\t' && c != '\n') || c == 0x7F ? '?' : (char)c);
    }
}

// As many characters `fill` as `text` has columns; tabs stay tabs, so that both lines align.
static void append_columns(Buffer *out, Slice text, char fill)
{
    for (size_t i = 0; i < text.size;) {
        size_t used;
        uint32_t code = code_point(text.data + i, text.size - i, &used);
        if (code == '\t') {
            buffer_append_char(out, fill == ' ' ? '\t' : fill);
        } else {
            for (int width = code_width(code); width > 0; width--) {
                buffer_append_char(out, fill);
            }
        }
        i += used;
    }
}

static void append_drawing(const Diagnostics *diagnostics, Pos pos, int line, Buffer *out)
{
    Slice text = sql_sources_text(diagnostics->sources, pos.source);
    size_t start = clamp(text, pos.start);
    size_t first = line_start(text, start);
    size_t last = line_end(text, start);
    if (last < first) {
        last = first;
    }
    size_t end = clamp(text, pos.end);
    if (end > last) {
        end = last; // the first line of several
    }
    buffer_printf(out, "%*d | ", LINE_NUMBER_WIDTH, line);
    append_line(out, (Slice){text.data + first, last - first});
    buffer_printf(out, "\n%*s | ", LINE_NUMBER_WIDTH, "");
    append_columns(out, (Slice){text.data + first, (start < last ? start : last) - first}, ' ');
    size_t mark = out->size;
    if (end > start) {
        append_columns(out, (Slice){text.data + start, end - start}, '~');
    }
    if (out->size == mark) {
        buffer_append_char(out, '^');
    }
    out->data[mark] = '^';
    buffer_append_char(out, '\n');
}

static void append_diagnostic(const Diagnostics *diagnostics, const Diagnostic *item, Buffer *out)
{
    int line;
    int column;
    sql_sources_locate(diagnostics->sources, item->pos, &line, &column);
    buffer_printf(out, "%s:%d:%d: ", sql_sources_path(diagnostics->sources, item->pos.source), line,
                  column);
    if (item->condition != NULL) {
        buffer_printf(out, "[%s] ", item->condition);
    }
    append_line(out, slice_of(item->message));
    buffer_append_char(out, '\n');
    append_drawing(diagnostics, item->pos, line, out);
    if (item->suggestion != NULL) {
        buffer_append_text(out, "  ");
        append_line(out, slice_of(item->suggestion));
        buffer_append_char(out, '\n');
    }
}

static int compare_items(const void *a, const void *b)
{
    const Diagnostic *x = *(const Diagnostic *const *)a;
    const Diagnostic *y = *(const Diagnostic *const *)b;
    if (x->pos.source != y->pos.source) {
        return x->pos.source < y->pos.source ? -1 : 1;
    }
    if (x->pos.start != y->pos.start) {
        return x->pos.start < y->pos.start ? -1 : 1;
    }
    return x < y ? -1 : x > y ? 1 : 0; // as they were found
}

static const Diagnostic **sorted_items(const Diagnostics *diagnostics)
{
    const Diagnostic **items =
        ARENA_ARRAY(diagnostics->arena, const Diagnostic *, diagnostics->count);
    for (size_t i = 0; i < diagnostics->count; i++) {
        items[i] = &diagnostics->items[i];
    }
    if (diagnostics->count > 1) {
        qsort(items, diagnostics->count, sizeof *items, compare_items);
    }
    return items;
}

void diagnostics_print(const Diagnostics *diagnostics, Buffer *out)
{
    const Diagnostic **items = sorted_items(diagnostics);
    for (size_t i = 0; i < diagnostics->count; i++) {
        append_diagnostic(diagnostics, items[i], out);
    }
}

bool diagnostics_fail(const Diagnostics *diagnostics, Error *err)
{
    if (diagnostics->count == 0) {
        return fail(err, ERROR_INPUT, "the SQL could not be read");
    }
    Buffer text = {0};
    append_diagnostic(diagnostics, sorted_items(diagnostics)[0], &text);
    fail(err, ERROR_INPUT, "%.*s", (int)text.size - 1, buffer_text(&text));
    buffer_done(&text);
    return false;
}
