// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/default_store_opener.h"

#include <map>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/store/gcs/gcs_store.h"
#include "tfserving_remote/store/s3/s3_store.h"

namespace tfserving_remote {
namespace {

class DefaultStoreOpener final : public StoreOpener {
 public:
  DefaultStoreOpener(StoreOptions options, StoreEnv env)
      : options_(std::move(options)),
        env_(std::move(env)),
        s3_credentials_(S3CredentialsProvider(options_.s3, env_.fetch_aws, env_.clock, env_.log)),
        gcs_credentials_(
            GcsCredentialsProvider(options_.gcs, env_.fetch_gcs, env_.clock, env_.log)) {}

  absl::StatusOr<std::shared_ptr<ObjectStore>> Open(const StorageUrl& url) override {
    absl::MutexLock lock(&mu_);
    std::shared_ptr<ObjectStore>& store = stores_[{url.scheme, url.bucket}];
    if (store == nullptr) {
      const absl::StatusOr<std::shared_ptr<ObjectStore>> made = Make(url);
      if (!made.ok()) return made.status();
      absl::StatusOr<std::unique_ptr<RetryingStore>> retrying =
          RetryingStore::Create(*made, options_.retry, env_.clock);
      if (!retrying.ok()) return retrying.status();
      store = *std::move(retrying);
    }
    return store;
  }

 private:
  absl::StatusOr<std::shared_ptr<ObjectStore>> Make(const StorageUrl& url) const {
    if (url.scheme == "file") return std::make_shared<LocalStore>(options_.local);
    if (url.scheme == "s3") {
      return std::make_shared<S3Store>(options_.s3, url.bucket, env_.s3_http, s3_credentials_,
                                       env_.clock, env_.log);
    }
    if (url.scheme == "gs") {
      return std::make_shared<GcsStore>(options_.gcs, url.bucket, env_.gcs_http, gcs_credentials_,
                                        env_.clock);
    }
    return absl::InvalidArgumentError(
        absl::StrCat(url.ToString(), ": unknown scheme; known are s3, gs and file"));
  }

  // Constant after construction.
  const StoreOptions options_;
  const StoreEnv env_;
  const std::shared_ptr<CredentialsProvider> s3_credentials_;
  const std::shared_ptr<CredentialsProvider> gcs_credentials_;

  // Guarded by mu_.
  absl::Mutex mu_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<ObjectStore>> stores_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace

absl::StatusOr<StoreOptions> StoreOptions::FromEnvironment(const EnvironmentReader& environment) {
  StoreOptions options;
  absl::StatusOr<S3Options> s3 = S3Options::FromEnvironment(environment);
  if (!s3.ok()) return s3.status();
  absl::StatusOr<GcsOptions> gcs = GcsOptions::FromEnvironment(environment);
  if (!gcs.ok()) return gcs.status();
  options.s3 = *std::move(s3);
  options.gcs = *std::move(gcs);
  return options;
}

absl::Status StoreOptions::Validate() const { return retry.Validate(); }

absl::StatusOr<std::shared_ptr<StoreOpener>> CreateStoreOpener(const StoreOptions& options,
                                                               StoreEnv env) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  for (const auto* notes : {&options.s3.notes, &options.gcs.notes}) {
    for (const std::string& note : *notes) env.log.Log(Severity::kInfo, note);
  }
  return std::make_shared<DefaultStoreOpener>(options, std::move(env));
}

absl::StatusOr<std::shared_ptr<StoreOpener>> CreateStoreOpener(const StoreOptions& options,
                                                               Clock& clock, LogSink& log) {
  HttpClientOptions s3_http;
  s3_http.ca_file = options.s3.ca_file;
  s3_http.verify_tls = options.s3.verify_tls;
  absl::StatusOr<std::unique_ptr<HttpClient>> for_s3 = CreateHttpClient(std::move(s3_http));
  if (!for_s3.ok()) return for_s3.status();
  absl::StatusOr<std::unique_ptr<HttpClient>> for_gcs = CreateHttpClient(HttpClientOptions());
  if (!for_gcs.ok()) return for_gcs.status();
  return CreateStoreOpener(options, StoreEnv{*std::move(for_s3), *std::move(for_gcs), clock, log});
}

}  // namespace tfserving_remote
