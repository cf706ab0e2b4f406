// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>
// A macro that Swift cannot see.
static inline int gyre_inflate_init(z_streamp stream, int window_bits) { return inflateInit2(stream, window_bits); }
