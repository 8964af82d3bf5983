// control.h -- one instance runs a project: its lock, and the socket others reach it by.
//
// storage/tarn.lock   flock(2), so the kernel gives it back however the process ends; the file says
//                     whose it is
// storage/tarn.sock   one JSON object per line and answer:
//                       {"command":"status"} -> the status object below
//                       {"command":"stop"}   -> {"v":1,"type":"stopping","pid":N}, then a clean
//                       stop
//
// Status object (fields that do not apply are null; rows, batches and durations are sums over the
// run, rows_per_second is the last batch's while it runs):
//   {"v":1,"type":"status","running":true,"project":"weblogs","pid":12,"started":"2026-…Z",
//    "flows":[{"flow":…,"dataset":…,"state":"running","batch":12,"batches":…,"duration_ms":…,
//              "input_rows":…,"output_rows":…,"rows_per_second":…,"lag_rows":…,"lag_ms":…,
//              "watermark":"2026-…Z","state_rows":…,"state_bytes":…,"dropped":…,"malformed":…,
//              "error":null,"progress":{Spark's StreamingQueryProgress}}],
//    "views":[{"view":…,"kind":"materialized view","state":"idle","refreshed":"2026-…Z",
//              "refreshes":…,"duration_ms":…,"rows":…,"error":null}],
//    "constraints":[{"dataset":…,"constraint":…,"action":"drop row","rows":…,"failed":…}],
//    "sides":[{"dataset":"t_quarantine","flow":…,"rows":…}]}
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"
#include "base/error.h"

typedef struct InstanceLock InstanceLock;
// Makes the storage folder. ERROR_INPUT naming the other process when one runs already.
MUST_USE bool instance_lock(const char *storage, InstanceLock **lock, Error *err);
void instance_unlock(InstanceLock *lock); // NULL is a no-op
// The process that holds the lock, 0: none.
int instance_pid(const char *storage);

typedef struct ControlFlow {
    const char *flow;
    const char *dataset;
    const char *state; // "waiting" "running" "idle" "stopped" "failed" "finished"
    int64_t batch;     // last committed; -1: none
    int64_t batches;   // of this run; so are the sums
    TimeUs duration;   // of these batches
    int64_t input_rows;
    int64_t output_rows;
    double rows_per_second;
    int64_t lag_rows; // -1: unknown
    int64_t lag_ms;   // -1: unknown
    TimeUs watermark; // TIME_MIN: none
    int64_t state_rows;
    int64_t state_bytes;
    int64_t dropped;
    int64_t malformed;
    const char *error;    // NULL: none
    const char *progress; // JSON, of the last batch; NULL: none
} ControlFlow;
void control_append_flow(Buffer *json, const ControlFlow *flow);

typedef struct ControlView {
    const char *view;
    const char *state; // "waiting" "refreshing" "idle" "stopped" "failed"
    TimeUs refreshed;  // TIME_MIN: not in this run
    int64_t refreshes; // in this run
    TimeUs duration;   // of these refreshes
    int64_t rows;      // after the last one
    const char *error; // NULL: none
} ControlView;
void control_append_view(Buffer *json, const ControlView *view);
// The object around them: begin, control_append_flow for each, control_begin_views,
// control_append_view for each (commas are added), end.
void control_begin_status(Buffer *json, const char *project, bool running, int pid, TimeUs started);
void control_begin_views(Buffer *json);
void control_end_status(Buffer *json);

typedef struct ControlHandler {
    // Writes the status object. Called on the control thread: take your own locks.
    void (*status)(void *context, Buffer *json);
    void (*stop)(void); // engine_request_stop
    void *context;
} ControlHandler;

typedef struct Control Control;
// Listens on its own thread until control_close. Only the owner of the files may connect.
MUST_USE bool control_open(const char *storage, const ControlHandler *handler, Control **control,
                           Error *err);
void control_close(Control *control); // NULL is a no-op; removes the socket

// Sends one command to the running instance; *running is false when there is none.
MUST_USE bool control_ask(const char *storage, const char *command, Buffer *reply, bool *running,
                          Error *err);
