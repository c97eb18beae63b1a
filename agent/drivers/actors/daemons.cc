#include "agent/drivers/actors/daemons.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace hotplugger::agent {

const std::vector<KnownDaemon>& KnownDaemons() {
  static const auto* const daemons = new std::vector<KnownDaemon>{
      {"cpuplugd", "cpuplugd.service", "takes CPUs off and on by rules of its own", ""},
      {"mpdecision", "mpdecision.service", "takes CPUs off and on by load",
       "stop mpdecision, then bring back the CPUs that it left off"},
      {"intel_lpmd", "intel_lpmd.service", "keeps work off CPUs, by taking them off in some modes",
       ""},
      {"rasdaemon", "rasdaemon.service",
       "takes CPUs off after corrected errors, and pages of memory, where it is set to",
       "set CPU_ISOLATION_ENABLE=no and PAGE_CE_ACTION=off in /etc/sysconfig/rasdaemon (or "
       "/etc/default/rasdaemon) and restart it"},
      {"mcelog", "mcelog.service",
       "takes every CPU that shares a faulty cache off, and pages of memory, by its triggers",
       "clear cache-error-trigger and memory-ce-action in /etc/mcelog/mcelog.conf and restart it"},
      {"tuned", "tuned.service",
       "applies profiles, whose scripts and plugins may take CPUs off or bring them back",
       "choose a profile that leaves CPUs alone (tuned-adm profile NAME)"},
  };
  return *daemons;
}

absl::StatusOr<std::vector<RunningDaemon>> FindRunningDaemons(const FileTree& tree) {
  std::map<std::string, int> processes;
  RETURN_IF_ERROR(tree.Visit("proc", [&](absl::string_view name, bool) {
    int process = 0;
    if (!absl::SimpleAtoi(name, &process)) return;
    // One that ends meanwhile doesn't run.
    const auto program = tree.Read(absl::StrCat("proc/", name, "/comm"));
    if (program.ok()) {
      processes.try_emplace(std::string(absl::StripAsciiWhitespace(*program)), process);
    }
  }));
  std::vector<RunningDaemon> running;
  for (const KnownDaemon& daemon : KnownDaemons()) {
    const auto process = processes.find(daemon.program);
    if (process != processes.end()) running.push_back({daemon, process->second});
  }
  return running;
}

}  // namespace hotplugger::agent
