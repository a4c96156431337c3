import type { Context } from 'hono'
import type { Origin } from '../../contracts/origin.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import type { FatedPrediction, Fates } from './fates.ts'

/** A prediction, with the error that it ended with. */
type AnsweredPrediction = { event: FatedPrediction & { error_code?: string | undefined } }

/** What one client is told of its predictions. */
export type Reply = {
  /** The predictions are durable at these origins. The client may have been told of something else before. */
  committed(predicted: readonly AnsweredPrediction[], origins: readonly Origin[]): void
  /** Is called once the last byte of an answer that is no error was given to the kernel. */
  whenAnswered(action: () => void): void
}

/** `errorCode`: of the error that was answered instead. */
type Notice = { errorCode?: string | undefined } | 'client_gone'

/** Undefined where there is no connection to watch, and nobody to be told. */
export function createReply(c: Context<GatewayEnv>, fates: Pick<Fates, 'answered' | 'unanswered'>): Reply | undefined {
  const outgoing = c.env?.outgoing
  if (outgoing === undefined) return undefined
  const { socket } = outgoing.req
  let told: Notice | undefined
  let durable: { predicted: readonly AnsweredPrediction[]; origins: readonly Origin[] } | undefined
  let onAnswered: (() => void) | undefined

  function end(how: Notice): void {
    if (told !== undefined) return
    told = how
    if (durable !== undefined) settle(fates, { ...durable, told })
    if (told !== 'client_gone' && told.errorCode === undefined) onAnswered?.()
  }

  // It also comes for bytes that never left, and before the connection is seen to be gone; the socket knows.
  const onFinish = () => end(socket.destroyed || socket.errored !== null ? 'client_gone' : { errorCode: c.get('errorCode') })
  if (outgoing.destroyed) end('client_gone')
  else outgoing.prependOnceListener('finish', onFinish).once('close', () => end('client_gone'))

  return {
    committed(predicted, origins) {
      durable = { predicted, origins }
      if (told !== undefined) settle(fates, { ...durable, told })
    },
    whenAnswered: (action) => void (onAnswered = action),
  }
}

type FateSettlement = { predicted: readonly AnsweredPrediction[]; origins: readonly Origin[]; told: Notice }

function settle(fates: Pick<Fates, 'answered' | 'unanswered'>, { predicted, origins, told }: FateSettlement): void {
  for (const [index, { event }] of predicted.entries()) {
    const origin = origins[index]
    if (origin === undefined) continue
    const reason = told === 'client_gone' ? told : reasonOf(told.errorCode, event.error_code)
    if (reason === undefined) fates.answered(event, origin)
    else fates.unanswered(event, origin, reason)
  }
}

/** Who is told the error that the prediction ended with is answered. */
function reasonOf(toldCode: string | undefined, ownCode: string | undefined): 'deadline' | 'error' | undefined {
  if (toldCode === undefined || toldCode === ownCode) return undefined
  return toldCode === 'deadline_exceeded' ? 'deadline' : 'error'
}
