// SPDX-License-Identifier: Apache-2.0
// Ours: what a version's own assets.extra/saved_model_config.pb says of its session.
#ifndef TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SESSION_OVERRIDES_H_
#define TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SESSION_OVERRIDES_H_

#include <string>

#include "absl/status/status.h"

namespace tensorflow {

struct SessionOptions;

namespace serving {

// Applies the session_overrides of the version in the folder `export_dir`, if it has any, to
// `options`. A file that does not parse, and a setting that only makes the graph faster and that
// this build has no optimizer for, are warned of. kUnimplemented for one that the graph cannot run
// without; otherwise the error of the file system.
absl::Status ApplySessionOverrides(const std::string& export_dir, SessionOptions* options);

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_SESSION_OVERRIDES_H_
