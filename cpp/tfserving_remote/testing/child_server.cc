// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/child_server.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

extern char** environ;

namespace tfserving_remote {

absl::StatusOr<std::unique_ptr<ChildServer>> ChildServer::Start(
    const std::vector<std::string>& arguments) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
    return absl::UnavailableError(std::strerror(errno));
  }
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  if (error != 0) {
    close(in[1]);
    close(out[0]);
    return absl::UnavailableError(absl::StrCat(arguments[0], ": ", std::strerror(error)));
  }
  auto server = absl::WrapUnique(new ChildServer(pid, in[1], out[0]));
  char c = 0;
  while (read(server->output_, &c, 1) == 1 && c != '\n') server->first_line_.push_back(c);
  if (c == '\n') return server;
  return absl::UnavailableError(absl::StrCat(arguments[0], " ended before it was ready"));
}

ChildServer::~ChildServer() {
  // Not by a signal: the program may have servers of its own to end.
  close(input_);
  close(output_);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace tfserving_remote
