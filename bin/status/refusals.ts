import type { ServiceName } from '../../platform/service/service.ts'

type GatewayModels = { model: string; refused?: Record<string, string> }[]
type NotServed = { model: string; version?: string; reason: string }[]
type JudgedModels = Record<string, { problem?: string }>

/** A service with what it answered at `/status`. */
type AnsweredStatus = { service: ServiceName; status: Record<string, unknown> }

/** Models and versions that are not served, not judged or without a view, and why: one sentence each, no sentence twice. */
export function refusalsOf(services: readonly AnsweredStatus[]): string[] {
  const lines = services.flatMap(({ service, status }) => {
    if (service === 'gateway') return gatewayLines(status)
    return service === 'labeler' ? labelerLines(status) : []
  })
  return [...new Set(lines)]
}

function gatewayLines({
  models = [],
  models_not_served: notServed = [],
}: {
  models?: GatewayModels
  models_not_served?: NotServed
}): string[] {
  return [
    ...notServed.map(({ model, version, reason }) =>
      version === undefined
        ? `${model} is not served: ${reason}`
        : `${model} is not served, its champion ${version} being refused: ${reason}`,
    ),
    ...models.flatMap(({ model, refused = {} }) =>
      Object.entries(refused)
        .filter(([version]) => !notServed.some((other) => other.model === model && other.version === version))
        .map(([version, reason]) => `${model} version ${version} is refused: ${reason}`),
    ),
  ]
}

function labelerLines({
  without_view: views = {},
  models = {},
}: {
  without_view?: Record<string, string>
  models?: JudgedModels
}): string[] {
  return [
    ...Object.entries(views).map(([model, reason]) => `${model} has no view in gold: ${reason}`),
    ...Object.entries(models).flatMap(([model, { problem }]) => (problem === undefined ? [] : [`${model} is not evaluated: ${problem}`])),
  ]
}
