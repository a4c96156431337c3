import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from '../logger/statistics.ts'
import type { Finding } from './scenario.ts'
import { residentBytes, type Target } from './target.ts'

const everyMs = 500
const mostGrowth = 0.05

/**
 * Watches the gateway's memory while something runs, and gives its growth: the median of the last third over that of the second,
 * when it has warmed up, less one.
 */
export async function watchMemory<T>(target: Target, work: Promise<T>): Promise<{ result: T; finding: Finding }> {
  const samples: number[] = []
  let going = true
  const sampling = (async () => {
    while (going) {
      // Under overload a scrape may be late; the next one comes.
      await residentBytes(target).then(
        (bytes) => samples.push(bytes),
        () => undefined,
      )
      await sleep(everyMs)
    }
  })()
  try {
    const result = await work
    return { result, finding: judge(samples) }
  } finally {
    going = false
    await sampling
  }
}

function judge(samples: readonly number[]): Finding {
  const third = Math.floor(samples.length / 3)
  const [before, after] = [samples.slice(third, 2 * third), samples.slice(2 * third)].map((part) => quantile(part, 0.5))
  const growth = (after ?? Number.NaN) / (before ?? Number.NaN) - 1
  const [from, to] = [before, after].map((bytes) => `${Math.round((bytes ?? Number.NaN) / 1024 ** 2)} MB`)
  return {
    text: `memory ${from} after warm-up, ${to} at the end: ${(growth * 100).toFixed(1)} %, at most ${mostGrowth * 100} %`,
    holds: growth < mostGrowth,
  }
}
