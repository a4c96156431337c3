/** A place in a line: `reached` resolves when everybody before it has passed, and `pass` lets the next one on. */
export type Turn = { reached(): Promise<void>; pass(): void }

/** Lets pieces of work that go on at once pass a point in the order in which they took their turns. */
export function createTurns(): () => Turn {
  let last = Promise.resolve()
  return () => {
    const before = last
    let pass: () => void = () => undefined
    const passed = new Promise<void>((resolve) => (pass = resolve))
    last = passed.then(() => before)
    return { reached: () => before, pass }
  }
}
