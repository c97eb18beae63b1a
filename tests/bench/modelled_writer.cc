// A writer for a tree that stands for a host: writes what hotplugger-writer writes, and then does
// what the kernel would do, which is to keep the CPU masks. For host_pair_bench --root.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "agent/writer/write_server.h"
#include "common/cpu_list.h"

namespace hotplugger::agent {
namespace {

constexpr int kSocket = 3;
constexpr char kOnlineMask[] = "sys/devices/system/cpu/online";

bool UpdateMask(int root, int cpu, bool online) {
  const int file = openat(root, kOnlineMask, O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  char text[4096];
  const ssize_t got = read(file, text, sizeof text);
  bool done = false;
  auto cpus = ParseKernelCpuList(absl::string_view(text, got < 0 ? 0 : static_cast<size_t>(got)));
  if (cpus.ok()) {
    if (online) {
      cpus->insert(cpu);
    } else {
      cpus->erase(cpu);
    }
    const std::string mask = FormatCpuList(*cpus) + "\n";
    done = pwrite(file, mask.data(), mask.size(), 0) == static_cast<ssize_t>(mask.size()) &&
           ftruncate(file, static_cast<off_t>(mask.size())) == 0;
  }
  close(file);
  return done;
}

int Serve(int root) {
  for (;;) {
    WriteRequest request = {};
    const ssize_t got = recv(kSocket, &request, sizeof request, 0);
    if (got == 0) return 0;
    if (got != sizeof request) return 1;
    WriteReply reply = {};
    reply.sequence = request.sequence;
    reply.error_number = CarryOut({.root = root}, request);
    if (reply.error_number == 0 && request.act == WriteAct::kCpuOnline &&
        !UpdateMask(root, request.number, request.value == 1)) {
      return 1;
    }
    if (send(kSocket, &reply, sizeof reply, MSG_NOSIGNAL) != sizeof reply) return 1;
  }
}

}  // namespace
}  // namespace hotplugger::agent

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const int root = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? 1 : hotplugger::agent::Serve(root);
}
