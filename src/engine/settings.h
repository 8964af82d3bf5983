// settings.h -- what `configuration` of a project may say: names, types, defaults.
//
// One table. A key of tarn.* that is not in it is a problem with the nearest known key; a key of
// Spark that has no meaning here is kept in a list and reported once as ignored.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

typedef enum SettingKind {
    SETTING_TEXT,
    SETTING_INT,
    SETTING_BYTES,    // "512MB": powers of 1024, as in Spark
    SETTING_DURATION, // "10 seconds", "30s"
    SETTING_BOOL,
} SettingKind;

typedef struct Setting {
    const char *key;
    SettingKind kind;
    const char *default_text; // NULL: none
    int64_t minimum;          // INT, BYTES, DURATION
    const char *help;
} Setting;

typedef struct SettingValue {
    const char *text; // as given or the default; NULL: none
    int64_t number;   // INT, BYTES, DURATION (microseconds), BOOL
} SettingValue;

extern const Setting settings_table[];
extern const size_t settings_count;

// The index of `key` in the table, -1: not there.
int settings_find(const char *key);
// Reads `text` as the kind says; false: it is not one (then *why says what was expected).
bool settings_parse(const Setting *setting, const char *text, SettingValue *value,
                    const char **why);

// "30s", "10 seconds", "1 minute 30 seconds", "500ms", "1.5 hours", "7d". Not negative.
bool settings_parse_duration(const char *text, TimeUs *duration);
// "512MB", "1g", "65536", "1.5 GiB".
bool settings_parse_bytes(const char *text, int64_t *bytes);
bool settings_parse_int(const char *text, int64_t *number);
