local lib = import 'lib.libsonnet';
local variables = lib.variables;
local onOff = { online: 'green', offline: 'text' };
local here = 'job=~"$job",node=~"$node"';
// Of what other programs of the host have, too.
local own = here + ',job=~"(.+/)?hotplugger-agent"';

lib.dashboard(
  'hotplugger-node',
  'Node',
  'One host: its devices, what was done to them, and its agent. What is below "What the controller alone tells" is empty where it runs with --node-metrics=off, what is below "The agent itself" where the agent is not scraped.',
  [variables.datasource, variables.job, variables.node],
  [
    { title: 'Now', panels: [
      lib.stat('Connected',
               'Whether the agent is connected to a controller that it obeys.',
               'none',
               lib.now('node:hotplugger_connected:min{node=~"$node"}'),
               [[null, 'red'], [1, 'green']])
      + lib.words({ '0': ['no', 'red'], '1': ['yes', 'green'] }),
      lib.stat('In sync',
               'Whether the node has applied what policies and holds want.',
               'none',
               lib.now('node:hotplugger_in_sync:min{node=~"$node"}'),
               [[null, 'orange'], [1, 'green']])
      + lib.words({ '0': ['no', 'orange'], '1': ['yes', 'green'] }),
      lib.stat('CPUs online',
               "The node's CPUs that are online.",
               'short',
               lib.now('node_state:hotplugger_cpus:max{node=~"$node",state="online"}')),
      lib.stat('CPUs offline',
               "The node's CPUs that are offline.",
               'short',
               lib.now('node_state:hotplugger_cpus:max{node=~"$node",state="offline"}')),
      lib.stat('Drift left',
               'Devices and drivers that are unlike the spec and left so.',
               'short',
               lib.now('node:hotplugger_drift_items:max{node=~"$node"}'),
               [[null, 'green'], [1, 'orange']]),
      lib.stat('Conditions now',
               'How many conditions the node has; they are named below.',
               'short',
               lib.now('count(node_condition:hotplugger_condition:max{node=~"$node"} == 1) or vector(0)'),
               [[null, 'green'], [1, 'orange']]),
    ] },
    { title: 'Devices', panels: [
      lib.timeseries('CPUs',
                     "The node's CPUs by state.",
                     'short',
                     [lib.target('node_state:hotplugger_cpus:max{node=~"$node"}', '{{state}}')])
      + lib.stacked + lib.stateColors(onOff),
      lib.timeseries('Memory',
                     "The node's memory that can be switched, by state.",
                     'bytes',
                     [lib.target('node_state:hotplugger_memory_bytes:max{node=~"$node"}', '{{state}}')])
      + lib.stacked + lib.stateColors(onOff),
      lib.timeseries('Drift', 'How often within half an hour something was found unlike the spec, and how much is left so.', 'short', [
        lib.target('node:hotplugger_drift:increase30m{node=~"$node"}', 'found'),
        lib.target('node:hotplugger_drift_items:max{node=~"$node"}', 'left so'),
      ]) + lib.line(5, 'orange'),
      lib.statusHistory('Every CPU',
                        'Each CPU on or off. Empty where the agent is not scraped.',
                        'none',
                        lib.target('hotplugger_agent_cpu_online{%s}' % here, 'cpu{{cpu}}'))
      + lib.words({ '0': ['off', 'text'], '1': ['on', 'green'] }) + lib.size(24, 10),
      lib.stateTimeline('Drivers',
                        "Whether each hotplug driver runs, by its own answer. One that doesn't say has no line meanwhile.",
                        'none',
                        lib.target('node_driver:hotplugger_driver_running:max{node=~"$node"}', '{{driver}}'))
      + lib.words({ '0': ['stopped', 'text'], '1': ['running', 'green'] }),
      lib.stateTimeline('Conditions',
                        'What is the matter with the node as a whole; hotplugctl describe node says what to do.',
                        'none',
                        lib.target('node_condition:hotplugger_condition:max{node=~"$node"}', '{{condition}}'))
      + lib.words({ '1': ['so', 'red'] }),
    ] },
    { title: 'What the controller alone tells', panels: [
      lib.table('Node', 'Its versions and labels, as the controller knows them.', 'none', [
        lib.rows('hotplugger_node_info{%s}' % here),
      ], { node: 'Node', agent_version: 'Agent', kernel_release: 'Kernel' }, ['Value', '__name__', 'job', 'instance'])
      + lib.size(12, 4),
      lib.stat('SMT',
               "Whether cores of the node run more than one thread. Empty where the kernel doesn't tell.",
               'none',
               lib.now('hotplugger_node_smt_active{%s}' % here))
      + lib.words({ '0': ['off', 'text'], '1': ['on', 'green'] }),
      lib.stat('Last contact',
               "How long ago the node's last message came to the controller: at the most about what --ping-interval says, while it is connected.",
               's',
               lib.now('time() - hotplugger_node_last_contact_timestamp_seconds{%s}' % here)),
      lib.stat('Failed',
               'Devices and drivers that could not be brought to what the spec says.',
               'short',
               lib.now('hotplugger_node_failed_items{%s}' % here),
               [[null, 'green'], [1, 'red']]),
    ] },
    { title: 'The agent itself', panels: [
      lib.table('Agent', 'Its version, kernel and labels, as it tells itself.', 'none', [
        lib.rows('hotplugger_agent_info{%s}' % here),
      ], { node: 'Node', version: 'Agent', kernel_release: 'Kernel' }, ['Value', '__name__', 'job', 'instance'])
      + lib.size(24, 4),
      lib.timeseries('Operations', 'What the agent did, by kind, action and outcome.', 'ops', [
        lib.target('sum by (kind, action, outcome) (rate(hotplugger_agent_operations_total{%s}[$__rate_interval]))' % here,
                   '{{kind}} {{action}}: {{outcome}}'),
      ]),
      lib.timeseries('How long operations took',
                     'Those that went to the kernel or to a driver.',
                     's',
                     lib.quantiles('hotplugger_agent_operation_duration_seconds_bucket{%s}' % here, ['kind', 'action'], [0.95])),
      lib.timeseries('Refused by limits', "Operations that agent.yaml of the host doesn't allow, by limit.", 'ops', [
        lib.target('sum by (limit) (rate(hotplugger_agent_limit_refusals_total{%s}[$__rate_interval]))' % here, '{{limit}}'),
      ]),
      lib.timeseries('Queues', 'Tasks that wait, and how many may.', 'short', [
        lib.target('hotplugger_agent_queue_length{%s}' % here, '{{queue}}'),
        lib.target('hotplugger_agent_queue_capacity{%s}' % here, '{{queue}} (capacity)'),
      ]),
      lib.timeseries('Drift by actor', 'How often what the spec says was found changed, by whom.', 'ops', [
        lib.target('sum by (actor) (rate(hotplugger_agent_drift_total{%s}[$__rate_interval]))' % here, '{{actor}}'),
      ]),
      lib.timeseries('Events of the kernel', 'Events of devices, and how often the buffer overflowed.', 'ops', [
        lib.target('sum(rate(hotplugger_agent_uevents_received_total{%s}[$__rate_interval]))' % here, 'received'),
        lib.target('sum(rate(hotplugger_agent_uevent_overflows_total{%s}[$__rate_interval]))' % here, 'overflows'),
      ]),
      lib.timeseries('CPU', 'Processor time of the agent.', 'percentunit', [
        lib.target('sum(rate(process_cpu_seconds_total{%s}[$__rate_interval]))' % own, 'agent'),
      ]),
      lib.timeseries('Memory of the agent', 'Resident memory of its process.', 'bytes', [
        lib.target('process_resident_memory_bytes{%s}' % own, 'resident'),
      ]),
      lib.timeseries('Scrapes', 'Whether the agent can be scraped.', 'none', [
        lib.target('up{%s}' % own, 'up'),
      ]) + lib.share,
    ] },
  ]
)
