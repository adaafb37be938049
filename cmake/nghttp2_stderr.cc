// SPDX-License-Identifier: Apache-2.0
// Debian's libnghttp2.a is compiled for executables: it reaches `stderr` in a way that a shared
// library may not. The build renames that one symbol in a copy of the archive
// (cmake/Dependencies.cmake) to this one.
#include <cstdio>

extern "C" {
__attribute__((visibility("hidden"))) extern FILE* tfsr_nghttp2_stderr;
FILE* tfsr_nghttp2_stderr = stderr;
}
