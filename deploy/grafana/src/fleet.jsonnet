local lib = import 'lib.libsonnet';
local variables = lib.variables;
local states = { in_sync: 'green', out_of_sync: 'orange', disconnected: 'red' };
local onOff = { online: 'green', offline: 'text' };

lib.dashboard(
  'hotplugger-fleet',
  'Fleet',
  'All nodes at a glance: who is connected, who is as policies say, and how much of the fleet is online.',
  [variables.datasource, variables.job, variables.domain, variables.value, variables.nodes],
  [
    { title: 'Now', panels: [
      lib.stat('Nodes in sync',
               'Share of known nodes that are connected and have applied what policies and holds want.',
               'percentunit',
               lib.now('sum(hotplugger_nodes{job=~"$job",state="in_sync"}) / sum(hotplugger_nodes{job=~"$job"})'),
               [[null, 'red'], [0.9, 'orange'], [0.99, 'green']]),
      lib.stat('Disconnected',
               'Nodes whose agents have no stream to the controller. They keep to their last good spec.',
               'short',
               lib.now('sum(hotplugger_nodes{job=~"$job",state="disconnected"})'),
               [[null, 'green'], [1, 'orange'], [10, 'red']]),
      lib.stat('Out of sync',
               'Connected nodes that are not as policies and holds say.',
               'short',
               lib.now('sum(hotplugger_nodes{job=~"$job",state="out_of_sync"})'),
               [[null, 'green'], [1, 'orange'], [10, 'red']]),
      lib.stat('CPUs online',
               'Share of the CPUs of all known nodes, as they told last since the controller started.',
               'percentunit',
               lib.now('sum(hotplugger_cpus{job=~"$job",state="online"}) / sum(hotplugger_cpus{job=~"$job"})')),
      lib.stat('Drift',
               'Devices and drivers that are unlike their spec and left so, by policies with drift: report.',
               'short',
               lib.now('sum(hotplugger_drift_items{job=~"$job"})'),
               [[null, 'green'], [1, 'orange']]),
      lib.stat('Alerts',
               'Alerts of Hotplugger that fire.',
               'short',
               lib.now('count(ALERTS{alertname=~"Hotplugger.+",alertstate="firing"}) or vector(0)'),
               [[null, 'green'], [1, 'orange'], [5, 'red']]),
    ] },
    { title: 'Nodes and capacity', panels: [
      lib.timeseries('Nodes',
                     'Known nodes by state.',
                     'short',
                     [lib.target('sum by (state) (hotplugger_nodes{job=~"$job"})', '{{state}}')])
      + lib.stacked + lib.stateColors(states),
      lib.timeseries('CPUs',
                     'CPUs of all known nodes, as they told last since the controller started.',
                     'short',
                     [lib.target('sum by (state) (hotplugger_cpus{job=~"$job"})', '{{state}}')])
      + lib.stacked + lib.stateColors(onOff),
      lib.timeseries('Memory',
                     'Memory of all known nodes that can be switched, as they told last since the controller started.',
                     'bytes',
                     [lib.target('sum by (state) (hotplugger_memory_bytes{job=~"$job"})', '{{state}}')])
      + lib.stacked + lib.stateColors(onOff),
      lib.timeseries('Nodes not in sync, by $domain', 'Disconnected and out of sync, by the value of the label $domain.', 'short', [
        lib.target('sum by (value) (hotplugger_domain_nodes{job=~"$job",domain="$domain",value=~"$value",state!="in_sync"})',
                   '{{value}}'),
      ]),
      lib.timeseries('CPUs online, by $domain',
                     'Share of the CPUs that are online, by the value of the label $domain. Below the line HotpluggerDomainCapacityLow fires.',
                     'percentunit',
                     [
                       lib.target('job_domain_value:hotplugger_cpus_online:ratio{job=~"$job",domain="$domain",value=~"$value"}',
                                  '{{value}}'),
                     ]) + lib.share + lib.line(0.5),
      lib.timeseries('Memory online, by $domain',
                     'Memory that can be switched and is online, by the value of the label $domain.',
                     'bytes',
                     [
                       lib.target('sum by (value) (hotplugger_domain_memory_bytes{job=~"$job",domain="$domain",value=~"$value",state="online"})',
                                  '{{value}}'),
                     ]),
    ] },
    { title: 'CPUs of nodes', panels: [
      lib.statusHistory('CPUs online, node by node',
                        "Share of each node's CPUs that are online: of the chosen nodes the 50 with the least at the end of the time range. Single CPUs are on the dashboard Node.",
                        'percentunit',
                        lib.target(lib.fewest('node:hotplugger_cpus_online:ratio{node=~"$node"}', ['node']), '{{node}}'))
      + { fieldConfig+: { defaults+: { min: 0, max: 1, color: { mode: 'continuous-RdYlGr' } } } },
    ] },
    { title: 'Which nodes', panels: [
      lib.table('Nodes by name', 'Each node as it is now. A click on its name leads to its dashboard.', 'short', [
        lib.rows('sum by (node) (node:hotplugger_connected:min{node=~"$node"})'),
        lib.rows('sum by (node) (node:hotplugger_in_sync:min{node=~"$node"})'),
        lib.rows('sum by (node) (node_state:hotplugger_cpus:max{node=~"$node",state="online"})'),
        lib.rows('sum by (node) (node_state:hotplugger_cpus:max{node=~"$node",state="offline"})'),
        lib.rows('sum by (node) (node:hotplugger_drift_items:max{node=~"$node"})'),
      ], {
        node: 'Node',
        'Value #A': 'Connected',
        'Value #B': 'In sync',
        'Value #C': 'CPUs online',
        'Value #D': 'CPUs offline',
        'Value #E': 'Drift',
      })
      + lib.nodeLinks()
      + lib.column('Connected', { mappings: lib.mappings({ '0': ['no', 'red'], '1': ['yes', 'green'] }), 'custom.cellOptions': { type: 'color-text' } })
      + lib.column('In sync', { mappings: lib.mappings({ '0': ['no', 'orange'], '1': ['yes', 'green'] }), 'custom.cellOptions': { type: 'color-text' } })
      + lib.size(24, 10),
      lib.table('Conditions', 'What is the matter with nodes as a whole; hotplugctl describe node says what to do.', 'short', [
        lib.rows('node_condition:hotplugger_condition:max{node=~"$node"} == 1'),
      ], { node: 'Node', condition: 'Condition' }, ['Value', '__name__']) + lib.nodeLinks(),
      lib.timeseries('Nodes with a condition', 'By condition, those included that have no series of their own.', 'short', [
        lib.target('sum by (condition) (hotplugger_nodes_with_condition{job=~"$job"})', '{{condition}}'),
      ]) + lib.size(12, 8),
    ] },
  ]
)
