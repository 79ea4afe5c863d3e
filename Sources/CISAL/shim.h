#pragma once
#include <stddef.h>
#include <stdint.h>
#include <isa-l.h>

/// A macro in `igzip_lib.h` whose value does not reach Swift.
static inline uint32_t cisal_level1_buffer_size(void) { return ISAL_DEF_LVL1_DEFAULT; }
