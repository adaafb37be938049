// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_TARGET_H_
#define TENSORFLOW_SERVING_CORE_TARGET_H_

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/util/observer.h"

namespace tensorflow {
namespace serving {
namespace internal {

// Lets callers wait until a target is wired, or is being taken down. Each door is one thing to wait
// for; most targets have one.
class TargetGate {
 public:
  void Open(int door = 0);
  // Wakes all waiters; nobody waits from now on. Returns false if it was closed for good before.
  bool CloseForGood();
  // Blocks; true if opened, false if the target is going away.
  bool AwaitOpen(int door = 0);
  bool closed_for_good() const;

 private:
  mutable absl::Mutex mu_;
  std::set<int> open_doors_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

// Reports a Detach that is missing or came twice; ends debug builds.
void ReportBadDetach(const char* what);

}  // namespace internal

// Takes the aspired-versions callbacks of a source.
//
// Units:    as Source.
// Errors:   as Source.
// Threads:  the callback may be called from any thread.
// Lifetime: the callback outlives the target, as a no-op; it may block until the target is wired.
template <typename T>
class Target {
 public:
  virtual ~Target() = default;

  virtual typename Source<T>::AspiredVersionsCallback GetAspiredVersionsCallback() = 0;
};

// A target that is told through one virtual function.
//
// Units:    as Source.
// Errors:   as Source.
// Threads:  calls of SetAspiredVersions are serialised.
// Lifetime: every leaf class calls Detach() exactly once, first thing in its destructor.
template <typename T>
class TargetBase : public Target<T> {
 public:
  ~TargetBase() override {
    if (!gate_.closed_for_good()) {
      internal::ReportBadDetach("Detach() must be called by the leaf class's destructor");
      Detach();
    }
  }

  typename Source<T>::AspiredVersionsCallback GetAspiredVersionsCallback() final {
    absl::MutexLock lock(&mu_);
    if (observer_ == nullptr) {
      return [](const absl::string_view, std::vector<ServableData<T>>) {};
    }
    return observer_->Notifier();
  }

 protected:
  TargetBase() {
    absl::MutexLock lock(&mu_);
    observer_ = std::make_unique<AspiredVersionsObserver>(
        [this](const absl::string_view servable_name, std::vector<ServableData<T>> versions) {
          this->SetAspiredVersions(servable_name, std::move(versions));
        });
  }

  virtual void SetAspiredVersions(const absl::string_view servable_name,
                                  std::vector<ServableData<T>> versions) = 0;

  // Returns when no SetAspiredVersions is running; none starts later.
  void Detach() {
    if (!gate_.CloseForGood()) internal::ReportBadDetach("Detach() must be called only once");
    std::unique_ptr<AspiredVersionsObserver> last;
    absl::ReleasableMutexLock lock(&mu_);
    last.swap(observer_);
    lock.Release();  // `last` waits for a running call without it
  }

 private:
  template <typename InputType, typename OutputType>
  friend class SourceAdapter;
  template <typename U>
  friend class SourceRouter;

  using AspiredVersionsObserver = Observer<const absl::string_view, std::vector<ServableData<T>>>;

  // For targets that pass on what they are told: opened when they know to whom.
  internal::TargetGate gate_;

  absl::Mutex mu_;
  std::unique_ptr<AspiredVersionsObserver> observer_ ABSL_GUARDED_BY(mu_);
};

// Makes `target` hear of what `source` aspires to.
template <typename T>
void ConnectSourceToTarget(Source<T>* source, Target<T>* target) {
  source->SetAspiredVersionsCallback(target->GetAspiredVersionsCallback());
}

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TARGET_H_
