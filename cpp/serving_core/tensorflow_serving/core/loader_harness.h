// SPDX-License-Identifier: Apache-2.0
// Internal to the managers (policies need State alone).
#ifndef TENSORFLOW_SERVING_CORE_LOADER_HARNESS_H_
#define TENSORFLOW_SERVING_CORE_LOADER_HARNESS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/util/any_ptr.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {

template <typename T>
struct ServableStateSnapshot;

// One loader on its way through its life.
//
// Units:    retry interval in microseconds; negative: no pause.
// Errors:   a step that the present state does not allow is kFailedPrecondition if a caller may
//           have asked for it twice, else kInternal (and the end of a debug build).
// Threads:  safe from any thread; no lock is held while the loader works.
// Lifetime: must not be destroyed while the servable is loaded.
class LoaderHarness final {
 public:
  enum class State {
    kNew,
    kLoadRequested,
    kLoadApproved,
    kLoading,
    kReady,
    kUnloadRequested,
    kQuiescing,
    kQuiesced,
    kUnloading,
    kDisabled,
    kError
  };
  // For example "load-requested".
  static std::string StateDebugString(State state);

  struct Options {
    // Loads are tried 1 + max_num_load_retries times.
    uint32_t max_num_load_retries = 0;
    int64_t load_retry_interval_micros = 0;
    // Null: every error is worth another try.
    std::function<bool(absl::Status)> should_retry;
  };

  LoaderHarness(const ServableId& id, std::unique_ptr<Loader> loader, UniqueAnyPtr additional_state,
                const Options& options);
  // A servable that its source could not make: kError from the beginning.
  LoaderHarness(const ServableId& id, const absl::Status& error, UniqueAnyPtr additional_state);
  ~LoaderHarness();
  LoaderHarness(const LoaderHarness&) = delete;
  LoaderHarness& operator=(const LoaderHarness&) = delete;

  const ServableId& id() const { return id_; }
  // Null for what its source could not make.
  Loader* loader() const { return loader_.get(); }
  ServableModelType model_type() const;
  template <typename T>
  T* additional_state() const {
    return additional_state_.get<T>();
  }

  // Where it stands.
  State state() const;
  // Where it stood when last announced: the ends of a load and of an unload (kReady, kDisabled,
  // kError) stay hidden until Announce(). Whoever publishes events announces after publishing, so
  // that nobody acts upon a state before its event is out.
  State announced_state() const;
  void Announce();
  // Returns when no end is hidden any more.
  void AwaitAnnounced() const;
  // Not OK in kError.
  absl::Status status() const;
  template <typename T>
  ServableStateSnapshot<T> Snapshot() const;

  // The load, step by step. LoadRequested a second time: kFailedPrecondition.
  absl::Status LoadRequested();
  // kCancelled, and kError from then on, if the load was cancelled while it waited for its turn.
  absl::Status LoadApproved();
  // The same without an approval: OK if the load was not cancelled.
  absl::Status EndIfCancelled();
  // Ends a load that was asked for and may not begin: kError. Returns `error`.
  absl::Status RefuseLoad(const absl::Status& error);
  // Calls `step` until it succeeds: as often, and with the same pauses, as a load is tried.
  absl::Status CallWithRetries(const std::string& description,
                               const std::function<absl::Status()>& step);
  // Calls the loader, again and again if need be. Stays in kLoading if that went well.
  absl::Status Load();
  // kReady; or, if the load was cancelled meanwhile, false and kUnloading: go on with Unload().
  bool CommitLoad();

  // No further retry; what is loading now is to be unloaded at once.
  void CancelLoad();
  // Takes CancelLoad back if it is not too late for that, and says whether the servable is on its
  // way to kReady, or there.
  bool ResumeLoad();

  // The unload, step by step. kFailedPrecondition if not loaded or already asked for.
  absl::Status UnloadRequested();
  absl::Status StartQuiescing();
  absl::Status DoneQuiescing();
  void Unload();

 private:
  static bool HiddenUntilAnnounced(State state);
  absl::Status Advance(State from, State to);
  void SetState(State state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetError(const absl::Status& error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status EndIfCancelledLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status AdvanceLocked(State from, State to) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool AwaitRetry(const absl::Status& last_error);

  const ServableId id_;
  const std::unique_ptr<Loader> loader_;
  const UniqueAnyPtr additional_state_;
  const Options options_;

  mutable absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_);
  State announced_state_ ABSL_GUARDED_BY(mu_);
  bool all_announced_ ABSL_GUARDED_BY(mu_) = true;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  bool load_cancelled_ ABSL_GUARDED_BY(mu_) = false;
  // A retry was given up because of load_cancelled_: there is no way back.
  bool load_abandoned_ ABSL_GUARDED_BY(mu_) = false;
};

std::ostream& operator<<(std::ostream& out, LoaderHarness::State state);

// One managed servable at one moment, with what its manager keeps beside it.
template <typename T = std::nullptr_t>
struct ServableStateSnapshot final {
  ServableId id;
  LoaderHarness::State state;
  absl::optional<T> additional_state;
};

template <typename T>
bool operator==(const ServableStateSnapshot<T>& a, const ServableStateSnapshot<T>& b) {
  return a.id == b.id && a.state == b.state && a.additional_state == b.additional_state;
}

template <typename T>
ServableStateSnapshot<T> LoaderHarness::Snapshot() const {
  const T* const state = additional_state<T>();
  return {id_, announced_state(), state == nullptr ? absl::nullopt : absl::optional<T>(*state)};
}

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_LOADER_HARNESS_H_
