// SPDX-License-Identifier: Apache-2.0
#include "engine/project_env.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/log.h"

struct ProjectEnv {
    Arena *arena;
    Map *values;     // of .env
    Map *registered; // names whose values log.h knows already
};

ProjectEnv *project_env_create(Arena *arena)
{
    ProjectEnv *env = ARENA_NEW(arena, ProjectEnv);
    env->arena = arena;
    env->values = map_create(false);
    env->registered = map_create(false);
    return env;
}

void project_env_destroy(ProjectEnv *env)
{
    if (env != NULL) {
        map_destroy(env->values);
        map_destroy(env->registered);
    }
}

static bool contains_word(Slice name, const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i + size <= name.size; i++) {
        size_t j = 0;
        while (j < size && (name.data[i + j] & ~0x20) == word[j]) {
            j++;
        }
        if (j == size) {
            return true;
        }
    }
    return false;
}

bool project_env_is_secret(Slice name)
{
    return contains_word(name, "SECRET") || contains_word(name, "PASSWORD") ||
           contains_word(name, "TOKEN") || contains_word(name, "KEY");
}

static bool is_name_start(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_name(Slice text)
{
    if (text.size == 0 || !is_name_start(text.data[0])) {
        return false;
    }
    for (size_t i = 1; i < text.size; i++) {
        if (!is_name_start(text.data[i]) && !(text.data[i] >= '0' && text.data[i] <= '9')) {
            return false;
        }
    }
    return true;
}

static Slice trim(Slice text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && strchr(" \t\r", text.data[text.size - 1]) != NULL) {
        text.size--;
    }
    return text;
}

// The value after '=': quoted, or up to a comment. False: a quote is not closed.
static bool read_value(Arena *arena, Slice text, const char **value)
{
    char quote = text.size > 0 ? text.data[0] : '\0';
    if (quote != '"' && quote != '\'') {
        for (size_t i = 1; i < text.size; i++) {
            if (text.data[i] == '#' && (text.data[i - 1] == ' ' || text.data[i - 1] == '\t')) {
                text.size = i;
            }
        }
        *value = arena_text(arena, trim(text));
        return true;
    }
    char *out = arena_alloc(arena, text.size + 1);
    size_t size = 0;
    for (size_t i = 1; i < text.size; i++) {
        char c = text.data[i];
        if (c == quote) {
            Slice rest = trim((Slice){text.data + i + 1, text.size - i - 1});
            *value = out;
            return rest.size == 0 || rest.data[0] == '#';
        }
        if (c == '\\' && quote == '"' && i + 1 < text.size) {
            c = text.data[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        out[size++] = c;
    }
    return false;
}

static void read_line(ProjectEnv *env, Diagnostics *diagnostics, Pos pos, Slice line)
{
    line = trim(line);
    if (line.size == 0 || line.data[0] == '#') {
        return;
    }
    if (line.size > 7 && memcmp(line.data, "export", 6) == 0 &&
        (line.data[6] == ' ' || line.data[6] == '\t')) {
        line = trim((Slice){line.data + 6, line.size - 6});
    }
    const char *equals = memchr(line.data, '=', line.size);
    size_t name_size = equals == NULL ? 0 : (size_t)(equals - line.data);
    Slice name = trim((Slice){line.data, name_size});
    if (!is_name(name)) {
        diagnose(diagnostics, pos, NULL, NULL, "expected NAME=value");
        return;
    }
    Slice rest = trim((Slice){equals + 1, line.size - name_size - 1});
    const char *value = NULL;
    if (!read_value(env->arena, rest, &value)) {
        diagnose(diagnostics, pos, NULL, NULL, "the quotes around the value of '%.*s' do not match",
                 SLICE_ARG(name));
        return;
    }
    // The value is not ours to change: Map holds void pointers.
    map_put(env->values, name, (void *)(uintptr_t)value);
}

void project_env_read(ProjectEnv *env, Diagnostics *diagnostics, uint32_t source)
{
    Slice text = sql_sources_text(diagnostics->sources, source);
    size_t start = 0;
    while (start < text.size) {
        const char *stop = memchr(text.data + start, '\n', text.size - start);
        size_t end = stop == NULL ? text.size : (size_t)(stop - text.data);
        Pos pos = {source, (uint32_t)start, (uint32_t)end};
        read_line(env, diagnostics, pos, (Slice){text.data + start, end - start});
        start = end + 1;
    }
}

const char *project_env_find(ProjectEnv *env, Slice name)
{
    char text[256];
    const char *value = NULL;
    if (name.size < sizeof text) {
        memcpy(text, name.data, name.size);
        text[name.size] = '\0';
        value = getenv(text);
    }
    if (value == NULL) {
        value = map_find(env->values, name);
    }
    if (value != NULL && project_env_is_secret(name) && !map_has(env->registered, name)) {
        map_put(env->registered, name, env);
        secret_register(slice_of(value));
    }
    return value;
}

static void report_undefined(ProjectEnv *env, Slice name, Pos pos, Diagnostics *diagnostics)
{
    const char *nearest = diagnostic_nearest(env->arena, env->values, name);
    const char *hint =
        nearest != NULL
            ? nearest
            : arena_printf(env->arena,
                           "set it in the environment or in .env, or write ${%.*s:-default}",
                           SLICE_ARG(name));
    diagnose(diagnostics, pos, NULL, hint, "the variable '%.*s' is not defined", SLICE_ARG(name));
}

// Expands one ${...} that starts at `text`; returns what follows it.
static const char *expand_one(ProjectEnv *env, const char *text, Pos pos, Diagnostics *diagnostics,
                              Buffer *out)
{
    const char *close = strchr(text, '}');
    if (close == NULL) {
        diagnose(diagnostics, pos, NULL, NULL, "'${' without its '}'");
        return text + strlen(text);
    }
    Slice inside = {text + 2, (size_t)(close - text - 2)};
    const char *colon = memchr(inside.data, ':', inside.size);
    Slice name = {inside.data, colon == NULL ? inside.size : (size_t)(colon - inside.data)};
    bool has_default = colon != NULL && colon + 1 < close && colon[1] == '-';
    if (!is_name(name) || (colon != NULL && !has_default)) {
        diagnose(diagnostics, pos, NULL, "write ${NAME} or ${NAME:-default}",
                 "'${%.*s}' is not a variable", SLICE_ARG(inside));
        return close + 1;
    }
    const char *value = project_env_find(env, name);
    if (has_default && (value == NULL || value[0] == '\0')) {
        buffer_append(out, (Slice){colon + 2, (size_t)(close - colon - 2)});
    } else if (value != NULL) {
        buffer_append_text(out, value);
    } else {
        report_undefined(env, name, pos, diagnostics);
    }
    return close + 1;
}

const char *project_env_expand(ProjectEnv *env, const char *text, Pos pos, Diagnostics *diagnostics)
{
    const char *dollar = strstr(text, "${");
    if (dollar == NULL) {
        return text;
    }
    Buffer out = {0};
    const char *rest = text;
    while (dollar != NULL) {
        buffer_append(&out, (Slice){rest, (size_t)(dollar - rest)});
        rest = expand_one(env, dollar, pos, diagnostics, &out);
        dollar = strstr(rest, "${");
    }
    buffer_append_text(&out, rest);
    const char *expanded = arena_text(env->arena, buffer_slice(&out));
    buffer_done(&out);
    return expanded;
}
