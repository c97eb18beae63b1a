#include "server/policy/active_set.h"

#include <map>

#include "common/driver_rules.h"

namespace hotplugger::server {

std::vector<std::string> FindActiveSetProblems(
    const google::protobuf::RepeatedPtrField<std::string>& active, const WhitelistMap& whitelists) {
  std::map<std::string, std::vector<std::string>> known;
  for (const auto& [driver, whitelist] : whitelists) {
    known[NormalizeDriverName(driver)] = {whitelist.drivers().begin(), whitelist.drivers().end()};
  }
  const auto whitelist_of = [&known](const std::string& driver) -> DriverWhitelist {
    const auto it = known.find(NormalizeDriverName(driver));
    if (it == known.end()) return std::nullopt;
    return it->second;
  };
  std::vector<std::string> problems;
  for (int i = 0; i < active.size(); ++i) {
    for (int j = i + 1; j < active.size(); ++j) {
      const CoexistenceResult result =
          CheckCoexistence(active[i], whitelist_of(active[i]), active[j], whitelist_of(active[j]));
      if (result.coexistence == Coexistence::kConflict) problems.push_back(result.explanation);
    }
  }
  return problems;
}

}  // namespace hotplugger::server
