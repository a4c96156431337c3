import type { Deadlines } from '../bounds/deadlines.ts'
import type { Answer } from './answer.ts'

/** What one request says, and the one answer to it, whether they are Node's or fetch's. */
export type Exchange = {
  /** A header of the request, by its name in lower case. */
  header(name: string): string | undefined
  /**
   * The body as it was sent, read no further than the limit. Throws `body_too_large`, `cancelled` when the client hangs up, and
   * `deadline_exceeded` when it is not there in time.
   */
  receive(options: ReceiveOptions): Promise<Uint8Array>
  /** Sends the answer with these headers, names and values in turn; to be called once. Returns what a handler of Hono's returns. */
  send(answer: Answer, rawHeaders: string[]): Response
  /** Calls back once with how the exchange ended, at once if it has. Absent where there is no connection that could tell. */
  onEnd?(listener: (ending: Ending) => void): void
  /** Ends the connection. Absent where the answer is only what `send` returns. */
  abort?(): void
}

export type ReceiveOptions = { maxBytes: number; within?: BodyDeadline | undefined }

/** The moment by which a body must have arrived. */
export type BodyDeadline = { deadlines: Deadlines; atTick: number }

/** How an exchange ended: the client has gone, or the answer's last byte was given to the kernel, with the code of the error that was answered. */
export type Ending = 'client_gone' | { errorCode: string | undefined }
