// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_OBJECT_STORE_CONFORMANCE_H_
#define TFSERVING_REMOTE_TESTING_OBJECT_STORE_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// A store with objects that a test may change, for one test. Whoever implements ObjectStore writes
/// one of these and instantiates ObjectStoreConformance with it.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;

  virtual ObjectStore& store() = 0;
  /// Creates or replaces an object.
  virtual void Put(const std::string& key, const std::string& bytes) = 0;
  virtual void Delete(const std::string& key) = 0;
  /// Under which all keys of the test lie; ends with '/'. Nothing else lies there.
  virtual std::string Root() = 0;
  /// Keys that no file name can be: "a//b", "a/" as an object, "a" beside "a/b".
  virtual bool AnyKey() { return true; }
  /// Objects to list so that the store must send more than one page.
  virtual int ManyObjects() { return 1203; }
};

/// A named way to make one. May return null: then the tests are skipped, with `why_not`.
struct StoreFactory {
  using Make = std::function<std::unique_ptr<StoreUnderTest>(std::string& why_not)>;

  // Not inline: whoever makes one links the tests.
  StoreFactory(std::string name, Make make);

  std::string name;
  Make make;

  friend std::ostream& operator<<(std::ostream& out, const StoreFactory& factory) {
    return out << factory.name;
  }
};

/// What every ObjectStore must do.
///
///   INSTANTIATE_TEST_SUITE_P(Memory, ObjectStoreConformance,
///                            ::testing::Values(StoreFactory{"Memory", MakeMemory}));
class ObjectStoreConformance : public ::testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override;

  ObjectStore& store() { return subject_->store(); }
  std::string Key(absl::string_view relative) const;
  void Put(absl::string_view relative, absl::string_view bytes);
  /// Tag of an object that is there.
  std::string Tag(absl::string_view relative);
  absl::StatusOr<std::string> Read(absl::string_view relative, absl::string_view tag,
                                   uint64_t offset, size_t length);
  /// The bytes, or the status in words.
  std::string Bytes(absl::string_view relative, absl::string_view tag, uint64_t offset,
                    size_t length);
  /// Keys and folders of a listing, relative to the root, in the order they came.
  std::vector<std::string> Names(absl::string_view prefix, ListDepth depth);

  std::unique_ptr<StoreUnderTest> subject_;
  std::string root_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_OBJECT_STORE_CONFORMANCE_H_
