// nexmark EVENTS FOLDER [RATE [SEED]]: Nexmark's events (people, auctions, bids) as JSON lines.
//
// FOLDER gets person/, auction/ and bid/, each with a file for every million events of all kinds, and
// side/ with the 10,000 rows that q13 looks up. RATE (10000) is how many events a second of event
// time has; the clock starts at 2026-01-01T00:00:00Z and never runs back. Event n depends on n, RATE
// and SEED alone. Of 50 events in a row the first is a person, three are auctions, 46 are bids. Half
// of the bids go to the newest hundredth auction and three quarters come from the newest hundredth
// person; the rest spread over those before, and a few ids are not there yet.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    CYCLE = 50, // one person, three auctions, the rest are bids
    AUCTIONS = 3,
    FIRST_ID = 1000, // of people and auctions
    FIRST_CATEGORY = 10,
    HOT_EVERY = 100,
    ACTIVE_PEOPLE = 1000,
    OPEN_AUCTIONS = 100,
    LEAD = 10,
    CHANNELS = 10000,
    EVENTS_A_FILE = 1000000,
    LETTERS = 1 << 20,
    PERSON_BYTES = 200, // sizes that the free text fills up to, counted as Nexmark does
    AUCTION_BYTES = 500,
    BID_BYTES = 100,
};

static const int64_t first_ms = 1767225600000; // 2026-01-01T00:00:00Z

typedef struct Event {
    int64_t number;
    int64_t ms;
    double rate;
    uint64_t random;
    const char *letters; // LETTERS random ones: free text is a piece of them
    FILE *out;
} Event;

// ---- chance ------------------------------------------------------------------------------------

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t below(Event *event, uint64_t bound)
{
    event->random += 0x9e3779b97f4a7c15u;
    return (uint64_t)((unsigned __int128)mix(event->random) * bound >> 64);
}

// From 100 to 10^8 cents, each power of ten as likely as the next.
static int64_t price(Event *event)
{
    double share = (double)below(event, UINT64_C(1) << 53) / (double)(UINT64_C(1) << 53);
    return llround(pow(10, share * 6) * 100);
}

static void free_text(Event *event, const char *name, int used, int wanted)
{
    int size = wanted > used ? wanted - used : 0;
    size = size > 0 ? (int)((uint64_t)size * (80 + below(event, 41)) / 100) : 0;
    const char *start = event->letters + below(event, (uint64_t)(LETTERS - size));
    fprintf(event->out, ",\"%s\":\"%.*s\"", name, size, start);
}

// Words of letters, one character in thirteen a space.
static int words(Event *event, char *text, int shortest, int longest)
{
    int size = shortest + (int)below(event, (uint64_t)(longest - shortest + 1));
    for (int i = 0; i < size; i++) {
        text[i] = below(event, 13) == 0 && i > 0 ? ' ' : (char)('a' + below(event, 26));
    }
    text[size] = '\0';
    return size;
}

// ---- ids -----------------------------------------------------------------------------------------

static int64_t last_person(int64_t number)
{
    return number / CYCLE;
}

static int64_t last_auction(int64_t number)
{
    int64_t made = number % CYCLE;
    made = made > AUCTIONS ? AUCTIONS : made;
    return number / CYCLE * AUCTIONS + made - 1; // -1 before the first
}

static int64_t some_person(Event *event)
{
    int64_t people = last_person(event->number) + 1;
    int64_t active = people < ACTIVE_PEOPLE ? people : ACTIVE_PEOPLE;
    return people - active + (int64_t)below(event, (uint64_t)(active + LEAD));
}

static int64_t some_auction(Event *event)
{
    int64_t last = last_auction(event->number);
    int64_t oldest = last > OPEN_AUCTIONS ? last - OPEN_AUCTIONS : 0;
    return oldest + (int64_t)below(event, (uint64_t)(last - oldest + 1 + LEAD));
}

// ---- events --------------------------------------------------------------------------------------

static void put_time(Event *event, const char *name, int64_t ms)
{
    int64_t days = (ms - first_ms) / 86400000; // from 1 January 2026: months of that year only
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int month = 0;
    for (; month < 11 && days >= lengths[month]; month++) {
        days -= lengths[month];
    }
    int64_t rest = (ms - first_ms) % 86400000;
    fprintf(event->out, ",\"%s\":\"2026-%02d-%02dT%02d:%02d:%02d.%03dZ\"", name, month + 1, (int)days + 1,
            (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60), (int)(rest % 1000));
}

static void put_person(Event *event)
{
    static const char *const first[] = {"Ada", "Bo", "Carl", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jo", "Kim"};
    static const char *const last[] = {"Archer", "Brook", "Cole", "Dunn", "Ellis", "Frost", "Grant", "Hale", "Irwin"};
    static const char *const cities[] = {"Phoenix", "Fresno", "Oakland", "San Diego", "Boise",
                                         "Salem", "Bend", "Tacoma", "Seattle", "Cheyenne"};
    static const char *const states[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};
    char user[8] = "";
    char host[6] = "";
    for (int i = 0; i < 7; i++) {
        user[i] = (char)('a' + below(event, 26));
        host[i < 5 ? i : 4] = (char)('a' + below(event, 26));
    }
    const char *name = first[below(event, 11)];
    const char *family = last[below(event, 9)];
    int card[4];
    for (int i = 0; i < 4; i++) {
        card[i] = (int)below(event, 10000);
    }
    const char *city = cities[below(event, 10)];
    const char *state = states[below(event, 6)];
    int used = 8 + (int)(strlen(name) + 1 + strlen(family) + strlen(city) + 2) + 17 + 19 + 8;
    fprintf(event->out,
            "{\"id\":%" PRId64 ",\"name\":\"%s %s\",\"emailAddress\":\"%s@%s.com\","
            "\"creditCard\":\"%04d %04d %04d %04d\",\"city\":\"%s\",\"state\":\"%s\"",
            last_person(event->number) + FIRST_ID, name, family, user, host, card[0], card[1], card[2], card[3], city,
            state);
    put_time(event, "dateTime", event->ms);
    free_text(event, "extra", used, PERSON_BYTES);
    fputs("}\n", event->out);
}

static void put_auction(Event *event)
{
    char item[20];
    char text[100];
    int used = words(event, item, 3, 19) + words(event, text, 3, 99) + 7 * 8;
    int64_t initial = price(event);
    int64_t reserve = initial + price(event);
    int64_t horizon = (int64_t)((double)OPEN_AUCTIONS * CYCLE / AUCTIONS * 1000 / event->rate);
    int64_t expires = event->ms + 1 + (int64_t)below(event, (uint64_t)(horizon > 1 ? 2 * horizon : 2));
    int64_t seller = below(event, 4) > 0 ? last_person(event->number) / HOT_EVERY * HOT_EVERY : some_person(event);
    fprintf(event->out,
            "{\"id\":%" PRId64 ",\"itemName\":\"%s\",\"description\":\"%s\",\"initialBid\":%" PRId64
            ",\"reserve\":%" PRId64,
            last_auction(event->number) + FIRST_ID, item, text, initial, reserve);
    put_time(event, "dateTime", event->ms);
    put_time(event, "expires", expires);
    fprintf(event->out, ",\"seller\":%" PRId64 ",\"category\":%d", seller + FIRST_ID,
            FIRST_CATEGORY + (int)below(event, 5));
    free_text(event, "extra", used, AUCTION_BYTES);
    fputs("}\n", event->out);
}

// A channel without a name of its own says in its link which one it is, nine times of ten.
static void put_channel(Event *event)
{
    static const char *const names[] = {"Google", "Facebook", "Baidu", "Apple"};
    char parts[3][6];
    bool is_known = below(event, 2) == 0;
    uint64_t which = below(event, is_known ? 4 : CHANNELS);
    Event fixed = {.random = mix(which + (is_known ? CHANNELS : 0))}; // a channel has one link
    for (int i = 0; i < 3; i++) {
        int size = 3 + (int)below(&fixed, 3);
        for (int j = 0; j < size; j++) {
            parts[i][j] = (char)('a' + below(&fixed, 26));
        }
        parts[i][size] = '\0';
    }
    if (is_known) {
        fprintf(event->out, ",\"channel\":\"%s\"", names[which]);
    } else {
        fprintf(event->out, ",\"channel\":\"channel-%" PRIu64 "\"", which);
    }
    fprintf(event->out, ",\"url\":\"https://www.nexmark.com/%s/%s/%s/item.htm?query=1", parts[0], parts[1], parts[2]);
    if (!is_known && below(&fixed, 10) > 0) {
        fprintf(event->out, "&channel_id=%" PRIu64, mix(which) >> 33);
    }
    fputc('"', event->out);
}

static void put_bid(Event *event)
{
    int64_t auction = below(event, 2) > 0 ? last_auction(event->number) / HOT_EVERY * HOT_EVERY : some_auction(event);
    int64_t bidder = below(event, 4) > 0 ? last_person(event->number) / HOT_EVERY * HOT_EVERY + 1 : some_person(event);
    // Nexmark adds the first id twice to bidders: they are people only in name.
    fprintf(event->out, "{\"auction\":%" PRId64 ",\"bidder\":%" PRId64 ",\"price\":%" PRId64, auction + FIRST_ID,
            bidder + 2 * FIRST_ID, price(event));
    put_channel(event);
    put_time(event, "dateTime", event->ms);
    free_text(event, "extra", 32, BID_BYTES);
    fputs("}\n", event->out);
}

// ---- files ---------------------------------------------------------------------------------------

static FILE *open_file(const char *folder, const char *kind, int64_t number)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, kind);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/part-%04" PRId64 ".json", folder, kind, number);
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        perror(path);
        exit(1);
    }
    return out;
}

static void close_file(FILE *out)
{
    if (fclose(out) != 0) {
        perror("nexmark");
        exit(1);
    }
}

static void write_side(const char *folder)
{
    FILE *out = open_file(folder, "side", 0);
    for (int key = 0; key < CHANNELS; key++) {
        fprintf(out, "{\"key\":%d,\"value\":\"value-%d\"}\n", key, key);
    }
    close_file(out);
}

static void write_events(Event *event, const char *folder, int64_t first, int64_t end, uint64_t seed)
{
    FILE *person = open_file(folder, "person", first / EVENTS_A_FILE);
    FILE *auction = open_file(folder, "auction", first / EVENTS_A_FILE);
    FILE *bid = open_file(folder, "bid", first / EVENTS_A_FILE);
    for (int64_t n = first; n < end; n++) {
        event->number = n;
        event->ms = first_ms + (int64_t)((double)n * 1000 / event->rate);
        event->random = mix(seed * 0x9e3779b97f4a7c15u + (uint64_t)n);
        if (n % CYCLE == 0) {
            event->out = person;
            put_person(event);
        } else if (n % CYCLE <= AUCTIONS) {
            event->out = auction;
            put_auction(event);
        } else {
            event->out = bid;
            put_bid(event);
        }
    }
    close_file(person);
    close_file(auction);
    close_file(bid);
}

int main(int argc, char **argv)
{
    int64_t count = argc > 2 ? strtoll(argv[1], NULL, 10) : 0;
    Event event = {.rate = argc > 3 ? strtod(argv[3], NULL) : 10000};
    uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 42;
    if (count <= 0 || event.rate <= 0) {
        fputs("usage: nexmark EVENTS FOLDER [RATE [SEED]]\n", stderr);
        return 2;
    }
    char *letters = malloc(LETTERS);
    if (letters == NULL) {
        perror("nexmark");
        return 1;
    }
    event.random = mix(seed);
    for (int i = 0; i < LETTERS; i++) {
        letters[i] = (char)('a' + below(&event, 26));
    }
    event.letters = letters;
    mkdir(argv[2], 0777);
    write_side(argv[2]);
    for (int64_t first = 0; first < count; first += EVENTS_A_FILE) {
        int64_t end = first + EVENTS_A_FILE;
        write_events(&event, argv[2], first, end < count ? end : count, seed);
    }
    free(letters);
    return 0;
}
