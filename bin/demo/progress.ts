import { SingleBar } from 'cli-progress'
import type { ReplayProgress } from './replay-day.ts'

export type Progress = { update(progress: ReplayProgress): void; stop(): void }

/** The time between two lines where there is no terminal to draw on. */
const lineEveryMs = 5000

/** Shows progress as a bar on a terminal, elsewhere as a line now and then. */
export function createProgress({ stream, now }: { stream: NodeJS.WriteStream; now: () => number }): Progress {
  return stream.isTTY ? createBar(stream) : createLines(stream, now)
}

function createBar(stream: NodeJS.WriteStream): Progress {
  const format = 'replaying {bar} {percentage} % | {value}/{total} flights | {clock} | {duration_formatted}'
  const bar = new SingleBar({ stream, format, hideCursor: true, barsize: 30, etaBuffer: 100 })
  let started = false
  return {
    update({ done, total, simulatedAtMs }) {
      if (!started) bar.start(total, 0, { clock: '' })
      started = true
      bar.update(done, { clock: toClock(simulatedAtMs) })
    },
    stop: () => bar.stop(),
  }
}

function createLines(stream: NodeJS.WriteStream, now: () => number): Progress {
  let lastMs = -Infinity
  return {
    update({ done, total, simulatedAtMs }) {
      if (now() - lastMs < lineEveryMs && done < total) return
      if (done === total && lastMs === Infinity) return
      lastMs = done === total ? Infinity : now()
      stream.write(`replaying: ${done}/${total} flights, ${toClock(simulatedAtMs)}\n`)
    },
    stop: () => undefined,
  }
}

function toClock(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
