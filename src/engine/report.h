// report.h -- what a run tells people about its flows and views on stderr: a line for each while it
// goes on, and a summary of each at its end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/session.h"

// "requests  running  batch 12 ..." without a line end.
void report_flow(const ControlFlow *status, Buffer *out);
// Logs one line for each flow and view that took part, in the order of the catalog.
void report_summary(const Session *session);
