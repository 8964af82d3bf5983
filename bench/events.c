// events COUNT FILES DIR: shop events as JSON lines of about 235 bytes, the same for the same arguments.
// Event time starts 2026-01-01T00:00:00Z, 0.6 ms an event, up to half a second early each.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state = 42;

static uint64_t next(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void print_event(FILE *out, long index)
{
    static const char *const types[] = {"page_view", "page_view", "page_view", "click", "search", "add_to_cart", "purchase"};
    static const char *const countries[] = {"US", "DE", "FR", "GB", "IN", "BR", "JP", "PL"};
    static const char *const devices[] = {"desktop", "mobile", "tablet"};
    static const int statuses[] = {200, 200, 200, 200, 200, 200, 304, 404, 500};
    uint64_t a = next();
    uint64_t b = next();
    uint64_t c = next();
    long ms = index * 6 / 10 - (long)(next() % 500);
    ms = ms < 0 ? 0 : ms;
    uint64_t page = (c & 0xffff) * (c >> 16 & 0xffff) * 50 >> 32; // low numbers are likelier
    fprintf(out,
            "{\"event_id\":\"%08x-%04x-4%03x-a%03x-%012" PRIx64 "\",\"event_time\":\"2026-01-01T%02ld:%02ld:%02ld.%03ldZ\","
            "\"user_id\":\"u_%d\",\"event_type\":\"%s\",\"page_url\":\"/shop/page/%d\",\"status\":%d,\"bytes\":%d,"
            "\"duration_ms\":%d,\"country\":\"%s\",\"device\":\"%s\"}\n",
            (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 52), b & 0xffffffffffff,
            ms / 3600000 % 24, ms / 60000 % 60, ms / 1000 % 60, ms % 1000, (int)(b % 50000), types[a % 7], (int)page,
            statuses[b % 9], (int)(c >> 40) % 60000 + 200, (int)(a % 2000), countries[c % 8], devices[c % 3]);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: events COUNT FILES DIR\n", stderr);
        return 2;
    }
    long count = strtol(argv[1], NULL, 10);
    long files = strtol(argv[2], NULL, 10);
    for (long f = 0; f < files; f++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/part-%02ld.json", argv[3], f);
        FILE *out = fopen(path, "w");
        if (out == NULL) {
            perror(path);
            return 1;
        }
        for (long i = count * f / files; i < count * (f + 1) / files; i++) {
            print_event(out, i);
        }
        if (fclose(out) != 0) {
            perror(path);
            return 1;
        }
    }
    return 0;
}
