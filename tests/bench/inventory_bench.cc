// How long a full inventory takes: DeviceReader::ReadAll on a synthetic host, against a bare loop
// that opens, reads and closes the same files, and against lscpu and lsmem. All in one run, in
// turns, medians. Exits 1 where it takes as long as lscpu and lsmem do; docs/performance.md has the
// goals.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "agent/devices/inventory/device_reader.h"
#include "common/errno_status.h"
#include "common/status_macros.h"
#include "tests/bench/synthetic_host.h"

namespace hotplugger::testing {
namespace {

constexpr int kRounds = 9;
constexpr double kGoalOfBareLoop = 1.5;

// Read once more than others: a file of proc ends where a read gives nothing.
constexpr int kFilesReadTwice = 2;

struct Times {
  std::vector<double> inventory;
  std::vector<double> bare_loop;
  std::vector<double> tools;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Milliseconds that `act` takes, or its error.
template <typename Act>
absl::Status Measure(std::vector<double>* times, Act act) {
  const auto start = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(act());
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  times->push_back(took.count());
  return absl::OkStatus();
}

absl::Status ReadInventory(const SyntheticHostSize& size, const std::string& root) {
  ASSIGN_OR_RETURN(const auto tree, agent::FileTree::Open(root));
  agent::DeviceReader reader(*tree, "boot", {});
  ASSIGN_OR_RETURN(const agent::Snapshot snapshot, reader.ReadAll());
  const auto cpus = static_cast<int>(snapshot.cpus.topology.cpus().size());
  const auto blocks = static_cast<int>(snapshot.memory->blocks.blocks.size());
  if (cpus == size.cpus && blocks == size.memory_blocks) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("read ", cpus, " CPUs and ", blocks, " blocks"));
}

absl::Status ReadBare(const std::string& root, const std::vector<std::string>& files) {
  const int folder = open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return ErrnoStatus(errno, "opening", root);
  absl::Status result;
  for (const std::string& file : files) {
    char buffer[4096];
    const int fd = openat(folder, file.c_str(), O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? -1 : read(fd, buffer, sizeof buffer);
    if (got < 0) result = ErrnoStatus(errno, "reading", file);
    if (fd >= 0) close(fd);
  }
  close(folder);
  return result;
}

// Runs a program whose output nobody reads; it must exit with 0.
absl::Status Run(std::vector<std::string> command) {
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int error_number =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error_number != 0) return ErrnoStatus(error_number, "starting", command[0]);
  int status = 0;
  if (waitpid(child, &status, 0) < 0) return ErrnoStatus(errno, "waiting for", command[0]);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(command[0], " failed"));
}

absl::Status RunTools(const std::string& root) {
  RETURN_IF_ERROR(Run({"lscpu", "-e", "--sysroot", root}));
  return Run({"lsmem", "-a", "--sysroot", root});
}

// Calls of read(2) by this process so far, as the kernel counts them.
absl::StatusOr<int64_t> CountReads() {
  std::ifstream file("/proc/self/io");
  for (std::string word; file >> word;) {
    int64_t count = 0;
    if (word == "syscr:" && file >> count) return count;
  }
  return absl::UnavailableError("/proc/self/io has no syscr, so reads can't be counted");
}

// The bare loop is a fair floor only if it reads what ReadAll reads.
absl::Status CheckFileCount(const SyntheticHostSize& size, const std::string& root, size_t files) {
  ASSIGN_OR_RETURN(const int64_t start, CountReads());
  ASSIGN_OR_RETURN(const int64_t before, CountReads());
  RETURN_IF_ERROR(ReadInventory(size, root));
  ASSIGN_OR_RETURN(const int64_t after, CountReads());
  const int64_t reads = (after - before) - (before - start);
  const auto expected = static_cast<int64_t>(files) + kFilesReadTwice;
  if (reads == expected) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("ReadAll makes ", reads,
                                          " reads, but the list of its files stands for ", expected,
                                          ": make FilesOfInventory equal to what it reads"));
}

absl::StatusOr<Times> MeasureAll(const SyntheticHostSize& size, const std::string& root) {
  const std::vector<std::string> files = FilesOfInventory(size);
  RETURN_IF_ERROR(CheckFileCount(size, root, files.size()));
  Times times;
  for (int round = 0; round < kRounds; ++round) {
    RETURN_IF_ERROR(Measure(&times.inventory, [&] { return ReadInventory(size, root); }));
    RETURN_IF_ERROR(Measure(&times.bare_loop, [&] { return ReadBare(root, files); }));
    RETURN_IF_ERROR(Measure(&times.tools, [&] { return RunTools(root); }));
  }
  std::printf("%d CPUs, %d memory blocks, %zu files read; medians of %d rounds\n\n", size.cpus,
              size.memory_blocks, files.size(), kRounds);
  return times;
}

// Whether the goal that must be met is.
bool Print(const Times& times) {
  const double inventory = Median(times.inventory);
  const double bare_loop = Median(times.bare_loop);
  const double tools = Median(times.tools);
  std::printf("%-28s %9s %16s\n", "", "ms", "of the bare loop");
  std::printf("%-28s %9.1f %16.2f\n", "bare openat+read+close", bare_loop, 1.0);
  std::printf("%-28s %9.1f %16.2f\n", "inventory (ReadAll)", inventory, inventory / bare_loop);
  std::printf("%-28s %9.1f %16.2f\n\n", "lscpu -e and lsmem -a", tools, tools / bare_loop);
  const bool below_tools = inventory < tools;
  std::printf("below lscpu and lsmem: %s (%.2f of them)\n", below_tools ? "met" : "MISSED",
              inventory / tools);
  std::printf("at most %.1f of the bare loop: %s (%.2f)\n", kGoalOfBareLoop,
              inventory <= kGoalOfBareLoop * bare_loop ? "met" : "MISSED", inventory / bare_loop);
  return below_tools;
}

// 0: the goal is met; 1: it is not; 2: nothing could be measured.
int Bench(const std::string& root) {
  const SyntheticHostSize size;
  absl::Status built = BuildSyntheticHost(size, root);
  absl::StatusOr<Times> times = built.ok() ? MeasureAll(size, root) : built;
  if (!times.ok()) {
    std::fprintf(stderr, "inventory_bench: %s\n", std::string(times.status().message()).c_str());
    return 2;
  }
  return Print(*times) ? 0 : 1;
}

std::string MakeRoot() {
  std::error_code error;
  const char* memory = "/dev/shm";
  const std::string parent = std::filesystem::is_directory(memory, error)
                                 ? memory
                                 : std::filesystem::temp_directory_path(error).string();
  std::string pattern = absl::StrCat(parent, "/hotplugger-bench-XXXXXX");
  return mkdtemp(pattern.data()) == nullptr ? "" : pattern;
}

}  // namespace
}  // namespace hotplugger::testing

// The tree takes a gigabyte of memory: a parent removes it, whatever becomes of the child.
int main() {
  const std::string root = hotplugger::testing::MakeRoot();
  if (root.empty()) {
    std::perror("inventory_bench: making a directory");
    return 2;
  }
  const pid_t child = fork();
  if (child == 0) {
    const int result = hotplugger::testing::Bench(root);
    std::fflush(stdout);
    _exit(result);
  }
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  int status = 0;
  const bool ended = child > 0 && waitpid(child, &status, 0) == child;
  std::error_code ignored;
  std::filesystem::remove_all(root, ignored);
  return ended && WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
