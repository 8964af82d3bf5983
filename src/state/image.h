// image.h -- where in the log the last after-image of a row is.
//
//     image   segment << 36 | offset of the image in that file; 0: the log has none yet
//     packed  39 bits for a row that is only in the log: offset / 4 and the low bits of the segment
//
// What an image is, byte by byte: record.h. A packed place stands for the newest segment with these
// low bits, so it needs to know the log's last segment; images far behind in a file cannot be
// packed (the sweep writes them again elsewhere in time). SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

enum {
    IMAGE_OFFSET_BITS = 36,
    IMAGE_ALIGN = 4,
    IMAGE_UNIT_BITS = 25,    // of a packed place: offset / IMAGE_ALIGN, so 128 MiB of a file
    IMAGE_SEGMENT_BITS = 14, // and the low bits of the segment
    IMAGE_PACKED_BITS = IMAGE_UNIT_BITS + IMAGE_SEGMENT_BITS,
};

static inline uint64_t image_at(uint64_t segment, uint64_t offset)
{
    return segment << IMAGE_OFFSET_BITS | offset;
}

static inline uint64_t image_segment(uint64_t image)
{
    return image >> IMAGE_OFFSET_BITS;
}

static inline uint64_t image_offset(uint64_t image)
{
    return image & ((1ull << IMAGE_OFFSET_BITS) - 1);
}

static inline bool image_can_pack(uint64_t image)
{
    return image != 0 && image_offset(image) / IMAGE_ALIGN < 1ull << IMAGE_UNIT_BITS;
}

static inline uint64_t image_pack(uint64_t image)
{
    uint64_t segment = image_segment(image) & ((1ull << IMAGE_SEGMENT_BITS) - 1);
    return segment << IMAGE_UNIT_BITS | image_offset(image) / IMAGE_ALIGN;
}

static inline uint64_t image_unpack(uint64_t packed, uint64_t last_segment)
{
    uint64_t mask = (1ull << IMAGE_SEGMENT_BITS) - 1;
    uint64_t back = (last_segment - (packed >> IMAGE_UNIT_BITS)) & mask;
    uint64_t unit = packed & ((1ull << IMAGE_UNIT_BITS) - 1);
    return image_at(last_segment - back, unit * IMAGE_ALIGN);
}
