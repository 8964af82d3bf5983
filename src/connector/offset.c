// SPDX-License-Identifier: Apache-2.0
#include "connector/offset.h"

#include <jansson.h>

json_t *offset_parse(Slice offset, Error *err)
{
    json_error_t problem;
    json_t *object = json_loadb(offset.data, offset.size, 0, &problem);
    if (!json_is_object(object)) {
        json_decref(object);
        fail(err, ERROR_CORRUPT, "the checkpoint holds an offset that cannot be read: %.*s",
             (int)(offset.size > 200 ? 200 : offset.size), offset.data);
        return NULL;
    }
    return object;
}

bool offset_int(const json_t *object, const char *key, int64_t *value, Error *err)
{
    const json_t *field = json_object_get(object, key);
    if (!json_is_integer(field)) {
        return fail(err, ERROR_CORRUPT, "the checkpoint holds an offset without '%s'", key);
    }
    *value = json_integer_value(field);
    return true;
}
