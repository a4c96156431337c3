/** Work that is done a slice at a time, so that what waits for the event loop meanwhile waits for no more than a slice. */
export type Slices = {
  /** Adds a task; `later` is one of a request of which some has been done. */
  add(task: () => void, options: { later: boolean }): void
  /** Does waiting tasks for as long as a slice lasts. The rest follows in the next turns. */
  run(): void
}

const sliceMs = 2

/**
 * What was added first is done first; of `later` tasks one per slice behind the others, so that large requests let small ones pass
 * and come to an end themselves. `afterEach` is called at the end of each slice. `tick` is monotonic, in milliseconds.
 */
export function createSlices({ tick, afterEach }: { tick: () => number; afterEach: () => void }): Slices {
  let first: (() => void)[] = []
  let later: (() => void)[] = []
  let isScheduled = false

  /** Runs tasks until a moment and returns the rest. A task may add others, and ask for them to be run. */
  function runSome(tasks: (() => void)[], until: number): (() => void)[] {
    let done = 0
    while (done < tasks.length && (done === 0 || tick() < until)) tasks[done++]!()
    return tasks.slice(done)
  }

  function run(): void {
    const until = tick() + sliceMs
    const [now, behind] = [first, later]
    first = []
    later = []
    first = [...runSome(now, until), ...first]
    later = [...runSome(behind, until), ...later]
    afterEach()
    if (isScheduled || first.length + later.length === 0) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      run()
    })
  }

  return {
    add: (task, options) => void (options.later ? later : first).push(task),
    run,
  }
}
