// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/servable.h"

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {

absl::Status Servable::Unimplemented(absl::string_view method) const {
  return absl::UnimplementedError(
      absl::StrCat(method, " is not implemented by the type of model ", name_));
}

}  // namespace serving
}  // namespace tensorflow
