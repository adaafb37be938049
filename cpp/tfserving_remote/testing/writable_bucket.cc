// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/writable_bucket.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/store/credentials/credentials.h"
#include "tfserving_remote/store/gcs/gcs_store.h"
#include "tfserving_remote/store/percent_encoding.h"
#include "tfserving_remote/store/s3/s3_caller.h"
#include "tfserving_remote/store/s3/s3_store.h"

namespace tfserving_remote {
namespace {

class S3 final : public WritableBucket {
 public:
  S3(const S3Options& options, const std::string& bucket, const std::shared_ptr<HttpClient>& http,
     const std::shared_ptr<CredentialsProvider>& credentials)
      : caller_(options, bucket, http, credentials, Clock::Real(), LogSink::Null()),
        store_(options, bucket, http, credentials, Clock::Real(), LogSink::Null()) {}

  absl::Status Create() override { return Send("PUT", "", ""); }
  absl::Status Put(absl::string_view key, const std::string& bytes) override {
    return Send("PUT", key, bytes);
  }
  absl::Status Delete(absl::string_view key) override { return Send("DELETE", key, ""); }
  ObjectStore& store() override { return store_; }

 private:
  absl::Status Send(const char* method, absl::string_view key, const std::string& body) {
    S3Call call;
    call.verb = method;
    call.method = method;
    call.key = std::string(key);
    call.body = body;
    return caller_.Call(call, {}).status();
  }

  S3Caller caller_;
  S3Store store_;
};

class Gcs final : public WritableBucket {
 public:
  Gcs(const GcsOptions& options, std::string bucket, std::shared_ptr<HttpClient> http)
      : origin_(*HttpOrigin::Parse(options.endpoint)),
        bucket_(std::move(bucket)),
        http_(std::move(http)),
        store_(options, bucket_, http_, StaticCredentials({}), Clock::Real()) {}

  absl::Status Create() override {
    return Send("POST", "/storage/v1/b?project=test", "application/json",
                absl::StrCat("{\"name\":\"", bucket_, "\"}"));
  }
  absl::Status Put(absl::string_view key, const std::string& bytes) override {
    return Send("POST",
                absl::StrCat("/upload/storage/v1/b/", bucket_,
                             "/o?uploadType=media&name=", PercentEncode(key, Slash::kEncode)),
                "application/octet-stream", bytes);
  }
  absl::Status Delete(absl::string_view key) override {
    return Send("DELETE",
                absl::StrCat("/storage/v1/b/", bucket_, "/o/", PercentEncode(key, Slash::kEncode)),
                "", "");
  }
  ObjectStore& store() override { return store_; }

 private:
  absl::Status Send(const char* method, const std::string& target, const char* type,
                    const std::string& body) {
    HttpRequest request;
    request.method = method;
    request.origin = origin_;
    request.target = target;
    if (*type != '\0') request.headers.push_back({"Content-Type", type});
    request.body = body;
    const absl::StatusOr<HttpResponse> response = http_->Send(request, {});
    if (!response.ok()) return response.status();
    if (response->status / 100 == 2) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(method, " ", target, ": HTTP ", response->status));
  }

  const HttpOrigin origin_;
  const std::string bucket_;
  const std::shared_ptr<HttpClient> http_;
  GcsStore store_;
};

}  // namespace

std::unique_ptr<WritableBucket> S3Bucket(S3Options options, std::string bucket,
                                         std::shared_ptr<HttpClient> http) {
  const auto credentials = S3CredentialsProvider(options, nullptr, Clock::Real(), LogSink::Null());
  return std::make_unique<S3>(options, bucket, http, credentials);
}

std::unique_ptr<WritableBucket> GcsBucket(GcsOptions options, std::string bucket,
                                          std::shared_ptr<HttpClient> http) {
  return std::make_unique<Gcs>(options, std::move(bucket), std::move(http));
}

}  // namespace tfserving_remote
