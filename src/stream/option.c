// Options as data: from named arguments or properties into a config struct, with positions.
// SPDX-License-Identifier: Apache-2.0
#include "stream/option.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "sql/parser.h"

static const Option *find_option(const Option *options, size_t option_count, Slice name)
{
    for (size_t i = 0; i < option_count; i++) {
        Slice known = slice_of(options[i].name);
        if (known.size == name.size && text_distance(known, name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

// `more`: a name that is known besides those of the table; NULL: none.
static const char *did_you_mean(const Option *options, size_t option_count, const char *more,
                                Slice name, Arena *arena)
{
    Map *names = map_create(true);
    for (size_t i = 0; i < option_count; i++) {
        if (options[i].kind != OPTION_REFUSED) {
            map_put(names, slice_of(options[i].name), NULL);
        }
    }
    if (more != NULL) {
        map_put(names, slice_of(more), NULL);
    }
    const char *nearest = diagnostic_nearest(arena, names, name);
    map_destroy(names);
    return nearest;
}

// The next of the words of a choice; false: there are no more.
static bool next_choice(const char **rest, Slice *word)
{
    if (**rest == '\0') {
        return false;
    }
    *word = (Slice){*rest, strcspn(*rest, "|")};
    *rest += word->size + ((*rest)[word->size] == '|');
    return true;
}

static bool find_choice(const char *words, Slice text, Slice *found)
{
    Slice word;
    while (next_choice(&words, &word)) {
        if (slice_equal_nocase(word, text)) {
            *found = word;
            return true;
        }
    }
    return false;
}

int option_choice(const char *words, const char *word)
{
    Slice known;
    for (int i = 0; next_choice(&words, &known); i++) {
        if (slice_equal_nocase(known, slice_of(word))) {
            return i;
        }
    }
    assert(false && "options_fill takes no other word");
    return 0;
}

// "did you mean 'PERMISSIVE'?" or, when none is near, "PERMISSIVE, DROPMALFORMED or FAILFAST".
static const char *suggest_choice(const char *words, Slice text, Arena *arena)
{
    Map *names = map_create(true);
    Buffer list = {0};
    Slice word;
    while (next_choice(&words, &word)) {
        map_put(names, word, NULL);
        buffer_append_text(&list, list.size == 0 ? "" : *words == '\0' ? " or " : ", ");
        buffer_append(&list, word);
    }
    const char *suggestion = diagnostic_nearest(arena, names, text);
    suggestion = suggestion == NULL ? arena_text(arena, buffer_slice(&list)) : suggestion;
    buffer_done(&list);
    map_destroy(names);
    return suggestion;
}

static bool parse_int(const char *text, int64_t *value)
{
    char *end = NULL;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (end == text || errno != 0) {
        return false;
    }
    if (*end == 'L' || *end == 'l') { // SQL's BIGINT suffix
        end++;
    }
    if (*end != '\0') {
        return false;
    }
    *value = parsed;
    return true;
}

static bool parse_number(const char *text, double *value)
{
    char *end = NULL;
    double parsed = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(parsed)) {
        return false;
    }
    *value = parsed;
    return true;
}

static bool parse_bool(const char *text, bool *value)
{
    if (text_equal_nocase(text, "true")) {
        *value = true;
    } else if (text_equal_nocase(text, "false")) {
        *value = false;
    } else {
        return false;
    }
    return true;
}

// Spark's byte sizes: a number and b, k, kb, m, mb, g, gb, t, tb; powers of 1024.
static bool parse_bytes(const char *text, int64_t *value)
{
    static const struct {
        const char *unit;
        int shift;
    } units[] = {{"", 0},    {"b", 0},  {"k", 10},  {"kb", 10}, {"m", 20},
                 {"mb", 20}, {"g", 30}, {"gb", 30}, {"t", 40},  {"tb", 40}};
    char *end = NULL;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (end == text || errno != 0 || parsed < 0) {
        return false;
    }
    while (*end == ' ') {
        end++;
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (text_equal_nocase(end, units[i].unit)) {
            return !__builtin_mul_overflow(parsed, (int64_t)1 << units[i].shift, value);
        }
    }
    return false;
}

static const char *kind_words(OptionKind kind)
{
    switch (kind) {
    case OPTION_TEXT:
        return "a text";
    case OPTION_INT:
        return "an integer";
    case OPTION_NUMBER:
        return "a number";
    case OPTION_BOOL:
        return "true or false";
    case OPTION_DURATION:
        return "a duration such as '10 seconds'";
    case OPTION_BYTES:
        return "a size such as '64m'";
    case OPTION_CHOICE:
    case OPTION_REFUSED:
        break;
    }
    return "nothing";
}

// Stores `text` as the option's value; false when it does not fit its kind.
static bool store(const Option *option, Slice text, void *config, Arena *arena)
{
    void *field = (char *)config + option->offset;
    const char *copy = arena_text(arena, text);
    switch (option->kind) {
    case OPTION_TEXT:
        *(const char **)field = copy;
        return true;
    case OPTION_INT:
        return parse_int(copy, field);
    case OPTION_NUMBER:
        return parse_number(copy, field);
    case OPTION_BOOL:
        return parse_bool(copy, field);
    case OPTION_DURATION: {
        Error ignored = {0};
        return sql_parse_duration(text, field, &ignored);
    }
    case OPTION_BYTES:
        return parse_bytes(copy, field);
    case OPTION_CHOICE: {
        Slice word;
        if (!find_choice(option->default_text, text, &word)) {
            return false;
        }
        *(const char **)field = arena_text(arena, word);
        return true;
    }
    case OPTION_REFUSED:
        break;
    }
    return false;
}

static Slice default_of(const Option *option)
{
    Slice text = slice_of(option->default_text);
    const char *words = option->default_text;
    if (option->kind == OPTION_CHOICE) {
        (void)next_choice(&words, &text);
    }
    return text;
}

static bool wrong_value(const Option *option, const char *what, Slice text, Pos pos, Arena *arena,
                        Diagnostics *diagnostics)
{
    if (option->kind == OPTION_CHOICE) {
        return diagnose(diagnostics, pos, NULL, suggest_choice(option->default_text, text, arena),
                        "%s: option '%s' cannot be '%.*s'", what, option->name, SLICE_ARG(text));
    }
    return diagnose(diagnostics, pos, NULL, NULL, "%s: option '%s' must be %s, not '%.*s'", what,
                    option->name, kind_words(option->kind), SLICE_ARG(text));
}

void options_default(const Option *options, size_t option_count, void *config, Arena *arena)
{
    for (size_t i = 0; i < option_count; i++) {
        if (options[i].default_text != NULL && options[i].kind != OPTION_REFUSED) {
            (void)store(&options[i], default_of(&options[i]), config, arena);
        }
    }
}

// A constant as the text a user would write for it. False: not a constant.
static bool constant_text(const Expr *value, Arena *arena, Slice *text)
{
    switch (value->kind) {
    case EXPR_STRING:
    case EXPR_NUMBER:
        *text = value->text;
        return true;
    case EXPR_BOOLEAN:
        *text = slice_of(value->integer != 0 ? "true" : "false");
        return true;
    case EXPR_UNARY:
        if (value->op == OP_NEGATE && value->arguments.count == 1 &&
            value->arguments.items[0]->kind == EXPR_NUMBER) {
            *text =
                slice_of(arena_printf(arena, "-%.*s", SLICE_ARG(value->arguments.items[0]->text)));
            return true;
        }
        return false;
    case EXPR_INTERVAL:
        if (!value->interval_is_constant || value->months != 0) {
            return false;
        }
        *text = slice_of(arena_printf(arena, "%" PRId64 " microseconds",
                                      value->days * TIME_DAY + value->micros));
        return true;
    default:
        return false;
    }
}

static bool store_expr(const Option *option, const char *what, const Expr *value, void *config,
                       Arena *arena, Diagnostics *diagnostics)
{
    if (option->kind == OPTION_REFUSED) {
        return diagnose(diagnostics, value->pos, NULL, NULL, "%s: option '%s' is not supported: %s",
                        what, option->name, option->help);
    }
    if (value->kind == EXPR_NULL) {
        return true; // NULL asks for the default
    }
    if (value->kind == EXPR_INTERVAL && option->kind == OPTION_DURATION &&
        value->interval_is_constant && value->months == 0) {
        *(TimeUs *)(void *)((char *)config + option->offset) =
            value->days * TIME_DAY + value->micros;
        return true;
    }
    Slice text;
    if (!constant_text(value, arena, &text)) {
        return diagnose(diagnostics, value->pos, NULL, NULL, "%s: option '%s' must be a constant",
                        what, option->name);
    }
    return store(option, text, config, arena) ||
           wrong_value(option, what, text, value->pos, arena, diagnostics);
}

static bool check_required(const Option *options, size_t option_count, const char *what,
                           const bool *given, Pos pos, Diagnostics *diagnostics)
{
    bool good = true;
    for (size_t i = 0; i < option_count; i++) {
        if (options[i].required && !given[i]) {
            good =
                diagnose(diagnostics, pos, "REQUIRED_PARAMETER_NOT_FOUND", NULL,
                         "%s: option '%s' is missing: %s", what, options[i].name, options[i].help);
        }
    }
    return good;
}

// The first argument without a name.
static bool fill_positional(const Option *options, size_t option_count, const char *what,
                            const Relation *relation, const char *positional, void *config,
                            bool *given, Arena *arena, Diagnostics *diagnostics)
{
    if (relation->arguments.count == 0) {
        return true;
    }
    const Expr *first = relation->arguments.items[0];
    if (positional == NULL || relation->arguments.count > 1) {
        const Expr *extra = positional == NULL ? first : relation->arguments.items[1];
        return diagnose(diagnostics, extra->pos, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", NULL,
                        "%s takes %s; write the others as name => value", what,
                        positional == NULL ? "no argument without a name"
                                           : "one argument without a name");
    }
    const Option *option = find_option(options, option_count, slice_of(positional));
    given[option - options] = true;
    return store_expr(option, what, first, config, arena, diagnostics);
}

bool options_fill(const Option *options, size_t option_count, const char *what,
                  const Relation *relation, const char *positional, void *config, Arena *arena,
                  Diagnostics *diagnostics)
{
    bool *given = ARENA_ARRAY(arena, bool, option_count + 1);
    options_default(options, option_count, config, arena);
    bool good = fill_positional(options, option_count, what, relation, positional, config, given,
                                arena, diagnostics);
    for (size_t i = 0; i < relation->named.count; i++) {
        const NamedArgument *argument = &relation->named.items[i];
        const Option *option = find_option(options, option_count, argument->name);
        if (option == NULL) {
            good = diagnose(diagnostics, argument->pos, "UNRECOGNIZED_PARAMETER_NAME",
                            did_you_mean(options, option_count, NULL, argument->name, arena),
                            "%s has no option '%.*s'", what, SLICE_ARG(argument->name));
            continue;
        }
        if (given[option - options]) {
            good = diagnose(diagnostics, argument->pos, "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT",
                            NULL, "%s: option '%s' is given twice", what, option->name);
            continue;
        }
        given[option - options] = true;
        good &= store_expr(option, what, argument->value, config, arena, diagnostics);
    }
    return check_required(options, option_count, what, given, relation->pos, diagnostics) && good;
}

bool options_fill_properties(const Option *options, size_t option_count, const char *what,
                             const Properties *properties, Pos pos, void *config, Arena *arena,
                             Diagnostics *diagnostics)
{
    bool *given = ARENA_ARRAY(arena, bool, option_count + 1);
    options_default(options, option_count, config, arena);
    bool good = true;
    for (size_t i = 0; properties != NULL && i < properties->count; i++) {
        const Property *property = &properties->items[i];
        const Option *option = find_option(options, option_count, property->key);
        if (option == NULL) {
            // Every sink's, read by whoever plans the flow.
            static const char mode[] = "outputMode";
            if (text_distance(property->key, slice_of(mode)) == 0) {
                continue;
            }
            good = diagnose(diagnostics, property->pos, NULL,
                            did_you_mean(options, option_count, mode, property->key, arena),
                            "%s has no option '%.*s'", what, SLICE_ARG(property->key));
            continue;
        }
        given[option - options] = true;
        if (option->kind == OPTION_REFUSED) {
            good =
                diagnose(diagnostics, property->pos, NULL, NULL,
                         "%s: option '%s' is not supported: %s", what, option->name, option->help);
        } else if (!store(option, property->value, config, arena)) {
            good =
                wrong_value(option, what, property->value, property->value_pos, arena, diagnostics);
        }
    }
    return check_required(options, option_count, what, given, pos, diagnostics) && good;
}

static void print_cell(Buffer *out, Slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '|') {
            buffer_append_char(out, '\\');
        }
        buffer_append_char(out, text.data[i]);
    }
}

void options_print(const Option *options, size_t option_count, Buffer *out)
{
    static const char *const words[] = {
        [OPTION_TEXT] = "text",    [OPTION_INT] = "integer",       [OPTION_NUMBER] = "number",
        [OPTION_BOOL] = "boolean", [OPTION_DURATION] = "duration", [OPTION_BYTES] = "bytes",
        [OPTION_CHOICE] = "word",
    };
    buffer_append_text(out, "| option | type | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < option_count; i++) {
        const Option *option = &options[i];
        if (option->kind == OPTION_REFUSED) {
            continue;
        }
        buffer_printf(out, "| `%s` | %s | ", option->name, words[option->kind]);
        if (option->required) {
            buffer_append_text(out, "*required*");
        } else if (option->default_text != NULL && option->default_text[0] != '\0') {
            buffer_append_char(out, '`');
            print_cell(out, default_of(option));
            buffer_append_char(out, '`');
        }
        buffer_append_text(out, " | ");
        print_cell(out, slice_of(option->help));
        buffer_append_text(out, " |\n");
    }
}
