/** The work's result, or what `late` gives or throws when it has taken so long. The work goes on all the same. */
export async function within<T, Late>(ms: number, work: Promise<T>, late: () => Late): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined
  const atDeadline = new Promise<Late>((resolve) => {
    timer = setTimeout(() => resolve((async () => late())() as Promise<Late>), ms)
  })
  try {
    return await Promise.race([work, atDeadline])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves when the work has settled, well or not, or after so long: for ends that must not wait for a peer that hangs. */
export function settledWithin(ms: number, work: Promise<unknown>): Promise<void> {
  return within(ms, work.then(nothing, nothing), nothing)
}

function nothing(): void {}
