// fault.h -- named places where a test may make tarn die.
//
//     if (FAULT("flow.after_log")) {
//         return fail(err, ERROR_CRASH, "fault");
//     }
//
// Always compiled in; a point that is not armed costs one relaxed load. Two ways to arm one:
//   - TARN_FAULT=name:count in the environment: the count-th hit kills the process with SIGKILL;
//   - fault_arm() from the .test runner (`crash <point>`): the next hit returns true, the caller
//     unwinds with ERROR_CRASH and nothing on the way out may touch anything durable.
// Each name is in fault_points (fault.c): `tarn test` checks names against it, lint checks use.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

#define FAULT(name) (fault_is_armed() && fault_hit(name))

extern const char *const fault_points[]; // NULL-terminated

bool fault_is_armed(void);
bool fault_hit(const char *name);
bool fault_arm(const char *name); // false: no such point
void fault_disarm(void);
void fault_arm_from_environment(void);
