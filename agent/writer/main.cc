// hotplugger-writer ROOT [KNOB...]: started by the agent with its end of the socket pair as
// descriptor 3. Of files whose paths it does not make itself it writes those alone that match a
// KNOB. It is apart from the agent so that a write that blocks in the kernel can be killed, and so
// that only this little program needs the right to write.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "agent/writer/write_server.h"

int main(int argc, char** argv) {
  constexpr int kSocket = 3;
  if (argc < 2 || argv[1][0] == '-') {
    fprintf(stderr, "usage: hotplugger-writer ROOT [KNOB...] (started by hotplugger-agent)\n");
    return 2;
  }
  // Don't outlive the agent: a new one starts its own writer.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  hotplugger::agent::PrepareSignals();
  const int root = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) {
    perror(argv[1]);
    return 1;
  }
  return hotplugger::agent::ServeWrites(kSocket, {.root = root, .knobs = argv + 2});
}
