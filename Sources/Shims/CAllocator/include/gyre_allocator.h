// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_ALLOCATOR_H
#define GYRE_ALLOCATOR_H
#include <stdint.h>

// Bytes that the process has taken from the C library's allocator and not given back; 0 where that is not known.
int64_t gyre_allocated_bytes(void);
// Gives free memory back to the system.
void gyre_trim_memory(void);

#endif
