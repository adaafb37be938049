// SPDX-License-Identifier: Apache-2.0
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/environment.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/base/storage_url.h"
#include "tfserving_remote/store/default_store_opener.h"
#include "tfserving_remote/stream/transfer_pool.h"
#include "tfserving_remote/stream/version_reader.h"

namespace py = pybind11;

namespace tfserving_remote {
namespace {

template <typename T>
T ValueOrThrow(absl::StatusOr<T> result) {
  ThrowIfError(result.status());
  return *std::move(result);
}

/// The files of one version, as the server reads them.
class PyVersionReader {
 public:
  PyVersionReader(const std::string& url, ManifestMode mode, int connections) {
    absl::StatusOr<std::unique_ptr<VersionReader>> reader;
    {
      const py::gil_scoped_release release;
      reader = Open(url, mode, connections);
    }
    reader_ = ValueOrThrow(std::move(reader));
  }

  std::vector<std::pair<std::string, uint64_t>> Files() {
    absl::StatusOr<std::vector<VersionFile>> files;
    {
      const py::gil_scoped_release release;
      files = reader_->Files();
    }
    std::vector<std::pair<std::string, uint64_t>> result;
    for (VersionFile& file : ValueOrThrow(std::move(files))) {
      result.emplace_back(std::move(file.path), file.size);
    }
    return result;
  }

  py::bytes Read(const std::string& path, uint64_t offset, int64_t size) {
    const uint64_t file_size = ValueOrThrow(FileSize(path));
    const uint64_t left = offset < file_size ? file_size - offset : 0;
    const uint64_t wanted = size < 0 ? left : std::min<uint64_t>(left, size);
    PyObject* const bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(wanted));
    if (bytes == nullptr) throw py::error_already_set();
    const auto owner = py::reinterpret_steal<py::bytes>(bytes);
    absl::Status status;
    {
      const py::gil_scoped_release release;
      status = reader_->Read(path, offset, absl::MakeSpan(PyBytes_AS_STRING(bytes), wanted));
    }
    ThrowIfError(status);
    return owner;
  }

  uint64_t fetched_bytes() const { return reader_->stats().fetched_bytes; }

 private:
  static absl::StatusOr<std::unique_ptr<VersionReader>> Open(const std::string& text,
                                                             ManifestMode mode, int connections) {
    absl::StatusOr<StorageUrl> url = StorageUrl::Parse(text);
    if (!url.ok()) return url.status();
    const absl::StatusOr<StoreOptions> store_options =
        StoreOptions::FromEnvironment(ProcessEnvironment());
    if (!store_options.ok()) return store_options.status();
    absl::StatusOr<std::shared_ptr<StoreOpener>> opener =
        CreateStoreOpener(*store_options, Clock::Real(), LogSink::Null());
    if (!opener.ok()) return opener.status();
    absl::StatusOr<std::shared_ptr<ObjectStore>> store = (*opener)->Open(*url);
    if (!store.ok()) return store.status();
    VersionReaderOptions options;
    options.manifest_mode = mode;
    TransferPoolOptions pool;
    pool.connections = connections;
    return OpenVersion(LocateVersion(*std::move(store), *url), options, CreateTransferPool(pool),
                       StoreCallOptions());
  }

  absl::StatusOr<uint64_t> FileSize(const std::string& path) {
    const py::gil_scoped_release release;
    return reader_->FileSize(path);
  }

  std::unique_ptr<VersionReader> reader_;
};

}  // namespace

void BindVersionReader(py::module_& module) {
  py::enum_<ManifestMode>(module, "ManifestMode", "What to do about manifests.")
      .value("REQUIRED", ManifestMode::kRequired)
      .value("PREFERRED", ManifestMode::kPreferred)
      .value("IGNORED", ManifestMode::kIgnored);
  py::class_<PyVersionReader>(
      module, "VersionReader",
      "Reads one version (s3://bucket/model/7, gs://..., a folder, or an archive such as "
      ".../7.tar.zst) exactly as the "
      "server does: every byte is verified against the manifest before it is handed out.")
      .def(py::init<const std::string&, ManifestMode, int>(), py::arg("url"), py::kw_only(),
           py::arg("manifest") = ManifestMode::kPreferred, py::arg("connections") = 8)
      .def("files", &PyVersionReader::Files, "All files as (relative path, size in bytes).")
      .def("read", &PyVersionReader::Read, py::arg("path"), py::arg("offset") = 0,
           py::arg("size") = -1, "Bytes of one file; blocks until they are there and verified.")
      .def_property_readonly("fetched_bytes", &PyVersionReader::fetched_bytes,
                             "Bytes fetched from the store so far.");
}

}  // namespace tfserving_remote
