/** Says once, by giving a reason, that work is no longer wanted. An AbortSignal says the same, at ten times the cost to a request. */
export type Cancellation = {
  readonly reason: Error | undefined
  /** Calls the listener once, when the work is cancelled; at once when it has been. */
  onCancel(listener: (reason: Error) => void): void
}

export function createCancellation(): Cancellation & { cancel(reason: Error): void } {
  return new Canceller()
}

class Canceller implements Cancellation {
  reason: Error | undefined = undefined
  #listeners: ((reason: Error) => void)[] = []

  onCancel(listener: (reason: Error) => void): void {
    if (this.reason === undefined) this.#listeners.push(listener)
    else listener(this.reason)
  }

  cancel(reason: Error): void {
    if (this.reason !== undefined) return
    this.reason = reason
    const told = this.#listeners
    this.#listeners = []
    for (const tell of told) tell(reason)
  }
}
