// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SOURCE_H_
#define TENSORFLOW_SERVING_CORE_SOURCE_H_

#include <functional>
#include <vector>

#include "absl/strings/string_view.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

// Says which versions of which servables shall be served.
//
// Units:    one callback call is the complete list of aspired versions of one servable stream; it
//           replaces the list before. An empty list unloads all. Every item bears the stream's
//           name.
// Errors:   what is wrong with one version travels in its item.
// Threads:  the callback may be called from any thread; it may block.
// Lifetime: the callback may outlive its target, and then does nothing. A source may resend an id.
template <typename T>
class Source {
 public:
  virtual ~Source() = default;

  using AspiredVersionsCallback = std::function<void(const absl::string_view servable_name,
                                                     std::vector<ServableData<T>> versions)>;

  // To be called at most once; the source may call back from inside.
  virtual void SetAspiredVersionsCallback(AspiredVersionsCallback callback) = 0;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SOURCE_H_
