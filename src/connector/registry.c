// The list of connectors: adding one is a file and a line here.
// SPDX-License-Identifier: Apache-2.0
#include "connector/registry.h"

#include "base/map.h"

static const SourceType *const sources[] = {
    &source_files, &source_generate, &source_rate, &source_delta, &source_script, NULL,
};

static const SinkType *const sinks[] = {
    &sink_delta,
    &sink_console,
    &sink_memory,
    NULL,
};

static bool same_name(Slice name, const char *known)
{
    return name.size == strlen(known) && text_distance(name, slice_of(known)) == 0;
}

const SourceType *source_type_find(Slice name)
{
    for (size_t i = 0; sources[i] != NULL; i++) {
        if (same_name(name, sources[i]->name)) {
            return sources[i];
        }
    }
    return NULL;
}

const SinkType *sink_type_find(Slice name)
{
    for (size_t i = 0; sinks[i] != NULL; i++) {
        if (same_name(name, sinks[i]->name)) {
            return sinks[i];
        }
    }
    return NULL;
}

const SourceType *const *source_types(void)
{
    return sources;
}

const SinkType *const *sink_types(void)
{
    return sinks;
}
