// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>
// Macros that Swift cannot see.
static inline int gyre_inflate_init(z_streamp stream, int window_bits) { return inflateInit2(stream, window_bits); }
static inline int gyre_deflate_init(z_streamp stream, int level, int window_bits) {
    return deflateInit2(stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
}
