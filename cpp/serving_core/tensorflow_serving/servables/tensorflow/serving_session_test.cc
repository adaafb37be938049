// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/serving_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tensorflow_serving/servables/tensorflow/bundle_factory_util.h"
#include "tensorflow_serving/servables/tensorflow/curried_session.h"

namespace tensorflow {
namespace serving {
namespace {

using ::testing::ElementsAre;
using Inputs = std::vector<std::pair<std::string, Tensor>>;
using Names = std::vector<std::string>;

// Writes down what it is asked, and answers that it was.
class RecordingSession final : public Session {
 public:
  explicit RecordingSession(Names* calls) : calls_(*calls) {}

  absl::Status Create(const GraphDef&) override { return Record("Create"); }
  absl::Status Extend(const GraphDef&) override { return Record("Extend"); }
  absl::Status Close() override {
    calls_.push_back("Close");
    return absl::OkStatus();
  }
  absl::Status Run(const Inputs& inputs, const Names& outputs, const Names& targets,
                   std::vector<Tensor>*) override {
    return Record("Run", Described(inputs, outputs, targets));
  }
  absl::Status Run(const RunOptions&, const Inputs& inputs, const Names& outputs,
                   const Names& targets, std::vector<Tensor>*, RunMetadata*) override {
    return Record("Run with options", Described(inputs, outputs, targets));
  }
  absl::Status Run(const RunOptions&, const Inputs& inputs, const Names& outputs,
                   const Names& targets, std::vector<Tensor>*, RunMetadata*,
                   const thread::ThreadPoolOptions&) override {
    return Record("Run with pools", Described(inputs, outputs, targets));
  }
  absl::Status ListDevices(std::vector<DeviceAttributes>*) override {
    return Record("ListDevices");
  }
  absl::Status LocalDeviceManager(const DeviceMgr**) override {
    return Record("LocalDeviceManager");
  }
  absl::Status MakeCallable(const CallableOptions& options, CallableHandle*) override {
    return Record("MakeCallable", absl::StrJoin(options.feed(), ","));
  }
  absl::Status RunCallable(CallableHandle handle, const std::vector<Tensor>& feeds,
                           std::vector<Tensor>*, RunMetadata*) override {
    return Record("RunCallable", absl::StrCat(handle, " of ", feeds.size()));
  }
  absl::Status RunCallable(CallableHandle handle, const std::vector<Tensor>& feeds,
                           std::vector<Tensor>*, RunMetadata*,
                           const thread::ThreadPoolOptions&) override {
    return Record("RunCallable with pools", absl::StrCat(handle, " of ", feeds.size()));
  }
  absl::Status ReleaseCallable(CallableHandle handle) override {
    return Record("ReleaseCallable", absl::StrCat(handle));
  }

 private:
  static std::string Described(const Inputs& inputs, const Names& outputs, const Names& targets) {
    Names fed;
    for (const auto& [name, tensor] : inputs) fed.push_back(name);
    return absl::StrCat(absl::StrJoin(fed, ","), " > ", absl::StrJoin(outputs, ","), " > ",
                        absl::StrJoin(targets, ","));
  }
  absl::Status Record(absl::string_view call, absl::string_view what = "") {
    calls_.push_back(what.empty() ? std::string(call) : absl::StrCat(call, ": ", what));
    return absl::DataLossError(call);
  }

  Names& calls_;
};

// Calls everything that does not change a session; `status` is told each answer.
void CallEverything(Session& session, const std::function<void(absl::Status)>& status) {
  const Inputs inputs = {{"a", Tensor(1.0f)}};
  status(session.Run(inputs, {"y"}, {"t"}, nullptr));
  status(session.Run({}, inputs, {"y"}, {"t"}, nullptr, nullptr));
  status(session.Run({}, inputs, {"y"}, {"t"}, nullptr, nullptr, {}));
  CallableOptions options;
  options.add_feed("a");
  status(session.MakeCallable(options, nullptr));
  status(session.RunCallable(4, {Tensor(1.0f)}, nullptr, nullptr));
  status(session.RunCallable(4, {Tensor(1.0f)}, nullptr, nullptr, {}));
  status(session.ReleaseCallable(4));
  status(session.ListDevices(nullptr));
  status(session.LocalDeviceManager(nullptr));
}

TEST(ServingSessionTest, DeniesEveryChange) {
  Names calls;
  std::unique_ptr<Session> session = std::make_unique<RecordingSession>(&calls);
  ASSERT_TRUE(WrapSession(&session).ok());
  for (const absl::Status& status :
       {session->Create(GraphDef()), session->Create(RunOptions(), GraphDef()),
        session->Extend(GraphDef()), session->Extend(RunOptions(), GraphDef()), session->Close(),
        session->Close(RunOptions())}) {
    EXPECT_TRUE(absl::IsPermissionDenied(status));
    EXPECT_EQ(status.message(), "State changes denied via ServingSession");
  }
  EXPECT_THAT(calls, ElementsAre());
}

TEST(ServingSessionTest, HandsEverythingElseOnAndTheAnswerBack) {
  Names calls;
  std::unique_ptr<Session> session = std::make_unique<RecordingSession>(&calls);
  ASSERT_TRUE(WrapSession(&session).ok());
  CallEverything(*session, [](absl::Status status) { EXPECT_TRUE(absl::IsDataLoss(status)); });
  EXPECT_THAT(calls, ElementsAre("Run: a > y > t", "Run with options: a > y > t",
                                 "Run with pools: a > y > t", "MakeCallable: a",
                                 "RunCallable: 4 of 1", "RunCallable with pools: 4 of 1",
                                 "ReleaseCallable: 4", "ListDevices", "LocalDeviceManager"));
}

TEST(ServingSessionTest, ClosesTheSessionBehindAtItsEnd) {
  Names calls;
  std::unique_ptr<Session> session = std::make_unique<RecordingSession>(&calls);
  ASSERT_TRUE(WrapSession(&session).ok());
  ASSERT_TRUE(WrapSessionIgnoreThreadPoolOptions(&session).ok());
  session.reset();
  EXPECT_THAT(calls, ElementsAre("Close")) << "once, however often it was wrapped";
}

TEST(ServingSessionTest, CanRunWithoutTheThreadPoolsOfACaller) {
  Names calls;
  std::unique_ptr<Session> session = std::make_unique<RecordingSession>(&calls);
  ASSERT_TRUE(WrapSessionIgnoreThreadPoolOptions(&session).ok());
  CallEverything(*session, [](absl::Status status) { EXPECT_TRUE(absl::IsDataLoss(status)); });
  EXPECT_TRUE(absl::IsPermissionDenied(session->Close()));
  EXPECT_THAT(calls, ElementsAre("Run: a > y > t", "Run with options: a > y > t",
                                 "Run with options: a > y > t", "MakeCallable: a",
                                 "RunCallable: 4 of 1", "RunCallable: 4 of 1", "ReleaseCallable: 4",
                                 "ListDevices", "LocalDeviceManager"));
}

TEST(CurriedSessionTest, AddsItsInputsToWhatIsFed) {
  Names calls;
  CurriedSession session(std::make_unique<RecordingSession>(&calls),
                         {{"b", Tensor(2.0f)}, {"c", Tensor(3.0f)}});
  CallEverything(session, [](absl::Status status) { EXPECT_TRUE(absl::IsDataLoss(status)); });
  EXPECT_THAT(calls, ElementsAre("Run: a,b,c > y > t", "Run with options: a,b,c > y > t",
                                 "Run with pools: a,b,c > y > t", "MakeCallable: a,b,c",
                                 "RunCallable: 4 of 3", "RunCallable with pools: 4 of 3",
                                 "ReleaseCallable: 4", "ListDevices", "LocalDeviceManager"));
}

TEST(CurriedSessionTest, RefusesToBeFedItsOwnInputs) {
  Names calls;
  CurriedSession session(std::make_unique<RecordingSession>(&calls), {{"b", Tensor(2.0f)}});
  const Inputs inputs = {{"a", Tensor(1.0f)}, {"b", Tensor(1.0f)}};
  CallableOptions options;
  options.add_feed("b");
  for (const absl::Status& status : {session.Run(inputs, {"y"}, {}, nullptr),
                                     session.Run({}, inputs, {"y"}, {}, nullptr, nullptr),
                                     session.Run({}, inputs, {"y"}, {}, nullptr, nullptr, {}),
                                     session.MakeCallable(options, nullptr)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(status.message(), ::testing::HasSubstr("Input b "));
  }
  EXPECT_THAT(calls, ElementsAre());
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow
