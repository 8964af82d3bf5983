// The SQL of a scan.
//
// Files are grouped by their partition values, which come from the log only, never from folder
// names or from the files. Each group reads
//
//     SELECT CAST("a" AS T) AS "a", DATE '2024-01-01' AS "day"
//     FROM (SELECT NULL::T AS "a" WHERE false UNION ALL BY NAME
//           SELECT * FROM read_parquet([...], union_by_name=true))
//
// where the empty first half gives columns that older files lack their NULLs. With many groups one
// read_parquet is made instead and the value is looked up by the number of the file.
// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_path.h"
#include "lake/delta_snapshot.h"

// Above this many partitions one scan with a lookup plans faster than a UNION of scans.
enum { GROUPS_MAX = 64 };

typedef struct Scan {
    const DeltaSnapshot *snapshot;
    Buffer *sql;
    bool has_float;
} Scan;

typedef struct Group {
    const char **values;
    size_t *files;
    size_t count;
    size_t capacity;
} Group;

// ---- columns -------------------------------------------------------------------------------

static void print_type(const Type *type, Buffer *out)
{
    if (type->kind == TYPE_VOID) {
        buffer_append_text(out, "INTEGER");
    } else {
        type_print_duck(type, out);
    }
}

static int partition_index(const DeltaSnapshot *snapshot, const char *name)
{
    return schema_find(&snapshot->partition, slice_of(name));
}

static bool same_names(const Type *a, const Type *b)
{
    if (a->kind == TYPE_STRUCT) {
        for (size_t i = 0; i < a->fields.count; i++) {
            const Column *x = &a->fields.columns[i];
            const Column *y = &b->fields.columns[i];
            if (strcmp(x->name, y->name) != 0 || !same_names(x->type, y->type)) {
                return false;
            }
        }
    }
    return (a->key == NULL || same_names(a->key, b->key)) &&
           (a->element == NULL || same_names(a->element, b->element));
}

// `expr` of a physical type with the logical names, at every level [1.11].
static void append_renamed(Buffer *sql, const char *expr, const Type *physical, const Type *logical,
                           int depth)
{
    if (same_names(physical, logical)) {
        buffer_append_text(sql, expr);
        return;
    }
    Buffer inner = {0};
    if (physical->kind == TYPE_STRUCT) {
        buffer_printf(sql, "CASE WHEN %s IS NULL THEN NULL ELSE struct_pack(", expr);
        for (size_t i = 0; i < physical->fields.count; i++) {
            buffer_append_text(sql, i == 0 ? "" : ", ");
            duck_quote_name(sql, slice_of(logical->fields.columns[i].name));
            buffer_append_text(sql, " := ");
            buffer_reset(&inner);
            buffer_printf(&inner, "(%s).", expr);
            duck_quote_name(&inner, slice_of(physical->fields.columns[i].name));
            append_renamed(sql, buffer_text(&inner), physical->fields.columns[i].type,
                           logical->fields.columns[i].type, depth);
        }
        buffer_append_text(sql, ") END");
    } else if (physical->kind == TYPE_ARRAY) {
        buffer_printf(sql, "list_transform(%s, lambda e%d: ", expr, depth);
        buffer_printf(&inner, "e%d", depth);
        append_renamed(sql, buffer_text(&inner), physical->element, logical->element, depth + 1);
        buffer_append_char(sql, ')');
    } else { // MAP
        buffer_printf(sql,
                      "CASE WHEN %s IS NULL THEN NULL ELSE map_from_entries(list_transform("
                      "map_entries(%s), lambda e%d: struct_pack(k := ",
                      expr, expr, depth);
        buffer_printf(&inner, "e%d.key", depth);
        append_renamed(sql, buffer_text(&inner), physical->key, logical->key, depth + 1);
        buffer_append_text(sql, ", v := ");
        buffer_reset(&inner);
        buffer_printf(&inner, "e%d.value", depth);
        append_renamed(sql, buffer_text(&inner), physical->element, logical->element, depth + 1);
        buffer_append_text(sql, "))) END");
    }
    buffer_done(&inner);
}

// ---- partition values ----------------------------------------------------------------------

// Timestamps without a zone are UTC [1.12].
static bool has_zone(const char *text)
{
    size_t size = strlen(text);
    return size > 10 && (strpbrk(text + 10, "Zz+-") != NULL);
}

static void append_value_text(const char *value, const Type *type, Buffer *sql)
{
    if (value == NULL) {
        buffer_append_text(sql, "NULL");
        return;
    }
    Buffer text = {0};
    buffer_append_text(&text, value);
    if (type->kind == TYPE_TIMESTAMP && !has_zone(value)) {
        buffer_append_text(&text, "+00");
    }
    duck_quote_text(sql, buffer_slice(&text));
    buffer_done(&text);
}

static void append_constant(const char *value, const Type *type, Buffer *sql)
{
    if (type->kind == TYPE_BINARY && value != NULL) {
        buffer_append_text(sql, "encode(");
        append_value_text(value, type, sql);
        buffer_append_char(sql, ')');
        return;
    }
    buffer_append_text(sql, "CAST(");
    append_value_text(value, type, sql);
    buffer_append_text(sql, " AS ");
    print_type(type, sql);
    buffer_append_char(sql, ')');
}

// list_extract([v0, v1, ...]::T[], number of the file): the constant list is cast once.
static void append_lookup(const DeltaFiles *files, size_t column, const Type *type, Buffer *sql)
{
    bool binary = type->kind == TYPE_BINARY;
    buffer_append_text(sql, binary ? "encode(list_extract([" : "list_extract([");
    for (size_t i = 0; i < files->count; i++) {
        buffer_append_text(sql, i == 0 ? "" : ",");
        append_value_text(files->items[i].partition_values[column], type, sql);
    }
    buffer_append_text(sql, "]::");
    print_type(binary ? type_simple(TYPE_STRING) : type, sql);
    buffer_append_text(sql, "[], __tarn_file)");
    buffer_append_text(sql, binary ? ")" : "");
}

// ---- one group -----------------------------------------------------------------------------

static bool append_files(const Scan *scan, const DeltaFiles *files, const Group *group, Error *err)
{
    Buffer path = {0};
    bool ok = true;
    buffer_append_text(scan->sql, "read_parquet([");
    for (size_t i = 0; ok && i < group->count; i++) {
        buffer_reset(&path);
        ok = delta_path_resolve(scan->snapshot->root, files->items[group->files[i]].path, &path,
                                err);
        buffer_append_text(scan->sql, i == 0 ? "" : ",");
        duck_quote_path(scan->sql, buffer_slice(&path));
    }
    buffer_append_text(scan->sql, "], hive_partitioning=false, union_by_name=true");
    // Other writers' float bounds leave NaN out; without this DuckDB would skip such row groups.
    buffer_append_text(scan->sql, scan->has_float ? ", can_have_nan=true)" : ")");
    buffer_done(&path);
    return ok;
}

static void append_projection(const Scan *scan, const DeltaFiles *files, const Group *group)
{
    const DeltaSnapshot *snapshot = scan->snapshot;
    const Schema *logical = snapshot->schema.logical;
    Buffer name = {0};
    for (size_t i = 0; i < logical->count; i++) {
        const Column *column = &logical->columns[i];
        const Column *physical = &snapshot->schema.physical->columns[i];
        int partition = partition_index(snapshot, column->name);
        buffer_append_text(scan->sql, i == 0 ? "" : ", ");
        if (partition >= 0 && group != NULL && group->values != NULL) {
            append_constant(group->values[partition], column->type, scan->sql);
        } else if (partition >= 0 && group != NULL) {
            append_lookup(files, (size_t)partition, column->type, scan->sql);
        } else if (group == NULL || column->type->kind == TYPE_VOID) {
            append_constant(NULL, column->type, scan->sql);
        } else {
            buffer_reset(&name);
            duck_quote_name(&name, slice_of(physical->name));
            buffer_append_text(scan->sql, "CAST(");
            append_renamed(scan->sql, buffer_text(&name), physical->type, column->type, 0);
            buffer_append_text(scan->sql, " AS ");
            print_type(column->type, scan->sql);
            buffer_append_char(scan->sql, ')');
        }
        buffer_append_text(scan->sql, " AS ");
        duck_quote_name(scan->sql, slice_of(column->name));
    }
    buffer_done(&name);
}

// The table's physical columns, typed, without a row.
static void append_empty(const Scan *scan)
{
    const DeltaSnapshot *snapshot = scan->snapshot;
    bool any = false;
    buffer_append_text(scan->sql, "SELECT ");
    for (size_t i = 0; i < snapshot->schema.logical->count; i++) {
        const Column *physical = &snapshot->schema.physical->columns[i];
        if (partition_index(snapshot, snapshot->schema.logical->columns[i].name) >= 0 ||
            physical->type->kind == TYPE_VOID) {
            continue;
        }
        buffer_append_text(scan->sql, any ? ", NULL::" : "NULL::");
        print_type(physical->type, scan->sql);
        buffer_append_text(scan->sql, " AS ");
        duck_quote_name(scan->sql, slice_of(physical->name));
        any = true;
    }
    buffer_append_text(scan->sql, any ? " WHERE false" : "NULL AS __tarn_none WHERE false");
}

static bool append_group(const Scan *scan, const DeltaFiles *files, const Group *group, Error *err)
{
    buffer_append_text(scan->sql, "SELECT ");
    append_projection(scan, files, group);
    buffer_append_text(scan->sql, " FROM (");
    append_empty(scan);
    buffer_append_text(scan->sql, " UNION ALL BY NAME SELECT *");
    if (group->values == NULL) {
        buffer_append_text(scan->sql, ", CAST(file_index + 1 AS BIGINT) AS __tarn_file");
    }
    buffer_append_text(scan->sql, " FROM ");
    bool ok = append_files(scan, files, group, err);
    buffer_append_char(scan->sql, ')');
    return ok;
}

// ---- groups --------------------------------------------------------------------------------

static void group_key(const DeltaFile *file, size_t count, Buffer *key)
{
    buffer_reset(key);
    for (size_t i = 0; i < count; i++) {
        const char *value = file->partition_values[i];
        size_t size = value == NULL ? SIZE_MAX : strlen(value);
        buffer_append_bytes(key, &size, sizeof size);
        buffer_append_text(key, value == NULL ? "" : value);
    }
}

// Groups in order of first appearance; *too_many stops early.
static Group *make_groups(const DeltaSnapshot *snapshot, const DeltaFiles *files, size_t *count,
                          bool *too_many, Arena *arena)
{
    Map *map = map_create(false);
    Buffer key = {0};
    Group *groups = ARENA_ARRAY(arena, Group, GROUPS_MAX);
    *count = 0;
    *too_many = false;
    for (size_t i = 0; i < files->count && !*too_many; i++) {
        group_key(&files->items[i], snapshot->partition.count, &key);
        Group *group = map_find(map, buffer_slice(&key));
        if (group == NULL && *count == GROUPS_MAX) {
            *too_many = true;
            break;
        }
        if (group == NULL) {
            group = &groups[(*count)++];
            group->values = files->items[i].partition_values;
            map_put(map, buffer_slice(&key), group);
        }
        ARENA_PUSH(arena, group->files, group->count, group->capacity, i);
    }
    map_destroy(map);
    buffer_done(&key);
    return groups;
}

static bool append_groups(const Scan *scan, const DeltaFiles *files, Arena *arena, Error *err)
{
    size_t count;
    bool too_many;
    Group *groups = make_groups(scan->snapshot, files, &count, &too_many, arena);
    if (too_many) {
        Group all = {NULL, ARENA_ARRAY(arena, size_t, files->count), files->count, files->count};
        for (size_t i = 0; i < files->count; i++) {
            all.files[i] = i;
        }
        return append_group(scan, files, &all, err);
    }
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(scan->sql, i == 0 ? "" : " UNION ALL ");
        if (!append_group(scan, files, &groups[i], err)) {
            return false;
        }
    }
    return true;
}

// Rows marked deleted would come back to life: better no rows than wrong ones.
static bool check_vectors(const DeltaSnapshot *snapshot, const DeltaFiles *files, Error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < files->count; i++) {
        count += files->items[i].has_vector;
    }
    return count == 0 || fail(err, ERROR_INPUT,
                              "table %s needs the Delta reader feature 'deletionVectors', which "
                              "tarn does not support (%zu of its files have one)",
                              snapshot->root, count);
}

bool delta_files_sql(const DeltaSnapshot *snapshot, const DeltaFiles *files, Buffer *sql,
                     Error *err)
{
    Scan scan = {snapshot, sql,
                 delta_schema_uses(snapshot->schema.logical, TYPE_FLOAT) ||
                     delta_schema_uses(snapshot->schema.logical, TYPE_DOUBLE)};
    if (!check_vectors(snapshot, files, err)) {
        return false;
    }
    size_t start = sql->size;
    buffer_append_char(sql, '(');
    bool ok = true;
    if (files->count == 0) {
        buffer_append_text(sql, "SELECT ");
        append_projection(&scan, files, NULL);
        buffer_append_text(sql, " WHERE false");
    } else {
        Arena *arena = arena_create(0);
        ok = append_groups(&scan, files, arena, err);
        arena_destroy(arena);
    }
    buffer_append_char(sql, ')');
    if (!ok) {
        sql->size = start;
        sql->data[start] = '\0';
    }
    return ok;
}

bool delta_scan_sql(const DeltaSnapshot *snapshot, Buffer *sql, Error *err)
{
    return delta_files_sql(snapshot, delta_files(snapshot), sql, err);
}
