# HOTPLUGGER_SANITIZE applies to everything that is built here.
if(HOTPLUGGER_SANITIZE)
  string(REPLACE ";" "," sanitizers "${HOTPLUGGER_SANITIZE}")
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${sanitizers})
  if("undefined" IN_LIST HOTPLUGGER_SANITIZE)
    # vptr is left out: libprotobuf and gRPC are built without run-time type information for it.
    add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=vptr)
    add_link_options(-fno-sanitize=vptr)
  endif()
  if("thread" IN_LIST HOTPLUGGER_SANITIZE)
    # With this macro protobuf's map fields have another layout than Debian's libprotobuf has, and
    # reflection on them crashes. libstdc++ is still told.
    add_compile_options(-U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
endif()
