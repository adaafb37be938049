// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_UTIL_INLINE_EXECUTOR_H_
#define TENSORFLOW_SERVING_UTIL_INLINE_EXECUTOR_H_

#include <functional>

#include "tensorflow_serving/util/executor.h"

namespace tensorflow {
namespace serving {

// Runs each closure at once, in the caller.
class InlineExecutor : public Executor {
 public:
  InlineExecutor() = default;
  ~InlineExecutor() override = default;

  void Schedule(std::function<void()> fn) override { fn(); }
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_INLINE_EXECUTOR_H_
