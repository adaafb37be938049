// SPDX-License-Identifier: Apache-2.0
// Ours, internal: one look at one servable's base path.
#ifndef TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_VERSION_SCAN_H_
#define TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_VERSION_SCAN_H_

#include <string>
#include <vector>

#include "absl/base/log_severity.h"
#include "absl/status/status.h"
#include "tensorflow_serving/config/file_system_storage_path_source.pb.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/util/file_probing_env.h"

namespace tensorflow {
namespace serving {
namespace internal {

// Which versions of a servable its version policy picks from what is there.
//
// Units:    none.
// Errors:   `status` is not OK when the base path is missing or could not be listed: then nothing
//           is known of its versions. What is wrong with one entry stands in `reports`.
// Threads:  a value.
// Lifetime: a value.
struct VersionScan {
  struct Report {
    absl::LogSeverity severity;
    std::string text;
  };

  absl::Status status;
  // In the order to tell them; each version once.
  std::vector<ServableData<StoragePath>> versions;
  // The configuration asks for no version at all, as opposed to: none is there.
  bool none_wanted = false;
  // What people should hear of.
  std::vector<Report> reports;
};

// Takes as long as the file system does.
VersionScan ScanVersions(const FileSystemStoragePathSourceConfig::ServableToMonitor& servable,
                         FileProbingEnv* env);

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SOURCES_STORAGE_PATH_VERSION_SCAN_H_
