// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/model_servers/platform_config_util.h"

#include "tensorflow_serving/model_servers/model_platform_types.h"
#include "tensorflow_serving/servables/tensorflow/saved_model_bundle_source_adapter.pb.h"

namespace tensorflow {
namespace serving {

PlatformConfigMap CreateTensorFlowPlatformConfigMap(
    const SessionBundleConfig& session_bundle_config) {
  SavedModelBundleSourceAdapterConfig adapter_config;
  *adapter_config.mutable_legacy_config() = session_bundle_config;
  PlatformConfigMap platforms;
  (*platforms.mutable_platform_configs())[kTensorFlowModelPlatform]
      .mutable_source_adapter_config()
      ->PackFrom(adapter_config);
  return platforms;
}

}  // namespace serving
}  // namespace tensorflow
