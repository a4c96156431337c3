import type { Fault } from './fault.ts'
import { emptyResult, type FaultResult } from './result.ts'
import { allFaults } from './rows/all.ts'
import { runFault } from './run-fault.ts'
import { whyNoServers } from './system/servers.ts'
import { type SetUp, setUps } from './system/spec.ts'

/** One of several runs that share the faults; `index` counts from 1. */
export type Part = { index: number; of: number }

export type RunOptions = {
  seed: number
  budgetMs: number
  rounds?: number
  only?: readonly string[]
  part?: Part
  setUp?: string
  say: (line: string) => void
}

/** Runs every fault asked for, one after the other, and gives each result as soon as it is there. */
export async function* runFaults(options: RunOptions): AsyncGenerator<FaultResult> {
  const { seed, say } = options
  for (const { fault, setUp } of chosen(options)) {
    const title = `${fault.name} (${setUp})`
    const reason = whyNotHere(fault, setUp)
    if (reason !== undefined) {
      say(`${title}: not possible here: ${reason}`)
      yield skipped({ fault, setUp, seed, reason })
      continue
    }
    const rounds = options.rounds ?? fault.rounds
    say(`${title}: ${rounds} rounds`)
    const result = await runFault({
      fault,
      setUp,
      seed,
      rounds,
      budgetMs: options.budgetMs,
      onRound({ number, ms, violations }) {
        if (violations.length > 0) say(`${title}: round ${number} of seed ${seed} breaks invariants`)
        for (const { invariant, id, detail } of violations.slice(0, 20)) say(`  ${invariant}: ${id}: ${detail}`)
        if (process.stderr.isTTY || number % 10 === 0 || rounds < 10) say(`  ${number}/${rounds} ${(ms / 1000).toFixed(1)} s`)
      },
    })
    if (result.broken !== undefined) say(`${title}: ${result.broken}`)
    if (result.files !== undefined) say(`${title}: its files are kept in ${result.files}`)
    yield result
  }
}

function chosen({ only, setUp, part }: RunOptions): { fault: Fault; setUp: SetUp }[] {
  const wanted = allFaults.filter(({ name }) => only === undefined || only.some((start) => name.startsWith(start)))
  return setUps
    .filter((one) => setUp === undefined || one === setUp)
    .flatMap((one) => wanted.filter(({ setUps: of }) => of.includes(one)).map((fault) => ({ fault, setUp: one })))
    .filter((_, place) => part === undefined || place % part.of === part.index - 1)
}

function whyNotHere(fault: Fault, setUp: SetUp): string | undefined {
  return (setUp === 'servers' ? whyNoServers() : undefined) ?? fault.whyNot?.()
}

/** The result of a fault that cannot be done; with REQUIRE_SERVICES=1 it was not passed. */
function skipped({ fault, setUp, seed, reason }: { fault: Fault; setUp: SetUp; seed: number; reason: string }): FaultResult {
  const result = { ...emptyResult({ fault: fault.name, does: fault.does, set_up: setUp, seed }), skipped: reason }
  return process.env['REQUIRE_SERVICES'] === '1' ? { ...result, broken: `not possible here: ${reason}` } : result
}
