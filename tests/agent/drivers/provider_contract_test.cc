// The contract's suite against every provider, the kernel's and systemd as models.
#include "tests/agent/drivers/provider_contract_suite.h"

namespace hotplugger::agent {
namespace {

INSTANTIATE_TEST_SUITE_P(
    Drivers, ProviderContractTest,
    ::testing::Values(Provider{"Kernel", v1::DRIVER_PROVIDER_KERNEL, MakeKernelWorld},
                      Provider{"Knob", v1::DRIVER_PROVIDER_KNOB, MakeKnobWorld},
                      Provider{"KnobByTheRealWriter", v1::DRIVER_PROVIDER_KNOB,
                               MakeWriterKnobWorld},
                      Provider{"Unit", v1::DRIVER_PROVIDER_UNIT, MakeUnitWorld},
                      Provider{"Builtin", v1::DRIVER_PROVIDER_BUILTIN, MakeBuiltinWorld}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace hotplugger::agent
