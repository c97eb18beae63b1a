// What all dashboards share: variables, panels, targets, and how panels are laid out.
local datasource = { type: 'prometheus', uid: '${datasource}' };

local colors = { good: 'green', bad: 'red', warn: 'orange', neutral: 'blue', gone: 'text' };

// Steps of [value, colour]; the first is the base.
local thresholds(steps) = {
  mode: 'absolute',
  steps: [{ value: step[0], color: step[1] } for step in steps],
};

// Values that are words: {value: [text, colour]}.
local mappings(words) = [{
  type: 'value',
  options: {
    [value]: { text: words[value][0], color: words[value][1] }
    for value in std.objectFields(words)
  },
}];

local variable(name, label, query) = {
  name: name,
  label: label,
  type: 'query',
  datasource: { type: 'prometheus', uid: '${datasource}' },
  query: { query: query, refId: 'StandardVariableQuery' },
  definition: query,
  // On each change of the time range.
  refresh: 2,
  sort: 1,
  regex: '',
  hide: 0,
  skipUrlSync: false,
  multi: false,
  includeAll: false,
  options: [],
  current: {},
};

local all(value='.+') = { multi: true, includeAll: true, allValue: value };

local panel(type, title, description, unit, targets) = {
  type: type,
  title: title,
  description: description,
  datasource: datasource,
  targets: [
    targets[i] { refId: std.char(65 + i), datasource: datasource }
    for i in std.range(0, std.length(targets) - 1)
  ],
  fieldConfig: { defaults: { unit: unit, custom: {} }, overrides: [] },
  options: {},
  // Columns and rows of the grid that it takes.
  size:: { w: 8, h: 8 },
};

{
  thresholds: thresholds,
  mappings: mappings,
  colors: colors,

  variables: {
    datasource: {
      name: 'datasource',
      label: 'Data source',
      type: 'datasource',
      query: 'prometheus',
      refresh: 1,
      regex: '',
      hide: 0,
      skipUrlSync: false,
      multi: false,
      includeAll: false,
      options: [],
      current: {},
    },
    job: variable('job',
                  'Job',
                  'label_values({__name__=~"hotplugger_controller_info|hotplugger_agent_info"}, job)') + all(),
    instance: variable('instance',
                       'Instance',
                       'label_values(hotplugger_controller_info{job=~"$job"}, instance)') + all(),
    domain: variable('domain', 'Domain', 'label_values(hotplugger_domain_nodes{job=~"$job"}, domain)'),
    // .*, since nodes without the label have the empty value.
    value: variable('value',
                    'Value',
                    'label_values(hotplugger_domain_nodes{job=~"$job",domain="$domain"}, value)') + all('.*'),
    nodes: variable('node', 'Node', 'label_values(node:hotplugger_connected:min, node)') + all(),
    node: variable('node', 'Node', 'label_values(node:hotplugger_connected:min, node)'),
    driver: variable('driver', 'Driver', 'label_values(hotplugger_drivers{job=~"$job"}, driver)') + all(),
  },

  target(expr, legend): {
    expr: expr,
    legendFormat: legend,
    editorMode: 'code',
    range: true,
    instant: false,
    format: 'time_series',
  },

  // For tables and stats: what is so now.
  now(expr, legend='__auto'): self.target(expr, legend) { range: false, instant: true },
  rows(expr): self.now(expr) { format: 'table' },

  // Of many series the 50 with the least at the end of the time range, the same ones all along it.
  fewest(selector, by): '%s and on (%s) bottomk(50, %s @ end())' % [selector, std.join(', ', by), selector],

  quantiles(selector, by=[], shares=[0.5, 0.95, 0.99]): [
    self.target(
      'histogram_quantile(%s, sum by (%s) (rate(%s[$__rate_interval])))' % [
        share,
        std.join(', ', by + ['le']),
        selector,
      ],
      std.join(' ', ['p%d' % (share * 100)] + ['{{%s}}' % label for label in by])
    )
    for share in shares
  ],

  timeseries(title, description, unit, targets): panel('timeseries', title, description, unit, targets) {
    fieldConfig+: { defaults+: { min: 0, custom: {
      lineWidth: 1,
      fillOpacity: 10,
      showPoints: 'never',
      spanNulls: false,
      stacking: { mode: 'none', group: 'A' },
    } } },
    options: {
      legend: { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  },

  stacked: { fieldConfig+: { defaults+: { custom+: {
    fillOpacity: 60,
    stacking: { mode: 'normal', group: 'A' },
  } } } },

  // A line where a threshold is, as alerts have it.
  line(value, color='red'): { fieldConfig+: { defaults+: {
    thresholds: thresholds([[null, 'transparent'], [value, color]]),
    custom+: { thresholdsStyle: { mode: 'line' } },
  } } },

  share: { fieldConfig+: { defaults+: { max: 1 } } },

  // Colours of series whose legend is a state.
  stateColors(states): { fieldConfig+: { overrides+: [
    {
      matcher: { id: 'byName', options: state },
      properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: states[state] } }],
    }
    for state in std.objectFields(states)
  ] } },

  stat(title, description, unit, target, steps=[[null, 'blue']]): panel('stat', title, description, unit, [target]) {
    fieldConfig+: { defaults+: { thresholds: thresholds(steps), noValue: '-' } },
    options: {
      colorMode: 'value',
      graphMode: 'none',
      justifyMode: 'auto',
      orientation: 'auto',
      textMode: 'auto',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
    size:: { w: 4, h: 4 },
  },

  words(values): { fieldConfig+: { defaults+: { mappings: mappings(values) } } },

  statusHistory(title, description, unit, target): panel('status-history', title, description, unit, [target]) {
    fieldConfig+: { defaults+: { custom: { lineWidth: 0, fillOpacity: 85 } } },
    options: {
      rowHeight: 0.9,
      colWidth: 1,
      showValue: 'never',
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'single', sort: 'none' },
    },
    maxDataPoints: 100,
    size:: { w: 24, h: 12 },
  },

  stateTimeline(title, description, unit, target): panel('state-timeline', title, description, unit, [target]) {
    fieldConfig+: { defaults+: { custom: { lineWidth: 0, fillOpacity: 80 } } },
    options: {
      rowHeight: 0.9,
      mergeValues: true,
      showValue: 'never',
      alignValue: 'left',
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'single', sort: 'none' },
    },
    size:: { w: 12, h: 8 },
  },

  // Of a histogram's buckets, by the increase in each.
  heatmap(title, description, unit, selector): panel('heatmap', title, description, unit, [
    $.target('sum by (le) (increase(%s[$__rate_interval]))' % selector, '{{le}}') { format: 'heatmap' },
  ]) {
    options: {
      calculate: false,
      color: { mode: 'scheme', scheme: 'Oranges', steps: 64 },
      yAxis: { unit: unit },
      cellGap: 1,
      legend: { show: true },
      tooltip: { show: true, yHistogram: false },
    },
  },

  // Each query is a column; they are joined by their labels. `names`: {field: column}; those of `hidden`
  // are left out.
  table(title, description, unit, targets, names, hidden=[]): panel('table', title, description, unit, targets) {
    fieldConfig+: { defaults+: { custom: { align: 'auto', filterable: true } } },
    options: { showHeader: true, footer: { show: false }, sortBy: [] },
    transformations: [
      { id: 'merge', options: {} },
      { id: 'organize', options: {
        excludeByName: { [name]: true for name in ['Time'] + hidden },
        indexByName: {},
        renameByName: names,
      } },
    ],
    size:: { w: 12, h: 8 },
  },

  column(name, properties): { fieldConfig+: { overrides+: [{
    matcher: { id: 'byName', options: name },
    properties: [{ id: id, value: properties[id] } for id in std.objectFields(properties)],
  }] } },

  // A click on a node's name leads to its dashboard.
  nodeLinks(column='Node'): self.column(column, { links: [{
    title: 'Node',
    url: '/d/hotplugger-node/?var-datasource=${datasource}&var-node=${__value.text}',
  }] }),

  size(w, h): { size:: { w: w, h: h } },

  // Panels below each other in the given order, as many in a line as there is room for; a title begins
  // a new section.
  local place(sections) = std.foldl(
    function(state, item)
      local next = if state.x + item.size.w > 24 || item.type == 'row'
      then { x: 0, y: state.y + state.height, height: 0 }
      else { x: state.x, y: state.y, height: state.height };
      {
        x: next.x + item.size.w,
        y: next.y,
        height: std.max(next.height, item.size.h),
        id: state.id + 1,
        panels: state.panels + [item {
          id: state.id,
          gridPos: { x: next.x, y: next.y, w: item.size.w, h: item.size.h },
        }],
      },
    std.flattenArrays([
      [{ type: 'row', title: section.title, collapsed: false, panels: [], size:: { w: 24, h: 1 } }] + section.panels
      for section in sections
    ]),
    { x: 0, y: 0, height: 0, id: 1, panels: [] }
  ).panels,

  dashboard(uid, title, description, variables, sections): {
    uid: uid,
    title: 'Hotplugger / ' + title,
    description: description,
    tags: ['hotplugger'],
    editable: false,
    // Grafana 9.1; later ones migrate it by themselves.
    schemaVersion: 37,
    version: 1,
    // A crosshair shared by all panels.
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    timepicker: {},
    fiscalYearStartMonth: 0,
    weekStart: '',
    style: 'dark',
    liveNow: false,
    links: [{
      title: 'Hotplugger',
      type: 'dashboards',
      tags: ['hotplugger'],
      asDropdown: true,
      includeVars: true,
      keepTime: true,
      targetBlank: false,
      icon: 'external link',
      tooltip: 'The other dashboards of Hotplugger',
      url: '',
    }],
    templating: { list: variables },
    annotations: { list: [{
      name: 'Alerts',
      enable: true,
      hide: false,
      iconColor: 'red',
      datasource: datasource,
      expr: 'ALERTS{alertname=~"Hotplugger.+",alertstate="firing",severity=~"critical|warning"}',
      titleFormat: '{{alertname}}',
      textFormat: '{{node}}',
      step: '60s',
    }] },
    panels: place(sections),
  },
}
