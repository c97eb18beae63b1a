// The contract's suite against a real /sys/kernel/hotplugger: the lab's module, in a guest of the
// lab. Loads and unloads modules and writes to /sys, so it runs nowhere else.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "agent/drivers/kernel/kernel_provider.h"
#include "agent/writer/writer_process.h"
#include "tests/agent/drivers/provider_contract_suite.h"

namespace hotplugger::agent {
namespace {

// What only the lab's guests have.
constexpr char kGuestMark[] = "/lab/modules";
constexpr char kModule[] = "/lib/modules/hotplugger_lab.ko";
constexpr char kFace[] = "/sys/kernel/hotplugger/";
constexpr char kParameters[] = "/sys/module/hotplugger_lab/parameters/";
constexpr char kWriter[] = "/usr/bin/hotplugger-writer";

void Write(const std::string& path, const std::string& content) {
  std::ofstream file(path);
  file << content << std::flush;
  EXPECT_TRUE(file.good()) << path << " " << content;
}

void Run(const std::string& command) { EXPECT_EQ(std::system(command.c_str()), 0) << command; }

class RealKernelWorld final : public DriverWorld {
 public:
  RealKernelWorld() {
    // Until a driver that an earlier test made hang has let go, the module can't be unloaded.
    Run(std::string("rmmod hotplugger_lab && insmod ") + kModule + " contract=1");
  }

  DriverProvider& provider() override { return provider_; }
  void SetRunning(const std::string& driver, bool running) override {
    if (IsRunning(driver) == running) return;
    Write(std::string(kFace) + (running ? "enable_driver" : "disable_driver"), driver);
  }
  bool IsRunning(const std::string& driver) override {
    std::ostringstream text;
    text << std::ifstream(std::string(kFace) + "available_drivers").rdbuf();
    return text.str().find("[" + driver + "]") != std::string::npos;
  }
  void MakeFail(const std::string& driver) override { Set("fails", driver); }
  void MakeLie(const std::string& driver) override { Set("lies", driver); }
  void MakeHang(const std::string& driver) override { Set("hangs", driver); }
  void MakeHangForAMoment(const std::string& driver) override { Set("pauses", driver); }
  void Remove(const std::string& driver) override { Set("vanish", driver); }
  bool stops_conflicts_itself() const override { return true; }

 private:
  static void Set(const std::string& parameter, const std::string& driver) {
    Write(kParameters + parameter, driver);
  }

  std::unique_ptr<FileTree> tree_ = *FileTree::Open("/");
  std::unique_ptr<WriterProcess> writer_ = *WriterProcess::Create(kWriter, "/");
  KernelDriverProvider provider_{*tree_, *writer_};
};

std::unique_ptr<DriverWorld> MakeRealKernelWorld() { return std::make_unique<RealKernelWorld>(); }

INSTANTIATE_TEST_SUITE_P(Drivers, ProviderContractTest,
                         ::testing::Values(Provider{"RealKernel", v1::DRIVER_PROVIDER_KERNEL,
                                                    MakeRealKernelWorld}));

}  // namespace
}  // namespace hotplugger::agent

int main(int argc, char** argv) {
  if (!std::filesystem::exists(hotplugger::agent::kGuestMark)) {
    std::cerr << "this test loads kernel modules and runs in a guest of the lab alone\n";
    return 1;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
