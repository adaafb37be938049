// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/server_options.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/server/flag_table.h"

namespace tfserving_remote {
namespace {

void AddListenerFlags(ServerOptions& o, FlagTable& flags) {
  flags.Add(
      "port", &o.port,
      "TCP port for gRPC, on all interfaces. 0: no TCP; -1: any free port, which the log tells.");
  flags.Add("grpc_socket_path", &o.grpc_socket_path,
            "Path of a UNIX socket for gRPC, besides or instead of the port.");
  flags.Add("grpc_max_threads", &o.grpc_max_threads,
            "Requests that are computed at once; others wait. 0: four for each CPU.");
  flags.Add("ssl_config_file", &o.ssl_config_file,
            "Text SSLConfig with PEM contents; turns on TLS for gRPC.");
}

void AddModelFlags(ServerOptions& o, FlagTable& flags) {
  flags.Add("model_name", &o.model_name, "Name of the model under --model_base_path.");
  flags.Add("model_base_path", &o.model_base_path,
            "Where the model's versions lie: s3://bucket/model, gs://bucket/model, file:///folder "
            "or an absolute path.");
  flags.Add("model_config_file", &o.model_config_file,
            "Text ModelServerConfig with any number of models; used instead of --model_name and "
            "--model_base_path.");
  flags.Add("model_config_file_poll_wait_seconds", &o.model_config_file_poll_wait_seconds,
            "Seconds between two looks at --model_config_file, which is applied when it says "
            "something else than before. 0: it is read once.");
  flags.Add("platform_config_file", &o.platform_config_file,
            "Text PlatformConfigMap: types of models beside \"tensorflow\", and what their source "
            "adapters are made from. An entry for \"tensorflow\" is used instead of "
            "--saved_model_tags and the flags of sessions.");
  flags.Add("model_version_policy", &o.model_version_policy,
            "Which versions of --model_base_path to serve: latest:N, all, specific:1,3 or a text "
            "ServableVersionPolicy. Empty: the newest.");
  flags.Add(
      "allow_version_labels_for_unavailable_models", &o.allow_version_labels_for_unavailable_models,
      "Lets a configuration that is reloaded give a new label to a version that is not there "
      "yet. The first configuration always may. A label that moves to a version that is still "
      "loading keeps its old version until then.");
  flags.Add("file_system_poll_wait_seconds", &o.file_system_poll_wait_seconds,
            "Seconds between two looks for new versions. 0: look once.");
}

void AddLoadFlags(ServerOptions& o, FlagTable& flags) {
  flags.Add("num_load_threads", &o.num_load_threads,
            "Versions that load at once. -1: one for each model of the first configuration, from 8 "
            "to 64, so that no model's load delays another's; 0: one after the other.");
  flags.Add("num_unload_threads", &o.num_unload_threads, "Versions that unload at once.");
  flags.Add("max_num_load_retries", &o.max_num_load_retries,
            "How often a load that fails with UNAVAILABLE is repeated on its own thread, before "
            "GetModelStatus shows the reason. -1 (TensorFlow Serving: 5): 0, so that the version "
            "shows the reason at once, and is offered again with growing pauses for as long as it "
            "is listed, as every failed version is; but 5 where --file_system_poll_wait_seconds is "
            "0, since then nothing is offered again.");
  flags.Add("load_retry_interval_micros", &o.load_retry_interval_micros,
            "Microseconds between these repetitions. Negative: none.");
  flags.Add("total_model_memory_limit_bytes", &o.total_model_memory_limit_bytes,
            "A version that would need more memory than is left of this, by the rule of 1.2 times "
            "the size of its files, is not loaded: RESOURCE_EXHAUSTED. 0: no limit.");
  flags.Add("tensorflow_session_parallelism", &o.tensorflow_session_parallelism,
            "Threads of a session, for both kinds of parallelism. 0: TensorFlow chooses.");
  flags.Add("tensorflow_intra_op_parallelism", &o.tensorflow_intra_op_parallelism,
            "Threads inside one operation. 0: TensorFlow chooses.");
  flags.Add("tensorflow_inter_op_parallelism", &o.tensorflow_inter_op_parallelism,
            "Operations at once. 0: TensorFlow chooses.");
  flags.Add("saved_model_tags", &o.saved_model_tags, "Comma-separated tags of the graph to load.");
}

void AddInferenceFlags(ServerOptions& o, FlagTable& flags) {
  flags.Add("enable_signature_method_name_check", &o.enable_signature_method_name_check,
            "Serve only signatures whose method_name is one of TensorFlow Serving's.");
  flags.Add("enable_serialization_as_tensor_content", &o.enable_serialization_as_tensor_content,
            "Answer with tensor_content instead of one field value for each element.");
}

void AddRemoteFlags(ServerOptions& o, FlagTable& flags) {
  flags.Add("remote_manifest", &o.remote_manifest,
            "required: only versions with a manifest exist; preferred: a manifest is used where "
            "there is one; ignored.");
  flags.Add("remote_trusted_keys", &o.remote_trusted_keys,
            "Comma-separated PEM files with public keys (tfserving-remote keygen). Only versions "
            "that one of these keys has signed are served. Empty: signatures are not looked at.");
  flags.Add("remote_verify", &o.remote_verify,
            "CRC32C or SHA256: what each chunk is compared by before TensorFlow sees it. Empty: "
            "CRC32C, and with --remote_trusted_keys SHA256.");
  flags.Add("remote_connections", &o.remote_connections, "Ranged reads at once, over all models.");
  flags.Add("remote_max_bytes_in_flight", &o.remote_max_bytes_in_flight,
            "Bytes that are fetched but not yet used, over all models.");
  flags.Add("remote_cache_dir", &o.remote_cache_dir,
            "Folder on a local disk where chunks of versions with a manifest stay, so that what a "
            "later version or a restart shares with them is not fetched again. Servers may share "
            "it. Empty: none.");
  flags.Add("remote_cache_max_bytes", &o.remote_cache_max_bytes,
            "Bytes of all chunks in --remote_cache_dir; the longest unused go first.");
  flags.Add("remote_drain_seconds", &o.remote_drain_seconds,
            "How long requests may run on after SIGTERM or SIGINT. Keep it below the grace period "
            "of whatever sends the signal.");
  flags.Add("version", &o.version, "Print versions and exit.");
  flags.Add("help", &o.help, "Print this and exit.");
}

// TensorFlow Serving's flags that do not act here yet, with the value that describes what happens.
void AddFlagsToCome(FlagTable& flags, bool& ignored) {
  flags.AddNotYet("rest_api_port", "0");
  flags.AddNotYet("rest_api_num_threads", "");
  flags.AddNotYet("rest_api_timeout_in_ms", "");
  flags.AddNotYet("rest_api_enable_cors_support", "false", true);
  flags.AddNotYet("enable_batching", "false", true);
  flags.AddNotYet("batching_parameters_file", "");
  flags.AddNotYet("enable_per_model_batching_parameters", "false", true);
  flags.AddNotYet("tensorflow_session_config_file", "");
  flags.AddNotYet("per_process_gpu_memory_fraction", "0");
  flags.AddNotYet("use_alts_credentials", "false", true);
  flags.AddNotYet("grpc_channel_arguments", "");
  flags.AddNotYet("enable_profiler", "false", true);
  flags.AddNotYet("monitoring_config_file", "");
  flags.AddNotYet("enable_model_warmup", "false", true);
  flags.AddNotYet("num_request_iterations_for_warmup", "0");
  flags.AddNotYet("prefer_tflite_model", "false", true);
  flags.AddNotYet("num_tflite_pools", "");
  flags.AddNotYet("num_tflite_interpreters_per_pool", "1");
  flags.AddNotYet("xla_cpu_compilation_enabled", "false", true);
  flags.AddNotYet("xla_gpu_compilation_enabled", "false", true);
  flags.AddNotYet("thread_pool_factory_config_file", "");
  flags.AddNotYet("mixed_precision", "");
  flags.AddNotYet("skip_initialize_tpu", "false", true);
  flags.AddNotYet("remove_unused_fields_from_bundle_metagraph", "false", true);
  // Both values are right: nothing goes through a file system cache, and health is always there.
  flags.Add("flush_filesystem_caches", &ignored,
            "Accepted for compatibility: versions are not read through the file system's cache.");
  flags.Add("enable_grpc_healthcheck_service", &ignored,
            "Accepted for compatibility: grpc.health.v1.Health is always served.");
}

FlagTable MakeTable(ServerOptions& options, bool& ignored, int cpus) {
  options.grpc_max_threads = 4 * cpus;
  FlagTable flags;
  AddListenerFlags(options, flags);
  AddModelFlags(options, flags);
  AddLoadFlags(options, flags);
  AddInferenceFlags(options, flags);
  AddRemoteFlags(options, flags);
  AddFlagsToCome(flags, ignored);
  return flags;
}

absl::Status CheckModelFlags(const ServerOptions& o) {
  if (o.model_config_file.empty() && o.model_base_path.empty()) {
    return absl::InvalidArgumentError(
        "Both --model_base_path and --model_config_file are empty: one of them says what to serve");
  }
  if (!o.model_config_file.empty() && !o.model_version_policy.empty()) {
    return absl::InvalidArgumentError(
        "--model_version_policy belongs to --model_base_path; in --model_config_file each model "
        "has its own model_version_policy");
  }
  if (o.model_config_file.empty() && o.model_config_file_poll_wait_seconds > 0) {
    return absl::InvalidArgumentError(
        "--model_config_file_poll_wait_seconds belongs to --model_config_file, which is empty");
  }
  if (o.file_system_poll_wait_seconds < 0) {
    return absl::InvalidArgumentError(
        "--file_system_poll_wait_seconds is below 0: no version would ever be found; 0 looks once");
  }
  return absl::OkStatus();
}

absl::Status CheckNumbers(const ServerOptions& o) {
  if (o.port < -1 || o.port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("--port ", o.port, " is no TCP port"));
  }
  if (o.port == 0 && o.grpc_socket_path.empty()) {
    return absl::InvalidArgumentError(
        "--port is 0 and --grpc_socket_path is empty: nobody could connect");
  }
  if (o.num_load_threads < -1 || o.num_unload_threads < 0 || o.max_num_load_retries < -1 ||
      o.grpc_max_threads < 0 || o.remote_drain_seconds < 0 ||
      o.total_model_memory_limit_bytes < 0) {
    return absl::InvalidArgumentError(
        "--num_unload_threads, --grpc_max_threads, --total_model_memory_limit_bytes and "
        "--remote_drain_seconds are 0 or more, --num_load_threads and --max_num_load_retries -1 or "
        "more");
  }
  if (o.remote_cache_max_bytes < 1) {
    return absl::InvalidArgumentError(
        "--remote_cache_max_bytes is 1 or more; without --remote_cache_dir there is no cache");
  }
  if (o.remote_connections < 1 || o.remote_max_bytes_in_flight < (1 << 20)) {
    return absl::InvalidArgumentError(
        "--remote_connections is 1 or more, --remote_max_bytes_in_flight 1048576 or more");
  }
  if (o.tensorflow_session_parallelism > 0 && o.tensorflow_intra_op_parallelism > 0 &&
      o.tensorflow_inter_op_parallelism > 0) {
    return absl::InvalidArgumentError(
        "Give either --tensorflow_session_parallelism or --tensorflow_intra_op_parallelism and "
        "--tensorflow_inter_op_parallelism");
  }
  if (o.remote_manifest != "required" && o.remote_manifest != "preferred" &&
      o.remote_manifest != "ignored") {
    return absl::InvalidArgumentError(absl::StrCat(
        "--remote_manifest takes required, preferred or ignored, not \"", o.remote_manifest, "\""));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ServerOptions> ParseServerOptions(const std::vector<std::string>& arguments,
                                                 int cpus) {
  ServerOptions options;
  bool ignored = true;
  const FlagTable flags = MakeTable(options, ignored, cpus);
  if (absl::Status status = flags.Parse(arguments); !status.ok()) return status;
  if (options.help || options.version) return options;
  if (absl::Status status = CheckModelFlags(options); !status.ok()) return status;
  if (absl::Status status = CheckNumbers(options); !status.ok()) return status;
  if (options.grpc_max_threads == 0) options.grpc_max_threads = 4 * cpus;
  return options;
}

std::string ServerUsage(int cpus) {
  ServerOptions options;
  bool ignored = true;
  return absl::StrCat(
      "Serves SavedModels out of S3, Google Cloud Storage or a folder.\n"
      "usage: tensorflow_model_server --model_name=NAME --model_base_path=s3://bucket/model\n\n",
      MakeTable(options, ignored, cpus).Usage());
}

}  // namespace tfserving_remote
