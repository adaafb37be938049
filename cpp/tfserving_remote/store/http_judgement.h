// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_HTTP_JUDGEMENT_H_
#define TFSERVING_REMOTE_STORE_HTTP_JUDGEMENT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tfserving_remote {

enum class StoreKind { kS3, kGcs };

/// What may turn a failed request into a good one.
enum class Remedy {
  kNever,
  kAfterBackoff,
  kAfterCredentialsRefresh,
  kAtOtherRegion,
  kAfterClockCorrection,
};

/// What an HTTP answer that is no success means.
struct Verdict {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  Remedy remedy = Remedy::kNever;
  /// In our words; static text.
  absl::string_view what;
  /// What to check; static text, may be empty.
  absl::string_view advice;
};

/// The one table of failures. `error_code` is S3's <Code> or GCS's errors[0].reason, and empty when
/// the answer had none, as answers to HEAD. Pure; knows every status, so it always has a verdict.
Verdict JudgeHttp(StoreKind store, int http_status, absl::string_view error_code);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_HTTP_JUDGEMENT_H_
