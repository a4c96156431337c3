import { setTimeout as sleep } from 'node:timers/promises'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'

/** A rebuild as the command asks for it, through the store, so that it works wherever the materializer runs. */
export type RebuildState = { id: string; state: 'requested' | 'running' | 'done'; facts: number }

const place = { partition: 0, key: 'meta|rebuild' }

export async function readRebuild(store: Pick<OnlineStore, 'read'>): Promise<RebuildState | undefined> {
  const [bytes] = (await store.read([place])).values
  return bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as RebuildState)
}

export async function writeRebuild(store: Pick<OnlineStore, 'commit'>, state: RebuildState): Promise<void> {
  const values = new Map([[place.key, new TextEncoder().encode(JSON.stringify(state))]])
  await store.commit([{ partition: place.partition, values, applied: [] }])
}

/** Asks the running materializer for a rebuild and resolves with the number of facts when it is done. */
export async function requestRebuild(
  store: Pick<OnlineStore, 'read' | 'commit'>,
  options: { id: string; onProgress(facts: number): void; signal?: AbortSignal },
): Promise<number> {
  await writeRebuild(store, { id: options.id, state: 'requested', facts: 0 })
  for (;;) {
    const state = await readRebuild(store)
    if (state?.id === options.id) {
      options.onProgress(state.facts)
      if (state.state === 'done') return state.facts
    }
    await sleep(100, undefined, options.signal && { signal: options.signal })
  }
}
