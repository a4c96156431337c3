import type { Exchange } from '../http/exchange.ts'

/** Tells a listener, once, that the client has hung up. */
export type OnHangUp = (listener: () => void) => void

/** Tells when a request's connection ends before its answer is sent. The request's own AbortSignal would cost more, being made anew for each. */
export function onHangUpOf(exchange: Exchange): OnHangUp | undefined {
  if (exchange.onEnd === undefined) return undefined
  return (listener) => exchange.onEnd?.((ending) => ending === 'client_gone' && listener())
}
