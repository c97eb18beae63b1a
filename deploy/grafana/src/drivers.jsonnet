local lib = import 'lib.libsonnet';
local variables = lib.variables;
local states = { running: 'green', stopped: 'text', unknown: 'orange' };
local drivers(rest='') = 'hotplugger_drivers{job=~"$job",driver=~"$driver"%s}' % rest;
local operations = 'job=~"$job",kind="driver"';

lib.dashboard(
  'hotplugger-drivers',
  'Drivers',
  'Hotplug drivers: what switches devices by itself, where it runs, and how switching it goes.',
  [variables.datasource, variables.job, variables.driver, variables.nodes],
  [
    { title: 'Now', panels: [
      lib.stat('Running', 'Drivers that run, over all nodes.', 'short', lib.now('sum(%s)' % drivers(',state="running"'))) + lib.size(8, 4),
      lib.stat('Stopped', 'Drivers that are stopped, over all nodes.', 'short', lib.now('sum(%s)' % drivers(',state="stopped"'))) + lib.size(8, 4),
      lib.stat('Unknown',
               "Drivers that don't say within 2 s whether they run, over all nodes. hotplugctl drivers NAME names the nodes: there is no series of them by node.",
               'short',
               lib.now('sum(%s) or vector(0)' % drivers(',state="unknown"')),
               [[null, 'green'], [1, 'orange']]) + lib.size(8, 4),
    ] },
    { title: 'Where they run', panels: [
      lib.timeseries('Nodes on which a driver runs',
                     'By driver.',
                     'short',
                     [lib.target('sum by (driver) (%s)' % drivers(',state="running"'), '{{driver}}')]) + lib.size(12, 8),
      lib.timeseries('Drivers by state',
                     'Over all nodes.',
                     'short',
                     [lib.target('sum by (state) (%s)' % drivers(), '{{state}}')])
      + lib.stacked + lib.stateColors(states) + lib.size(12, 8),
      lib.table('Nodes by driver and state', 'How many nodes have the driver in which state.', 'short', [
        lib.rows('sum by (driver) (%s)' % drivers(',state="running"')),
        lib.rows('sum by (driver) (%s)' % drivers(',state="stopped"')),
        lib.rows('sum by (driver) (%s)' % drivers(',state="unknown"')),
      ], {
        driver: 'Driver',
        'Value #A': 'Running',
        'Value #B': 'Stopped',
        'Value #C': 'Unknown',
      }),
      lib.stateTimeline('Drivers of nodes',
                        "Whether each driver runs on the chosen nodes, by its own answer: 50 lines at the most, those that don't run at the end of the time range first. A driver that doesn't say whether it runs has none meanwhile.",
                        'none',
                        lib.target(lib.fewest('node_driver:hotplugger_driver_running:max{node=~"$node",driver=~"$driver"}', ['node', 'driver']),
                                   '{{node}} {{driver}}'))
      + lib.words({ '0': ['stopped', 'text'], '1': ['running', 'green'] }),
    ] },
    { title: 'Switching them', panels: [
      lib.timeseries('Starts and stops', 'By action and outcome, of all agents.', 'ops', [
        lib.target('sum by (action, outcome) (rate(hotplugger_fleet_operations_total{%s}[$__rate_interval]))' % operations,
                   '{{action}}: {{outcome}}'),
      ]),
      lib.timeseries('How long they took',
                     'Those that went to a driver, of all agents.',
                     's',
                     lib.quantiles('hotplugger_fleet_operation_duration_seconds_bucket{%s}' % operations, ['action'], [0.5, 0.95])),
      lib.timeseries('What they switch against the specs',
                     'How often agents found that a driver, a person or somebody unknown had changed what specs say.',
                     'ops',
                     [
                       lib.target('sum by (actor) (rate(hotplugger_fleet_drift_total{job=~"$job"}[$__rate_interval]))', '{{actor}}'),
                     ]),
    ] },
  ]
)
