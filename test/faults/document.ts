import type { Fault } from './fault.ts'
import type { FaultResult, RunResult } from './result.ts'

/** A row of docs/faults.csv: what became of one fault in one set-up, and what it takes to run it again. */
export type FaultRow = Record<(typeof columns)[number], string>

const counts = ['rounds', 'attempted', 'answered', 'stored', 'rejected', 'lost', 'doubled', 'altered', 'other_violations'] as const
const columns = ['fault', 'set_up', ...counts, 'p99_ms', 'budget_ms', 'seed', 'commit', 'date', 'node', 'nats_server'] as const

/** The faults of a run that were run to their end, one row each. */
export function toRows({ results, budget_ms, seed, commit = '', started_at, node, nats_server = '' }: RunResult): FaultRow[] {
  const run = { budget_ms: budget_ms ?? '', seed, commit, date: started_at.slice(0, 10), node }
  return results.filter(wasRun).map((result) => {
    const servers = { nats_server: result.set_up === 'servers' ? nats_server : '' }
    const row = { ...result, ...run, ...servers, p99_ms: result.p99_ms?.toFixed(0) ?? '' }
    return Object.fromEntries(columns.map((column) => [column, String(row[column])])) as FaultRow
  })
}

/** The rows with those of later runs in the place of earlier ones of the same fault and set-up, in the order of the faults. */
export function mergeRows(rows: readonly FaultRow[], faults: readonly Fault[]): FaultRow[] {
  const latest = new Map(rows.map((row) => [`${row.fault} ${row.set_up}`, row]))
  return faults.flatMap(({ name, setUps }) => setUps.flatMap((setUp) => latest.get(`${name} ${setUp}`) ?? []))
}

export function parseCsv(text: string): FaultRow[] {
  const [head, ...lines] = text.trim().split('\n')
  if (head !== columns.join(',')) throw new Error(`the first line must be ${columns.join(',')}`)
  return lines.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(columns.map((column, place) => [column, cells[place] ?? ''])) as FaultRow
  })
}

export function toCsv(rows: readonly FaultRow[]): string {
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))].map((cells) => `${cells.join(',')}\n`).join('')
}

export function toDocument(rows: readonly FaultRow[], faults: readonly Fault[]): string {
  const total = (column: (typeof counts)[number]) => sum(rows, column).toLocaleString('en-US')
  return `# Faults

What is done to Hindsight on purpose, and what becomes of the records. [test/faults](../test/faults/README.md) says how a round goes and what is checked
after it; [architecture.md](architecture.md#guarantees) has the guarantees.

Of ${total('attempted')} predictions, labels and feature events that clients sent in ${total('rounds')} rounds, ${total('answered')} were answered:
**${total('lost')} lost, ${total('doubled')} doubled, ${total('altered')} altered**, ${total('other_violations')} other violations.

| fault | what happens | guarantee | rounds | lost / doubled / altered |
| --- | --- | --- | ---: | ---: |
${faults.flatMap((fault) => tableRow(fault, rows)).join('\n')}

Every round asks for G1 to G4, and for what the caller was told; G6 is asked for where the gateway and its online store stay up: there 99 of 100 are answered.

[faults.csv](faults.csv) has the figures of each fault and set-up:

- \`attempted\`: sent, each once. \`answered\`: with a 2xx; where the gateway is ended, or its disk is full, the rest found nobody or a 503.
- \`stored\`: rows that readers see, those included that were never answered. \`rejected\`: kept in \`bronze.rejects\`; one label and one event in twenty break
  their definition.
- \`p99_ms\`: of answered predictions, from the moment each was due, on two cores that also run the client, every service, the servers and, in long runs, other
  faults at the same time. \`budget_ms\` is what it was held to; empty where it was held to nothing (\`--no-budget\`).

A row is run again by its \`seed\` at its \`commit\`, and takes its place in both files:

\`\`\`sh
npm run faults -- --only gateway-kill --set-up embedded --rounds 3 --seed 549519642 --no-budget --json run.json
node --import=#typescript test/faults/write-document.ts run.json
\`\`\`
`
}

function tableRow({ name, does, keepsAnswering }: Fault, rows: readonly FaultRow[]): string[] {
  const own = rows.filter(({ fault }) => fault === name)
  if (own.length === 0) return []
  const guarantee = `G1 to G4${keepsAnswering === true ? ', G6' : ''}${name === 'poison' ? ', G7' : ''}`
  const rounds = own.map(({ set_up, rounds: number }) => `${number} ${set_up}`).join(', ')
  const harm = (['lost', 'doubled', 'altered'] as const).map((column) => sum(own, column)).join(' / ')
  return [`| \`${name}\` | ${does} | ${guarantee} | ${rounds} | ${harm} |`]
}

function wasRun({ skipped, broken }: FaultResult): boolean {
  if (broken !== undefined && skipped === undefined) throw new Error(`a run that broke off is no result: ${broken}`)
  return skipped === undefined
}

function sum(rows: readonly FaultRow[], column: (typeof counts)[number]): number {
  return rows.reduce((total, row) => total + Number(row[column]), 0)
}
