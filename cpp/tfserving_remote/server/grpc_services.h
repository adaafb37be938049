// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_GRPC_SERVICES_H_
#define TFSERVING_REMOTE_SERVER_GRPC_SERVICES_H_

#include "tensorflow_serving/core/servable_state_monitor.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/inference/get_model_status.h"
#include "tfserving_remote/inference/model_resolver.h"
#include "tfserving_remote/inference/predict.h"
#include "tfserving_remote/net/grpc_server.h"
#include "tfserving_remote/server/worker_pool.h"

namespace tfserving_remote {

/// What the services answer from. Borrowed: everything outlives the GrpcServer.
struct GrpcServiceParts {
  const Predictor& predictor;
  const ModelResolver& resolver;
  const tensorflow::serving::ServableStateMonitor& monitor;
  WhyNoVersion why_no_version;
  WorkerPool& workers;
  Clock& clock;
};

/// Adds tensorflow.serving.PredictionService and tensorflow.serving.ModelService; before the server
/// starts. Session runs happen on the workers; what only looks something up is answered on the I/O
/// thread, so that status can be asked for while every worker computes.
void RegisterGrpcServices(const GrpcServiceParts& parts, GrpcServer& server);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_GRPC_SERVICES_H_
