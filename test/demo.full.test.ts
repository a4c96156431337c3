import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { type HindsightProcess, createDataDirectory, startHindsight } from './testing/hindsight-process.ts'
import { runHindsight } from './testing/run-command.ts'

/** The demo's options: enough hours for shadows, landings and more than a thousand flights, and few enough for a test. */
const demo = ['--demo', '--project', 'models', '--day', '2001-06-04', '--hours', '8']
/** How many busy loops run beside the demo: more than there are cores, so that every service waits for its turn. */
const busyLoops = 6

const loops: ChildProcess[] = []
afterAll(() => loops.forEach((loop) => loop.kill('SIGKILL')))

type Demo = { report: string; groups: unknown[] }

describe('the demo', () => {
  test('comes to the same evaluation, to the last digit, on a quiet and on a busy machine', async () => {
    const quiet = await runDemo()
    for (let loop = 0; loop < busyLoops; loop++) loops.push(spawn('yes', { stdio: ['ignore', 'ignore', 'ignore'] }))
    const busy = await runDemo()
    for (const { report } of [quiet, busy]) expect(report).toContain('everything is as it should be')
    expect(busy.groups).toEqual(quiet.groups)
    expect(quiet.groups).toHaveLength(2)
  })
})

async function runDemo(): Promise<Demo> {
  const { dir: dataDir, remove } = createDataDirectory()
  const hindsight = await startHindsight({ dataDir, args: demo })
  try {
    const report = await reportOf(hindsight)
    const { code, stdout } = await runHindsight(['evaluate', 'flight-delay', '--json'], dataDir)
    expect(code).toBe(0)
    const { groups } = JSON.parse(stdout) as { groups: { counts: Record<string, number> }[] }
    return { report, groups: groups.map(withoutLeftOut) }
  } finally {
    await hindsight.stop()
    remove()
  }
}

/** How many attempts the machine cost is no part of what was evaluated. */
function withoutLeftOut({ counts: { unanswered: _, repeated: __, ...counts }, ...group }: { counts: Record<string, number> }): object {
  return { ...group, counts }
}

async function reportOf(hindsight: HindsightProcess): Promise<string> {
  for (;;) {
    const report = /\nflights of [^]*as it should be/i.exec(hindsight.output())?.[0]
    if (report !== undefined) return report
    await delay(200)
  }
}
