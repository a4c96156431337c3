import type { IncomingMessage } from 'node:http'

/** The longest that an unwanted rest of a body is read. */
const drainMs = 500

/** Reads the rest of a body, so that the connection is free for the next request; one that takes too long is ended instead. */
export function drainBody(incoming: IncomingMessage): void {
  if (incoming.destroyed || incoming.readableEnded) return
  if (incoming.complete) return void incoming.resume()
  const timer = setTimeout(() => incoming.socket.destroySoon(), drainMs).unref()
  incoming.once('close', () => clearTimeout(timer)).resume()
}
