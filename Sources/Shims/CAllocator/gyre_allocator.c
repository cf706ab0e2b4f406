// SPDX-License-Identifier: Apache-2.0
#include "gyre_allocator.h"
#include <stdint.h>
#ifdef __GLIBC__
#include <malloc.h>
int64_t gyre_allocated_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return (int64_t)(info.uordblks + info.hblkhd);
}
void gyre_trim_memory(void) { malloc_trim(0); }
#else
int64_t gyre_allocated_bytes(void) { return 0; }
void gyre_trim_memory(void) {}
#endif
