#include "agent/drivers/builtin/parking_driver.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/drivers/builtin/parking_plan.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// For one CPU.
constexpr absl::Duration kChangeDeadline = absl::Seconds(10);

std::string CpuNames(const CpuSet& cpus) {
  return absl::StrCat(cpus.size() == 1 ? "CPU " : "CPUs ", FormatCpuList(cpus));
}

}  // namespace

absl::Status ParkingDriver::ChangeState(bool running, absl::Time deadline) {
  return running ? Start() : Stop(deadline);
}

absl::StatusOr<bool> ParkingDriver::IsRunning() { return running(); }

bool ParkingDriver::running() {
  MutexLock lock(&mutex_);
  return running_;
}

void ParkingDriver::AddDetails(v1::Driver* driver) {
  MutexLock lock(&mutex_);
  driver->set_detail(activity_);
  if (running_) driver->set_power(power_);
  *driver->mutable_decisions() = {decisions_.begin(), decisions_.end()};
}

absl::Status ParkingDriver::Start() {
  RETURN_IF_ERROR(parts_.rule->Begin(parts_.clock.Now()));
  TakeOverRecord();
  RETURN_IF_ERROR(SaveRecord(/*running=*/true));
  parts_.energy.Reset();
  holding_off_.clear();
  no_parking_until_ = absl::InfinitePast();
  {
    MutexLock lock(&mutex_);
    running_ = true;
    power_.clear();
    activity_ = parts_.settings.dry_run ? "dry run: nothing decided yet" : "nothing parked";
  }
  StartTicking();
  return absl::OkStatus();
}

absl::Status ParkingDriver::Stop(absl::Time deadline) {
  parts_.ticker->Stop();
  TakeOverRecord();
  const CpuSet parked = parked_;
  const absl::Status given_back = GiveBack(parked, deadline);
  if (!given_back.ok()) {
    // It goes on, and with it the CPUs that are still its own.
    StartTicking();
    return given_back;
  }
  if (!parked.empty() && !parts_.settings.dry_run) {
    Decide(absl::StrCat("gave back ", CpuNames(parked), ": stopped"));
  }
  {
    MutexLock lock(&mutex_);
    running_ = false;
  }
  SetActivity("");
  if (!SaveRecord(/*running=*/false).ok()) {
    Log(LogLevel::kWarning, "that a driver is stopped can't be saved; the next agent starts it",
        {{"driver", parts_.name}});
  }
  // Those that SMT forbids for now.
  if (!to_return_.cpus().empty()) StartTicking();
  return absl::OkStatus();
}

void ParkingDriver::StartTicking() {
  const std::weak_ptr<ParkingDriver> self = weak_from_this();
  parts_.ticker->Start(absl::Seconds(parts_.settings.sample_seconds), [this, self] {
    const std::shared_ptr<ParkingDriver> driver = self.lock();
    if (driver == nullptr || tick_waits_.exchange(true)) return;
    const absl::Status posted = parts_.post([self] {
      if (const std::shared_ptr<ParkingDriver> own = self.lock()) own->Tick();
    });
    // The queue is full: the host has other things to do.
    if (!posted.ok()) tick_waits_ = false;
  });
}

void ParkingDriver::TakeOverRecord() {
  const ParkingRecord record = parts_.records.LoadParking(parts_.name);
  const bool goes_on = record.running && !parts_.settings.dry_run;
  CpuSet others;
  for (const int cpu : record.parked) {
    if (parked_.count(cpu) == 0 && to_return_.cpus().count(cpu) == 0) others.insert(cpu);
  }
  if (goes_on) {
    parked_.insert(others.begin(), others.end());
  } else {
    to_return_.Add(others);
  }
}

void ParkingDriver::Resume() {
  if (running()) return;
  const bool ran = parts_.records.LoadParking(parts_.name).running;
  TakeOverRecord();
  const absl::Status started = ran ? Start() : absl::OkStatus();
  if (!started.ok()) {
    Log(LogLevel::kError, "a driver that ran can't be started again",
        {{"driver", parts_.name}, {"cause", std::string(started.message())}});
  }
  const CpuSet given_up = running() ? CpuSet() : parked_;
  const absl::Status given_back = GiveBack(given_up);
  if (!given_back.ok()) {
    Log(LogLevel::kError, "CPUs that a driver had parked can't be given back yet",
        {{"driver", parts_.name}, {"cause", std::string(given_back.message())}});
  }
  (void)SaveRecord(running());
  if (running()) {
    return Decide(absl::StrCat("runs again, as before the agent was restarted; parked: ",
                               parked_.empty() ? "nothing" : CpuNames(parked_)));
  }
  SetActivity("");
  if (!to_return_.cpus().empty()) StartTicking();
}

void ParkingDriver::Tick() {
  tick_waits_ = false;
  RetryGivingBack();
  if (!running()) return TickStopped();
  const absl::Status status = TickOnce();
  if (!status.ok()) SetActivity(absl::StrCat("can't decide: ", status.message()));
  (void)SaveRecord(/*running=*/true);
}

// Stopped, it beats until the last CPU is back.
void ParkingDriver::TickStopped() {
  (void)SaveRecord(/*running=*/false);
  if (to_return_.cpus().empty()) parts_.ticker->Stop();
  SetActivity("");
}

absl::Status ParkingDriver::TickOnce() {
  parts_.energy.Note(!parked_.empty() && !parts_.settings.dry_run, parts_.clock.Now());
  ASSIGN_OR_RETURN(CpuControl::View view, Look());
  ForgetWoken(view);
  if (HoldsOff()) return absl::OkStatus();
  ParkingState state;
  state.online_cpus = static_cast<int>(view.cpus.masks.online.size());
  state.parked_cores = static_cast<int>(CoresToWake(view, parked_).size());
  if (parts_.clock.Now() >= no_parking_until_) {
    state.next_core_threads =
        static_cast<int>(NextCoreToPark(view, parked_, parts_.settings).size());
  }
  ASSIGN_OR_RETURN(const ParkingWish wish, parts_.rule->Judge(state, parts_.clock.Now()));
  Act(wish, view);
  DescribeParked(view);
  return absl::OkStatus();
}

absl::StatusOr<CpuControl::View> ParkingDriver::Look() {
  ASSIGN_OR_RETURN(CpuControl::View view, parts_.control.Look());
  if (parts_.settings.dry_run) {
    for (const int cpu : parked_) view.cpus.masks.online.erase(cpu);
  }
  view.decided.insert(to_return_.cpus().begin(), to_return_.cpus().end());
  return view;
}

void ParkingDriver::ForgetWoken(const CpuControl::View& view) {
  CpuSet woken;
  CpuSet taken;
  for (const int cpu : parked_) {
    if (view.cpus.masks.online.count(cpu) > 0 || view.cpus.masks.present.count(cpu) == 0) {
      woken.insert(cpu);
    } else if (view.decided.count(cpu) > 0) {
      taken.insert(cpu);
    }
  }
  for (const int cpu : taken) parked_.erase(cpu);
  if (!taken.empty()) {
    Decide(absl::StrCat(CpuNames(taken), ": somebody else's decision now, and left so"));
  }
  if (woken.empty()) return;
  Decide(absl::StrCat(CpuNames(woken), " came online without this driver"));
  // That they are online may be on its way to be otherwise, so it is looked into.
  (void)GiveBack(woken);
}

bool ParkingDriver::HoldsOff() {
  const absl::StatusOr<std::vector<std::string>> conflicts = parts_.conflicts();
  std::string why;
  if (!conflicts.ok()) {
    why = std::string(conflicts.status().message());
  } else if (!conflicts->empty()) {
    why = absl::StrCat(absl::StrJoin(*conflicts, ", "), conflicts->size() == 1 ? " runs" : " run",
                       " and is in conflict with ", parts_.name);
  }
  const bool held_off = !holding_off_.empty();
  if (why.empty()) {
    if (held_off) {
      holding_off_.clear();
      Decide("goes on: no other driver is in conflict any more");
      (void)parts_.rule->Begin(parts_.clock.Now());
    }
    return false;
  }
  if (!held_off) Decide(absl::StrCat("holds off: ", why));
  holding_off_ = why;
  if (!parked_.empty()) {
    const CpuSet parked = parked_;
    const absl::Status given_back = GiveBack(parked);
    Decide(given_back.ok()
               ? absl::StrCat("gave back ", CpuNames(parked), ": ", why)
               : absl::StrCat("was to give back ", CpuNames(parked), ": ", given_back.message()));
  }
  SetActivity(absl::StrCat("holds off: ", why));
  return true;
}

void ParkingDriver::Act(const ParkingWish& wish, const CpuControl::View& view) {
  switch (wish.act) {
    case ParkingWish::Act::kNothing:
      return;
    case ParkingWish::Act::kPark:
      return Park(NextCoreToPark(view, parked_, parts_.settings), wish.why);
    case ParkingWish::Act::kWake: {
      std::vector<CpuSet> cores = CoresToWake(view, parked_);
      cores.resize(std::min(cores.size(), static_cast<size_t>(std::max(wish.cores, 0))));
      for (const CpuSet& core : cores) Wake(core, wish.why);
      return;
    }
  }
}

void ParkingDriver::Park(const CpuSet& core, const std::string& why) {
  if (core.empty()) return;
  parked_.insert(core.begin(), core.end());
  const absl::Status status = parts_.settings.dry_run ? absl::OkStatus() : TakeOffline(core);
  if (status.ok()) return Decide(absl::StrCat("parked ", CpuNames(core), ": ", why));
  no_parking_until_ = parts_.clock.Now() + kRefusalPause;
  const absl::Status undone = GiveBack(core);
  Decide(absl::StrCat("could not park ", CpuNames(core), " (", why, "): ", status.message(),
                      undone.ok() ? "" : "; ", undone.message()));
}

absl::Status ParkingDriver::TakeOffline(const CpuSet& cpus) {
  // Known to the next agent before it is so.
  RETURN_IF_ERROR(SaveRecord(/*running=*/true));
  // The secondary threads first.
  for (auto cpu = cpus.rbegin(); cpu != cpus.rend(); ++cpu) {
    const absl::Time deadline = parts_.clock.Now() + kChangeDeadline;
    RETURN_IF_ERROR(parts_.control.Change(*cpu, false, deadline).status());
  }
  return absl::OkStatus();
}

void ParkingDriver::Wake(const CpuSet& core, const std::string& why) {
  const absl::Status status = GiveBack(core);
  Decide(status.ok()
             ? absl::StrCat("woke ", CpuNames(core), ": ", why)
             : absl::StrCat("could not wake ", CpuNames(core), " (", why, "): ", status.message()));
}

absl::Status ParkingDriver::GiveBack(const CpuSet& cpus) {
  const auto count = static_cast<int64_t>(cpus.size() + to_return_.cpus().size());
  return GiveBack(cpus, parts_.clock.Now() + count * kChangeDeadline);
}

absl::Status ParkingDriver::GiveBack(const CpuSet& cpus, absl::Time deadline) {
  // What a dry run has parked is imagined.
  if (!parts_.settings.dry_run) to_return_.Add(cpus);
  for (const int cpu : cpus) parked_.erase(cpu);
  return to_return_.Return(parts_.clock.Now(), deadline);
}

void ParkingDriver::RetryGivingBack() {
  if (!to_return_.IsDue(parts_.clock.Now())) return;
  CpuSet back = to_return_.cpus();
  // What went wrong is in the journal.
  GiveBack({}).IgnoreError();
  for (const int cpu : to_return_.cpus()) back.erase(cpu);
  if (!back.empty()) Decide(absl::StrCat("gave back ", CpuNames(back), " at last"));
}

absl::Status ParkingDriver::SaveRecord(bool running) {
  ParkingRecord record{.running = running, .parked = to_return_.cpus()};
  if (!parts_.settings.dry_run) record.parked.insert(parked_.begin(), parked_.end());
  if (record == parts_.records.LoadParking(parts_.name)) return absl::OkStatus();
  const absl::Status saved = parts_.records.SaveParking(parts_.name, record);
  if (!saved.ok() && !unsaved_) {
    Log(LogLevel::kWarning, "what a driver has parked can't be saved",
        {{"driver", parts_.name}, {"cause", std::string(saved.message())}});
  }
  unsaved_ = !saved.ok();
  return saved;
}

void ParkingDriver::Decide(std::string text) {
  const bool dry_run = parts_.settings.dry_run;
  Log(LogLevel::kInfo, dry_run ? "a driver would have decided" : "a driver has decided",
      {{"driver", parts_.name}, {"decision", text}});
  v1::DriverDecision decision;
  const absl::Time now = parts_.wall_clock.Now();
  decision.mutable_time()->set_seconds(absl::ToUnixSeconds(now));
  decision.mutable_time()->set_nanos(static_cast<int32_t>(
      (now - absl::FromUnixSeconds(absl::ToUnixSeconds(now))) / absl::Nanoseconds(1)));
  decision.set_text(std::move(text));
  decision.set_dry_run(dry_run);
  MutexLock lock(&mutex_);
  decisions_.push_front(std::move(decision));
  if (decisions_.size() > kMaxDecisions) decisions_.pop_back();
}

void ParkingDriver::SetActivity(std::string activity) {
  if (!to_return_.cpus().empty()) {
    absl::StrAppend(&activity, activity.empty() ? "" : "; ", CpuNames(to_return_.cpus()),
                    to_return_.cpus().size() == 1 ? " is" : " are", " still to come back");
  }
  MutexLock lock(&mutex_);
  activity_ = std::move(activity);
}

void ParkingDriver::DescribeParked(const CpuControl::View& view) {
  std::string text = parked_.empty()
                         ? "nothing parked"
                         : absl::StrCat(parked_.size(), " of ", view.cpus.masks.present.size(),
                                        " CPUs parked (", FormatCpuList(parked_), ")");
  if (parts_.settings.dry_run) text = absl::StrCat("dry run, would have ", text);
  SetActivity(std::move(text));
  std::string power = parts_.energy.Describe();
  MutexLock lock(&mutex_);
  power_ = std::move(power);
}

}  // namespace hotplugger::agent
