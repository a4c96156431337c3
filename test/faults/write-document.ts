import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { invariants } from './invariants/violation.ts'
import type { FaultResult, RunResult } from './result.ts'

const target = fileURLToPath(new URL('../../docs/faults.md', import.meta.url))

/**
 * `node --import=#typescript test/faults/write-document.ts RUN.json...` writes docs/faults.md; of a fault that was run twice
 * on the same servers, the later stands. */
function main(files: readonly string[]): void {
  if (files.length === 0) throw new Error('say which files `npm run faults -- --json FILE` has written')
  const runs = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as RunResult)
  const results = new Map(
    runs.flatMap((run) =>
      run.results.map((result) => [`${setUpOf(run, result)} ${result.fault}`, { ...result, where: setUpOf(run, result) }]),
    ),
  )
  writeFileSync(target, toDocument(runs, [...results.values()]))
}

function toBudget(runs: readonly RunResult[]): string {
  const budgets = new Set(runs.map(({ budget_ms }) => (budget_ms === null ? 'no limit' : `${budget_ms} ms`)))
  return `Where gateway and online store stay up it was held to ${[...budgets].join(' or ')}.`
}

type PlacedResult = FaultResult & { where: string }

function setUpOf({ nats_server }: RunResult, { set_up }: FaultResult): string {
  return set_up === 'servers' && nats_server !== undefined ? `${set_up}, NATS ${nats_server}` : set_up
}

function toDocument(runs: readonly RunResult[], results: readonly PlacedResult[]): string {
  const run = results.filter(({ skipped }) => skipped === undefined)
  const total = (count: (result: FaultResult) => number) => run.reduce((sum, result) => sum + count(result), 0)
  const bad = run.filter(({ violations, broken }) => violations.length > 0 || broken !== undefined)
  return `# Faults

What was done to Hindsight, and what became of the records. The harness, its invariants and how a round goes: [test/faults](../test/faults/README.md).

Client requests ${grouped(total((r) => r.attempted))}, of which ${grouped(total((r) => r.answered))} were answered, in ${grouped(total((r) => r.rounds))} rounds:
**${total((r) => r.lost)} lost, ${total((r) => r.doubled)} doubled, ${total((r) => r.altered)} altered**, ${total((r) => r.other_violations)} other violations.

- *attempted*: predictions, labels and feature events sent, each once. *answered*: with a 2xx. Where the gateway itself is ended, or its disk is full, the rest found nobody or a 503; where it and
  its online store stay up, 99 of 100 are.
- *stored*: rows that readers see, those included that were stored and never answered. *rejected*: kept in \`bronze.rejects\`; one label and one event in twenty break their definition.
- *p99*: of answered predictions, in milliseconds, from the moment each was due, on two cores that also run the client, every service, the servers and,
  in long runs, other faults at the same time. ${toBudget(runs)}

| fault | set-up | rounds | attempted | answered | stored | rejected | lost | doubled | altered | other | p99 ms | seed |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${results.map(toRow).join('\n')}

${bad.length === 0 ? 'Every invariant held:' : 'Invariants:'}

${Object.entries(invariants)
  .map(([number, text]) => `${number}. ${text}`)
  .join('\n')}
${bad.map(toFindings).join('')}
## Again

\`\`\`sh
${runs.flatMap((run, index) => commandsOf(standing(run, results), `faults-${index + 1}`)).join('\n')}
node --import=#typescript test/faults/write-document.ts faults-*.json
\`\`\`

\`--only NAME\` runs one fault, \`--rounds N\` as many rounds of each. Run ${[...new Set(runs.map(({ started_at, node }) => `on ${started_at.slice(0, 10)} with Node ${node}`))].join(', ')}.
`
}

/** A run with what the table shows of it. */
function standing(run: RunResult, results: readonly PlacedResult[]): RunResult {
  const stands = (one: FaultResult) =>
    results.some(({ fault, where, seed }) => fault === one.fault && where === setUpOf(run, one) && seed === one.seed)
  return { ...run, results: run.results.filter(stands) }
}

/** What has to be typed for these results: a command for each set-up and number of rounds. */
function commandsOf({ results, seed, budget_ms, nats_server, commit }: RunResult, file: string): string[] {
  const groups = new Map<string, FaultResult[]>()
  for (const result of results) {
    const options = `--set-up ${result.set_up} --rounds ${result.rounds}`
    groups.set(options, [...(groups.get(options) ?? []), result])
  }
  return [...groups].map(([options, group], index) => {
    const only = group.map(({ fault }) => fault).join(' ')
    const nats = group[0]?.set_up === 'servers' && nats_server !== undefined ? [`NATS ${nats_server}`] : []
    const note = [...nats, ...(commit === undefined ? [] : [`at ${commit}`])].join(', ')
    const budget = budget_ms === null ? '--no-budget' : `--budget-ms ${budget_ms}`
    return `npm run faults -- ${options} --seed ${seed} ${budget} --json ${file}${index === 0 ? '' : `-${index + 1}`}.json --only ${only}${note === '' ? '' : ` # ${note}`}`
  })
}

function toRow(result: PlacedResult): string {
  const { does, where, rounds, attempted, answered, stored, rejected, lost, doubled, altered, other_violations, p99_ms, seed } = result
  if (result.skipped !== undefined) return `| ${does} | ${where} | not possible here: ${result.skipped} ${'| '.repeat(10)}|`
  const counts = [rounds, attempted, answered, stored, rejected, lost, doubled, altered, other_violations].map(grouped)
  return `| ${[does, where, ...counts, p99_ms === null ? '' : p99_ms.toFixed(0), seed].join(' | ')} |`
}

function toFindings({ does, set_up, violations, broken }: FaultResult): string {
  const lines = violations
    .slice(0, 20)
    .map(({ round, invariant, id, detail }) => `- round ${round}, invariant ${invariant}, ${id}: ${detail}`)
  return `\n${does} (${set_up})${broken === undefined ? '' : `: ${broken}`}\n\n${lines.join('\n')}\n`
}

function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

main(process.argv.slice(2))
