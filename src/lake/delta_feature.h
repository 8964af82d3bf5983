// delta_feature.h -- may we read, may we write a table: the protocol of [1.9] by feature name.
//
// Reader versions 1 to 3 and writer versions 1 to 7. With 3 and 7 the features are listed, below
// that they follow from the version and from what the table uses. What is missing is refused with
// the feature's own name, so that a user can look it up.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lake/delta_action.h"
#include "lake/delta_schema.h"

MUST_USE bool delta_feature_check_read(const DeltaProtocol *protocol, const char *path, Error *err);
MUST_USE bool delta_feature_check_write(const DeltaProtocol *protocol,
                                        const DeltaMetadata *metadata, const DeltaSchema *schema,
                                        const char *path, Error *err);
// The weakest protocol for a new table; refuses properties that need features we cannot write.
MUST_USE bool delta_feature_choose(const Schema *schema, const DeltaPairs *properties,
                                   DeltaProtocol *protocol, Arena *arena, Error *err);

bool delta_feature_is_listed(const DeltaProtocol *protocol, const char *feature);
// Is column mapping in force? A property without the feature is inert.
bool delta_feature_maps_columns(const DeltaProtocol *protocol, const DeltaMetadata *metadata);
bool delta_feature_property_is(const DeltaMetadata *metadata, const char *key, const char *value);
