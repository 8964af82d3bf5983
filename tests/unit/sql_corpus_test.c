// Every statement that real Spark parses, parses here, or is refused by name. The recordings live
// beside the repository (../shared/testdata/spark, or $TARN_SPARK_DATA); without them this is
// skipped, and says so.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parser.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

typedef struct Corpus {
    size_t parsed;
    size_t refused; // UNSUPPORTED_FEATURE
    size_t skipped;
} Corpus;

// Spark's parser says no to these, not the analyser.
static bool spark_parses(json_t *line)
{
    json_t *parses = json_object_get(line, "parses");
    if (parses != NULL) {
        return json_is_true(parses);
    }
    const char *error = json_string_value(json_object_get(line, "error"));
    return error == NULL || strcmp(error, "PARSE_SYNTAX_ERROR") != 0;
}

static void check_sql(const char *sql, bool expected, Corpus *corpus)
{
    Arena *arena = arena_create(0);
    SqlSources *sources = sql_sources_create(arena);
    Diagnostics *diagnostics = diagnostics_create(arena, sources);
    StatementList statements = {0};
    uint32_t source = sql_sources_add(sources, "corpus", slice_of(sql));
    bool ok = sql_parse(arena, diagnostics, source, NULL, &statements);
    const char *condition = diagnostics->count > 0 ? diagnostics->items[0].condition : NULL;
    bool refused = !ok && condition != NULL && strcmp(condition, "UNSUPPORTED_FEATURE") == 0;
    if (expected && !ok && !refused) {
        Buffer text = {0};
        diagnostics_print(diagnostics, &text);
        fprintf(stderr, "%s", buffer_text(&text));
        buffer_done(&text);
    }
    CHECK(!expected || ok || refused);
    CHECK(ok == (diagnostics->count == 0));
    corpus->parsed += ok ? 1 : 0;
    corpus->refused += refused ? 1 : 0;
    if (refused && getenv("TARN_VERBOSE") != NULL) {
        printf("refused: %s\n    %s\n", diagnostics->items[0].message, sql);
    }
    arena_destroy(arena);
}

static void check_file(const char *folder, const char *name, Corpus *corpus)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        check_skip(path);
        corpus->skipped++;
        return;
    }
    char *text = NULL;
    size_t capacity = 0;
    while (getline(&text, &capacity, file) > 0) {
        json_t *line = json_loads(text, 0, NULL);
        CHECK(line != NULL);
        const char *sql = json_string_value(json_object_get(line, "sql"));
        const char *tarn_sql = json_string_value(json_object_get(line, "tarn_sql"));
        // these two rows were recorded with another way of reading backslashes
        json_t *conf = json_object_get(line, "conf");
        const char *escaped =
            json_string_value(json_object_get(conf, "spark.sql.parser.escapedStringLiterals"));
        if (sql != NULL && (escaped == NULL || strcmp(escaped, "true") != 0)) {
            check_sql(sql, spark_parses(line), corpus);
        }
        if (tarn_sql != NULL) {
            check_sql(tarn_sql, true, corpus);
        }
        json_decref(line);
    }
    free(text);
    fclose(file);
}

int main(void)
{
    const char *folder = getenv("TARN_SPARK_DATA");
    if (folder == NULL) {
        folder = "../shared/testdata/spark";
    }
    Corpus corpus = {0};
    check_file(folder, "queries.jsonl", &corpus);
    check_file(folder, "functions.jsonl", &corpus);
    check_file(folder, "streaming.jsonl", &corpus);
    check_file(folder, "syntax.jsonl", &corpus);
    printf("%zu parsed, %zu refused by name, %zu files skipped\n", corpus.parsed, corpus.refused,
           corpus.skipped);
    return check_done();
}
