// plan.h -- a streaming query, split once into immutable steps.
//
//     Plan *plan = plan_create(&request, arena, diagnostics);      NULL: problems were added
//
// Before planning, the engine has replaced temporary views by their queries and bound the query as
// a batch query over typed relations without rows (so unknown columns and type errors have been
// reported with their positions). Planning then
//   1. gives every streaming relation a view name, "source_<i>", which the flow points at the rows
//      of the batch before each run;
//   2. wraps relations that have a WATERMARK so that `watermark_<flow>_<w>(ts)` sees every event
//   time;
//   3. cuts the query, bottom-up, at DROP DUPLICATES, SELECT DISTINCT and aggregation: each cut is
//      a PlanStage, and the rest of the query reads the stage's output relation instead;
//   4. checks Spark's rules on operators and output modes.
//
// All SQL texts are DuckDB's and constant over the flow's life; what changes from batch to batch is
// behind views, functions, and the variable batch_time. The plan and its texts live in the arena
// given. Threads: planning on one; a Plan may be shared.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/parser.h"
#include "sql/print.h"
#include "stream/expect.h"
#include "stream/plan_facts.h"
#include "stream/sink.h"
#include "stream/stage_aggregate.h"
#include "stream/stage_join.h"
#include "stream/stage_session.h"
#include "stream/watermark.h"

typedef struct PlanSource {
    const Relation *relation; // RELATION_TABLE or RELATION_FUNCTION with is_stream
    const char *view;         // "source_<flow>_<i>"
    Schema schema;
} PlanSource;

typedef enum StageKind {
    STAGE_AGGREGATE,
    STAGE_DEDUPLICATE,
    STAGE_TOP,
    STAGE_LIMIT,
    STAGE_JOIN,
    STAGE_SESSION,
} StageKind;

typedef struct PlanDeduplicate {
    const char *claim_function; // (event time in us, keys...) -> BOOLEAN: first of its key and on
                                // time; counts the late
    size_t *key_columns;        // indices into the statement's columns
    int event_time_column;      // -1: none
    bool expires;               // keys are forgotten once the watermark passed expiry
    bool within_watermark;
    TimeUs expiry_delay; // WITHIN WATERMARK: expiry = event time + delay; else 0
} PlanDeduplicate;

enum { PLAN_TOP_ROWS_MAX = 10000 }; // of one group: its list is read and written whole

typedef struct PlanTop {
    const char *get_function; // (bucket, keys...) -> ARRAY(STRUCT(row)) | NULL
} PlanTop;

typedef struct PlanLimit {
    const char *left_function; // (limit) -> how many rows may still come
} PlanLimit;

typedef struct PlanStage {
    StageKind kind;
    int id;
    const char *name; // of its state tables: "aggregate_0"
    Pos pos;
    // The statement of one batch. Columns:
    //   AGGREGATE    bucket BIGINT, is_late BOOLEAN, keys..., values (merged)...
    //   DEDUPLICATE  the relation's columns, rows whose key is new
    //   LIMIT        the query's columns
    //   JOIN         stage_join.h
    //   TOP          bucket, is_late, keys..., first rows of the group, new or moved ones
    const char *sql;
    Schema keys;
    Schema values;              // AGGREGATE: partial aggregates; TOP: the list of rows
    Schema output;              // columns of the statement
    const char *late_function;  // "late_<flow>_<id>": (event time in us) -> BOOLEAN
    const char *batch_relation; // rows of this batch's statement
    const char *state_relation; // keys and values of the buckets to emit
    bool has_event_time;        // there are late rows, and the watermark evicts
    uint64_t below;             // bit i: reads the output of stage i
    TimeUs watermark_lag;       // its rows may be this much older than the watermark it reads
    PlanFacts facts;            // in the user's words
    // Of its kind:
    PlanAggregate *aggregate;
    PlanDeduplicate *deduplicate;
    PlanTop *top;
    PlanLimit *limit;
    PlanJoin *join;
    PlanSession *session;
} PlanStage;

typedef struct Plan {
    int flow; // number, unique in the process: part of function names
    OutputMode mode;
    PlanSource *sources;
    size_t source_count;
    size_t source_capacity;
    PlanWatermark *watermarks;
    size_t watermark_count;
    size_t watermark_capacity;
    PlanStage *stages; // in the order in which they run
    size_t stage_count;
    size_t stage_capacity;
    PlanLate *lates;
    size_t late_count;
    size_t late_capacity;
    const char *output_sql;
    Schema output;            // of the query; expectations take rows away
    const ExpectPlan *expect; // constraints of the table, in output_sql; NULL: none
    bool wants_no_data_batch; // when the watermark moved, as Spark's operators want it
} Plan;

typedef struct PlanRequest {
    int flow;
    OutputMode mode;
    const Query *query;          // views replaced
    const ExpectRequest *expect; // constraints of the table; NULL: none
    DuckConn *conn;              // to bind stage statements; stays free of registered functions
    // Relations that are not streams: as PrintOptions.relation.
    bool (*relation)(void *context, const Relation *relation, Buffer *sql);
    // The schema of a streaming relation; false with a problem added.
    bool (*stream_schema)(void *context, const Relation *relation, Schema *schema);
    void *context;
} PlanRequest;

// The watermark at the input of each stage, given the one of the sources: the lowest that the
// stages below let through (Spark's watermark propagation). inputs: stage_count.
void plan_stage_watermarks(const Plan *plan, TimeUs watermark, TimeUs *inputs);

const Plan *plan_create(const PlanRequest *request, Arena *arena, Diagnostics *diagnostics);

// True when the query reads any stream (after views were replaced).
bool plan_is_streaming(const Query *query);
const char *plan_mode_name(OutputMode mode); // "append"
