// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_EXECUTOR_H_
#define TENSORFLOW_SERVING_UTIL_EXECUTOR_H_

#include <functional>

namespace tensorflow {
namespace serving {

// Runs closures, somewhere, some time.
//
// Units:    none.
// Errors:   none; what was scheduled is run.
// Threads:  Schedule may be called from any thread, also from a scheduled closure.
// Lifetime: the destructor returns after the last scheduled closure has run.
class Executor {
 public:
  virtual ~Executor() = default;

  virtual void Schedule(std::function<void()> fn) = 0;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_EXECUTOR_H_
