import { setTimeout as sleep } from 'node:timers/promises'
import type { DeploymentChange, DeploymentState } from '../../contracts/deployment.ts'
import type { Target } from './target.ts'

/**
 * Makes the other of the example model's versions champion, evenly over the time; resolves with how many swaps were done. Only what
 * is deployed is in memory, so that each swap loads a version and unloads one.
 */
export async function swapAgainAndAgain({ admin }: Target, options: { swaps: number; withinSeconds: number }): Promise<number> {
  const url = `${admin}/v1/models/flight-delay/deployment`
  const pauseMs = (options.withinSeconds * 1000) / options.swaps
  let done = 0
  for (let swap = 0; swap < options.swaps; swap++) {
    const startedAt = performance.now()
    const { deployment } = (await (await fetch(url)).json()) as DeploymentState
    const champion = deployment.champion === '2' ? '1' : '2'
    const change: Partial<DeploymentChange> = { champion, loaded: 'deployed', reason: `swap ${swap + 1}`, based_on: deployment.revision }
    const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(change) }
    const answer = await fetch(url, init)
    if (answer.ok) done += 1
    else process.stderr.write(`swap ${swap + 1}: ${answer.status} ${await answer.text()}\n`)
    await sleep(Math.max(0, pauseMs - (performance.now() - startedAt)))
  }
  return done
}
