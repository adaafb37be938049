// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_REMOTE_FILE_SYSTEM_H_
#define TFSERVING_REMOTE_STREAM_REMOTE_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// A version as a folder that TensorFlow can open: `remote://<number>/<name>`. The scheme is
/// registered with TensorFlow's default Env by the first mount of the process. Everything that
/// writes is PERMISSION_DENIED.
///
/// Units:    none.
/// Errors:   reads return what VersionReader returns; OUT_OF_RANGE with the shorter piece at the
///           end of a file, as TensorFlow wants it.
/// Threads:  safe to call from any thread.
/// Lifetime: after it died nothing can be opened below export_dir(); files that are open stay so
///           and keep the reader.
class Mount {
 public:
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  /// What LoadSavedModel takes.
  const std::string& export_dir() const { return export_dir_; }

 private:
  friend absl::StatusOr<std::unique_ptr<Mount>> MountVersion(std::shared_ptr<VersionReader> reader,
                                                             absl::string_view name);
  Mount(int64_t number, std::string export_dir)
      : number_(number), export_dir_(std::move(export_dir)) {}

  const int64_t number_;
  const std::string export_dir_;
};

/// `name` is for people who read messages, for example "half_plus_two/3"; no "://" in it. Fails
/// only when another library has taken the scheme `remote`.
absl::StatusOr<std::unique_ptr<Mount>> MountVersion(std::shared_ptr<VersionReader> reader,
                                                    absl::string_view name);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_REMOTE_FILE_SYSTEM_H_
