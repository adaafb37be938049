// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_HASH_H_
#define TENSORFLOW_SERVING_UTIL_HASH_H_

#include <cstdint>

namespace tensorflow {
namespace serving {

// Mixes two hash values into one; the order of the two matters.
uint64_t HashCombine(uint64_t hash0, uint64_t hash1);

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_HASH_H_
