// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_FLAG_TABLE_H_
#define TFSERVING_REMOTE_SERVER_FLAG_TABLE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// The flags of a command line and the variables they set.
///
/// Understands `--name=value`, `--name value`, `-name=value`, and for booleans the bare name; the
/// last occurrence wins.
///
/// Units:    none.
/// Errors:   INVALID_ARGUMENT, one sentence that names the flag and says what it takes.
/// Threads:  not thread-safe.
/// Lifetime: the variables outlive the table.
class FlagTable {
 public:
  /// The default is what the variable holds when it is added.
  void Add(std::string name, bool* variable, std::string help);
  void Add(std::string name, int32_t* variable, std::string help);
  void Add(std::string name, int64_t* variable, std::string help);
  void Add(std::string name, std::string* variable, std::string help);

  /// A flag of TensorFlow Serving's that does not act yet. It may be given with `acts_as`, the
  /// value that this server behaves by anyway; any other is an error that says so. `is_switch`: a
  /// bare name means true.
  void AddNotYet(std::string name, std::string acts_as, bool is_switch = false);

  /// `arguments` without the program's name.
  absl::Status Parse(const std::vector<std::string>& arguments) const;

  /// One paragraph for each flag.
  std::string Usage() const;

 private:
  struct Flag {
    std::string name;
    /// "true", "8500", "\"\"": empty for flags that are not shown.
    std::string default_text;
    std::string help;
    bool is_switch = false;
    std::function<absl::Status(absl::string_view)> set;
  };

  const Flag* Find(absl::string_view name) const;
  absl::Status UnknownFlag(absl::string_view name) const;

  std::vector<Flag> flags_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_FLAG_TABLE_H_
