// registry.h -- the list of source and sink types; nothing else of a connector is visible.
//
// A connector is one file that ends in one const table (stream/source.h, stream/sink.h). Adding one
// is a file and a line in registry.c.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream/sink.h"
#include "stream/source.h"

extern const SourceType source_files;    // read_files(path, ...)
extern const SourceType source_generate; // generate(kind, ...)
extern const SourceType source_rate;     // rate(rowsPerSecond => ...)
extern const SourceType source_delta;    // a Delta table by name or path
extern const SourceType source_script;   // rows pushed by a .test file
extern const SinkType sink_delta;
extern const SinkType sink_console;
extern const SinkType sink_memory;

const SourceType *source_type_find(Slice name); // by SQL name, case ignored; NULL: none
const SinkType *sink_type_find(Slice name);
const SourceType *const *source_types(void); // NULL-terminated
const SinkType *const *sink_types(void);
