// A whole host out of fakes, for tests of what works on Host.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "agent/devices/device_operator.h"
#include "agent/drivers/kernel_provider.h"
#include "agent/drivers/registry.h"
#include "agent/reconcile/host.h"
#include "common/clock.h"
#include "common/digest.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_kernel_hotplugger.h"
#include "tests/fakes/memory_state_store.h"

namespace hotplugger::agent {

// Four CPUs, of which cpu0 can't be switched; the drivers alucard and thermal (mutually
// whitelisted in the kernel) and bricked (spares nobody). Not safe for concurrent use.
class HostFixture {
 public:
  HostFixture() : kernel(fake.root()), sysfs_(OpenTree()) {
    fake.SetDriverWriter(&kernel);
    kernel.Load({.name = "alucard", .whitelist = {"thermal"}});
    kernel.Load({.name = "thermal", .whitelist = {"alucard"}});
    kernel.Load({.name = "bricked", .whitelist = {}});
    Boot("boot-1");
  }

  // The agent starts; with another id the host has rebooted before.
  void Boot(const std::string& boot_id) {
    devices_ = std::make_unique<DeviceOperator>(*sysfs_, fake, SafetyLimits(), clock_);
    registry_ = std::make_unique<Registry>(clock_, Registry::Options());
    host = *Host::Create({.sysfs = *sysfs_,
                          .devices = *devices_,
                          .drivers = *registry_,
                          .providers = {&provider_},
                          .state_store = store,
                          .boot_id = boot_id,
                          .kernel_release = "6.1"});
  }

  // As if a controller had pushed it.
  void SetSpec(const v1::NodeSpec& spec, const std::string& source = "policy/park") {
    v1::AgentState state = host->state();
    state.set_spec_body(spec.SerializeAsString());
    state.set_spec_digest(Sha256Hex(state.spec_body()));
    state.clear_spec_sources();
    for (const char* setting : {"cpu_offline", "cpu_online", "drivers_active", "switching"}) {
      v1::SettingSource* added = state.add_spec_sources();
      added->set_setting(setting);
      added->set_source(source);
    }
    EXPECT_TRUE(host->SaveState(state).ok());
  }

  bool Runs(const std::string& driver) { return kernel.Find(driver)->running; }

  testing::FakeHost fake{4};
  FakeKernelHotplugger kernel;
  testing::MemoryStateStore store;
  std::unique_ptr<Host> host;

 private:
  std::unique_ptr<Sysfs> OpenTree() {
    return *Sysfs::Open(fake.root(), Sysfs::Kind::kAnyDirectory);
  }

  SystemClock clock_;
  std::unique_ptr<Sysfs> sysfs_;
  std::unique_ptr<DeviceOperator> devices_;
  KernelDriverProvider provider_{*sysfs_, fake};
  std::unique_ptr<Registry> registry_;
};

}  // namespace hotplugger::agent
