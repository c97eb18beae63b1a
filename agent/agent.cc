#include "agent/agent.h"

#include <sys/utsname.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/api/host_server.h"
#include "agent/api/host_service.h"
#include "agent/config/agent_config.h"
#include "agent/counters/agent_counters.h"
#include "agent/devices/inventory/file_tree.h"
#include "agent/devices/operations/journal.h"
#include "agent/drivers/builtin/builtin_provider.h"
#include "agent/drivers/builtin/load_rule.h"
#include "agent/drivers/builtin/thermal_rule.h"
#include "agent/drivers/catalogue/catalogue.h"
#include "agent/drivers/kernel/kernel_provider.h"
#include "agent/drivers/knob/knob_provider.h"
#include "agent/drivers/registry.h"
#include "agent/drivers/unit/systemd.h"
#include "agent/drivers/unit/unit_provider.h"
#include "agent/endpoints.h"
#include "agent/metrics/agent_collector.h"
#include "agent/reconcile/device_queries.h"
#include "agent/reconcile/device_watch.h"
#include "agent/reconcile/host.h"
#include "agent/reconcile/host_cpu_control.h"
#include "agent/reconcile/local_device_operations.h"
#include "agent/reconcile/local_driver_operations.h"
#include "agent/reconcile/observed_link.h"
#include "agent/reconcile/remote_operations.h"
#include "agent/reconcile/state_file.h"
#include "agent/writer/writer_process.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/random_id.h"
#include "common/status_macros.h"
#include "common/version.h"
#include "common/work_queue.h"

namespace hotplugger::agent {
namespace {

// Operations that wait for the host's one queue; more are refused.
constexpr size_t kOperationQueueCapacity = 256;
// Questions that wait; more are refused.
constexpr size_t kQueryQueueCapacity = 256;

absl::StatusOr<std::string> ReadBootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot_id;
  if (std::getline(file, boot_id) && !boot_id.empty()) return boot_id;
  return MakeError(absl::StatusCode::kFailedPrecondition, "NO_BOOT_ID",
                   "/proc/sys/kernel/random/boot_id can't be read; is /proc mounted?");
}

std::string KernelRelease() {
  utsname name = {};
  return uname(&name) == 0 ? name.release : "unknown";
}

std::string WriterBesideThisProgram() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "hotplugger-writer" : (program.parent_path() / "hotplugger-writer").string();
}

v1::Hello MakeHello(const AgentOptions& options, const Host& host) {
  v1::Hello hello;
  hello.set_node(options.node);
  hello.set_boot_id(host.boot_id());
  hello.set_largest_epoch(host.state().largest_epoch());
  hello.set_fleet_id(host.state().fleet_id());
  hello.set_epoch_id(host.state().epoch_id());
  hello.set_spec_epoch(host.state().spec_epoch());
  hello.set_spec_store_revision(host.state().spec_store_revision());
  hello.set_instance_id(RandomId());
  hello.set_agent_version(kVersion);
  for (const auto& [key, value] : options.labels) (*hello.mutable_labels())[key] = value;
  return hello;
}

// Of the host that the agent acts on: with another root, this machine's own units are none of its
// business.
std::string BusAddress(const AgentOptions& options) {
  if (!options.bus.empty() || options.sysroot.empty()) return options.bus;
  return absl::StrCat("unix:path=", options.sysroot, "/run/dbus/system_bus_socket");
}

void AddQueueUse(const std::string& name, WorkQueue& queue, v1::MetricsSnapshot* snapshot) {
  const WorkQueue::Use use = queue.use();
  v1::QueueUse* told = snapshot->add_queues();
  told->set_queue(name);
  told->set_length(static_cast<int64_t>(use.length));
  told->set_capacity(static_cast<int64_t>(use.capacity));
  told->set_refusals(use.refusals);
}

class AgentImpl final : public Agent {
 public:
  AgentImpl(const AgentOptions& options, Replacements replacements)
      : options_(options), replacements_(std::move(replacements)) {}

  ~AgentImpl() override { Stop(); }

  absl::Status Start() {
    RETURN_IF_ERROR(OpenHost());
    JoinFleet();
    queue_ = std::make_unique<WorkQueue>("operation queue", kOperationQueueCapacity);
    query_queue_ = std::make_unique<WorkQueue>("query queue", kQueryQueueCapacity);
    MakeLink();
    reconciler_ = std::make_unique<Reconciler>(*host_, *queue_, *link_, replacements_.reconciler);
    queries_ = std::make_unique<DeviceQueries>(host_->reader());
    device_operations_ =
        std::make_unique<LocalDeviceOperations>(*host_, [this] { return stopping_.load(); });
    driver_operations_ = std::make_unique<LocalDriverOperations>(*host_);
    remote_operations_ = std::make_unique<RemoteOperations>(
        RemoteOperations::Parts{.host = *host_,
                                .devices = *device_operations_,
                                .drivers = *driver_operations_,
                                .operation_queue = *queue_,
                                .query_queue = *query_queue_,
                                .link = *link_,
                                .changed = [this] { HostChanged(); },
                                .stopping = [this] { return stopping_.load(); }});
    service_ = std::make_unique<HostService>(
        HostService::Parts{.queries = *queries_,
                           .devices = *device_operations_,
                           .drivers = *driver_operations_,
                           .watch = watch_,
                           .query_queue = *query_queue_,
                           .operation_queue = *queue_,
                           .changed = [this] { HostChanged(); },
                           .stopping = [this] { return stopping_.load(); }});
    // Subscribed before the first read, so that no change falls between.
    if (replacements_.monitor_uevents) {
      ASSIGN_OR_RETURN(uevents_, UeventMonitor::Create(counters_, [this] { HostChanged(); }));
    }
    ASSIGN_OR_RETURN(server_, HostServer::Create(options_.socket, *service_));
    OpenEndpoints();
    RETURN_IF_ERROR(queue_->Add([this] { builtin_drivers_->Resume(); }));
    // Enforcing begins before the controller is heard: the saved spec needs nobody.
    reconciler_->Start();
    if (connector_ != nullptr) connector_->Start();
    endpoints_->SetServing(true);
    Log(LogLevel::kInfo, "agent started",
        {{"node", options_.node},
         {"version", kVersion},
         {"controller", options_.controller},
         {"socket", options_.socket},
         {"metrics", options_.metrics_listen}});
    return absl::OkStatus();
  }

  void Stop() override {
    // First of all, so that whoever waits for this host hears of it.
    if (endpoints_ != nullptr) endpoints_->SetServing(false);
    // What is under way ends with its present step.
    stopping_ = true;
    if (endpoints_ != nullptr) endpoints_->Stop();
    if (server_ != nullptr) server_->Shutdown();
    uevents_.reset();
    if (reconciler_ != nullptr) reconciler_->Stop();
    if (query_queue_ != nullptr) query_queue_->Stop();
    if (queue_ != nullptr) queue_->Stop();
    // After the queues, so that what was done for the controller is answered.
    if (connector_ != nullptr) connector_->Stop();
    // After the queue, whose thread may start a driver until then.
    if (builtin_drivers_ != nullptr) builtin_drivers_->Suspend();
  }

  void HostChanged() override {
    reconciler_->HostChanged();
    service_->PublishDevices();
  }

  int metrics_port() override { return endpoints_->metrics_port(); }
  int health_port() override { return endpoints_->health_port(); }

 private:
  absl::Status OpenHost() {
    const bool real = options_.sysroot.empty();
    const std::string root = real ? "/" : options_.sysroot;
    ASSIGN_OR_RETURN(tree_, FileTree::Open(root));
    if (real) RETURN_IF_ERROR(tree_->CheckIsSysfs("sys"));
    ASSIGN_OR_RETURN(const AgentConfig config, ReadAgentConfig(options_.config));
    ASSIGN_OR_RETURN(state_file_, StateFile::Open(options_.state_dir));
    writer_ = std::move(replacements_.writer);
    if (writer_ == nullptr) {
      const std::string program =
          options_.writer.empty() ? WriterBesideThisProgram() : options_.writer;
      ASSIGN_OR_RETURN(writer_, WriterProcess::Create(program, root));
    }
    MakeDrivers(config);
    std::string boot_id = replacements_.boot_id;
    if (boot_id.empty()) {
      ASSIGN_OR_RETURN(boot_id, ReadBootId());
    }
    ASSIGN_OR_RETURN(journal_, Journal::Open(options_.state_dir, boot_id, clock_));
    ASSIGN_OR_RETURN(host_,
                     Host::Create({.tree = *tree_,
                                   .writer = *writer_,
                                   .journal = *journal_,
                                   .limits = config.limits,
                                   .clock = steady_clock_,
                                   .drivers = *drivers_,
                                   .counters = counters_,
                                   // Of two that share a name the first one's counts:
                                   // what the host has by itself goes before ours.
                                   .providers = {kernel_drivers_.get(), knob_drivers_.get(),
                                                 unit_drivers_.get(), builtin_drivers_.get()},
                                   .catalogue = *catalogue_,
                                   .state_store = *state_file_,
                                   .boot_id = boot_id,
                                   .kernel_release = KernelRelease()}));
    cpu_control_.SetHost(host_.get());
    return absl::OkStatus();
  }

  // A full disk must not keep the saved spec from being enforced.
  void JoinFleet() {
    if (options_.fleet.empty()) return;
    const absl::Status joined = host_->JoinFleet(options_.fleet);
    if (joined.ok()) return;
    Log(LogLevel::kError, "--fleet can't be saved, so that the agent keeps to the one it had",
        {{"fleet", options_.fleet}, {"cause", std::string(joined.message())}});
  }

  void MakeDrivers(const AgentConfig& config) {
    drivers_ = std::make_unique<Registry>(steady_clock_, counters_, Registry::Options());
    catalogue_ = std::make_unique<Catalogue>(options_.driver_folders);
    writer_->AllowKnobs(catalogue_->KnobPatterns());
    kernel_drivers_ = std::make_unique<KernelDriverProvider>(*tree_, *writer_);
    knob_drivers_ =
        std::make_unique<KnobDriverProvider>(*tree_, *writer_, *catalogue_, cpu_control_);
    services_ = std::make_unique<Systemd>(BusAddress(options_));
    unit_drivers_ = std::make_unique<UnitDriverProvider>(*services_, *catalogue_);
    builtin_drivers_ =
        std::make_unique<BuiltinDriverProvider>(std::vector<std::shared_ptr<ParkingDriver>>{
            MakeParkingDriver("load", "parks whole cores while few CPUs are busy",
                              config.load.parking, std::make_unique<LoadRule>(*tree_, config.load)),
            MakeParkingDriver("thermal", "parks whole cores while the host is too hot",
                              config.thermal.parking,
                              std::make_unique<ThermalRule>(*tree_, config.thermal))});
  }

  std::shared_ptr<ParkingDriver> MakeParkingDriver(const std::string& name,
                                                   const std::string& description,
                                                   const ParkingSettings& settings,
                                                   std::unique_ptr<ParkingRule> rule) {
    return std::make_shared<ParkingDriver>(ParkingDriver::Parts{
        .name = name,
        .description = description,
        .settings = settings,
        .rule = std::move(rule),
        .control = cpu_control_,
        .records = cpu_control_,
        .energy = EnergyMeter(*tree_),
        .ticker = std::make_unique<ThreadTicker>(),
        .clock = steady_clock_,
        .wall_clock = clock_,
        .post = [this](ParkingDriver::Task task) { return queue_->Add(std::move(task)); },
        .conflicts = [this, name] { return drivers_->RunningConflicts(name); }});
  }

  void MakeLink() {
    if (!options_.controller.empty()) MakeConnector();
    link_ = std::make_unique<ObservedLink>(connector_.get());
    collector_ = std::make_unique<AgentCollector>(AgentCollector::Parts{
        .version = kVersion,
        .kernel_release = KernelRelease(),
        .news = *link_,
        .connected = [this] { return connector_ != nullptr && connector_->connected(); },
        .counted = [this] { return Counted(); }});
  }

  v1::MetricsSnapshot Counted() {
    v1::MetricsSnapshot snapshot = counters_.Snapshot();
    AddQueueUse("operation", *queue_, &snapshot);
    AddQueueUse("query", *query_queue_, &snapshot);
    return snapshot;
  }

  // Ports that can't be had must not keep the saved spec from being enforced.
  void OpenEndpoints() {
    endpoints_ = std::make_unique<Endpoints>(Endpoints::Parts{
        .options = options_,
        .collector = *collector_,
        .clock = steady_clock_,
        .make_ticker = replacements_.make_ticker,
        .failed = [this](const char* condition,
                         const std::string& message) { host_->SetCondition(condition, message); },
        .mended =
            [this](const char* condition) {
              host_->ClearCondition(condition);
              // The next inventory tells it. A full queue only puts that off.
              HostChanged();
            }});
    endpoints_->Start();
    if (connector_ != nullptr) connector_->SetMetricsAddress(endpoints_->MetricsAddress());
  }

  void MakeConnector() {
    connector_ = std::make_unique<ControllerConnector>(
        ControllerConnector::Options{.controller = options_.controller,
                                     .hello = MakeHello(options_, *host_),
                                     .backoff = replacements_.reconnect},
        ControllerConnector::Sinks{
            .welcome =
                [this](const ControllerIdentity& from) {
                  reconciler_->NoteController(from);
                  remote_operations_->NoteController(from);
                },
            .spec =
                [this](v1::Spec spec, const ControllerIdentity& from) {
                  reconciler_->OfferSpec(std::move(spec), from);
                },
            .confirmation =
                [this](const std::string& digest, const ControllerIdentity& from) {
                  reconciler_->ConfirmSpec(digest, from);
                },
            .operation =
                [this](const v1::NodeOperation& operation, const ControllerIdentity& from) {
                  remote_operations_->Receive(operation, from);
                },
            .metrics = [this] { return Counted(); }});
  }

  const AgentOptions options_;
  std::atomic<bool> stopping_ = false;
  Replacements replacements_;
  SystemClock clock_;
  SteadyClock steady_clock_;
  AgentCounters counters_;
  // Each part is destroyed before those above it, which it uses.
  std::unique_ptr<FileTree> tree_;
  std::unique_ptr<StateFile> state_file_;
  std::unique_ptr<KernelWriter> writer_;
  std::unique_ptr<Journal> journal_;
  HostCpuControl cpu_control_;
  std::unique_ptr<Catalogue> catalogue_;
  std::unique_ptr<ServiceManager> services_;
  std::unique_ptr<KernelDriverProvider> kernel_drivers_;
  std::unique_ptr<KnobDriverProvider> knob_drivers_;
  std::unique_ptr<UnitDriverProvider> unit_drivers_;
  std::unique_ptr<BuiltinDriverProvider> builtin_drivers_;
  std::unique_ptr<Registry> drivers_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<WorkQueue> queue_;
  std::unique_ptr<WorkQueue> query_queue_;
  std::unique_ptr<ControllerConnector> connector_;
  std::unique_ptr<ObservedLink> link_;
  std::unique_ptr<AgentCollector> collector_;
  std::unique_ptr<Reconciler> reconciler_;
  std::unique_ptr<DeviceQueries> queries_;
  std::unique_ptr<LocalDeviceOperations> device_operations_;
  std::unique_ptr<LocalDriverOperations> driver_operations_;
  std::unique_ptr<RemoteOperations> remote_operations_;
  DeviceWatch watch_;
  std::unique_ptr<HostService> service_;
  std::unique_ptr<HostServer> server_;
  std::unique_ptr<UeventMonitor> uevents_;
  std::unique_ptr<Endpoints> endpoints_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Agent>> Agent::Create(const AgentOptions& options) {
  return Create(options, Replacements());
}

absl::StatusOr<std::unique_ptr<Agent>> Agent::Create(const AgentOptions& options,
                                                     Replacements replacements) {
  RETURN_IF_ERROR(ValidateOptions(options));
  auto agent = std::make_unique<AgentImpl>(options, std::move(replacements));
  RETURN_IF_ERROR(agent->Start());
  return agent;
}

}  // namespace hotplugger::agent
