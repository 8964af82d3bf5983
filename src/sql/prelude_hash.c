// prelude_hash.c -- crc32, and Spark's hash (Murmur3, seed 42) and xxhash64 over any values.
//
// Both fold over the arguments: the hash so far is the seed of the next value, NULL changes
// nothing.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include "sql/prelude_internal.h"

static uint32_t rotate32(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static uint64_t rotate64(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static uint32_t read32(const char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint64_t read64(const char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

// ---- Murmur3, 32 bits ----------------------------------------------------------------------

static uint32_t murmur_mix(uint32_t hash, uint32_t word)
{
    word = rotate32(word * 0xCC9E2D51U, 15) * 0x1B873593U;
    return rotate32(hash ^ word, 13) * 5 + 0xE6546B64U;
}

static uint32_t murmur_finish(uint32_t hash, uint32_t size)
{
    hash ^= size;
    hash = (hash ^ hash >> 16) * 0x85EBCA6BU;
    hash = (hash ^ hash >> 13) * 0xC2B2AE35U;
    return hash ^ hash >> 16;
}

static uint64_t murmur_int(uint32_t value, uint64_t seed)
{
    return murmur_finish(murmur_mix((uint32_t)seed, value), 4);
}

static uint64_t murmur_long(uint64_t value, uint64_t seed)
{
    uint32_t hash = murmur_mix((uint32_t)seed, (uint32_t)value);
    return murmur_finish(murmur_mix(hash, (uint32_t)(value >> 32)), 8);
}

// Spark mixes each byte of the tail as a word of its own.
static uint64_t murmur_bytes(Slice bytes, uint64_t seed)
{
    uint32_t hash = (uint32_t)seed;
    size_t aligned = bytes.size & ~(size_t)3;
    for (size_t i = 0; i < aligned; i += 4) {
        hash = murmur_mix(hash, read32(bytes.data + i));
    }
    for (size_t i = aligned; i < bytes.size; i++) {
        hash = murmur_mix(hash, (uint32_t)(int32_t)(signed char)bytes.data[i]);
    }
    return murmur_finish(hash, (uint32_t)bytes.size);
}

// ---- xxHash, 64 bits -----------------------------------------------------------------------

#define PRIME1 0x9E3779B185EBCA87ULL
#define PRIME2 0xC2B2AE3D27D4EB4FULL
#define PRIME3 0x165667B19E3779F9ULL
#define PRIME4 0x85EBCA77C2B2AE63ULL
#define PRIME5 0x27D4EB2F165667C5ULL

static uint64_t xx_finish(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * PRIME2;
    hash = (hash ^ hash >> 29) * PRIME3;
    return hash ^ hash >> 32;
}

static uint64_t xx_add_int(uint64_t hash, uint32_t value)
{
    return rotate64(hash ^ (value * PRIME1), 23) * PRIME2 + PRIME3;
}

static uint64_t xx_add_long(uint64_t hash, uint64_t value)
{
    hash ^= rotate64(value * PRIME2, 31) * PRIME1;
    return rotate64(hash, 27) * PRIME1 + PRIME4;
}

static uint64_t xx_int(uint32_t value, uint64_t seed)
{
    return xx_finish(xx_add_int(seed + PRIME5 + 4, value));
}

static uint64_t xx_long(uint64_t value, uint64_t seed)
{
    return xx_finish(xx_add_long(seed + PRIME5 + 8, value));
}

static uint64_t xx_lanes(Slice bytes, size_t *at, uint64_t seed)
{
    uint64_t lanes[4] = {seed + PRIME1 + PRIME2, seed + PRIME2, seed, seed - PRIME1};
    for (; *at + 32 <= bytes.size; *at += 32) {
        for (size_t i = 0; i < 4; i++) {
            lanes[i] += read64(bytes.data + *at + 8 * i) * PRIME2;
            lanes[i] = rotate64(lanes[i], 31) * PRIME1;
        }
    }
    uint64_t hash = rotate64(lanes[0], 1) + rotate64(lanes[1], 7) + rotate64(lanes[2], 12) +
                    rotate64(lanes[3], 18);
    for (size_t i = 0; i < 4; i++) {
        hash ^= rotate64(lanes[i] * PRIME2, 31) * PRIME1;
        hash = hash * PRIME1 + PRIME4;
    }
    return hash;
}

static uint64_t xx_bytes(Slice bytes, uint64_t seed)
{
    size_t at = 0;
    uint64_t hash = bytes.size >= 32 ? xx_lanes(bytes, &at, seed) : seed + PRIME5;
    hash += bytes.size;
    for (; at + 8 <= bytes.size; at += 8) {
        hash = xx_add_long(hash, read64(bytes.data + at));
    }
    if (at + 4 <= bytes.size) {
        hash = xx_add_int(hash, read32(bytes.data + at));
        at += 4;
    }
    for (; at < bytes.size; at++) {
        hash = rotate64(hash ^ (unsigned char)bytes.data[at] * PRIME5, 11) * PRIME1;
    }
    return xx_finish(hash);
}

// ---- values --------------------------------------------------------------------------------

typedef struct Hash {
    uint64_t (*of_int)(uint32_t value, uint64_t seed);
    uint64_t (*of_long)(uint64_t value, uint64_t seed);
    uint64_t (*of_bytes)(Slice bytes, uint64_t seed);
} Hash;

static bool hash_value(const Hash *hash, const DuckColumn *column, uint64_t row, uint64_t *seed,
                       Error *err);

// The bytes of Java's BigInteger: big-endian two's complement, as few as possible.
static uint64_t hash_wide(const Hash *hash, __int128 value, uint64_t seed)
{
    char bytes[16];
    size_t start = 16;
    bool more = true;
    while (more) {
        bytes[--start] = (char)(unsigned char)value;
        __int128 rest = value >> 8;
        bool negative = (bytes[start] & 0x80) != 0;
        more = start > 0 && !((rest == 0 && !negative) || (rest == -1 && negative));
        value = rest;
    }
    return hash->of_bytes((Slice){bytes + start, 16 - start}, seed);
}

static uint64_t double_bits(double value)
{
    uint64_t bits;
    value = value == 0 ? 0 : value; // -0.0 hashes as 0.0
    memcpy(&bits, &value, sizeof bits);
    return value != value ? 0x7FF8000000000000ULL : bits;
}

static uint32_t float_bits(float value)
{
    uint32_t bits;
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, sizeof bits);
    return value != value ? 0x7FC00000U : bits;
}

static bool hash_list(const Hash *hash, const DuckColumn *column, uint64_t row, uint64_t *seed,
                      Error *err)
{
    uint64_t offset;
    uint64_t length;
    duck_list(column, row, &offset, &length);
    bool is_map = column->type->kind == TYPE_MAP;
    DuckColumn first = duck_child(column, 0);
    DuckColumn second = is_map ? duck_child(column, 1) : first;
    for (uint64_t i = offset; i < offset + length; i++) {
        if (!hash_value(hash, &first, i, seed, err) ||
            (is_map && !hash_value(hash, &second, i, seed, err))) {
            return false;
        }
    }
    return true;
}

static bool hash_struct(const Hash *hash, const DuckColumn *column, uint64_t row, uint64_t *seed,
                        Error *err)
{
    for (size_t i = 0; i < column->type->fields.count; i++) {
        DuckColumn child = duck_child(column, i);
        if (!hash_value(hash, &child, row, seed, err)) {
            return false;
        }
    }
    return true;
}

static bool hash_value(const Hash *hash, const DuckColumn *column, uint64_t row, uint64_t *seed,
                       Error *err)
{
    if (duck_is_null(column, row)) {
        return true;
    }
    switch (column->type->kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_DATE:
        *seed = hash->of_int((uint32_t)duck_int(column, row), *seed);
        return true;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        *seed = hash->of_long((uint64_t)duck_int(column, row), *seed);
        return true;
    case TYPE_FLOAT:
        *seed = hash->of_int(float_bits((float)duck_double(column, row)), *seed);
        return true;
    case TYPE_DOUBLE:
        *seed = hash->of_long(double_bits(duck_double(column, row)), *seed);
        return true;
    case TYPE_DECIMAL:
        *seed = column->type->precision <= 18
                    ? hash->of_long((uint64_t)duck_decimal(column, row), *seed)
                    : hash_wide(hash, duck_decimal(column, row), *seed);
        return true;
    case TYPE_STRING:
    case TYPE_BINARY:
        *seed = hash->of_bytes(duck_text(column, row), *seed);
        return true;
    case TYPE_ARRAY:
        return hash_list(hash, column, row, seed, err);
    case TYPE_STRUCT:
        return hash_struct(hash, column, row, seed, err);
    case TYPE_VOID:
        return true;
    default:
        return fail(err, ERROR_INPUT,
                    "[DATATYPE_MISMATCH] values of this type cannot be hashed (maps and "
                    "intervals)");
    }
}

static bool hash_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    const Hash *hash = context;
    for (uint64_t row = 0; row < row_count; row++) {
        uint64_t value = 42;
        for (size_t i = 0; i < argument_count; i++) {
            if (!hash_value(hash, &arguments[i], row, &value, err)) {
                return false;
            }
        }
        bool narrow = result->type->kind == TYPE_INT;
        duck_set_int(result, row, narrow ? (int32_t)(uint32_t)value : (int64_t)value);
    }
    return true;
}

static bool crc32_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice bytes = duck_text(&arguments[0], row);
        uint32_t crc = 0xFFFFFFFFU;
        for (size_t i = 0; i < bytes.size; i++) {
            crc ^= (unsigned char)bytes.data[i];
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >> 1 ^ (0xEDB88320U & (0U - (crc & 1)));
            }
        }
        duck_set_int(result, row, (int64_t)(crc ^ 0xFFFFFFFFU));
    }
    return true;
}

// sha2(bytes, bits) for the sizes that DuckDB does not have; NULL for other sizes.
static bool sha_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                     uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    Buffer hex = {0};
    bool ok = true;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        Slice bytes = duck_text(&arguments[0], row);
        int64_t bits = duck_int(&arguments[1], row);
        const EVP_MD *kind = bits == 224   ? EVP_sha224()
                             : bits == 384 ? EVP_sha384()
                             : bits == 512 ? EVP_sha512()
                                           : NULL;
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        if (kind == NULL) {
            duck_set_null(result, row);
            continue;
        }
        ok = EVP_Digest(bytes.data, bytes.size, digest, &size, kind, NULL) == 1 ||
             fail(err, ERROR_FAILED, "sha2: OpenSSL has no hash of %d bits", (int)bits);
        buffer_reset(&hex);
        for (unsigned i = 0; i < size; i++) {
            buffer_printf(&hex, "%02x", digest[i]);
        }
        duck_set_text(result, row, buffer_slice(&hex));
    }
    buffer_done(&hex);
    return ok;
}

static const Hash murmur = {murmur_int, murmur_long, murmur_bytes};
static const Hash xx = {xx_int, xx_long, xx_bytes};

static const PreludeFunction functions[] = {
    {"spark_crc32", "x", 'l', PRELUDE_PLAIN, crc32_rows, NULL},
    {"spark_sha", "xi", 's', PRELUDE_PLAIN, sha_rows, NULL},
    {"spark_hash", "*", 'i', PRELUDE_NULLS, hash_rows, &murmur},
    {"spark_xxhash64", "*", 'l', PRELUDE_NULLS, hash_rows, &xx},
};

const PreludeGroup prelude_hashes = {functions, sizeof functions / sizeof functions[0]};
