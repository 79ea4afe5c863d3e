#pragma once
#include <zlib.h>

/// `inflateInit2` is a macro that passes the size of `z_stream` along, and macros with arguments do not reach Swift.
static inline int czlib_inflate_init(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }
