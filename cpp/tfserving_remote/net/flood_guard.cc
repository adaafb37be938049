// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/flood_guard.h"

#include <algorithm>

namespace tfserving_remote {

bool TokenBucket::Take(std::chrono::steady_clock::time_point now) {
  if (last_ != std::chrono::steady_clock::time_point() && now > last_) {
    GiveBack(std::chrono::duration<double>(now - last_).count() * per_second_);
  }
  last_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void TokenBucket::GiveBack(double tokens) { tokens_ = std::min(burst_, tokens_ + tokens); }

}  // namespace tfserving_remote
