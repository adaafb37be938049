// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_THREAD_POOL_FACTORY_H_
#define TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_THREAD_POOL_FACTORY_H_

#include <memory>
#include <utility>

#include "tensorflow/core/platform/threadpool_options.h"
#include "tensorflow_serving/util/class_registration.h"

namespace tensorflow {
namespace serving {

// The threads that one request runs in. Without pools, those of the session.
//
// Units:    none.
// Errors:   none.
// Threads:  as std::shared_ptr.
// Lifetime: keeps the pools while it lives, so it outlives the run that was given get().
class ScopedThreadPools {
 public:
  ScopedThreadPools() = default;
  ScopedThreadPools(std::shared_ptr<thread::ThreadPoolInterface> inter_op_thread_pool,
                    std::shared_ptr<thread::ThreadPoolInterface> intra_op_thread_pool)
      : inter_op_thread_pool_(std::move(inter_op_thread_pool)),
        intra_op_thread_pool_(std::move(intra_op_thread_pool)) {}

  tensorflow::thread::ThreadPoolOptions get() {
    tensorflow::thread::ThreadPoolOptions options;
    options.inter_op_threadpool = inter_op_thread_pool_.get();
    options.intra_op_threadpool = intra_op_thread_pool_.get();
    return options;
  }

 private:
  std::shared_ptr<thread::ThreadPoolInterface> inter_op_thread_pool_;
  std::shared_ptr<thread::ThreadPoolInterface> intra_op_thread_pool_;
};

// Says in which threads each request runs.
//
// Units:    none.
// Errors:   none.
// Threads:  GetThreadPools is called from many threads at once.
// Lifetime: what it gave away may outlive it.
class ThreadPoolFactory {
 public:
  virtual ~ThreadPoolFactory() = default;

  // Called once for each request.
  virtual ScopedThreadPools GetThreadPools() = 0;
};

DEFINE_CLASS_REGISTRY(ThreadPoolFactoryRegistry, ThreadPoolFactory);

// ClassCreator::Create(const ConfigProto&, std::unique_ptr<ThreadPoolFactory>*).
#define REGISTER_THREAD_POOL_FACTORY(ClassCreator, ConfigProto)    \
  REGISTER_CLASS(::tensorflow::serving::ThreadPoolFactoryRegistry, \
                 ::tensorflow::serving::ThreadPoolFactory, ClassCreator, ConfigProto)

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_THREAD_POOL_FACTORY_H_
