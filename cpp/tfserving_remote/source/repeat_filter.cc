// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/source/repeat_filter.h"

#include <iterator>

namespace tfserving_remote {

bool RepeatFilter::Admit(absl::string_view topic, absl::string_view state, absl::Time now) {
  ForgetOld(now);
  const auto [found, is_new] = topics_.try_emplace(std::string(topic));
  Told& told = found->second;
  told.asked = now;
  const absl::Duration pause = told.state == state ? Reminder() : MinInterval();
  if (!is_new && now - told.told < pause) return false;
  told.state = std::string(state);
  told.told = now;
  return true;
}

void RepeatFilter::ForgetOld(absl::Time now) {
  if (now < next_cleaning_) return;
  next_cleaning_ = now + Reminder();
  for (auto topic = topics_.begin(); topic != topics_.end();) {
    const bool old = now - topic->second.asked >= Reminder();
    topic = old ? topics_.erase(topic) : std::next(topic);
  }
}

}  // namespace tfserving_remote
