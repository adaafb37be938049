// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/hash.h"

namespace tensorflow {
namespace serving {
namespace {

// The finishing step of splitmix64: every input bit reaches every output bit.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t HashCombine(uint64_t hash0, uint64_t hash1) {
  return Mix(hash0 + 0x9e3779b97f4a7c15ULL + Mix(hash1));
}

}  // namespace serving
}  // namespace tensorflow
