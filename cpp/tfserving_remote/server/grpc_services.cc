// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/grpc_services.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/apis/get_model_metadata.pb.h"
#include "tensorflow_serving/apis/get_model_status.pb.h"
#include "tensorflow_serving/apis/predict.pb.h"
#include "tfserving_remote/inference/get_model_metadata.h"
#include "tfserving_remote/server/unary_call.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;

template <typename Request, typename Response>
void HandleOnIoThread(GrpcServer& server, std::string path, Clock& clock,
                      UnaryMethod<Request, Response> method) {
  server.Handle(std::move(path),
                [&clock, method = std::move(method)](std::shared_ptr<GrpcCall> call) {
                  RunUnaryCall<Request, Response>(*call, clock, method);
                });
}

template <typename Request, typename Response>
void HandleOnWorkers(GrpcServer& server, std::string path, Clock& clock, WorkerPool& workers,
                     UnaryMethod<Request, Response> method) {
  auto shared = std::make_shared<const UnaryMethod<Request, Response>>(std::move(method));
  server.Handle(std::move(path), [&clock, &workers, shared](std::shared_ptr<GrpcCall> call) {
    workers.Run([&clock, shared, call = std::move(call)] {
      RunUnaryCall<Request, Response>(*call, clock, *shared);
    });
  });
}

}  // namespace

void RegisterGrpcServices(const GrpcServiceParts& parts, GrpcServer& server) {
  HandleOnWorkers<tfs::PredictRequest, tfs::PredictResponse>(
      server, "/tensorflow.serving.PredictionService/Predict", parts.clock, parts.workers,
      [&predictor = parts.predictor](const tfs::PredictRequest& request, absl::Time deadline,
                                     tfs::PredictResponse* response) {
        return predictor.Predict(request, deadline, response);
      });
  HandleOnIoThread<tfs::GetModelMetadataRequest, tfs::GetModelMetadataResponse>(
      server, "/tensorflow.serving.PredictionService/GetModelMetadata", parts.clock,
      [&core = parts.core](const tfs::GetModelMetadataRequest& request, absl::Time,
                           tfs::GetModelMetadataResponse* response) {
        return GetModelMetadata(core, request, response);
      });
  HandleOnIoThread<tfs::GetModelStatusRequest, tfs::GetModelStatusResponse>(
      server, "/tensorflow.serving.ModelService/GetModelStatus", parts.clock,
      [&monitor = parts.monitor, why = parts.why_no_version](
          const tfs::GetModelStatusRequest& request, absl::Time,
          tfs::GetModelStatusResponse* response) {
        return GetModelStatus(monitor, why, request, response);
      });
}

}  // namespace tfserving_remote
