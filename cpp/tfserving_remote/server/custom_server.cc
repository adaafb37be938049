// SPDX-License-Identifier: Apache-2.0
// Flags in, signals, exit codes; server.h is the rest.
#include "tfserving_remote/server/custom_server.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/stderr_log.h"
#include "tfserving_remote/server/server.h"
#include "tfserving_remote/server/server_options.h"
#include "tfserving_remote/server/tensorflow_version.h"

namespace tfserving_remote {
namespace {

constexpr int kFailedToStart = 255;
constexpr int kCutOff = 1;

int FailedToStart(const absl::Status& status) {
  std::printf("Failed to start server. Error: %s\n", status.ToString().c_str());
  return kFailedToStart;
}

// Blocks the signals that end the server in this thread and all that it starts: main waits for
// them.
sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// From here on such a signal has its default action: it ends the process at once.
void LetSecondSignalKill(const sigset_t& signals) {
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

int Serve(const ServerOptions& options, const ServerExtensions& extensions) {
  Clock& clock = Clock::Real();
  StderrLog log(clock);
  const sigset_t signals = BlockEndSignals();
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(options, extensions, clock, log);
  if (!server.ok()) return FailedToStart(server.status());
  int signal = 0;
  sigwait(&signals, &signal);
  LetSecondSignalKill(signals);
  const bool clean = (*server)->Drain();
  // What was cut off may still compute, for as long as it likes: nobody waits for it.
  if (!clean) std::_Exit(kCutOff);
  server->reset();
  return EXIT_SUCCESS;
}

}  // namespace

int ServerMain(int argc, char** argv, ServerExtensions extensions) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int cpus = static_cast<int>(std::thread::hardware_concurrency());
  if (absl::Status status = CheckTensorFlowVersion(); !status.ok()) {
    return FailedToStart(status);
  }
  const absl::StatusOr<ServerOptions> options = ParseServerOptions(arguments, cpus);
  if (!options.ok()) {
    const int code = FailedToStart(options.status());
    std::puts("--help lists all flags.");
    return code;
  }
  if (options->help) {
    std::fputs(ServerUsage(cpus).c_str(), stdout);
    return EXIT_SUCCESS;
  }
  if (options->version) {
    std::fputs(VersionText().c_str(), stdout);
    return EXIT_SUCCESS;
  }
  return Serve(*options, extensions);
}

}  // namespace tfserving_remote
