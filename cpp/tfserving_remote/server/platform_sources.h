// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_PLATFORM_SOURCES_H_
#define TFSERVING_REMOTE_SERVER_PLATFORM_SOURCES_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/model_servers/model_source.h"

namespace tfserving_remote {

/// One source out of several: each model is watched by the source of its platform.
///
/// Units:    none.
/// Errors:   UpdateModels: those of the sources, and of making one. The sources that had taken
///           their part of the list get the one before back.
/// Threads:  UpdateModels and SetAspiredVersionsCallback by one thread at a time. The callback is
///           called from threads of several sources, for one model never twice at once.
/// Lifetime: as ModelSource.
class PlatformSources final : public tensorflow::serving::ModelSource {
 public:
  using CreateSource =
      std::function<absl::StatusOr<std::unique_ptr<tensorflow::serving::ModelSource>>()>;

  /// `common` watches the models of all platforms that are not among `own`; those are made when
  /// their first model comes.
  PlatformSources(std::unique_ptr<tensorflow::serving::ModelSource> common,
                  std::map<std::string, CreateSource> own);
  ~PlatformSources() override;

  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override;
  absl::Status UpdateModels(const tensorflow::serving::ModelConfigList& models) override;

 private:
  /// By platform; "" is the common one's.
  using Lists = std::map<std::string, tensorflow::serving::ModelConfigList>;

  Lists Split(const tensorflow::serving::ModelConfigList& models) const;
  absl::Status CreateMissing(const Lists& lists);
  absl::Status Apply(const Lists& lists);

  // Constant after construction.
  const std::map<std::string, CreateSource> creators_;

  // Of the thread that updates.
  AspiredVersionsCallback callback_;
  Lists lists_;
  std::map<std::string, std::unique_ptr<tensorflow::serving::ModelSource>> sources_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_PLATFORM_SOURCES_H_
