// run.h -- the process that runs a project: threads, waking, stopping. Entry points are in
// engine.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

// True once engine_request_stop was called.
bool engine_is_stopping(void);
