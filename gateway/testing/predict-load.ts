import { setTimeout as sleep } from 'node:timers/promises'
import { predictResponse } from '../../contracts/http.ts'

export type PredictLoad = {
  /** Ends the load; gives the answers, and what came instead of them. */
  stop(): Promise<{ answers: ReadonlyMap<string, string>; failures: string[] }>
  /** Resolves when so many more are answered. */
  answered(count: number): Promise<void>
}

/** Clients that predict one request after the other, each answer by its prediction id with the version that gave it. */
export function startPredictLoad(options: { url: string; model: string; body: object; clients: number }): PredictLoad {
  const answers = new Map<string, string>()
  const failures: string[] = []
  let going = true
  const clients = Array.from({ length: options.clients }, async () => {
    while (going) {
      await ask().catch((error: unknown) => failures.push(String(error)))
      await sleep(5)
    }
  })

  async function ask(): Promise<void> {
    const response = await fetch(`${options.url}/v1/models/${options.model}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(options.body),
    })
    const text = await response.text()
    if (!response.ok) return void failures.push(`${response.status} ${text}`)
    const answer = predictResponse.parse(JSON.parse(text))
    answers.set(answer.prediction_id, answer.model_version)
  }

  return {
    async stop() {
      going = false
      await Promise.all(clients)
      return { answers, failures }
    },
    async answered(count) {
      const enough = answers.size + count
      while (answers.size < enough && failures.length === 0) await sleep(5)
    },
  }
}
