// SPDX-License-Identifier: Apache-2.0
#include "engine/outside.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "engine/project_files.h"
#include "stream/rewrite.h"

typedef struct Finder {
    const Catalog *catalog;
    Arena *arena;
    OutsideList *list;
} Finder;

static Relation *find_relation(void *context, const Relation *relation, bool is_cte)
{
    Finder *finder = context;
    bool is_table = relation->kind == RELATION_TABLE && !is_cte &&
                    catalog_find(finder->catalog, &relation->name) == NULL;
    if (is_table || relation->kind == RELATION_FUNCTION) {
        OutsideList *list = finder->list;
        ARENA_PUSH(finder->arena, list->items, list->count, list->capacity, relation);
    }
    return NULL;
}

void outside_find(const Catalog *catalog, const Query *query, Arena *arena, OutsideList *list)
{
    Finder finder = {catalog, arena, list};
    rewrite_query(arena, query, find_relation, &finder); // the copy is the arena's, and unused
}

// The path of read_files('path', ...) or csv.`path`; empty: the relation reads no files.
static Slice path_of(const Relation *relation)
{
    if (relation->kind == RELATION_TABLE) {
        return relation->name.count == 2 ? relation->name.parts[1] : (Slice){0};
    }
    for (size_t i = 0; i < relation->named.count; i++) {
        const NamedArgument *argument = &relation->named.items[i];
        if (slice_equal_nocase(argument->name, slice_of("path"))) {
            return argument->value->text;
        }
    }
    return relation->arguments.count > 0 ? relation->arguments.items[0]->text : (Slice){0};
}

static void print_file(const char *path, Buffer *state)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        buffer_printf(state, "%s %lld %lld.%09ld\n", path, (long long)info.st_size,
                      (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    }
}

static bool print_matching(const char *root, const char *pattern, const RelationReader *reader,
                           Buffer *state, Error *err)
{
    const Catalog *catalog = reader->catalog;
    PathList files = {0};
    if (!project_files_list(root, pattern, "", project_storage(catalog->project), catalog->arena,
                            &files, err)) {
        return false;
    }
    project_files_sort(&files);
    for (size_t i = 0; i < files.count; i++) {
        print_file(arena_printf(catalog->arena, "%s/%s", root, files.items[i]), state);
    }
    return true;
}

static bool print_files(Slice written, const RelationReader *reader, Buffer *state, Error *err)
{
    Arena *arena = reader->catalog->arena;
    const char *path = project_path(reader->catalog->project, written, arena);
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return print_matching(path, "**", reader, state, err);
    }
    if (strpbrk(path, "*?[") == NULL) {
        print_file(path, state);
        return true;
    }
    // What matches may be a folder of files, too.
    return print_matching("", path + 1, reader, state, err) &&
           print_matching("", arena_printf(arena, "%s/**", path + 1), reader, state, err);
}

static bool print_version(const char *path, const RelationReader *reader, Buffer *state, Error *err)
{
    DeltaTable *table = relation_tables_open(reader->tables, path);
    bool exists = false;
    if (!delta_refresh(table, reader->conn, &exists, err)) {
        return false;
    }
    int64_t version = exists ? delta_version(delta_snapshot(table)) : -1;
    buffer_printf(state, "%s %" PRId64 "\n", path, version);
    return true;
}

bool outside_print(const OutsideList *list, RelationReader *reader, Buffer *state, Error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const Relation *relation = list->items[i];
        const char *table = relation->kind == RELATION_TABLE
                                ? relation_table_path(reader->catalog, &relation->name)
                                : NULL;
        Slice path = path_of(relation);
        bool ok = table != NULL ? print_version(table, reader, state, err)
                                : path.size == 0 || print_files(path, reader, state, err);
        if (!ok) {
            return false;
        }
    }
    return true;
}
