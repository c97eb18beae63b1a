// Runs command lines against fakes and keeps what they print.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/command_line.h"
#include "google/protobuf/text_format.h"
#include "tests/fakes/fake_clients.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_surroundings.h"

namespace hotplugger::client {

// A message from its text form.
template <typename Message>
Message Proto(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

class CommandLineTest : public testing::Test {
 protected:
  // The exit status; what was printed is in `out` and `err`.
  int Run(const std::vector<std::string>& arguments, const std::string& standard_input = "") {
    std::istringstream in(standard_input);
    std::ostringstream out_stream;
    std::ostringstream err_stream;
    Environment environment{connector,
                            surroundings,
                            clock,
                            clock,
                            [this](absl::Duration wait) {
                              pauses.push_back(wait);
                              clock.Advance(wait);
                              on_pause();
                            },
                            in,
                            out_stream,
                            err_stream,
                            [this] { return interrupt.get_token(); }};
    const ExitCode exit_code = RunCommandLine(arguments, environment);
    out = out_stream.str();
    err = err_stream.str();
    return static_cast<int>(exit_code);
  }

  FakeConnector connector;
  FakeFleet& fleet = connector.fleet;
  FakeHost& host = connector.host;
  FakeClock clock;
  FakeSurroundings surroundings;
  std::vector<absl::Duration> pauses;
  // What happens meanwhile.
  std::function<void()> on_pause = [] {};
  // Stands for SIGINT.
  std::stop_source interrupt;
  std::string out;
  std::string err;
};

}  // namespace hotplugger::client
