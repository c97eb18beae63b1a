local lib = import 'lib.libsonnet';
local variables = lib.variables;
local here = 'job=~"$job",instance=~"$instance"';
// Of what agents and other programs have, too, when all jobs are chosen.
local own = here + ',job=~"(.+/)?hotplugger-controller"';

lib.dashboard(
  'hotplugger-controller',
  'Controller',
  'The controller itself: its calls, its store, what Prometheus costs it, and its process.',
  [variables.datasource, variables.job, variables.instance],
  [
    { title: 'Now', panels: [
      lib.stat('Up', 'Whether it can be scraped.', 'none', lib.now('min(up{%s})' % own), [[null, 'red'], [1, 'green']])
      + lib.words({ '0': ['no', 'red'], '1': ['yes', 'green'] }),
      lib.stat('Running for', 'Since its process began.', 's', lib.now('time() - max(process_start_time_seconds{%s})' % own)),
      lib.stat('Epoch', 'Grows by one with each start.', 'short', lib.now('max(hotplugger_controller_epoch{%s})' % here)),
      lib.stat('Plaintext',
               'Whether plaintext beyond loopback is allowed (--insecure).',
               'none',
               lib.now('max(hotplugger_controller_insecure{%s})' % here),
               [[null, 'green'], [1, 'orange']])
      + lib.words({ '0': ['loopback', 'green'], '1': ['allowed', 'orange'] }),
      lib.table('Controller',
                'Its version and the id of its fleet.',
                'none',
                [lib.rows('hotplugger_controller_info{%s}' % here)],
                { instance: 'Instance', version: 'Version', fleet: 'Fleet' },
                ['Value', '__name__', 'job']) + lib.size(8, 4),
    ] },
    { title: 'Calls of people and agents', panels: [
      lib.timeseries('Calls', 'Calls that ended, by method.', 'reqps', [
        lib.target('sum by (grpc_method) (rate(grpc_server_handled_total{%s}[$__rate_interval]))' % own, '{{grpc_method}}'),
      ]),
      lib.timeseries('How calls ended', "By gRPC's code. Streams end with an error whenever their other end goes.", 'reqps', [
        lib.target('sum by (grpc_code) (rate(grpc_server_handled_total{%s}[$__rate_interval]))' % own, '{{grpc_code}}'),
      ]),
      lib.timeseries('Streams begun', 'Streams of agents and watches, by method.', 'reqps', [
        lib.target('sum by (grpc_method) (rate(grpc_server_started_total{%s,grpc_type!="unary"}[$__rate_interval]))' % own, '{{grpc_method}}'),
      ]),
      lib.timeseries('How long calls took',
                     'Unary calls, by method.',
                     's',
                     lib.quantiles('grpc_server_handling_seconds_bucket{%s}' % own, ['grpc_method'], [0.95])),
      lib.timeseries('Errors of its own',
                     'Share of unary calls with Internal, Unknown, DataLoss or ResourceExhausted. Above the line HotpluggerGrpcErrors fires.',
                     'percentunit',
                     [
                       lib.target('job:grpc_server_handled_errors:ratio_rate5m{job=~"$job"}', '{{job}}'),
                     ]) + lib.share + lib.line(0.05),
      lib.timeseries('Agents by version', 'Known nodes.', 'short', [
        lib.target('sum by (version) (hotplugger_agents{%s})' % here, '{{version}}'),
      ]) + lib.stacked,
    ] },
    { title: 'Store', panels: [
      lib.timeseries('Operations of the store', 'By operation and result; a conflict is a commit whose condition did not hold.', 'ops', [
        lib.target('sum by (operation, result) (rate(hotplugger_store_operation_duration_seconds_count{%s}[$__rate_interval]))' % here,
                   '{{operation}}: {{result}}'),
      ]),
      lib.timeseries('How long they took',
                     'By operation. Above the line HotpluggerStoreSlow fires.',
                     's',
                     lib.quantiles('hotplugger_store_operation_duration_seconds_bucket{%s}' % here, ['operation'], [0.99])) + lib.line(1),
      lib.timeseries('Size', "The store's files.", 'bytes', [
        lib.target('hotplugger_store_size_bytes{%s}' % here, '{{instance}}'),
      ]),
    ] },
    { title: 'Scrapes', panels: [
      lib.timeseries('How long a scrape took', 'As Prometheus sees it. At 10 s the controller shows as down; above the line HotpluggerScrapeSlow fires.', 's', [
        lib.target('scrape_duration_seconds{%s}' % own, '{{instance}}'),
      ]) + lib.line(5),
      lib.timeseries('How long answers took to make',
                     'Scrapes of the same second share one.',
                     's',
                     lib.quantiles('hotplugger_metrics_render_duration_seconds_bucket{%s}' % own, [], [0.5, 0.95])),
      lib.timeseries('Samples', 'Of one scrape, and nodes without series of their own (--node-metrics).', 'short', [
        lib.target('scrape_samples_scraped{%s}' % own, 'samples'),
        lib.target('hotplugger_nodes_without_series{%s}' % here, 'nodes without series'),
      ]),
      lib.timeseries('Scrapes refused', 'Because too many slow ones went on.', 'ops', [
        lib.target('sum(rate(hotplugger_metrics_scrapes_refused_total{%s}[$__rate_interval]))' % own, 'refused'),
      ]),
      lib.timeseries('Agents scraped', "Agents found through /sd that Prometheus reaches, and those that it doesn't.", 'short', [
        lib.target('sum(up{job=~"(.+/)?hotplugger-agent"})', 'up'),
        lib.target('count(up{job=~"(.+/)?hotplugger-agent"} == 0) or vector(0)', 'down'),
      ]) + lib.stacked,
    ] },
    { title: 'Process', panels: [
      lib.timeseries('CPU', 'Processor time, in CPUs.', 'short', [
        lib.target('sum by (instance) (rate(process_cpu_seconds_total{%s}[$__rate_interval]))' % own, '{{instance}}'),
      ]) + lib.size(6, 8),
      lib.timeseries('Memory', 'Resident memory.', 'bytes', [
        lib.target('process_resident_memory_bytes{%s}' % own, '{{instance}}'),
      ]) + lib.size(6, 8),
      lib.timeseries('File descriptors',
                     'Share of those that it may open; each node takes one. Above the line HotpluggerFileDescriptorsShort fires.',
                     'percentunit',
                     [
                       lib.target('process_open_fds{%s} / process_max_fds{%s}' % [own, own], '{{instance}}'),
                     ]) + lib.share + lib.line(0.8) + lib.size(6, 8),
      lib.timeseries('Threads', 'Of its process.', 'short', [
        lib.target('process_threads{%s}' % own, '{{instance}}'),
      ]) + lib.size(6, 8),
    ] },
  ]
)
