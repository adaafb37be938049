// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SERVABLE_DATA_H_
#define TENSORFLOW_SERVING_CORE_SERVABLE_DATA_H_

#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "tensorflow_serving/core/servable_id.h"
#include "tensorflow_serving/util/tensorflow_names.h"

namespace tensorflow {
namespace serving {
namespace internal {

// End the process unless `status` is an error, respectively OK.
void CheckIsError(const ServableId& id, const absl::Status& status);
void CheckIsOk(const ServableId& id, const absl::Status& status);

}  // namespace internal

// What a source knows of one version: data of type T, or the error that stands in its place.
//
// Units:    none.
// Errors:   asking for the data of an error, or making an error of OK, ends the process.
// Threads:  as a plain value.
// Lifetime: a value. T is default- and move-constructible, and not absl::Status.
template <typename T>
class ServableData {
  static_assert(!std::is_same<T, absl::Status>::value, "a status is not data");

 public:
  ServableData(const ServableId& id, T data) : id_(id), data_(std::move(data)) {}
  ServableData(const ServableId& id, const absl::Status& error) : id_(id), status_(error) {
    internal::CheckIsError(id_, status_);
  }
  ServableData(const ServableData&) = default;
  ServableData(ServableData&&) = default;
  ServableData& operator=(const ServableData&) = default;
  ServableData& operator=(ServableData&&) = default;

  const ServableId& id() const { return id_; }
  // OK exactly if there is data.
  const absl::Status& status() const { return status_; }

  const T& DataOrDie() const {
    internal::CheckIsOk(id_, status_);
    return data_;
  }
  T& DataOrDie() {
    internal::CheckIsOk(id_, status_);
    return data_;
  }
  // Moves the data out.
  T ConsumeDataOrDie() {
    internal::CheckIsOk(id_, status_);
    return std::move(data_);
  }

 private:
  ServableId id_;
  absl::Status status_;
  T data_ = T();
};

template <typename T>
ServableData<T> CreateServableData(const ServableId& id, T data) {
  return ServableData<T>(id, std::move(data));
}

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SERVABLE_DATA_H_
