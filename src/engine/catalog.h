// catalog.h -- the datasets and flows that a project's SQL declares.
//
//     Catalog *catalog = catalog_create(project, duck, clock, err);
//     catalog_add_files(catalog)                  parses; or catalog_add_text for a .test statement
//     catalog_resolve(catalog)                    names, cycles, schemas, options, streaming rules
//
// Problems go into the project's Diagnostics, all of them; catalog_resolve returns whether there
// were none. After resolving, the catalog is immutable but for catalog_add_text + another resolve.
//
// A dataset is known by "database.name" (case ignored). Temporary views are replaced by their
// queries wherever they are read, so flows see only tables and source functions.
//
//     statement ── register ──▶ Dataset / FlowSpec ── inline views ──▶ dependencies
//         ── sort ──▶ bind over typed relations without rows
//
// Binding uses a connection of its own and touches no data. Threads: one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/project.h"
#include "stream/plan.h"

typedef enum DatasetKind {
    DATASET_STREAMING_TABLE,
    DATASET_MATERIALIZED_VIEW,
    DATASET_TEMPORARY_VIEW,
    DATASET_SINK,
    DATASET_QUARANTINE, // "<table>_quarantine": rows that violate a constraint of the table
    DATASET_LATE_ROWS,  // LATE DATA INTO
} DatasetKind;

typedef struct Dataset Dataset;

typedef struct DatasetList {
    Dataset **items;
    size_t count;
    size_t capacity;
} DatasetList;

struct Dataset {
    DatasetKind kind;
    const char *name; // as the user calls it: without the default database
    const char *key;  // database.name
    const Statement *statement;
    const char *table_path; // tables: folder of the Delta table
    Query *query;           // views replaced; NULL: a streaming table that flows feed, a sink
    OutputMode mode;
    const SinkType *sink; // what its flows write with
    void *sink_config;
    Schema schema;
    bool resolved; // schema is known
    bool failed;   // has problems; without a schema, what reads it is not checked
    Dataset *quarantine;           // of a streaming table; NULL: none
    const struct FlowSpec *feeder; // DATASET_LATE_ROWS: the flow that fills it
    bool bad_conditions;           // its constraints have problems
    DatasetList upstream;
    int visit; // of the sort: 0 new, 1 open, 2 done
    int place; // in Catalog.order
};

typedef struct FlowSpec {
    const char *name;
    Dataset *target;
    const Name *target_name; // until it is found
    const Query *written;    // as parsed
    Query *query;            // views replaced
    Pos pos;
    bool failed; // its text has problems
    DatasetList upstream;
} FlowSpec;

typedef struct Catalog {
    Project *project;
    Arena *arena; // the project's
    Diagnostics *diagnostics;
    Duck *duck;
    DuckConn *conn; // for binding
    Clock *clock;
    Map *datasets;     // key -> Dataset
    DatasetList order; // dependencies first
    FlowSpec **flows;  // in the order of their targets
    size_t flow_count;
    size_t flow_capacity;
    bool has_here; // tarn query: relative paths in the text `here` start at the current folder
    uint32_t here;
    ErrorKind failure;       // of the last read that failed (exit code of tarn query)
    _Atomic int *read_count; // names of sources opened for reading are unique
    Source **open_sources;   // opened for reading: see catalog_close_sources
    size_t open_count;
    size_t open_capacity;
    Map *sources; // place in the text -> SourceSpec, or NULL after a problem
    Map *feeds;   // tests: dataset key -> ScriptFeed that replaces the sources in its statement
} Catalog;

// Tables that a flow reads without STREAM: each is a view that is pointed at the newest version
// before a batch.
typedef struct StaticTable {
    const Relation *relation;
    const char *view;
    char *sql; // what the view shows now
} StaticTable;

typedef struct StaticTables {
    StaticTable *items;
    size_t count;
    size_t capacity;
} StaticTables;

// `project` NULL: only delta.`path` and friends can be read (tarn query without a project).
MUST_USE bool catalog_create(Project *project, Arena *arena, Diagnostics *diagnostics, Duck *duck,
                             Clock *clock, Catalog **catalog, Error *err);
void catalog_destroy(Catalog *catalog);
// The same catalog for reading tables on another thread: with its own arena, connection and
// problems.
Catalog catalog_fork(const Catalog *catalog, Arena *arena, DuckConn *conn);
// Closes what was opened for reading, once the statements that read it have ended.
void catalog_close_sources(Catalog *catalog);

bool catalog_add_files(Catalog *catalog);
bool catalog_add_statement(Catalog *catalog, const Statement *statement);
bool catalog_resolve(Catalog *catalog);

Dataset *catalog_find(const Catalog *catalog, const Name *name); // NULL: none
// The query with temporary views replaced; NULL after a problem (cycle of views).
Query *catalog_inline(Catalog *catalog, const Query *query);
// catalog_bind.c: schema, types, output modes and streaming rules of one dataset.
bool catalog_resolve_dataset(Catalog *catalog, Dataset *dataset);
// Names, types and emptiness of what a table shall hold.
bool catalog_check_columns(Catalog *catalog, const Dataset *dataset, const Schema *schema, Pos pos);
// Binds a query as a batch query over typed relations without rows.
bool catalog_bind(Catalog *catalog, const Query *query, Schema *schema);

// A table function or streaming table as a source: type, filled options, columns. Found once per
// place in the text, so that a problem is reported once; NULL after a problem.
typedef struct SourceSpec {
    const SourceType *type;
    const char *name; // for messages
    void *config;
    Schema schema;
} SourceSpec;
const SourceSpec *catalog_source(Catalog *catalog, const Relation *relation);

// The plan of a flow over `conn` (see PlanRequest); static tables become views named by `tables`.
const Plan *catalog_plan(Catalog *catalog, const FlowSpec *flow, int number, DuckConn *conn,
                         StaticTables *tables);
