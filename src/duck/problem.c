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

// ---- values that do not fit, in Spark's words --------------------------------------------------

// "INT32 (12 + 3)!" or "DECIMAL(18) (...)": the type's name in Spark.
static char *spark_type(Arena *arena, const char *type)
{
    static const char *const types[][2] = {
        {"INT8", "TINYINT"},
        {"INT16", "SMALLINT"},
        {"INT32", "INT"},
        {"INTEGER", "INT"},
        {"INT64", "BIGINT"},
        {"BOOL", "BOOLEAN"},
        {"FLOAT", "FLOAT"},
        {"DOUBLE", "DOUBLE"},
        {"VARCHAR", "STRING"},
        {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP"},
        {"TIMESTAMP", "TIMESTAMP_NTZ"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        size_t size = strlen(types[i][0]);
        bool ends = strncmp(type, types[i][0], size) == 0 &&
                    (type[size] == '\0' || strchr(" !.)'\n", type[size]) != NULL);
        if (ends) {
            return arena_text(arena, slice_of(types[i][1]));
        }
    }
    size_t size = strcspn(type, " !\n");
    const char *open = memchr(type, '(', size);
    if (open != NULL) { // DECIMAL(5,2)
        size = (size_t)(open - type) + strcspn(open, ")") + 1;
    }
    return arena_text(arena, (Slice){type, size});
}

static bool starts_with(const char *text, const char *head)
{
    return strncmp(text, head, strlen(head)) == 0;
}

static bool is_number(Slice text)
{
    bool digits = false;
    for (size_t i = 0; i < text.size; i++) {
        digits |= text.data[i] >= '0' && text.data[i] <= '9';
        if (strchr("0123456789+-.eE ", text.data[i]) == NULL) {
            return false;
        }
    }
    return digits;
}

// What stands behind `head`, in quotes of either kind or bare up to a blank.
static Slice value_after(const char *text, const char *head)
{
    const char *at = strstr(text, head);
    if (at == NULL) {
        return (Slice){"", 0};
    }
    at += strlen(head);
    if (*at != '\'' && *at != '"') {
        return (Slice){at, strcspn(at, " ")};
    }
    const char *end = strrchr(at + 1, *at);
    const char *stops[] = {"' to ", "\" to ", "\", expected", "' when casting"};
    for (size_t i = 0; i < ARRAY_LEN(stops); i++) {
        const char *stop = strstr(at + 1, stops[i]);
        if (stop != NULL && *stop == *at) {
            end = stop;
            break;
        }
    }
    return (Slice){at + 1, end == NULL ? strlen(at + 1) : (size_t)(end - at - 1)};
}

static char *say_invalid(Arena *arena, Slice value, const char *type)
{
    return arena_printf(arena,
                        "[CAST_INVALID_INPUT] '%.*s' (string) is no %s; try_cast gives NULL "
                        "instead",
                        SLICE_ARG(value), type);
}

static char *say_out_of_range(Arena *arena, Slice value, const char *type)
{
    return arena_printf(arena,
                        "[NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION] %.*s does not fit into %s; "
                        "try_cast gives NULL instead",
                        SLICE_ARG(value), type);
}

// A conversion that failed; NULL: not one of these.
static char *say_conversion(Arena *arena, const char *message)
{
    static const char *const dates[] = {"invalid date field format: ",
                                        "date field value out of range: "};
    static const char *const times[] = {
        "invalid timestamp field format: ", "timestamp field value out of range: ",
        "timestamp field value \"out of range\": "};
    const char *to = strstr(message, " to ");
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        if (starts_with(message, dates[i])) {
            return say_invalid(arena, value_after(message, dates[i]), "DATE");
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        if (starts_with(message, times[i])) {
            return say_invalid(arena, value_after(message, times[i]), "TIMESTAMP");
        }
    }
    if (starts_with(message, "Could not convert string ") && to != NULL) {
        Slice value = value_after(message, "string ");
        const char *type = spark_type(arena, value.data + value.size + strlen("' to "));
        return starts_with(type, "DECIMAL") && is_number(value)
                   ? say_out_of_range(arena, value, type)
                   : say_invalid(arena, value, type);
    }
    if (starts_with(message, "Could not cast value ") && to != NULL) {
        return say_out_of_range(arena, value_after(message, "value "), spark_type(arena, to + 4));
    }
    return NULL;
}

// "Overflow in addition of INT32 (1 + 2)!"; NULL: something else.
static char *say_overflow(Arena *arena, const char *message)
{
    const char *value = strstr(message, " with value ");
    const char *type = strstr(message, "out of range for the destination type ");
    const char *of = strstr(message, " of ");
    if (starts_with(message, "Overflow in ")) {
        const char *terms = strchr(message, '(');
        bool is_decimal = of != NULL && starts_with(of + 4, "DECIMAL");
        terms = is_decimal && terms != NULL ? strchr(terms + 1, '(') : terms;
        const char *condition =
            is_decimal ? "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION"
            : of != NULL && (starts_with(of + 4, "INT8") || starts_with(of + 4, "INT16"))
                ? "BINARY_ARITHMETIC_OVERFLOW"
                : "ARITHMETIC_OVERFLOW";
        return arena_printf(
            arena, "[%s] overflow in %.*s%s%.*s", condition, (int)strcspn(message + 12, " "),
            message + 12, terms == NULL ? "" : ": ",
            terms == NULL ? 0 : (int)strcspn(terms + 1, ")"), terms == NULL ? "" : terms + 1);
    }
    if (starts_with(message, "Overflow on abs(")) {
        return arena_printf(arena, "[ARITHMETIC_OVERFLOW] overflow in abs: %.*s",
                            (int)strcspn(message + 16, ")"), message + 16);
    }
    if (!starts_with(message, "Type ") || value == NULL || type == NULL) {
        return NULL;
    }
    value += strlen(" with value ");
    type += strlen("out of range for the destination type ");
    return arena_printf(arena, "[ARITHMETIC_OVERFLOW] %.*s is out of range for %s",
                        (int)strcspn(value, " "), value, spark_type(arena, type));
}

// Errors that rows cause: Spark's condition, the value and the type; others as they are.
static char *say_in_spark_words(Arena *arena, char *message)
{
    static const char *const known[][2] = {
        {"Map keys must be unique", "[DUPLICATED_MAP_KEY] a map has the same key twice"},
        {"Map keys can not be NULL", "[NULL_MAP_KEY] a key of a map is NULL"},
        {"More than one row returned by a subquery",
         "[SCALAR_SUBQUERY_TOO_MANY_ROWS] a subquery used as a value has more than one row"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (starts_with(message, known[i][0])) {
            return arena_text(arena, slice_of(known[i][1]));
        }
    }
    char *said = say_overflow(arena, message);
    said = said == NULL ? say_conversion(arena, message) : said;
    return said == NULL ? message : said;
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
        }
        if (copy[0] != '[') {
            copy = say_in_spark_words(arena, copy);
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
