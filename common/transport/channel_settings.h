// Keep-alive and size limits of both ends of the agent's stream, side by side so that they can't
// drift apart. The application's own pings are in server/fleet.
#pragma once

#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

namespace hotplugger {

inline constexpr int kClientKeepaliveMs = 30'000;
inline constexpr int kServerKeepaliveMs = 20'000;
inline constexpr int kKeepaliveTimeoutMs = 10'000;
inline constexpr int kServerMinPingIntervalMs = 20'000;
// The largest message that either end takes, in bytes.
inline constexpr int kMaxMessageBytes = 1 << 20;

static_assert(kServerMinPingIntervalMs < kClientKeepaliveMs,
              "the server would end connections for too many pings");

// What an agent's or a client's channel is made with. The limit is given here, since gRPC keeps the
// first that a channel's arguments have: a later one changes nothing.
grpc::ChannelArguments ClientChannelArguments(int max_receive_bytes = kMaxMessageBytes);

// The server's side of the same.
void SetServerChannelOptions(grpc::ServerBuilder* builder);

}  // namespace hotplugger
