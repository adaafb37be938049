// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SOURCE_REPEAT_FILTER_H_
#define TFSERVING_REMOTE_SOURCE_REPEAT_FILTER_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tfserving_remote {

/// Lets a message through when it is news, so that a loop may report its state every second.
///
/// Units:    absl::Time.
/// Errors:   none.
/// Threads:  one at a time.
/// Lifetime: a plain value.
class RepeatFilter {
 public:
  /// Something that changes to and fro is told no more often.
  static constexpr absl::Duration MinInterval() { return absl::Seconds(10); }
  /// What stays as it is is told again after this.
  static constexpr absl::Duration Reminder() { return absl::Minutes(10); }

  /// Whether to say now that `topic` is in the state `state`. Topics that are not asked about for
  /// long are forgotten.
  bool Admit(absl::string_view topic, absl::string_view state, absl::Time now);

 private:
  struct Told {
    std::string state;
    absl::Time told;
    absl::Time asked;
  };

  void ForgetOld(absl::Time now);

  std::map<std::string, Told, std::less<>> topics_;
  absl::Time next_cleaning_ = absl::InfinitePast();
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SOURCE_REPEAT_FILTER_H_
