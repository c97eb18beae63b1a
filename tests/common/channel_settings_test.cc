#include "common/transport/channel_settings.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace hotplugger {
namespace {

TEST(ChannelSettingsTest, TheClientSendsWhatTheHeaderSays) {
  const grpc::ChannelArguments arguments = ClientChannelArguments();
  const grpc_channel_args raw = arguments.c_channel_args();
  std::map<std::string, int> numbers;
  for (size_t i = 0; i < raw.num_args; ++i) {
    if (raw.args[i].type == GRPC_ARG_INTEGER) numbers[raw.args[i].key] = raw.args[i].value.integer;
  }
  EXPECT_EQ(numbers[GRPC_ARG_KEEPALIVE_TIME_MS], kClientKeepaliveMs);
  EXPECT_EQ(numbers[GRPC_ARG_KEEPALIVE_TIMEOUT_MS], kKeepaliveTimeoutMs);
  EXPECT_EQ(numbers[GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH], kMaxMessageBytes);
  EXPECT_EQ(numbers.count(GRPC_ARG_HTTP2_BDP_PROBE), 1u);
  EXPECT_EQ(numbers[GRPC_ARG_HTTP2_BDP_PROBE], 0);
}

}  // namespace
}  // namespace hotplugger
