// SPDX-License-Identifier: Apache-2.0
#include "duck/duck_internal.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static const char *member(json_t *object, const char *name, Arena *arena)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? NULL : arena_text(arena, slice_of(text));
}

// DuckDB appends what it would have accepted, sometimes hundreds of lines, and advice about its own
// settings; tarn says these in its own words or not at all.
static void cut_message(const char *exception, char *message)
{
    static const char *const cuts[] = {"\nDid you mean", "\nCandidate", "\n\tCandidate",
                                       "\n\nCandidate",  "\n\nLINE ",   "\n\nPossible",
                                       "\n\nPlease"};
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        char *found = strstr(message, cuts[i]);
        if (found != NULL) {
            *found = '\0';
        }
    }
    if (strcmp(exception, "Out of Memory") == 0 || strcmp(exception, "Missing Extension") == 0) {
        message[strcspn(message, "\n")] = '\0';
    }
    size_t size = strlen(message);
    while (size > 0 && (message[size - 1] == '\n' || message[size - 1] == ' ')) {
        message[--size] = '\0';
    }
}

static ErrorKind kind_of_io(json_t *object)
{
    const char *code = json_string_value(json_object_get(object, "errno"));
    if (code == NULL) {
        return ERROR_RETRY;
    }
    Error classified = {0};
    errno = (int)strtol(code, NULL, 10);
    fail_errno(&classified, "io");
    return classified.kind;
}

static ErrorKind kind_of_exception(const char *exception, json_t *object)
{
    static const char *const broken[] = {
        "INTERNAL", "Fatal", "Interrupt", "Serialization", "TransactionContext", "Connection"};
    if (strcmp(exception, "Out of Memory") == 0) {
        return ERROR_RETRY;
    }
    if (strcmp(exception, "IO") == 0) {
        return kind_of_io(object);
    }
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        if (text_equal_nocase(exception, broken[i])) {
            return ERROR_FAILED;
        }
    }
    return ERROR_INPUT;
}

// The kind that function_pack_error put in, or NONE; *message then starts at the message proper.
static ErrorKind unpack_kind(const char **message)
{
    const char *mark = strchr(*message, PROBLEM_MARK);
    if (mark == NULL || mark[1] < 'a' || mark[1] > 'a' + ERROR_CRASH) {
        return ERROR_NONE;
    }
    *message = mark + 2;
    return (ErrorKind)(mark[1] - 'a');
}

// A value that is too large, in Spark's words; others as they are.
static char *say_overflow(Arena *arena, char *message)
{
    static const char *const types[][2] = {
        {"INT8", "TINYINT"}, {"INT16", "SMALLINT"}, {"INT32", "INT"}, {"INT64", "BIGINT"}};
    const char *value = strstr(message, " with value ");
    const char *type = strstr(message, "out of range for the destination type ");
    if (strncmp(message, "Overflow in ", 12) == 0) {
        const char *terms = strchr(message, '(');
        return arena_printf(
            arena, "[ARITHMETIC_OVERFLOW] overflow in %.*s%s%.*s", (int)strcspn(message + 12, " "),
            message + 12, terms == NULL ? "" : ": ",
            terms == NULL ? 0 : (int)strcspn(terms + 1, ")"), terms == NULL ? "" : terms + 1);
    }
    if (strncmp(message, "Type ", 5) != 0 || value == NULL || type == NULL) {
        return message;
    }
    value += strlen(" with value ");
    type += strlen("out of range for the destination type ");
    size_t size = strcspn(type, " ");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strlen(types[i][0]) == size && strncmp(type, types[i][0], size) == 0) {
            type = types[i][1];
            size = strlen(type);
            break;
        }
    }
    return arena_printf(arena, "[ARITHMETIC_OVERFLOW] %.*s is out of range for %.*s",
                        (int)strcspn(value, " "), value, (int)size, type);
}

// Files that the user's table names, but that are gone or no Parquet: damage, whatever DuckDB calls
// it.
static char *say_damaged_file(Arena *arena, char *message, ErrorKind *kind)
{
    static const char *const signs[][2] = {
        {"No files found that match the pattern", "a data file is missing: "},
        {"No magic bytes found at end of file",
         "a data file is damaged, it has no Parquet footer: "},
        {"too small to be a Parquet file", "a data file is damaged, it is too small: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        const char *found = strstr(message, signs[i][0]);
        if (found == NULL) {
            continue;
        }
        const char *name = strpbrk(message, "\"'");
        *kind = ERROR_CORRUPT;
        return arena_printf(arena, "%s%s", signs[i][1], name == NULL ? message : name);
    }
    return message;
}

static ErrorKind parse(const char *text, DuckProblem *problem, Arena *arena)
{
    *problem = (DuckProblem){.position = -1, .exception = ""};
    // Some texts carry a prefix before the object ("Parser Error: {...").
    const char *start = strstr(text, "{\"exception_type\"");
    json_t *object = start == NULL ? NULL : json_loads(start, JSON_DISABLE_EOF_CHECK, NULL);
    if (object == NULL) {
        const char *plain = text;
        ErrorKind kind = unpack_kind(&plain);
        problem->message = arena_text(arena, slice_of(plain));
        // Interrupts and clean-up errors come as plain text from some calls.
        return kind != ERROR_NONE ? kind : ERROR_FAILED;
    }
    const char *message = json_string_value(json_object_get(object, "exception_message"));
    const char *exception = member(object, "exception_type", arena);
    if (exception != NULL) {
        problem->exception = exception;
    }
    problem->subtype = member(object, "error_subtype", arena);
    problem->name = member(object, "name", arena);
    problem->candidates = member(object, "candidates", arena);
    problem->call = member(object, "call", arena);
    const char *position = json_string_value(json_object_get(object, "position"));
    if (position != NULL) {
        problem->position = (int)strtol(position, NULL, 10);
    }
    const char *plain = message == NULL ? "" : message;
    ErrorKind kind = unpack_kind(&plain);
    char *copy = arena_text(arena, slice_of(plain));
    if (kind == ERROR_NONE) {
        kind = kind_of_exception(problem->exception, object);
        if (strcmp(problem->exception, "Invalid Input") != 0) {
            cut_message(problem->exception, copy); // error('...') is the user's own text
            copy = say_overflow(arena, copy);
        }
        copy = say_damaged_file(arena, copy, &kind);
    }
    problem->message = copy;
    json_decref(object);
    return kind;
}

void problem_parse(const char *text, DuckProblem *problem, Arena *arena)
{
    parse(text, problem, arena);
}

bool problem_fail(const char *text, Error *err)
{
    Arena *arena = arena_create(0);
    DuckProblem problem;
    ErrorKind kind = parse(text == NULL ? "unknown error" : text, &problem, arena);
    fail(err, kind, "%s", problem.message);
    arena_destroy(arena);
    return false;
}
