"""systemd's manager as a model, for python-dbusmock: `python3 -m dbusmock --template THIS_FILE`.

Units are defined by the test, through org.hotplugger.Mock, each with what it does when asked:
works, fails (it starts and ends as failed), refuses (an error), ends (it starts and is inactive at
once), hangs (its job never ends, until LetGo), pauses (so does the first job, until LetGo or the
next job, which replaces it), freezes (systemd itself doesn't answer).
"""
import time

import dbus
from dbusmock import mockobject

BUS_NAME = "org.freedesktop.systemd1"
MAIN_OBJ = "/org/freedesktop/systemd1"
MAIN_IFACE = "org.freedesktop.systemd1.Manager"
UNIT_IFACE = "org.freedesktop.systemd1.Unit"
MOCK_IFACE = "org.hotplugger.Mock"
SYSTEM_BUS = False
FREEZE_SECONDS = 20


def load(mock, parameters):
    mock.behaviours = {}
    # There before anybody can ask.
    for name in parameters.get("stopped", []):
        _define(mock, str(name), False, "works")


def _path(name):
    return MAIN_OBJ + "/unit/" + "".join(c if c.isalnum() else f"_{ord(c):02x}" for c in name)


def _set(name, load_state, active_state, job):
    values = {"LoadState": load_state, "ActiveState": active_state,
              "Job": dbus.Struct((dbus.UInt32(1 if job else 0),
                                  dbus.ObjectPath(MAIN_OBJ + "/job/1" if job else "/")),
                                 signature="uo")}
    mockobject.objects[_path(name)].props[UNIT_IFACE].update(values)


def _add(mock, name):
    if _path(name) not in mockobject.objects:
        mock.AddObject(_path(name), UNIT_IFACE, {"Id": name}, [])
        _set(name, "not-found", "inactive", False)


def _define(mock, name, running, behaviour):
    _add(mock, name)
    mock.behaviours[name] = behaviour
    _set(name, "loaded", "active" if running else "inactive", False)


def _act(mock, name, running):
    behaviour = mock.behaviours.get(name)
    if behaviour is None:
        raise dbus.exceptions.DBusException(f"Unit {name} not found.",
                                            name="org.freedesktop.systemd1.NoSuchUnit")
    if behaviour == "refuses":
        raise dbus.exceptions.DBusException("Access denied",
                                            name="org.freedesktop.DBus.Error.AccessDenied")
    if behaviour == "freezes":
        time.sleep(FREEZE_SECONDS)
    elif behaviour in ("hangs", "pauses"):
        _set(name, "loaded", "activating" if running else "deactivating", True)
        if behaviour == "pauses":
            mock.behaviours[name] = "works"
    elif behaviour == "fails" and running:
        _set(name, "loaded", "failed", False)
    elif behaviour != "ends" or not running:
        _set(name, "loaded", "active" if running else "inactive", False)
    return dbus.ObjectPath(MAIN_OBJ + "/job/1")


@dbus.service.method(MAIN_IFACE, in_signature="s", out_signature="o")
def LoadUnit(self, name):
    _add(self, str(name))
    return dbus.ObjectPath(_path(str(name)))


@dbus.service.method(MAIN_IFACE, in_signature="ss", out_signature="o")
def StartUnit(self, name, _mode):
    return _act(self, str(name), True)


@dbus.service.method(MAIN_IFACE, in_signature="ss", out_signature="o")
def StopUnit(self, name, _mode):
    return _act(self, str(name), False)


@dbus.service.method(MOCK_IFACE, in_signature="sbs")
def Define(self, name, running, behaviour):
    _define(self, str(name), running, str(behaviour))


@dbus.service.method(MOCK_IFACE, in_signature="s")
def Mask(self, name):
    mockobject.objects[_path(str(name))].props[UNIT_IFACE]["LoadState"] = "masked"


@dbus.service.method(MOCK_IFACE)
def LetGo(self):
    for name in self.behaviours:
        state = mockobject.objects[_path(name)].props[UNIT_IFACE]["ActiveState"]
        if state in ("activating", "deactivating"):
            _set(name, "loaded", "active" if state == "activating" else "inactive", False)


@dbus.service.method(MOCK_IFACE, in_signature="s")
def Remove(self, name):
    self.behaviours.pop(str(name), None)
    _set(str(name), "not-found", "inactive", False)
