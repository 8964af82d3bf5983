// Texts to values: Spark's rules, both what is read and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <inttypes.h>
#include <math.h>

#include "base/clock.h"
#include "base/random.h"
#include "duck/decode_pattern.h"
#include "duck/decode_value.h"

static void check_int(const char *text, int64_t min, int64_t max, bool good, int64_t expected)
{
    int64_t value = 0;
    bool read = decode_value_int(slice_of(text), min, max, &value);
    CHECK(read == good);
    CHECK(!good || value == expected);
}

static void test_int(void)
{
    check_int("0", INT64_MIN, INT64_MAX, true, 0);
    check_int("-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN);
    check_int("9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX);
    check_int("9223372036854775808", INT64_MIN, INT64_MAX, false, 0);
    check_int("-9223372036854775809", INT64_MIN, INT64_MAX, false, 0);
    check_int("+7", -128, 127, true, 7);
    check_int("127", -128, 127, true, 127);
    check_int("128", -128, 127, false, 0);
    check_int("", -128, 127, false, 0);
    check_int("-", -128, 127, false, 0);
    check_int(" 1", -128, 127, false, 0);
    check_int("1.0", -128, 127, false, 0);
    check_int("1e2", -128, 127, false, 0);
}

static void test_double(void)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1", 1},
                {" 0.8", 0.8},
                {"-1.5e3", -1500},
                {".5", 0.5},
                {"5.", 5},
                {"+2.25", 2.25},
                {"1e400", INFINITY},
                {"-1e400", -INFINITY},
                {"1e-400", 0},
                {"1d", 1},
                {"1.5F", 1.5},
                {"Infinity", INFINITY},
                {"-Infinity", -INFINITY},
                {"0.1", 0.1},
                {"1e5000", INFINITY},
                {"1e-5000", 0},
                {"179769313486231570000000000000000000000e270", 1.7976931348623157e308}};
    static const char *const bad[] = {"",    " ",   "abc", "1,5", "inf", "nan", "0x1p3", "1e",
                                      "--1", "+-1", "1 2", "Inf", "e5",  ".",   "-",     "1ff"};
    double value;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        value = -99;
        CHECK(decode_value_double(slice_of(good[i].text), &value) && value == good[i].value);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(!decode_value_double(slice_of(bad[i]), &value));
    }
    CHECK(decode_value_double(slice_of("NaN"), &value) && isnan(value));
    float narrow;
    CHECK(decode_value_float(slice_of("0.1"), &narrow) && narrow == 0.1f);
    CHECK(decode_value_float(slice_of("1e39"), &narrow) && isinf(narrow));
    CHECK(decode_value_float(slice_of("-1e-60"), &narrow) && narrow == 0 && signbit(narrow));
}

static void test_double_round_trip(uint64_t seed)
{
    Random random = {seed};
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_next(&random);
        double value, again;
        memcpy(&value, &bits, sizeof value);
        char text[64];
        if (!isfinite(value)) {
            continue;
        }
        snprintf(text, sizeof text, "%.17g", value);
        CHECK(decode_value_double(slice_of(text), &again) && again == value);
    }
}

static void check_decimal(const char *text, int precision, int scale, bool good, int64_t expected)
{
    __int128 value = 0;
    bool read = decode_value_decimal(slice_of(text), precision, scale, &value);
    CHECK(read == good);
    CHECK(!good || value == expected);
    if (read != good || (good && value != expected)) {
        fprintf(stderr, "  decimal '%s'\n", text);
    }
}

static void test_decimal(void)
{
    check_decimal("12.345", 10, 2, true, 1235); // half up
    check_decimal("12.344", 10, 2, true, 1234);
    check_decimal("-12.345", 10, 2, true, -1235);
    check_decimal("1", 3, 2, true, 100);
    check_decimal("10", 3, 2, false, 0);
    check_decimal("9.995", 3, 2, false, 0); // rounds to 10.00
    check_decimal("1e2", 5, 1, true, 1000);
    check_decimal("1.5e-1", 5, 2, true, 15);
    check_decimal("0.004", 5, 2, true, 0);
    check_decimal("0.005", 5, 2, true, 1);
    check_decimal("0.0005", 5, 2, true, 0);
    check_decimal("1e-2000000000", 5, 2, true, 0);
    check_decimal("0e2000000000", 5, 2, true, 0);
    check_decimal("1e2000000000", 5, 2, false, 0);
    check_decimal("1,234.5", 10, 2, true, 123450);
    check_decimal("00012", 4, 0, true, 12);
    check_decimal(".5", 4, 1, true, 5);
    check_decimal("5.", 4, 1, true, 50);
    check_decimal("100", 3, 0, true, 100);
    check_decimal("1000", 3, 0, false, 0);
    check_decimal("", 3, 0, false, 0);
    check_decimal(".", 3, 0, false, 0);
    check_decimal("1e", 3, 0, false, 0);
    check_decimal("1x", 3, 0, false, 0);
    check_decimal("1.2.3", 3, 0, false, 0);
    __int128 value;
    CHECK(decode_value_decimal(slice_of("99999999999999999999999999999999999999"), 38, 0, &value));
    CHECK(
        !decode_value_decimal(slice_of("99999999999999999999999999999999999999.5"), 38, 0, &value));
}

static DecodeDay last_day; // shared by all, so that wrong days would be remembered

static void check_time(const char *text, bool zoned, bool good, const char *expected)
{
    int64_t micros = 0;
    char shown[32];
    bool read = decode_value_timestamp(slice_of(text), zoned, &micros);
    CHECK(read == good);
    int64_t near = micros;
    for (int i = 0; i < 2; i++) {
        CHECK(decode_value_timestamp_near(slice_of(text), zoned, &last_day, &near) == good);
        CHECK(near == micros);
    }
    if (good) {
        time_format_iso(micros, shown);
        CHECK_TEXT(shown, expected);
    }
    if (read != good) {
        fprintf(stderr, "  timestamp '%s'\n", text);
    }
}

static void test_timestamp(void)
{
    check_time("2024-03-09T10:11:12.345Z", true, true, "2024-03-09T10:11:12.345Z");
    check_time("2024-03-09 10:11:12", true, true, "2024-03-09T10:11:12.000Z");
    check_time("2024-03-09T10:11:12.3456789", true, true, "2024-03-09T10:11:12.345Z");
    check_time("2024-03-09T10:11:12+02:00", true, true, "2024-03-09T08:11:12.000Z");
    check_time("2024-03-09T10:11:12.5-0130", true, true, "2024-03-09T11:41:12.500Z");
    check_time("2024-03-09T10:11:12 UTC+1", true, true, "2024-03-09T09:11:12.000Z");
    check_time("2024-03-09T10:11:12+1:00", true, true, "2024-03-09T09:11:12.000Z");
    check_time("2024-03-09T10:11:12GMT", true, true, "2024-03-09T10:11:12.000Z");
    check_time("2024", true, true, "2024-01-01T00:00:00.000Z");
    check_time("2024-3", true, true, "2024-03-01T00:00:00.000Z");
    check_time("2024-3-9", true, true, "2024-03-09T00:00:00.000Z");
    check_time(" 2024-03-09 1:2:3 ", true, true, "2024-03-09T01:02:03.000Z");
    check_time("2024-03-09 10", true, true, "2024-03-09T10:00:00.000Z");
    check_time("2024-03-09 10:30", true, true, "2024-03-09T10:30:00.000Z");
    check_time("1969-12-31T23:59:59.999999Z", true, true, "1969-12-31T23:59:59.999Z");
    check_time("2024-02-29T00:00:00Z", true, true, "2024-02-29T00:00:00.000Z");
    check_time("2023-02-29T00:00:00Z", true, false, NULL);
    check_time("2024-03-09T24:00:00Z", true, false, NULL);
    check_time("2024-03-09T10:60:00Z", true, false, NULL);
    check_time("2024-03-09T10:11:60Z", true, false, NULL);
    check_time("2024-13-01T00:00:00Z", true, false, NULL);
    check_time("2024-00-01T00:00:00Z", true, false, NULL);
    check_time("2024-03-09T10:11:12+19:00", true, false, NULL);
    check_time("2024-03-09T10:11:12 Europe/Berlin", true, false, NULL);
    check_time("2024-03-09T10:11Z", true, false, NULL);
    check_time("2024-03-09T", true, false, NULL);
    check_time("2024-03-09T10:11:12.25", true, true, "2024-03-09T10:11:12.250Z");
    check_time("2024-03-09T10:1/:12", true, false, NULL);
    check_time("2024-03-09T10:1::12", true, false, NULL);
    check_time("2024-03-09T10:59:60", true, false, NULL);
    check_time("2024-03-09T1a:59:00", true, false, NULL);
    check_time("24-03-09", true, false, NULL);
    check_time("10:11:12", true, false, NULL);
    check_time("", true, false, NULL);
    check_time("2024-03-09X10:11:12", true, false, NULL);
    check_time("2024-03-09T10:11:12Zjunk", true, false, NULL);
    check_time("999999-01-01T00:00:00Z", true, false, NULL); // beyond 64 bits of microseconds
    check_time("2024-03-09T10:11:12Z", false, false, NULL);
    check_time("2024-03-09T10:11:12.5", false, true, "2024-03-09T10:11:12.500Z");
}

// Any instant, written in full, reads as itself; also with a random offset.
static void test_timestamp_round_trip(uint64_t seed)
{
    Random random = {seed};
    for (int i = 0; i < 20000; i++) {
        int64_t days = (int64_t)random_below(&random, 3000000) - 700000; // years 53 to 10183
        int64_t second = (int64_t)random_below(&random, 86400);
        int offset = (int)random_below(&random, 36 * 60) - 18 * 60;
        int year, month, day;
        time_civil(days, &year, &month, &day);
        if (year < 1000 || year > 9999) {
            continue;
        }
        char text[64];
        unsigned away = (unsigned)(offset < 0 ? -offset : offset);
        snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06d%c%02u:%02u", year, month,
                 day, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60), i,
                 offset < 0 ? '-' : '+', away / 60, away % 60);
        int64_t micros = 0;
        CHECK(decode_value_timestamp(slice_of(text), true, &micros));
        CHECK(micros == days * TIME_DAY + second * TIME_SECOND + i - offset * TIME_MINUTE);
        int64_t near = 0;
        CHECK(decode_value_timestamp_near(slice_of(text), true, &last_day, &near));
        CHECK(near == micros);
        text[26] = 'Z'; // the fast form
        text[27] = '\0';
        CHECK(decode_value_timestamp(slice_of(text), true, &micros));
        CHECK(micros == days * TIME_DAY + second * TIME_SECOND + i);
        CHECK(decode_value_timestamp_near(slice_of(text), true, &last_day, &near));
        CHECK(near == micros);
        int32_t date;
        text[10] = '\0';
        CHECK(decode_value_date(slice_of(text), &date) && date == days);
    }
}

static void test_date(void)
{
    int32_t days = 0;
    CHECK(decode_value_date(slice_of("1970-01-02"), &days) && days == 1);
    CHECK(decode_value_date(slice_of("1970-1-2 anything"), &days) && days == 1);
    CHECK(decode_value_date(slice_of("1970-01-02T10:00"), &days) && days == 1);
    CHECK(decode_value_date(slice_of("1969"), &days) && days == -365);
    CHECK(decode_value_date(slice_of("-0001-01-01"), &days) && days == -719893);
    CHECK(!decode_value_date(slice_of("1970-01-02x"), &days));
    CHECK(!decode_value_date(slice_of("1970-01 "
                                      "x"),
                             &days));
    CHECK(!decode_value_date(slice_of("26/08/2015"), &days));
    CHECK(!decode_value_date(slice_of("9999999-01-01"), &days));
}

static void test_boolean(void)
{
    bool value = false;
    CHECK(decode_value_boolean(slice_of("true"), &value) && value);
    CHECK(decode_value_boolean(slice_of("FALSE"), &value) && !value);
    CHECK(!decode_value_boolean(slice_of("yes"), &value));
    CHECK(!decode_value_boolean(slice_of("trues"), &value));
    CHECK(!decode_value_boolean(slice_of(""), &value));
}

static void test_base64(void)
{
    char out[16];
    size_t size;
    CHECK(decode_value_base64(slice_of("aGk="), out, &size) && size == 2 && out[1] == 'i');
    CHECK(decode_value_base64(slice_of("aGk"), out, &size) && size == 2);
    CHECK(decode_value_base64(slice_of(""), out, &size) && size == 0);
    CHECK(!decode_value_base64(slice_of("a"), out, &size));
    CHECK(!decode_value_base64(slice_of("a?Gk"), out, &size));
}

static void check_pattern(const char *pattern, const char *text, bool good, const char *expected)
{
    Arena *arena = arena_create(0);
    DecodePattern *compiled = NULL;
    Error err;
    int64_t micros = 0;
    CHECK(decode_pattern_compile(arena, "timestampFormat", pattern, &compiled, &err));
    bool read = decode_pattern_timestamp(compiled, slice_of(text), true, &micros);
    CHECK(read == good);
    if (read && good) {
        char shown[32];
        time_format_iso(micros, shown);
        CHECK_TEXT(shown, expected);
    }
    arena_destroy(arena);
}

static void test_pattern(void)
{
    check_pattern("dd/MM/yyyy", "26/08/2015", true, "2015-08-26T00:00:00.000Z");
    check_pattern("yyyy-MM-dd HH:mm", "2024-03-09 10:00", true, "2024-03-09T10:00:00.000Z");
    check_pattern("yyyyMMddHHmmssSSS", "20240309101112345", true, "2024-03-09T10:11:12.345Z");
    check_pattern("yyyy-MM-dd'T'HH:mm:ss[.SSS][X"
                  "XX]",
                  "2024-03-09T10:11:12+01:00", true, "2024-03-09T09:11:12.000Z");
    check_pattern("yyyy-MM-dd'T'HH:mm:ss[.SSS][X"
                  "XX]",
                  "2024-03-09T10:11:12.5", false, NULL);
    check_pattern("h:mm a d.M.yy", "1:05 PM 7.2.21", true, "2021-02-07T13:05:00.000Z");
    check_pattern("dd/MM/yyyy", "26/08/2015 ", false, NULL);
    check_pattern("dd/MM/yyyy", "32/08/2015", false, NULL);
    check_pattern("dd/MM/yyyy", "6/08/2015", false, NULL);
    check_pattern("yyyy ''''", "2015 ''", true, "2015-01-01T00:00:00.000Z");

    Arena *arena = arena_create(0);
    DecodePattern *compiled;
    Error err;
    CHECK(!decode_pattern_compile(arena, "dateFormat", "EEE dd", &compiled, &err));
    CHECK_TEXT(err.message, "dateFormat 'EEE dd': pattern letter 'EEE' is not supported; "
                            "use y M d H h m s S a X x Z, or quote it");
    CHECK(!decode_pattern_compile(arena, "dateFormat", "dd 'x", &compiled, &err));
    CHECK(!decode_pattern_compile(arena, "dateFormat", "[dd", &compiled, &err));
    CHECK(!decode_pattern_compile(arena, "dateFormat", "dd]", &compiled, &err));
    arena_destroy(arena);
}

int main(void)
{
    uint64_t seed = random_seed();
    printf("seed %" PRIu64 "\n", seed);
    test_int();
    test_double();
    test_double_round_trip(seed);
    test_decimal();
    test_timestamp();
    test_timestamp_round_trip(seed);
    test_date();
    test_boolean();
    test_base64();
    test_pattern();
    return check_done();
}
