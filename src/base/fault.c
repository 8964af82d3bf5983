// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

const char *const fault_points[] = {
    "flow.after_open",      // epoch durable, log replayed
    "flow.after_run",       // rows staged, nothing logged
    "flow.after_log",       // record durable, sink not told
    "flow.after_sink",      // sink committed, sides not, record not confirmed
    "flow.after_side",      // a side committed, perhaps not the last one
    "state.mid_record",     // half of a log record written
    "state.after_segment",  // new segment created, old ones not yet unlinked
    "delta.before_commit",  // data files durable, no log entry
    "delta.after_commit",   // log entry visible
    "delta.mid_checkpoint", // checkpoint file written, hint not yet
    NULL,
};

static _Atomic bool armed;
static char armed_name[64];
static _Atomic long hits_left; // > 0: kill at this hit (environment); 0: return true once (test)
static bool kills;

bool fault_is_armed(void)
{
    return atomic_load_explicit(&armed, memory_order_relaxed);
}

bool fault_hit(const char *name)
{
    if (strcmp(name, armed_name) != 0) {
        return false;
    }
    if (kills) {
        if (atomic_fetch_sub(&hits_left, 1) == 1) {
            raise(SIGKILL);
        }
        return false;
    }
    atomic_store(&armed, false);
    return true;
}

bool fault_arm(const char *name)
{
    for (const char *const *point = fault_points; *point != NULL; point++) {
        if (strcmp(*point, name) == 0) {
            snprintf(armed_name, sizeof armed_name, "%s", name);
            kills = false;
            atomic_store(&armed, true);
            return true;
        }
    }
    return false;
}

void fault_disarm(void)
{
    atomic_store(&armed, false);
}

void fault_arm_from_environment(void)
{
    const char *text = getenv("TARN_FAULT");
    if (text == NULL) {
        return;
    }
    const char *colon = strchr(text, ':');
    size_t size = colon == NULL ? strlen(text) : (size_t)(colon - text);
    if (size >= sizeof armed_name) {
        return;
    }
    memcpy(armed_name, text, size);
    armed_name[size] = '\0';
    atomic_store(&hits_left, colon == NULL ? 1 : strtol(colon + 1, NULL, 10));
    kills = true;
    atomic_store(&armed, true);
}
