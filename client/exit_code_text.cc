#include "client/exit_code_text.h"

#include <array>

#include "client/exit_codes.h"

namespace hotplugger::client {
namespace {

constexpr std::array<ExitCodeText, 5> kTexts = {{
    {static_cast<int>(ExitCode::kOk), "done"},
    {static_cast<int>(ExitCode::kFailure),
     "refused, failed or interrupted, or a wait that ended without success; of diff: they differ"},
    {static_cast<int>(ExitCode::kUsage),
     "a wrong flag, argument or input file; of diff: any failure but 69"},
    {static_cast<int>(ExitCode::kPartial),
     "some items of a list were done, others not; of plan: would be"},
    {static_cast<int>(ExitCode::kUnreachable),
     "the controller or the agent can't be reached, the connection to it broke, or it gave no "
     "answer in time"},
}};

}  // namespace

absl::Span<const ExitCodeText> ExitCodeTexts() { return kTexts; }

}  // namespace hotplugger::client
