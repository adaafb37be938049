// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/credentials/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tfserving_remote/store/credentials/child_process.h"
#include "tfserving_remote/store/credentials/helper_credentials.h"

namespace tfserving_remote {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CredentialsTest, SecretsAreHidden) {
  Credentials credentials;
  credentials.access_key_id = "AKID";
  credentials.session_token = "token";
  EXPECT_EQ(WithoutSecrets("AKID sent token, AKID", credentials),
            "[hidden] sent [hidden], [hidden]");
}

TEST(HelperOutputTest, ReadsAwsKeys) {
  const auto credentials = ParseHelperOutput(
      Cloud::kAws, R"({"Version":1,"AccessKeyId":"a","SecretAccessKey":"s","SessionToken":"t",
                       "Expiration":"2030-01-01T00:00:00Z","Region":"eu-west-1"})");
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_EQ(credentials->access_key_id, "a");
  EXPECT_EQ(credentials->session_token, "t");
  EXPECT_EQ(credentials->region, "eu-west-1");
  EXPECT_EQ(credentials->expiration, absl::FromUnixSeconds(1893456000));
}

TEST(HelperOutputTest, ReadsGcsTokensAndKeysThatNeverExpire) {
  EXPECT_EQ(ParseHelperOutput(Cloud::kGcs, R"({"Version":1,"AccessToken":"t"})")->bearer_token,
            "t");
  EXPECT_EQ(ParseHelperOutput(Cloud::kAws,
                              R"({"AccessKeyId":"a","SecretAccessKey":"s","SessionToken":null})")
                ->expiration,
            absl::InfiniteFuture());
}

TEST(HelperOutputTest, FailuresAreUnauthenticatedAndQuoteNothing) {
  for (const char* text :
       {"", "SECRET", "[]", "{}", R"({"AccessKeyId":"SECRET"})",
        R"({"AccessKeyId":"SECRET","SecretAccessKey":"SECRET","Expiration":"SECRET"})"}) {
    const absl::Status status = ParseHelperOutput(Cloud::kAws, text).status();
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << text;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("SECRET")));
  }
  EXPECT_EQ(ParseHelperOutput(Cloud::kAws, R"({"Version":1,"Error":"no profile"})").status(),
            absl::UnauthenticatedError("no profile"));
}

// An interpreter that the helper's arguments are handed to.
class FakePython {
 public:
  explicit FakePython(const std::string& script) {
    std::string folder = (std::filesystem::temp_directory_path() / "fake_python_XXXXXX").string();
    folder_ = mkdtemp(folder.data());
    std::ofstream(path()) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  }
  ~FakePython() { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/python"; }

  absl::StatusOr<Credentials> Fetch(absl::Duration time_limit = absl::Minutes(5)) const {
    Cancellation never;
    return HelperFetcher(Cloud::kAws, {path(), time_limit})(never);
  }

 private:
  std::string folder_;
};

TEST(HelperTest, RunsTheModuleWithTheCloudsName) {
  const FakePython python(R"(echo "{\"AccessKeyId\":\"$1 $2 $3\",\"SecretAccessKey\":\"s\"}")");
  const auto credentials = python.Fetch();
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_EQ(credentials->access_key_id, "-m tfserving_remote.credentials aws");
}

TEST(HelperTest, TellsTheHelpersOwnWords) {
  const FakePython python(R"(echo '{"Version":1,"Error":"profile x does not exist"}'; exit 1)");
  EXPECT_THAT(
      std::string(python.Fetch().status().message()),
      AllOf(HasSubstr("tfserving_remote.credentials aws"), HasSubstr("profile x does not exist")));
}

TEST(HelperTest, TellsWhyTheInterpreterFailed) {
  const FakePython python("echo trace >&2; echo 'No module named tfserving_remote' >&2; exit 1");
  const absl::Status status = python.Fetch().status();
  EXPECT_TRUE(absl::IsUnauthenticated(status));
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("exit status 1"), HasSubstr("No module named"), Not(HasSubstr("trace"))));
}

TEST(HelperTest, AMissingInterpreterIsNamed) {
  Cancellation never;
  const absl::Status status =
      HelperFetcher(Cloud::kGcs, {"/missing/python", absl::Minutes(5)})(never).status();
  EXPECT_TRUE(absl::IsUnauthenticated(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("/missing/python"), HasSubstr("TFSR_PYTHON")));
}

TEST(ChildProcessTest, AHangingProgramIsStoppedWithItsChildren) {
  ChildProcessLimits limits;
  limits.time = absl::Milliseconds(50);
  const auto result =
      RunChildProcess({"/bin/sh", "-c", "sleep 1000 & sleep 1000"}, limits, nullptr);
  EXPECT_TRUE(absl::IsDeadlineExceeded(result.status())) << result.status();
}

TEST(ChildProcessTest, TooMuchOutputIsAnError) {
  ChildProcessLimits limits;
  limits.output_bytes = 1000;
  EXPECT_TRUE(absl::IsResourceExhausted(
      RunChildProcess({"/bin/sh", "-c", "yes"}, limits, nullptr).status()));
}

TEST(ChildProcessTest, ACancellationStopsIt) {
  Cancellation cancellation;
  cancellation.Cancel();
  EXPECT_TRUE(absl::IsCancelled(
      RunChildProcess({"/bin/sh", "-c", "sleep 1000"}, {}, &cancellation).status()));
}

TEST(ChildProcessTest, AProgramThatClosesItsStreamsAndStaysIsEnded) {
  const absl::StatusOr<ChildProcessResult> result =
      RunChildProcess({"/bin/sh", "-c", "echo out; exec >&- 2>&-; exec sleep 1000"}, {}, nullptr);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, "out\n");
  EXPECT_EQ(result->exit_code, 137);
}

TEST(ChildProcessTest, GivesOutputsAndExitStatus) {
  const auto result =
      RunChildProcess({"/bin/sh", "-c", "cat; echo out; echo err >&2; exit 3"}, {}, nullptr);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "out\n");
  EXPECT_EQ(result->error_output, "err\n");
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(RunChildProcess({"/bin/sh", "-c", "kill -9 $$"}, {}, nullptr)->exit_code, 137);
}

}  // namespace
}  // namespace tfserving_remote
