// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/unique_ptr_with_deps.h"

#include <string>

#include "gtest/gtest.h"

namespace tensorflow {
namespace serving {
namespace {

// Writes its letter down when it dies.
struct Mortal {
  Mortal(char letter_in, std::string* log_in) : letter(letter_in), log(log_in) {}
  virtual ~Mortal() { log->push_back(letter); }
  const char letter;
  std::string* const log;
};
struct DerivedMortal final : Mortal {
  using Mortal::Mortal;
};

TEST(UniquePtrWithDepsTest, PointsToTheObjectAndIsNullWithoutOne) {
  std::string log;
  UniquePtrWithDeps<Mortal> ptr;
  EXPECT_EQ(ptr.get(), nullptr);
  Mortal* const dependency = ptr.AddDependency(std::make_unique<Mortal>('a', &log));
  EXPECT_EQ(dependency->letter, 'a');
  EXPECT_EQ(ptr.get(), nullptr);
  ptr.SetOwned(std::make_unique<DerivedMortal>('b', &log));
  EXPECT_EQ(ptr->letter, 'b');
  EXPECT_EQ(&*ptr, ptr.get());
}

TEST(UniquePtrWithDepsTest, DestroysInReverseOrderOfWhatWasAddedAndSet) {
  std::string log;
  {
    UniquePtrWithDeps<Mortal> ptr(std::make_unique<Mortal>('a', &log));
    ptr.AddDependency(std::make_unique<DerivedMortal>('b', &log));
    ptr.SetOwnedPtr(new DerivedMortal('c', &log));
    ptr.AddDependency(std::make_unique<Mortal>('d', &log));
    EXPECT_EQ(ptr->letter, 'c');
    EXPECT_EQ(log, "");
  }
  EXPECT_EQ(log, "dcba");
}

TEST(UniquePtrWithDepsTest, MovesAllThatItOwns) {
  std::string log;
  UniquePtrWithDeps<Mortal> from(new Mortal('a', &log));
  from.AddDependency(std::make_unique<Mortal>('b', &log));
  UniquePtrWithDeps<Mortal> to(std::move(from));
  EXPECT_EQ(from.get(), nullptr);  // NOLINT: the moved-from state is what is asked about
  EXPECT_EQ(to->letter, 'a');
  UniquePtrWithDeps<Mortal> old(new Mortal('y', &log));
  old.AddDependency(std::make_unique<Mortal>('z', &log));
  old = std::move(to);
  EXPECT_EQ(log, "zy");
  old = UniquePtrWithDeps<Mortal>();
  EXPECT_EQ(log, "zyba");
}

}  // namespace
}  // namespace serving
}  // namespace tensorflow
