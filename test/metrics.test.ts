import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Metric, renderServiceMetrics } from './testing/service-metrics.ts'

const text = readFileSync(fileURLToPath(new URL('../docs/metrics.md', import.meta.url)), 'utf8')

let services: Awaited<ReturnType<typeof renderServiceMetrics>>
let common: Metric[]
beforeAll(async () => {
  services = await renderServiceMetrics()
  // The labeler has no metrics but those of every service.
  common = services.get('labeler') ?? []
})

describe('docs/metrics.md', () => {
  test('has the metrics of each service, as they are', () => {
    const own = [...services]
      .map(([service, metrics]) => [service, without(metrics, common)] as const)
      .filter(([, { length }]) => length > 0)
    const expected = new Map<string, Metric[]>([['every service', common], ...own])
    for (const [service, metrics] of expected) expect(rowsOf(service), service).toEqual(metrics.map(toRow))
    expect(sections()).toEqual(new Set(expected.keys()))
  })
})

function without(metrics: readonly Metric[], others: readonly Metric[]): Metric[] {
  return metrics.filter(({ name }) => others.every((other) => other.name !== name))
}

function toRow({ name, kind, labels, description }: Metric): string {
  return `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${description} |`
}

/** The rows of the table under a heading, but for its head. */
function rowsOf(heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  return [...section.matchAll(/^\| `.*$/gm)].map(([row]) => row)
}

function sections(): Set<string> {
  const withTables = text.split(/^## /m).filter((part) => /^\| `/m.test(part))
  return new Set(withTables.map((part) => part.slice(0, part.indexOf('\n'))))
}
