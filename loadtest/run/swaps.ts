import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from './target.ts'

type Deployment = { revision: number; champion: string }

/** Makes the other of the example model's versions champion, evenly over the time; resolves with how many swaps were done. */
export async function swapAgainAndAgain({ admin }: Target, options: { swaps: number; withinSeconds: number }): Promise<number> {
  const url = `${admin}/v1/models/flight-delay/deployment`
  const pauseMs = (options.withinSeconds * 1000) / options.swaps
  let done = 0
  for (let swap = 0; swap < options.swaps; swap++) {
    const startedAt = performance.now()
    const { revision, champion } = (await (await fetch(url)).json()) as Deployment
    const body = JSON.stringify({ revision, champion: champion === '2' ? '1' : '2', shadows: [], reason: `swap ${swap + 1}` })
    const answer = await fetch(url, { method: 'PUT', headers: { 'content-type': 'application/json' }, body })
    if (answer.ok) done += 1
    else process.stderr.write(`swap ${swap + 1}: ${answer.status} ${await answer.text()}\n`)
    await sleep(Math.max(0, pauseMs - (performance.now() - startedAt)))
  }
  return done
}
