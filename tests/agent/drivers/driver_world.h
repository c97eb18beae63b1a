// One provider's drivers and what is behind them, for the suite that all providers pass.
#pragma once

#include <memory>
#include <string>

#include "agent/drivers/driver_provider.h"

namespace hotplugger::agent {

// Has the drivers alpha, beta and gamma of one provider, in this order and all stopped at first.
// Alpha and gamma spare each other; gamma spares beta too, which spares nobody. What is done here
// is done behind the registry's back.
class DriverWorld {
 public:
  virtual ~DriverWorld() = default;

  virtual DriverProvider& provider() = 0;

  virtual void SetRunning(const std::string& driver, bool running) = 0;
  virtual bool IsRunning(const std::string& driver) = 0;

  // From now on, asked to start or stop, it...
  // ...answers an error and stays as it is;
  virtual void MakeFail(const std::string& driver) = 0;
  // ...says that it did and stays as it is;
  virtual void MakeLie(const std::string& driver) = 0;
  // ...has not answered at its deadline, nor later, until LetGo;
  virtual void MakeHang(const std::string& driver) = 0;
  // ...has not answered at its deadline, and does what it was told a moment later: when it, or
  // whatever it hangs with, is told something else, or at LetGo.
  virtual void MakeHangForAMoment(const std::string& driver) { MakeHang(driver); }
  // What hangs does so no longer, and what it was told takes effect.
  virtual void LetGo() {}
  // It is no longer there, as a module that is unloaded.
  virtual void Remove(const std::string& driver) = 0;

  // Whether what stops conflicts is behind the provider, so that a failure doesn't say whose.
  virtual bool stops_conflicts_itself() const { return false; }

  // Why there is no such thing here; empty where there is.
  virtual std::string CannotLie() const { return ""; }
  virtual std::string CannotHangInStart() const { return ""; }
  virtual std::string CannotVanish() const { return ""; }
};

std::unique_ptr<DriverWorld> MakeKernelWorld();
std::unique_ptr<DriverWorld> MakeKnobWorld();
// With the real hotplugger-writer.
std::unique_ptr<DriverWorld> MakeWriterKnobWorld();
std::unique_ptr<DriverWorld> MakeUnitWorld();
std::unique_ptr<DriverWorld> MakeBuiltinWorld();

}  // namespace hotplugger::agent
