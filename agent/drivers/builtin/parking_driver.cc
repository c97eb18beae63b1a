#include "agent/drivers/builtin/parking_driver.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/drivers/builtin/parking_plan.h"
#include "agent/drivers/give_back.h"
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

absl::StatusOr<bool> ParkingDriver::IsRunning() {
  MutexLock lock(&mutex_);
  return running_;
}

void ParkingDriver::AddDetails(v1::Driver* driver) {
  MutexLock lock(&mutex_);
  if (running_) {
    driver->set_detail(activity_);
    driver->set_power(power_);
  }
  *driver->mutable_decisions() = {decisions_.begin(), decisions_.end()};
}

absl::Status ParkingDriver::Start() {
  RETURN_IF_ERROR(parts_.rule->Begin(parts_.clock.Now()));
  RETURN_IF_ERROR(parts_.records.SaveParking(parts_.name, {.running = true, .parked = parked_}));
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
  if (!parts_.settings.dry_run) {
    const absl::Status given_back = GiveBack(parts_.control, parked_, deadline);
    if (!given_back.ok()) {
      // It goes on, and with it the CPUs that are still its own.
      StartTicking();
      return given_back;
    }
    if (!parked_.empty()) Decide(absl::StrCat("gave back ", CpuNames(parked_), ": stopped"));
  }
  parked_.clear();
  {
    MutexLock lock(&mutex_);
    running_ = false;
  }
  const absl::Status saved = parts_.records.SaveParking(parts_.name, {});
  if (!saved.ok()) {
    Log(LogLevel::kWarning, "that a driver is stopped can't be saved; the next agent starts it",
        {{"driver", parts_.name}, {"cause", std::string(saved.message())}});
  }
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

void ParkingDriver::Resume() {
  const ParkingRecord record = parts_.records.LoadParking(parts_.name);
  const bool goes_on = record.running && !parts_.settings.dry_run;
  if (!goes_on) GiveBackRecorded(record.parked);
  if (!record.running) return;
  if (goes_on) parked_ = record.parked;
  const absl::Status started = Start();
  if (started.ok()) {
    return Decide(absl::StrCat("runs again, as before the agent was restarted; parked: ",
                               parked_.empty() ? "nothing" : CpuNames(parked_)));
  }
  Log(LogLevel::kError, "a driver that ran can't be started again",
      {{"driver", parts_.name}, {"cause", std::string(started.message())}});
  parked_.clear();
  GiveBackRecorded(record.parked);
}

void ParkingDriver::GiveBackRecorded(const CpuSet& parked) {
  const absl::Status given_back =
      GiveBack(parts_.control, parked, parts_.clock.Now() + absl::Seconds(60));
  if (!given_back.ok()) {
    return Log(LogLevel::kError, "CPUs that a driver had parked can't be given back",
               {{"driver", parts_.name}, {"cause", std::string(given_back.message())}});
  }
  // Where it can't be saved, the next agent finds them online.
  (void)parts_.records.SaveParking(parts_.name, {});
}

void ParkingDriver::Tick() {
  tick_waits_ = false;
  {
    MutexLock lock(&mutex_);
    if (!running_) return;
  }
  const absl::Status status = TickOnce();
  if (!status.ok()) SetActivity(absl::StrCat("can't decide: ", status.message()));
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
  if (woken.empty() && taken.empty()) return;
  for (const CpuSet* cpus : {&woken, &taken}) {
    for (const int cpu : *cpus) parked_.erase(cpu);
  }
  (void)SaveRecord(parked_);
  if (!woken.empty()) Decide(absl::StrCat(CpuNames(woken), " came online without this driver"));
  if (!taken.empty()) {
    Decide(absl::StrCat(CpuNames(taken), ": somebody else's decision now, and left so"));
  }
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
  SetActivity(absl::StrCat("holds off: ", why));
  if (parked_.empty()) return true;
  const absl::Status given_back =
      parts_.settings.dry_run
          ? absl::OkStatus()
          : GiveBack(parts_.control, parked_, parts_.clock.Now() + kChangeDeadline);
  if (given_back.ok()) {
    Decide(absl::StrCat("gave back ", CpuNames(parked_), ": ", why));
    parked_.clear();
    (void)SaveRecord(parked_);
  } else {
    SetActivity(absl::StrCat("holds off, and ", given_back.message()));
  }
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
  CpuSet parked = parked_;
  parked.insert(core.begin(), core.end());
  absl::Status status;
  if (!parts_.settings.dry_run) {
    // Known to the next agent before it is so.
    status = SaveRecord(parked);
    if (status.ok()) status = TakeOffline(core);
    if (!status.ok()) {
      (void)SaveRecord(parked_);
      no_parking_until_ = parts_.clock.Now() + kRefusalPause;
      return Decide(
          absl::StrCat("could not park ", CpuNames(core), " (", why, "): ", status.message()));
    }
  }
  parked_ = std::move(parked);
  Decide(absl::StrCat("parked ", CpuNames(core), ": ", why));
}

absl::Status ParkingDriver::TakeOffline(const CpuSet& cpus) {
  CpuSet done;
  // The secondary threads first.
  for (auto cpu = cpus.rbegin(); cpu != cpus.rend(); ++cpu) {
    const absl::Status status =
        parts_.control.Change(*cpu, false, parts_.clock.Now() + kChangeDeadline).status();
    if (status.ok()) {
      done.insert(*cpu);
      continue;
    }
    const absl::Status undone =
        GiveBack(parts_.control, done, parts_.clock.Now() + kChangeDeadline);
    if (undone.ok()) return status;
    return absl::Status(status.code(), absl::StrCat(status.message(), "; ", undone.message()));
  }
  return absl::OkStatus();
}

void ParkingDriver::Wake(const CpuSet& core, const std::string& why) {
  if (!parts_.settings.dry_run) {
    const absl::Status status =
        GiveBack(parts_.control, core, parts_.clock.Now() + kChangeDeadline);
    if (!status.ok()) {
      return Decide(
          absl::StrCat("could not wake ", CpuNames(core), " (", why, "): ", status.message()));
    }
  }
  for (const int cpu : core) parked_.erase(cpu);
  if (!parts_.settings.dry_run) (void)SaveRecord(parked_);
  Decide(absl::StrCat("woke ", CpuNames(core), ": ", why));
}

absl::Status ParkingDriver::SaveRecord(const CpuSet& parked) {
  const absl::Status saved =
      parts_.records.SaveParking(parts_.name, {.running = true, .parked = parked});
  if (!saved.ok()) {
    Log(LogLevel::kWarning, "what a driver has parked can't be saved",
        {{"driver", parts_.name}, {"cause", std::string(saved.message())}});
  }
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
