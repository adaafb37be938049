// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_GRPC_SERVICES_H_
#define TFSERVING_REMOTE_SERVER_GRPC_SERVICES_H_

#include "tensorflow_serving/model_servers/server_core.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/inference/get_model_status.h"
#include "tfserving_remote/inference/predict.h"
#include "tfserving_remote/net/grpc_server.h"
#include "tfserving_remote/server/worker_pool.h"

namespace tfserving_remote {

/// What the services answer from. Borrowed: everything outlives the GrpcServer.
struct GrpcServiceParts {
  const Predictor& predictor;
  tensorflow::serving::ServerCore& core;
  const tensorflow::serving::ServableStateMonitor& monitor;
  WhyNoVersion why_no_version;
  WorkerPool& workers;
  Clock& clock;
};

/// Adds tensorflow.serving.PredictionService and, of tensorflow.serving.ModelService,
/// GetModelStatus; before the server starts. Session runs happen on the workers; what only looks
/// something up is answered on the I/O thread, so that status can be asked for while every worker
/// computes.
void RegisterGrpcServices(const GrpcServiceParts& parts, GrpcServer& server);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_GRPC_SERVICES_H_
