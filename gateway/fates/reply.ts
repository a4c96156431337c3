import type { Origin } from '../../contracts/origin.ts'
import type { Ending, Exchange } from '../http/exchange.ts'
import type { FatedPrediction, Fates } from './fates.ts'

/** A prediction, with the error that it ended with. */
type AnsweredPrediction = { event: FatedPrediction & { error_code?: string | undefined } }

/** What one client is told of its predictions. */
export type Reply = {
  /** Takes note that the predictions are durable at these origins. The client may have been told of something else before. */
  committed(predicted: readonly AnsweredPrediction[], origins: readonly Origin[]): void
  /** Calls back once the last byte of an answer that is no error was given to the kernel. */
  whenAnswered(action: () => void): void
}

/** Watches what a client is told and records it as the fate of its predictions. Undefined where there is no connection to watch. */
export function createReply(exchange: Exchange, fates: Pick<Fates, 'answered' | 'unanswered'>): Reply | undefined {
  if (exchange.onEnd === undefined) return undefined
  let told: Ending | undefined
  let durable: Durable | undefined
  let onAnswered: (() => void) | undefined

  exchange.onEnd((ending) => {
    told = ending
    if (durable !== undefined) settle(fates, durable, told)
    if (told !== 'client_gone' && told.errorCode === undefined) onAnswered?.()
  })

  return {
    committed(predicted, origins) {
      durable = { predicted, origins }
      if (told !== undefined) settle(fates, durable, told)
    },
    whenAnswered: (action) => void (onAnswered = action),
  }
}

type Durable = { predicted: readonly AnsweredPrediction[]; origins: readonly Origin[] }

function settle(fates: Pick<Fates, 'answered' | 'unanswered'>, { predicted, origins }: Durable, told: Ending): void {
  for (let index = 0; index < predicted.length; index++) {
    const { event } = predicted[index] as AnsweredPrediction
    const origin = origins[index]
    if (origin === undefined) continue
    const reason = told === 'client_gone' ? told : reasonOf(told.errorCode, event.error_code)
    if (reason === undefined) fates.answered(event, origin)
    else fates.unanswered(event, origin, reason)
  }
}

/** Why a prediction counts as unanswered; a client that is told the prediction's own error is answered. */
function reasonOf(toldCode: string | undefined, ownCode: string | undefined): 'deadline' | 'error' | undefined {
  if (toldCode === undefined || toldCode === ownCode) return undefined
  return toldCode === 'deadline_exceeded' ? 'deadline' : 'error'
}
