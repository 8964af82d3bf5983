// SPDX-License-Identifier: Apache-2.0
#include "engine/settings.h"

#include <errno.h>
#include <stdlib.h>

const Setting settings_table[] = {
    {"spark.sql.ansi.enabled", SETTING_BOOL, "true", 0, "only true: tarn's SQL is ANSI"},
    {"spark.sql.session.timeZone", SETTING_TEXT, "UTC", 0, "only UTC in this version"},
    {"spark.sql.streaming.multipleWatermarkPolicy", SETTING_TEXT, "min", 0,
     "min or max: which of a query's watermarks counts when it has several"},
    {"spark.sql.streaming.noDataMicroBatches.enabled", SETTING_BOOL, "true", 0,
     "whether a moved watermark alone makes a batch, which gives out the windows it closed"},
    {"tarn.batch.bytes", SETTING_BYTES, "64MB", 1024,
     "most bytes a batch takes from a source that sets no limit of its own"},
    {"tarn.history.batches", SETTING_INT, "10000", 1, "batches kept per flow in history.db"},
    {"tarn.history.time", SETTING_DURATION, "30 days", 0, "age after which history is removed"},
    {"tarn.memory.limit", SETTING_BYTES, "512MB", 64 << 20, "memory of the whole process"},
    {"tarn.state.retention", SETTING_INT, "100", 0,
     "batches back that state('flow', batch) can look at (256 MB of log at most)"},
    {"tarn.threads", SETTING_INT, "0", 0, "threads that run SQL; 0: one per core"},
    {"tarn.watermark.idle", SETTING_DURATION, "0s", 0,
     "when input rests, the watermark goes on with the clock in steps of this; 0: it waits"},
    {"tarn.watermark.idle.partition", SETTING_DURATION, "1 minute", 1,
     "with the policy partition: a stream silent for so long is not waited for"},
    {"tarn.watermark.policy", SETTING_TEXT, "global", 0,
     "global, or partition: streams of a query that are silent are left out of its watermark"},
};
const size_t settings_count = ARRAY_LEN(settings_table);

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

static const Unit duration_units[] = {
    {"us", 1},
    {"microsecond", 1},
    {"microseconds", 1},
    {"ms", TIME_MS},
    {"millisecond", TIME_MS},
    {"milliseconds", TIME_MS},
    {"s", TIME_SECOND},
    {"sec", TIME_SECOND},
    {"secs", TIME_SECOND},
    {"second", TIME_SECOND},
    {"seconds", TIME_SECOND},
    {"m", TIME_MINUTE},
    {"min", TIME_MINUTE},
    {"mins", TIME_MINUTE},
    {"minute", TIME_MINUTE},
    {"minutes", TIME_MINUTE},
    {"h", TIME_HOUR},
    {"hour", TIME_HOUR},
    {"hours", TIME_HOUR},
    {"d", TIME_DAY},
    {"day", TIME_DAY},
    {"days", TIME_DAY},
    {"week", 7 * TIME_DAY},
    {"weeks", 7 * TIME_DAY},
    {NULL, 0},
};

static const Unit byte_units[] = {
    {"", 1},
    {"b", 1},
    {"k", 1 << 10},
    {"kb", 1 << 10},
    {"kib", 1 << 10},
    {"m", 1 << 20},
    {"mb", 1 << 20},
    {"mib", 1 << 20},
    {"g", 1 << 30},
    {"gb", 1 << 30},
    {"gib", 1 << 30},
    {"t", (int64_t)1 << 40},
    {"tb", (int64_t)1 << 40},
    {"tib", (int64_t)1 << 40},
    {NULL, 0},
};

int settings_find(const char *key)
{
    for (size_t i = 0; i < settings_count; i++) {
        if (strcmp(settings_table[i].key, key) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static const char *skip_space(const char *text)
{
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    return text;
}

// One "<number><unit>"; *text moves behind it.
static bool parse_part(const char **text, const Unit *units, int64_t *value)
{
    const char *at = skip_space(*text);
    if ((*at < '0' || *at > '9') && *at != '.') {
        return false; // strtod would take signs, "inf" and hexadecimal
    }
    char *rest = NULL;
    errno = 0;
    double number = strtod(at, &rest);
    if (rest == at || errno != 0 || (at[0] == '0' && (at[1] | 0x20) == 'x')) {
        return false;
    }
    const char *word = skip_space(rest);
    size_t size = 0;
    while ((word[size] | 0x20) >= 'a' && (word[size] | 0x20) <= 'z') {
        size++;
    }
    char name[16];
    if (size >= sizeof name) {
        return false;
    }
    memcpy(name, word, size);
    name[size] = '\0';
    for (const Unit *unit = units; unit->name != NULL; unit++) {
        if (text_equal_nocase(unit->name, name)) {
            double product = number * (double)unit->factor;
            if (product > 9e18) {
                return false;
            }
            *value = (int64_t)(product + 0.5);
            *text = word + size;
            return true;
        }
    }
    return false;
}

bool settings_parse_duration(const char *text, TimeUs *duration)
{
    int64_t sum = 0;
    do {
        int64_t part = 0;
        if (!parse_part(&text, duration_units, &part) || __builtin_add_overflow(sum, part, &sum)) {
            return false;
        }
        text = skip_space(text);
    } while (*text != '\0');
    *duration = sum;
    return true;
}

bool settings_parse_bytes(const char *text, int64_t *bytes)
{
    int64_t value = 0;
    if (!parse_part(&text, byte_units, &value) || *skip_space(text) != '\0') {
        return false;
    }
    *bytes = value;
    return true;
}

bool settings_parse_int(const char *text, int64_t *number)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || *text == ' ' || *text == '\t') {
        return false;
    }
    *number = value;
    return true;
}

bool settings_parse(const Setting *setting, const char *text, SettingValue *value, const char **why)
{
    SettingValue parsed = {.text = text};
    bool ok = true;
    switch (setting->kind) {
    case SETTING_TEXT:
        break;
    case SETTING_INT:
        *why = "a whole number";
        ok = settings_parse_int(text, &parsed.number);
        break;
    case SETTING_BYTES:
        *why = "a size like 512MB or 2GB";
        ok = settings_parse_bytes(text, &parsed.number);
        break;
    case SETTING_DURATION:
        *why = "a duration like 30s or 10 minutes";
        ok = settings_parse_duration(text, &parsed.number);
        break;
    case SETTING_BOOL:
        *why = "true or false";
        parsed.number = text_equal_nocase(text, "true");
        ok = parsed.number == 1 || text_equal_nocase(text, "false");
        break;
    }
    if (ok && setting->kind != SETTING_TEXT && parsed.number < setting->minimum) {
        *why = NULL; // the right kind, but too small
        ok = false;
    }
    if (ok) {
        *value = parsed;
    }
    return ok;
}
