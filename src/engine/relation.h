// relation.h -- what a table name or table function in a query stands for.
//
// Two answers: relation_declared() is a relation of no rows with the right columns (for binding;
// touches no data), relation_read() the rows as they are now. Names are looked up as dataset of the
// catalog, then as a table under storage/tables, then as delta.`path`, parquet.`path`, csv.`path`,
// json.`path`; functions as source types that can be read as a batch.
//
// Tables caches open Delta tables of one thread, so that a later read lists only the log's tail.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/catalog.h"
#include "lake/delta.h"

typedef struct Tables Tables;
Tables *relation_tables_create(void);
void relation_tables_destroy(Tables *tables);
DeltaTable *relation_tables_open(Tables *tables, const char *path);

// Both add a problem and return false when there is no such relation.
bool relation_declared(Catalog *catalog, const Relation *relation, Buffer *sql);

typedef struct RelationReader {
    Catalog *catalog;
    Tables *tables;
    DuckConn *conn;
} RelationReader;
bool relation_read(void *reader, const Relation *relation, Buffer *sql);
// "(SELECT CAST(NULL AS t) AS c, ... WHERE false)"
void relation_print_empty(const Schema *schema, Buffer *sql);
// Where relative paths written at `pos` start: the project, or "." for what the command line says.
const char *relation_root(const Catalog *catalog, Pos pos);
// The folder of a Delta table that no dataset declares; NULL: there is none.
const char *relation_table_path(Catalog *catalog, const Name *name);
// [TABLE_OR_VIEW_NOT_FOUND] with the nearest name; returns false.
bool relation_not_found(Catalog *catalog, const Relation *relation);
