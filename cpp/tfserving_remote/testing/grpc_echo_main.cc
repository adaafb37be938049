// SPDX-License-Identifier: Apache-2.0
// A small gRPC server on net/grpc_server.h, for clients of other languages to be tried against.
// Prints "port N" when it listens; SIGTERM drains it. Exit status 3: a call had to be cut off.
#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/net/grpc_server.h"

namespace tfserving_remote {
namespace {

using Call = std::shared_ptr<GrpcCall>;

std::atomic<int> cancelled_calls{0};

int64_t Number(absl::string_view text) {
  int64_t number = 0;
  return absl::SimpleAtoi(text, &number) ? number : 0;
}

void Answer(const Call& call, std::string bytes) {
  call->Write({GrpcSlice::Of(std::move(bytes))}, nullptr);
  call->Finish(absl::OkStatus());
}

// The request's own memory goes back: nothing is copied.
void Echo(const Call& call) {
  const absl::string_view request = call->request();
  call->Write({GrpcSlice{request.data(), request.size(), call}}, nullptr);
  call->Finish(absl::OkStatus());
}

// Request "<count> <bytes>": so many messages, the next one when the last has left.
void Stream(const Call& call, int64_t left, std::shared_ptr<const std::string> message) {
  if (left == 0) {
    call->Finish(absl::OkStatus());
    return;
  }
  call->Write({GrpcSlice{message->data(), message->size(), message}},
              [call, left, message](bool sent) {
                if (sent) Stream(call, left - 1, message);
              });
}

void StartStream(const Call& call) {
  const std::vector<std::string> words = absl::StrSplit(call->request(), ' ');
  auto message = std::make_shared<const std::string>(Number(words.back()), 's');
  Stream(call, Number(words[0]), std::move(message));
}

// Never answers by itself: for deadlines and cancellation.
void Silent(const Call& call) {
  call->OnCancel([call] {
    ++cancelled_calls;
    call->Finish(absl::CancelledError("seen"));
  });
}

void Fail(const Call& call) {
  const auto code = static_cast<absl::StatusCode>(Number(call->metadata("code")));
  call->Finish(absl::Status(code, call->request()));
}

// One SERVING; Watch stays open until the client leaves.
void Health(const Call& call, bool watch) {
  call->Write({GrpcSlice::Of("\x08\x01")}, nullptr);
  if (!watch) call->Finish(absl::OkStatus());
}

/// A thread of its own, as a service that computes would have.
class Worker {
 public:
  Worker() : work_(context_.get_executor()), thread_([this] { context_.run(); }) {}
  ~Worker() {
    work_.reset();
    context_.stop();
    thread_.join();
  }

  void After(std::chrono::milliseconds delay, std::function<void()> task) {
    auto timer = std::make_shared<boost::asio::steady_timer>(context_, delay);
    timer->async_wait([timer, task](const boost::system::error_code&) { task(); });
  }

 private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

void Register(GrpcServer* server, Worker* worker) {
  server->Handle("/echo.Echo/Unary", Echo);
  server->Handle("/echo.Echo/Stream", StartStream);
  server->Handle("/echo.Echo/Silent", Silent);
  server->Handle("/echo.Echo/Fail", Fail);
  server->Handle("/echo.Echo/Size",
                 [](Call call) { Answer(call, absl::StrCat(call->request().size())); });
  server->Handle("/echo.Echo/Produce",
                 [](Call call) { Answer(call, std::string(Number(call->request()), 'p')); });
  server->Handle("/echo.Echo/Metadata",
                 [](Call call) { Answer(call, std::string(call->metadata(call->request()))); });
  server->Handle("/echo.Echo/Peer", [](Call call) { Answer(call, std::string(call->peer())); });
  server->Handle("/echo.Echo/Cancelled",
                 [](Call call) { Answer(call, absl::StrCat(cancelled_calls.load())); });
  server->Handle("/echo.Echo/TimeLeft", [](Call call) {
    Answer(call, absl::StrCat(absl::ToInt64Milliseconds(call->deadline() - Clock::Real().Now())));
  });
  // Echoes from another thread, after as many milliseconds as metadata "delay-ms" says.
  server->Handle("/echo.Echo/Threaded", [worker](Call call) {
    worker->After(std::chrono::milliseconds(Number(call->metadata("delay-ms"))),
                  [call] { Echo(call); });
  });
  server->Handle("/grpc.health.v1.Health/Check", [](Call call) { Health(call, false); });
  server->Handle("/grpc.health.v1.Health/Watch", [](Call call) { Health(call, true); });
}

std::string FileContents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::map<std::string, std::string> ParseFlags(int argc, char** argv) {
  std::map<std::string, std::string> flags;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    absl::ConsumePrefix(&argument, "--");
    const std::pair<std::string, std::string> flag =
        absl::StrSplit(argument, absl::MaxSplits('=', 1));
    flags.insert(flag);
  }
  return flags;
}

GrpcServerOptions OptionsFrom(const std::map<std::string, std::string>& flags) {
  GrpcServerOptions options;
  const auto text = [&](const char* name) {
    const auto found = flags.find(name);
    return found == flags.end() ? std::string() : found->second;
  };
  const auto number = [&](const char* name, int64_t otherwise) {
    return flags.count(name) > 0 ? Number(text(name)) : otherwise;
  };
  options.host = flags.count("host") > 0 ? text("host") : "127.0.0.1";
  options.port = static_cast<int>(number("port", 0));
  options.unix_socket_path = text("unix");
  options.io_threads = static_cast<int>(number("threads", 1));
  options.max_request_bytes = number("max_request_bytes", options.max_request_bytes);
  options.max_concurrent_streams = number("max_streams", options.max_concurrent_streams);
  options.keepalive_time = absl::Milliseconds(number("keepalive_ms", 7'200'000));
  options.keepalive_timeout = absl::Milliseconds(number("keepalive_timeout_ms", 20'000));
  if (const int64_t age = number("age_ms", 0)) options.max_connection_age = absl::Milliseconds(age);
  if (flags.count("cert") > 0) {
    auto tls = std::make_shared<GrpcTlsOptions>();
    tls->server_key = FileContents(text("key"));
    tls->server_certificate = FileContents(text("cert"));
    tls->client_ca = flags.count("client_ca") > 0 ? FileContents(text("client_ca")) : "";
    tls->require_client_certificate = !tls->client_ca.empty();
    options.tls = tls;
  }
  return options;
}

int Main(int argc, char** argv) {
  // Blocked before any thread exists, so that only sigwait below receives them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto server = GrpcServer::Create(OptionsFrom(ParseFlags(argc, argv)));
  Worker worker;
  absl::Status status = server.status();
  if (status.ok()) {
    Register(server->get(), &worker);
    status = (*server)->Start();
  }
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  std::printf("port %d\n", (*server)->port());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  return (*server)->Drain(Clock::Real().Now() + absl::Seconds(20)) ? 0 : 3;
}

}  // namespace
}  // namespace tfserving_remote

int main(int argc, char** argv) { return tfserving_remote::Main(argc, argv); }
