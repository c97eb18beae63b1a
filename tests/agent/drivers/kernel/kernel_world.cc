#include "agent/drivers/kernel/kernel_provider.h"
#include "tests/agent/drivers/driver_world.h"
#include "tests/fakes/fake_kernel_hotplugger.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

class KernelWorld final : public DriverWorld {
 public:
  KernelWorld() {
    kernel_.Load({.name = "alpha", .whitelist = {"gamma"}});
    kernel_.Load({.name = "beta"});
    kernel_.Load({.name = "gamma", .whitelist = {"alpha", "beta"}});
  }

  DriverProvider& provider() override { return provider_; }
  void SetRunning(const std::string& driver, bool running) override {
    kernel_.SetRunning(driver, running);
  }
  bool IsRunning(const std::string& driver) override { return kernel_.Find(driver)->running; }
  void MakeFail(const std::string& driver) override {
    kernel_.Find(driver)->start_error = EIO;
    kernel_.Find(driver)->stop_error = EIO;
  }
  void MakeLie(const std::string& driver) override { kernel_.Find(driver)->lies = true; }
  void MakeHang(const std::string& driver) override {
    kernel_.Find(driver)->hangs = testing::HangingWrites::Until::kLetGo;
  }
  void MakeHangForAMoment(const std::string& driver) override {
    kernel_.Find(driver)->hangs = testing::HangingWrites::Until::kNextWrite;
  }
  void LetGo() override { kernel_.LetGo(); }
  void Remove(const std::string& driver) override { kernel_.Unload(driver); }
  bool stops_conflicts_itself() const override { return true; }

 private:
  testing::TempDir root_;
  FakeKernelHotplugger kernel_{root_.path()};
  std::unique_ptr<FileTree> tree_ = *FileTree::Open(root_.path());
  KernelDriverProvider provider_{*tree_, kernel_};
};

}  // namespace

std::unique_ptr<DriverWorld> MakeKernelWorld() { return std::make_unique<KernelWorld>(); }

}  // namespace hotplugger::agent
