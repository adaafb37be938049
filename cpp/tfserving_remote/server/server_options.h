// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_SERVER_OPTIONS_H_
#define TFSERVING_REMOTE_SERVER_SERVER_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tfserving_remote {

/// What the command line of tensorflow_model_server says; names and defaults are TensorFlow
/// Serving's, those of `remote_*` are ours. The help texts in server_options.cc explain each.
///
/// Units:    as the names say.
/// Errors:   ParseServerOptions: INVALID_ARGUMENT with the flag and what it takes.
/// Threads:  a plain value.
/// Lifetime: a plain value.
struct ServerOptions {
  /// 0: no TCP. -1: a free port, which the log tells.
  int32_t port = 8500;
  std::string grpc_socket_path;
  int32_t grpc_max_threads = 0;
  std::string ssl_config_file;

  std::string model_name = "default";
  std::string model_base_path;
  std::string model_config_file;
  int32_t model_config_file_poll_wait_seconds = 0;
  std::string platform_config_file;
  std::string model_version_policy;
  bool allow_version_labels_for_unavailable_models = false;

  int64_t file_system_poll_wait_seconds = 1;
  /// -1: one for each model of the first configuration, from 8 to 64.
  int32_t num_load_threads = -1;
  int32_t num_unload_threads = 2;
  int32_t max_num_load_retries = -1;
  int64_t load_retry_interval_micros = 60'000'000;
  /// 0: no limit.
  int64_t total_model_memory_limit_bytes = 0;

  int64_t tensorflow_session_parallelism = 0;
  int64_t tensorflow_intra_op_parallelism = 0;
  int64_t tensorflow_inter_op_parallelism = 0;
  std::string saved_model_tags = "serve";
  bool enable_signature_method_name_check = false;
  bool enable_serialization_as_tensor_content = false;

  std::string remote_manifest = "preferred";
  /// Comma-separated files; empty: signatures are not looked at.
  std::string remote_trusted_keys;
  /// Empty: CRC32C, and with trusted keys SHA256.
  std::string remote_verify;
  int32_t remote_connections = 16;
  int64_t remote_max_bytes_in_flight = int64_t{256} << 20;
  /// Empty: no chunks are kept on disk.
  std::string remote_cache_dir;
  int64_t remote_cache_max_bytes = int64_t{10} << 30;
  int32_t remote_drain_seconds = 25;

  bool version = false;
  bool help = false;
};

/// `arguments` without the program's name. `cpus` decides defaults that depend on the machine.
absl::StatusOr<ServerOptions> ParseServerOptions(const std::vector<std::string>& arguments,
                                                 int cpus);

/// What --help prints.
std::string ServerUsage(int cpus);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_SERVER_OPTIONS_H_
