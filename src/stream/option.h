// option.h -- the options of sources and sinks as data: names, kinds, defaults and help.
//
// One table per type. From it arguments are checked (with did-you-mean and positions), the type's
// config struct is filled, and the option reference in docs/ is printed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/ast.h"
#include "sql/diagnostic.h"

typedef enum OptionKind {
    OPTION_TEXT,     // const char *
    OPTION_INT,      // int64_t
    OPTION_BOOL,     // bool
    OPTION_DURATION, // TimeUs: "10 seconds"
    OPTION_BYTES,    // int64_t: "64m", "1g"
    OPTION_NUMBER,   // double
    OPTION_CHOICE,   // const char *: one of the words "a|b|c" of default_text, the first by default
    OPTION_REFUSED,  // known to Spark, not supported: using it is an error, `help` says why
} OptionKind;

typedef struct Option {
    const char *name; // Spark's spelling; case is ignored
    OptionKind kind;
    bool required;
    const char *default_text; // NULL: zero; of a choice, all its words
    size_t offset;            // in the type's config struct
    const char *help;
} Option;

// Writes the defaults into `config`, for a caller that fills the rest itself.
void options_default(const Option *options, size_t option_count, void *config, Arena *arena);
// Fills `config` from named arguments (or a sink's properties); every problem has its position.
// A positional first argument is the option `positional` (NULL: not allowed). A choice is stored as
// its table spells it.
bool options_fill(const Option *options, size_t option_count, const char *what,
                  const Relation *relation, const char *positional, void *config, Arena *arena,
                  Diagnostics *diagnostics);
bool options_fill_properties(const Option *options, size_t option_count, const char *what,
                             const Properties *properties, Pos pos, void *config, Arena *arena,
                             Diagnostics *diagnostics);
// The place of a choice's value among its words.
int option_choice(const char *words, const char *word);
// The options of a type as a Markdown table, for docs/.
void options_print(const Option *options, size_t option_count, Buffer *out);
