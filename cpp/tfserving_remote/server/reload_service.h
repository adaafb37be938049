// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_RELOAD_SERVICE_H_
#define TFSERVING_REMOTE_SERVER_RELOAD_SERVICE_H_

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/apis/model_management.pb.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/core/manager.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/net/grpc_server.h"

namespace tfserving_remote {

/// ModelService/HandleReloadConfigRequest: applies a configuration and answers when every model
/// that is new in it has an available version, or has failed for good.
///
/// One thread applies configurations, one after the other. Calls that wait for models hold no
/// thread, so that the next configuration is applied meanwhile.
///
/// Units:    none.
/// Errors:   INVALID_ARGUMENT (no ModelConfigList), those of `apply`, and those of `judge` but for
///           DEADLINE_EXCEEDED, which means "not yet". The configuration stays when the call is
///           cancelled, or its deadline passes, while it waits.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives the GrpcServer that calls it. The destructor stops it.
class ReloadService {
 public:
  using Models = std::vector<tensorflow::serving::ServableRequest>;
  /// As ServerCore::ApplyConfig.
  using Apply = std::function<absl::Status(const tensorflow::serving::ModelServerConfig& config,
                                           Models* new_models)>;
  /// As ServerCore::AwaitModels with a deadline that has passed.
  using Judge = std::function<absl::Status(const Models& models)>;

  ReloadService(Apply apply, Judge judge, Clock& clock);
  ~ReloadService();
  ReloadService(const ReloadService&) = delete;
  ReloadService& operator=(const ReloadService&) = delete;

  /// Adds the method; before the server starts.
  void Register(GrpcServer& server);

  void Reload(std::shared_ptr<GrpcCall> call);

  /// To be called after anything that `judge` may judge by: states of versions, configurations
  /// from elsewhere.
  void ModelsChanged() { Wake(); }
  /// Ends all calls with UNAVAILABLE, and any new one at once: they would keep the server from
  /// draining.
  void EndCalls();
  /// The same, and nothing is applied or judged after it returns. Idempotent.
  void Stop();

 private:
  /// Applied; waits for its models.
  struct Waiting {
    std::shared_ptr<GrpcCall> call;
    Models models;
    tensorflow::serving::ReloadConfigResponse response;
  };

  void Work();
  void Wake();
  void Begin(std::shared_ptr<GrpcCall> call);
  /// Ends the calls that need not wait any longer.
  void FinishDecided();

  // Constant after construction.
  const Apply apply_;
  const Judge judge_;
  Clock& clock_;

  // Of the thread.
  std::list<Waiting> waiting_;

  absl::Mutex mu_;
  std::deque<std::shared_ptr<GrpcCall>> new_calls_ ABSL_GUARDED_BY(mu_);
  bool something_happened_ ABSL_GUARDED_BY(mu_) = false;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  // Last: it uses the others from its first moment.
  std::thread thread_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_RELOAD_SERVICE_H_
