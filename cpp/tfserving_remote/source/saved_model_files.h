// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SOURCE_SAVED_MODEL_FILES_H_
#define TFSERVING_REMOTE_SOURCE_SAVED_MODEL_FILES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tfserving_remote {

/// What a folder with these files lacks to be a SavedModel, as a text to print; empty when nothing
/// is missing. Pure.
///
/// Needed are saved_model.pb (or .pbtxt or .cpb) and, when there is a file below variables/, the
/// variables index and each shard that a shard's own name tells of:
/// `variables.data-00000-of-00003` needs two more. A model without variables is whole. Names are
/// relative to the version's folder; markers of folders ("variables/") count for nothing.
std::string MissingSavedModelFile(const std::vector<absl::string_view>& files);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SOURCE_SAVED_MODEL_FILES_H_
