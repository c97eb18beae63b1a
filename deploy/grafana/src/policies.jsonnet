local lib = import 'lib.libsonnet';
local variables = lib.variables;
local here = 'job=~"$job"';
local states = {
  applied: 'green',
  applying: 'blue',
  none: 'text',
  failed: 'orange',
  refused: 'red',
  reverted: 'dark-red',
  quarantined: 'purple',
};

lib.dashboard(
  'hotplugger-policies',
  'Policies and drift',
  'How changes reach the nodes, what is refused or fails on the way, and who changes things against the specs.',
  [variables.datasource, variables.job, variables.nodes],
  [
    { title: 'Now', panels: [
      lib.stat('Policies', 'Stored policies.', 'short', lib.now('sum(hotplugger_policies{%s})' % here)),
      lib.stat('Holds', 'Stored holds.', 'short', lib.now('sum(hotplugger_holds{%s})' % here)),
      lib.stat('Holds overdue',
               'Holds whose time is over and that are still in force.',
               'short',
               lib.now('sum(hotplugger_holds_overdue{%s})' % here),
               [[null, 'green'], [1, 'red']]),
      lib.stat('Failed',
               'Nodes that could not carry out all of their spec.',
               'short',
               lib.now('sum(hotplugger_nodes_by_apply_state{%s,state="failed"}) or vector(0)' % here),
               [[null, 'green'], [1, 'orange']]),
      lib.stat('Refused',
               'Nodes that did not accept their spec.',
               'short',
               lib.now('sum(hotplugger_nodes_by_apply_state{%s,state="refused"}) or vector(0)' % here),
               [[null, 'green'], [1, 'red']]),
      lib.stat('Given up',
               'Nodes that went back by themselves: unconfirmed in time, or their agents died of the spec.',
               'short',
               lib.now('sum(hotplugger_nodes_by_apply_state{%s,state=~"reverted|quarantined"}) or vector(0)' % here),
               [[null, 'green'], [1, 'red']]),
    ] },
    { title: 'From a change to the nodes', panels: [
      lib.timeseries('Nodes by state of their spec', 'What nodes last reported.', 'short', [
        lib.target('sum by (state) (hotplugger_nodes_by_apply_state{%s})' % here, '{{state}}'),
      ]) + lib.stacked + lib.stateColors(states),
      lib.timeseries('Specs', 'Specs that were sent to nodes, and what came of them.', 'ops', [
        lib.target('sum(rate(hotplugger_spec_pushes_total{%s}[$__rate_interval]))' % here, 'sent'),
        lib.target('sum(rate(hotplugger_spec_reverts_total{%s}[$__rate_interval]))' % here, 'reverted'),
        lib.target('sum(rate(hotplugger_spec_quarantines_total{%s}[$__rate_interval]))' % here, 'quarantined'),
      ]),
      lib.timeseries('Specs refused', 'By reason.', 'ops', [
        lib.target('sum by (reason) (rate(hotplugger_spec_nacks_total{%s}[$__rate_interval]))' % here, '{{reason}}'),
      ]),
      lib.timeseries('Until a node reports it applied',
                     'From the moment when a connected node had a new spec to have.',
                     's',
                     lib.quantiles('hotplugger_spec_convergence_duration_seconds_bucket{%s}' % here)) + lib.line(120),
      lib.heatmap('Until a node reports it applied, all of them',
                  'How many nodes took how long.',
                  's',
                  'hotplugger_spec_convergence_duration_seconds_bucket{%s}' % here),
      lib.timeseries('Until it was sent, and until it was acknowledged', 'The first two legs of the way.', 's', [
        lib.quantiles('hotplugger_spec_push_duration_seconds_bucket{%s}' % here, [], [0.95])[0] { legendFormat: 'sent, p95' },
        lib.quantiles('hotplugger_spec_ack_duration_seconds_bucket{%s}' % here, [], [0.95])[0] { legendFormat: 'acknowledged, p95' },
      ]),
    ] },
    { title: 'Drift and holds', panels: [
      lib.timeseries('By whom', 'How often agents found changed what specs say, by actor.', 'ops', [
        lib.target('sum by (actor) (rate(hotplugger_fleet_drift_total{%s}[$__rate_interval]))' % here, '{{actor}}'),
      ]) + lib.size(6, 8),
      lib.timeseries('Where', 'How often within half an hour: the ten nodes with the most. Above the line HotpluggerDriftRepeated fires.', 'short', [
        lib.target('topk(10, node:hotplugger_drift:increase30m{node=~"$node"})', '{{node}}'),
      ]) + lib.line(5, 'orange') + lib.size(6, 8),
      lib.timeseries('Left so', 'Devices and drivers that are unlike their spec and left so.', 'short', [
        lib.target('sum(hotplugger_drift_items{%s})' % here, 'all nodes'),
      ]) + lib.size(6, 8),
      lib.timeseries("Holds that don't end", 'Holds in force beyond their end, and how many holds in a second could not be released at it, each once.', 'short', [
        lib.target('sum(hotplugger_holds_overdue{%s})' % here, 'overdue'),
        lib.target('sum(rate(hotplugger_hold_lapse_failures_total{%s}[$__rate_interval]))' % here, 'failures'),
      ]) + lib.size(6, 8),
    ] },
    { title: 'What agents do', panels: [
      lib.timeseries('Operations', 'Of all agents, by outcome.', 'ops', [
        lib.target('sum by (outcome) (rate(hotplugger_fleet_operations_total{%s}[$__rate_interval]))' % here, '{{outcome}}'),
      ]),
      lib.timeseries('Operations that fail', 'Share of what was tried. Above the line HotpluggerOperationsFailing fires.', 'percentunit', [
        lib.target('job_kind_action:hotplugger_fleet_operations_failed:ratio_increase15m{%s}' % here, '{{kind}} {{action}}'),
      ]) + lib.share + lib.line(0.2),
      lib.timeseries('Why they were not done', 'By reason; docs/causes.md says what each means.', 'ops', [
        lib.target('sum by (kind, reason) (rate(hotplugger_fleet_operations_total{%s,outcome=~"failed|refused|undone"}[$__rate_interval]))' % here,
                   '{{kind}}: {{reason}}'),
      ]),
      lib.timeseries('Refused by limits', "What agent.yaml of the hosts doesn't allow, by limit.", 'ops', [
        lib.target('sum by (limit) (rate(hotplugger_fleet_limit_refusals_total{%s}[$__rate_interval]))' % here, '{{limit}}'),
      ]),
      lib.timeseries('How long operations took',
                     'Those that went to the kernel or to a driver, by kind.',
                     's',
                     lib.quantiles('hotplugger_fleet_operation_duration_seconds_bucket{%s}' % here, ['kind'], [0.95])),
      lib.timeseries('Not taken by agents, and events lost', 'Because a queue was full, or a buffer overflowed.', 'ops', [
        lib.target('sum by (queue) (rate(hotplugger_fleet_operations_refused_total{%s}[$__rate_interval]))' % here, 'queue {{queue}}'),
        lib.target('sum(rate(hotplugger_fleet_uevent_overflows_total{%s}[$__rate_interval]))' % here, 'buffer of events'),
      ]),
    ] },
  ]
)
