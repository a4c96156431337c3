/** Counts who uses something, so that it is taken away when nobody does. */
export type Uses = {
  /** Call what it returns, once, when done. */
  hold(): () => void
  /** Resolves at the first moment that nobody holds it. */
  idle(): Promise<void>
}

export function createUses(): Uses {
  let holders = 0
  const waiting: (() => void)[] = []
  return {
    hold() {
      holders++
      let held = true
      return () => {
        if (!held) return
        held = false
        if (--holders > 0) return
        for (const resolve of waiting.splice(0)) resolve()
      }
    },
    idle: () => (holders === 0 ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve))),
  }
}
