#include "client/system_surroundings.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace hotplugger::client {
namespace {

// The name of the user that the program runs as; the number where there is none.
std::string UserName() {
  std::vector<char> buffer(16'384);
  passwd entry{};
  passwd* found = nullptr;
  const uid_t uid = getuid();
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return absl::StrCat(uid);
}

std::string HostName() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

class SystemSurroundings final : public Surroundings {
 public:
  bool OutputIsTerminal() const override { return isatty(STDOUT_FILENO) == 1; }
  bool ErrorsAreOnTerminal() const override { return isatty(STDERR_FILENO) == 1; }

  std::optional<std::string> Variable(const std::string& name) const override {
    // Nothing in this program sets one.
    const char* const value = getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  }

  // Whoever became root by sudo is still who did it.
  std::string Author() const override {
    const std::string caller = Variable("SUDO_USER").value_or("");
    return absl::StrCat(caller.empty() || getuid() != 0 ? UserName() : caller, "@", HostName());
  }

  // Version 4 of RFC 4122.
  std::string NewRequestId() override {
    std::random_device random;
    const auto word = [&random] { return static_cast<uint32_t>(random()); };
    const uint32_t version = (word() & 0x0fff) | 0x4000;
    const uint32_t variant = (word() & 0x3fff) | 0x8000;
    return absl::StrFormat("%08x-%04x-%04x-%04x-%04x%08x", word(), word() & 0xffff, version,
                           variant, word() & 0xffff, word());
  }
};

}  // namespace

std::unique_ptr<Surroundings> MakeSystemSurroundings() {
  return std::make_unique<SystemSurroundings>();
}

}  // namespace hotplugger::client
