/** Says once, by giving a reason, that work is no longer wanted. An AbortSignal says the same, at ten times the cost to a request. */
export type Cancellation = {
  readonly reason: Error | undefined
  /** Called once, when it comes; at once when it has. */
  onCancel(listener: (reason: Error) => void): void
}

export function createCancellation(): Cancellation & { cancel(reason: Error): void } {
  let reason: Error | undefined
  let listeners: ((reason: Error) => void)[] = []
  return {
    get reason() {
      return reason
    },
    onCancel(listener) {
      if (reason === undefined) listeners.push(listener)
      else listener(reason)
    },
    cancel(because) {
      if (reason !== undefined) return
      reason = because
      const told = listeners
      listeners = []
      for (const tell of told) tell(because)
    },
  }
}
