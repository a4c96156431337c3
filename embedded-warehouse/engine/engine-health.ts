/** Whether the engine answers, as of the latest of its regular probes: asking costs no query and waits for none. */
export type EngineHealth = { ok(): boolean; stop(): void }

const probeEveryMs = 1_000
/** A probe may wait for a core behind scans; an engine that is silent for longer than this is stuck. */
const silentAfterMs = 10_000

export function createEngineHealth(probe: () => Promise<void>, now: () => number = () => performance.now()): EngineHealth {
  let answeredAt = now()
  let probing = false

  async function ask(): Promise<void> {
    if (probing) return
    probing = true
    try {
      await probe()
      answeredAt = now()
    } catch {
      // A failed probe is silence: `ok` turns false when it lasts.
    } finally {
      probing = false
    }
  }

  const timer = setInterval(() => void ask(), probeEveryMs)
  timer.unref()
  return { ok: () => now() - answeredAt < silentAfterMs, stop: () => clearInterval(timer) }
}
