// A whole controller in this process, on port 0, with a store of its own.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/transport/channel_settings.h"
#include "server/controller.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::server {

class ControllerFixture : public ::testing::Test {
 protected:
  ControllerFixture() {
    Options options;
    options.listen = "127.0.0.1:0";
    options.metrics_listen = "127.0.0.1:0";
    options.store = absl::StrCat("sqlite:", directory_.Path("controller.db"));
    auto controller = Controller::Create(options);
    EXPECT_TRUE(controller.ok()) << controller.status();
    controller_ = *std::move(controller);
    channel_ =
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", controller_->grpc_port()),
                                  grpc::InsecureChannelCredentials(), ClientChannelArguments());
  }

  testing::TempDir directory_;
  std::unique_ptr<Controller> controller_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace hotplugger::server
