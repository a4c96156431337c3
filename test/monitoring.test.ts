import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Metric, renderServiceMetrics } from './testing/service-metrics.ts'

type Rule = { alert: string; expr: string; annotations: { summary: string } }
type Panel = { title: string; targets?: { expr: string; legendFormat: string }[] }

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../docs/monitoring/${name}`, import.meta.url)), 'utf8')
const rules = (parse(read('alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(read('grafana-dashboard.json')) as {
  panels: Panel[]
  templating: { list: { name: string; definition?: string }[] }
}
const targets = dashboard.panels.flatMap(({ title, targets: of = [] }) => of.map((target) => ({ title, ...target })))

/** Label names of each series that the services show, `le` of a histogram's buckets among them. */
let series: Map<string, Set<string>>
beforeAll(async () => {
  const metrics = [...(await renderServiceMetrics()).values()].flat()
  series = new Map([...metrics.flatMap(toSeries), ['up', new Set()]])
})

describe('what docs/monitoring asks for is there:', () => {
  test('alert rules', () => {
    expect(rules.length).toBeGreaterThan(10)
    expect(
      rules.flatMap(({ alert, expr, annotations }) =>
        problemsOf(expr, templateLabels(annotations.summary)).map((problem) => `${alert}: ${problem}`),
      ),
    ).toEqual([])
  })

  test('dashboard', () => {
    expect(targets.length).toBeGreaterThan(20)
    const problems = targets.flatMap(({ title, expr, legendFormat }) =>
      problemsOf(withoutVariables(expr), templateLabels(legendFormat)).map((problem) => `${title}: ${problem}`),
    )
    expect(problems).toEqual([])
  })

  test("dashboard's variables", () => {
    const used = new Set(targets.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map(([, name = '']) => name)))
    const defined = ['__rate_interval', ...dashboard.templating.list.map(({ name }) => name)]
    expect([...used].filter((name) => !defined.includes(name))).toEqual([])
    const queries = dashboard.templating.list.flatMap(({ definition }) => definition ?? [])
    for (const query of queries)
      expect(query.replace(/label_values\((\w+), (\w+)\)/, (_, metric: string, label: string) => `${series.get(metric)?.has(label)}`)).toBe(
        'true',
      )
  })

  test.each([
    ['rate(hindsight_predictions[5m])', [], 'no metric hindsight_predictions'],
    ['rate(hindsight_in_flight_bucket[5m])', [], 'no metric hindsight_in_flight_bucket'],
    ['rates(hindsight_in_flight[5m])', [], 'no metric rates'],
    ['hindsight_in_flight{lane="labels"}', [], 'hindsight_in_flight has no label lane'],
    ['sum by (lane) (hindsight_in_flight)', [], 'hindsight_in_flight has no label lane'],
    ['sum by (instance) (hindsight_in_flight)', ['kind'], 'the result has no label kind'],
    ['sum(hindsight_in_flight)', ['instance'], 'the result has no label instance'],
    ['sum by (le) (hindsight_in_flight)', [], 'hindsight_in_flight has no label le'],
  ])('a mistake is found: %s', (expr, templated, problem) => {
    expect(problemsOf(expr, templated)).toEqual([problem])
  })
})

function toSeries({ name, kind, labels }: Metric): [string, Set<string>][] {
  if (kind !== 'histogram') return [[name, new Set(labels)]]
  return [
    [`${name}_bucket`, new Set([...labels, 'le'])],
    [`${name}_sum`, new Set(labels)],
    [`${name}_count`, new Set(labels)],
  ]
}

/** Labels that the scrape configuration gives each target, see docs/monitoring/README.md, and a gateway of several workers each series. */
const targetLabels = ['job', 'instance', 'service', 'worker']
const words = ['sum', 'max', 'by', 'and', 'rate', 'increase', 'histogram_quantile', 'predict_linear', 'min_over_time']

/** The problems of an expression in PromQL: what it names and no service shows, and labels of its result that are used and not there. */
function problemsOf(expr: string, templated: readonly string[]): string[] {
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/))
  const bare = expr.replaceAll(/\bby \([^)]*\)/g, ' ').replaceAll(/\[[^\]]*\]/g, ' ')
  const selectors = [...bare.matchAll(/\b([a-z_]\w*)(?:\{([^}]*)\})?/g)].filter(([, name = '']) => !words.includes(name))
  const wrong = selectors.flatMap(([, name = '', inside = '']) => {
    const labels = series.get(name)
    if (labels === undefined) return [`no metric ${name}`]
    const matched = [...inside.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label)
    return [...matched, ...grouped]
      .filter((label) => !labels.has(label) && !targetLabels.includes(label))
      .map((label) => `${name} has no label ${label}`)
  })
  if (wrong.length > 0) return [...new Set(wrong)]
  const isAggregate = /\b(?:sum|max)\b/.test(bare)
  const own = selectors.flatMap(([, name = '']) => [...(series.get(name) ?? [])])
  const result = isAggregate ? grouped : [...own, ...targetLabels]
  return templated.filter((label) => !result.includes(label)).map((label) => `the result has no label ${label}`)
}

function withoutVariables(expr: string): string {
  return expr.replaceAll('$__rate_interval', '5m').replaceAll('$model', 'any')
}

/** The labels that a template names, as in `{{model}}` and `{{ $labels.model }}`. */
function templateLabels(text: string): string[] {
  return [...text.matchAll(/\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}/g)].map(([, label = '']) => label)
}
