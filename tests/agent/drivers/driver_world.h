// One provider's drivers and what is behind them, for the suite that all providers pass.
#pragma once

#include <memory>
#include <string>

#include "agent/drivers/driver_provider.h"

namespace hotplugger::agent {

// Has the drivers alpha, beta and gamma of one provider, all stopped at first. What is done here is
// done behind the registry's back.
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
  // ...has not answered at its deadline;
  virtual void MakeHang(const std::string& driver) = 0;
  // It is no longer there, as a module that is unloaded.
  virtual void Remove(const std::string& driver) = 0;

  // Some can't do these things.
  virtual bool can_lie() const { return true; }
  virtual bool can_vanish() const { return true; }
};

}  // namespace hotplugger::agent
