// decode_simd.cc -- simdjson behind a C face: the first of its two stages, nothing else.
//
// The walk over the index is C (decode_json.c), because it knows which columns are wanted and what
// Spark calls malformed. Indexing many records at once saves the set-up for each.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_simd.h"

#include <charconv>
#include <cmath>
#include <memory>
#include <new>
#include <simdjson.h>
#include <system_error>

struct DecodeIndex {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

extern "C" DecodeIndex *decode_simd_create(void)
{
    return new DecodeIndex();
}

extern "C" void decode_simd_destroy(DecodeIndex *index)
{
    delete index;
}

extern "C" bool decode_simd_index(DecodeIndex *index, const char *data, size_t size,
                                  uint32_t **positions, uint32_t *count)
{
    if (index->parser == nullptr) {
        auto active = simdjson::get_active_implementation().operator->();
        if (active->create_dom_parser_implementation(size, 1, index->parser) != simdjson::SUCCESS) {
            return false;
        }
    } else if (index->parser->capacity() < size &&
               index->parser->allocate(size, 1) != simdjson::SUCCESS) {
        return false;
    }
    simdjson::error_code code = index->parser->stage1(reinterpret_cast<const uint8_t *>(data), size,
                                                      simdjson::stage1_mode::regular);
    if (code != simdjson::SUCCESS && code != simdjson::EMPTY) {
        return false;
    }
    *positions = index->parser->structural_indexes.get();
    *count = code == simdjson::EMPTY ? 0 : index->parser->n_structural_indexes;
    return true;
}

extern "C" bool decode_simd_utf8(const char *data, size_t size)
{
    return simdjson::validate_utf8(data, size);
}

template <typename Number> static bool parse(const char *data, size_t size, Number *value)
{
    Number number = 0;
    std::from_chars_result result = std::from_chars(data, data + size, number);
    if (result.ptr != data + size || size == 0) {
        return false;
    }
    if (result.ec == std::errc::result_out_of_range) {
        // Too large or too small: the sign of the power of ten tells, found from a scaled parse of
        // the digits' place. A long double holds every exponent that matters in practice.
        long double wide = 0;
        std::from_chars_result again = std::from_chars(data, data + size, wide);
        bool is_large = again.ec == std::errc() ? std::fabs(wide) > 1.0L : false;
        if (again.ec == std::errc::result_out_of_range) {
            is_large = true;
            for (size_t i = 0; i + 1 < size; i++) {
                if ((data[i] == 'e' || data[i] == 'E') && data[i + 1] == '-') {
                    is_large = false;
                }
            }
        }
        number = is_large ? std::numeric_limits<Number>::infinity() : Number(0);
        *value = data[0] == '-' ? -number : number;
        return true;
    }
    if (result.ec != std::errc()) {
        return false;
    }
    *value = number;
    return true;
}

extern "C" bool decode_simd_double(const char *data, size_t size, double *value)
{
    return parse(data, size, value);
}

extern "C" bool decode_simd_float(const char *data, size_t size, float *value)
{
    return parse(data, size, value);
}
