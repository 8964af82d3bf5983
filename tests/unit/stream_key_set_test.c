// Random keys against a plain map, over several batches.
// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"
#include "base/random.h"
#include "check.h"
#include "stream/key_set.h"

int main(void)
{
    uint64_t seed = random_seed();
    printf("seed %llu\n", (unsigned long long)seed);
    Random random = {seed};
    KeySet *set = key_set_create();
    for (int batch = 0; batch < 5; batch++) {
        Map *model = map_create(false);
        int wrong = 0;
        for (int i = 0; i < 20000; i++) {
            uint64_t number = random_below(&random, 6000);
            char key[64];
            int size = snprintf(key, sizeof key, "%.*s%llu", (int)(number % 30),
                                "..............................", (unsigned long long)number);
            Slice slice = {key, number == 7 ? 0 : (size_t)size}; // the empty key is a key
            bool is_new = false;
            Error err;
            CHECK(key_set_add(set, slice, &is_new, &err));
            wrong += is_new == map_has(model, slice);
            map_put(model, slice, NULL);
        }
        CHECK(wrong == 0);
        key_set_clear(set);
        map_destroy(model);
    }
    key_set_destroy(set);
    return check_done();
}
