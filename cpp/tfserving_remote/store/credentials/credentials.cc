// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/credentials/credentials.h"

#include <utility>

#include "absl/strings/str_replace.h"

namespace tfserving_remote {
namespace {

class FixedProvider final : public CredentialsProvider {
 public:
  explicit FixedProvider(Credentials credentials)
      : credentials_(std::make_shared<const Credentials>(std::move(credentials))) {}

  absl::StatusOr<std::shared_ptr<const Credentials>> Get(const StoreCallOptions& options) override {
    return credentials_;
  }

  bool Invalidate(const std::shared_ptr<const Credentials>& used) override { return false; }

 private:
  const std::shared_ptr<const Credentials> credentials_;
};

}  // namespace

std::shared_ptr<CredentialsProvider> StaticCredentials(Credentials credentials) {
  return std::make_shared<FixedProvider>(std::move(credentials));
}

std::string WithoutSecrets(absl::string_view text, const Credentials& credentials) {
  std::string clean(text);
  for (const std::string* secret : {&credentials.access_key_id, &credentials.secret_access_key,
                                    &credentials.session_token, &credentials.bearer_token}) {
    if (!secret->empty()) absl::StrReplaceAll({{*secret, "[hidden]"}}, &clean);
  }
  return clean;
}

}  // namespace tfserving_remote
