// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/credentials/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/base/clock.h"

extern char** environ;

namespace tfserving_remote {
namespace {

// One direction of a pipe; closed by the destructor.
struct Pipe {
  int read_end = -1;
  int write_end = -1;

  absl::Status Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      return absl::UnavailableError(absl::StrCat("pipe: ", std::strerror(errno)));
    }
    read_end = ends[0];
    write_end = ends[1];
    return absl::OkStatus();
  }
  void CloseWriteEnd() {
    if (write_end >= 0) close(write_end);
    write_end = -1;
  }
  ~Pipe() {
    CloseWriteEnd();
    if (read_end >= 0) close(read_end);
  }
};

absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& arguments, const Pipe& out,
                            const Pipe& err) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write_end, STDERR_FILENO);
  // Sockets of the server must not live on in the child.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGTERM, SIGINT}) sigaddset(&defaults, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return pid;
  const std::string what = absl::StrCat("cannot run ", arguments[0], ": ", std::strerror(error));
  if (error == ENOENT || error == EACCES) return absl::NotFoundError(what);
  return absl::UnavailableError(what);
}

// Appends what is there to read. False at the end of the stream.
bool ReadSome(int descriptor, std::string& into) {
  char buffer[4096];
  const ssize_t got = read(descriptor, buffer, sizeof(buffer));
  if (got > 0) into.append(buffer, static_cast<size_t>(got));
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

// Reads both streams to their ends.
absl::Status Collect(const Pipe& out, const Pipe& err, const ChildProcessLimits& limits,
                     Cancellation* cancellation, ChildProcessResult& result) {
  // How long a process of the system really takes is no matter of an injected clock.
  Clock& clock = Clock::Real();
  const absl::Time deadline = clock.Now() + limits.time;
  pollfd streams[2] = {{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}};
  std::string* const texts[2] = {&result.output, &result.error_output};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    const absl::Duration left = deadline - clock.Now();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(
          absl::StrCat("took longer than ", absl::FormatDuration(limits.time)));
    }
    if (cancellation != nullptr && cancellation->cancelled()) {
      return absl::CancelledError("cancelled");
    }
    // A cancellation kills the child and so ends the streams; the bound is for its grandchildren.
    const absl::Duration wait = std::min(left, absl::Milliseconds(200));
    if (poll(streams, 2, static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1) <= 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (streams[i].fd < 0 || streams[i].revents == 0) continue;
      if (!ReadSome(streams[i].fd, *texts[i])) streams[i].fd = -1;
      if (texts[i]->size() > limits.output_bytes) {
        return absl::ResourceExhaustedError(
            absl::StrCat("printed more than ", limits.output_bytes, " bytes"));
      }
    }
  }
  return absl::OkStatus();
}

// A child that has closed its streams is about to end; one that is not is made to.
constexpr int kGraceMilliseconds = 2000;

// Returns when the child has ended, which leaves it to be reaped, or when the grace is over.
void AwaitEnd(pid_t pid) {
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) {  // A kernel before 5.3: wait without a limit rather than cut a child short.
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
    return;
  }
  pollfd ended = {handle, POLLIN, 0};
  while (poll(&ended, 1, kGraceMilliseconds) < 0 && errno == EINTR) {
  }
  close(handle);
}

int WaitForExit(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

absl::StatusOr<ChildProcessResult> RunChildProcess(const std::vector<std::string>& arguments,
                                                   const ChildProcessLimits& limits,
                                                   Cancellation* cancellation) {
  Pipe out, err;
  if (absl::Status status = out.Open(); !status.ok()) return status;
  if (absl::Status status = err.Open(); !status.ok()) return status;
  const absl::StatusOr<pid_t> pid = Spawn(arguments, out, err);
  if (!pid.ok()) return pid.status();
  out.CloseWriteEnd();
  err.CloseWriteEnd();

  ChildProcessResult result;
  absl::Status status;
  {
    const Cancellation::Registration kill_it(cancellation, [&pid] { kill(-*pid, SIGKILL); });
    status = Collect(out, err, limits, cancellation, result);
    if (status.ok()) AwaitEnd(*pid);
  }
  // Nobody would read what it does from here on. One that has ended is not harmed: it is not reaped
  // yet.
  kill(-*pid, SIGKILL);
  result.exit_code = WaitForExit(*pid);
  if (!status.ok()) return status;
  return result;
}

}  // namespace tfserving_remote
