import type { ServerResponse } from 'node:http'
import type { Ending } from './exchange.ts'

/** Watches how the answer of one request ends: with one listener for each of the two events, and none before somebody asks. */
export class AnswerWatch {
  readonly #outgoing: ServerResponse
  #listeners: ((ending: Ending) => void)[] | undefined
  #ending: Ending | undefined
  /** The code of the error that is answered, if the answer is one. */
  errorCode: string | undefined

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
  }

  onEnd(listener: (ending: Ending) => void): void {
    if (this.#outgoing.destroyed) this.#end('client_gone')
    if (this.#ending !== undefined) return listener(this.#ending)
    if (this.#listeners === undefined) this.#listen()
    this.#listeners?.push(listener)
  }

  #listen(): void {
    this.#listeners = []
    const outgoing = this.#outgoing
    const { socket } = outgoing.req
    // `finish` also comes for bytes that never left, and before the connection is seen to be gone; the socket knows.
    const onFinish = () => this.#end(socket.destroyed || socket.errored !== null ? 'client_gone' : { errorCode: this.errorCode })
    outgoing.prependListener('finish', onFinish).on('close', () => this.#end('client_gone'))
  }

  #end(ending: Ending): void {
    if (this.#ending !== undefined) return
    this.#ending = ending
    for (const tell of this.#listeners ?? []) tell(ending)
  }
}
